"""tab_transfer_benchmark: every method of calibration transfer, by pair of instruments and target, and over all.

Rows of `block` "pair" are one method on one pair "A>B" (A trains, B is tested), target and number `size` of transfer
samples, by `condition` how these are chosen: `rmsep`, mean over `draws` transfer sets, `sd` over these, `ratio` to the
target instrument's own calibration and `eta`, the transfer efficiency. Methods without transfer samples have size 0.

Rows of `block` "summary" are one method and number of randomly drawn samples: what
`etalon.evaluate.compare.summarise` finds of the ratios (intervals over families, p over pairs of instruments, both
directions together), and `eta`, the median efficiency, with its interval.
"""

from collections.abc import Callable

import pandas as pd

from etalon.evaluate.compare import SUMMARY
from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.encoder_latex import DEMO
from etalon.figures.latex import (
    LAYOUT,
    PREAMBLE,
    SYNTHETIC,
    Notes,
    escape,
    fixed,
    interval,
    longtable,
    significant,
    write,
)
from etalon.figures.transfer_rows import (
    CASE,
    LEARNED,
    OWN,
    PROCESS,
    RANDOM,
    SIZE,
    UNCORRECTED,
    at_size,
    look,
    missing,
    order,
    read,
    summary,
    tabulate,
)

ETA = ["eta", "eta_low", "eta_high", "eta_tasks"]
COLUMNS = [
    *("block", *CASE, "condition", "method", "label", "size", "status", "rmsep", "sd", "draws", "ratio", *ETA),
    *(name for name in SUMMARY if name != "method"),
]
PRINTED = (UNCORRECTED, "bias", "sbc", "ds", "pds", "di_pls", "spiking", "target_only", PROCESS, LEARNED, OWN)


def table_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`; what did not run is a row whose `status` gives the reason.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read(metrics)
    ran = tabulate(rows).assign(status="ok")
    absent = missing(rows).merge(rows[["pair", "synthetic"]].drop_duplicates(), on="pair")
    parts = [part for part in (ran, absent.assign(condition=RANDOM)) if len(part)]
    pairs = pd.concat(parts, ignore_index=True).sort_values(["synthetic", "pair", "target"], kind="stable")
    table = pd.concat([_summary(ran, rows).assign(block="summary"), pairs.assign(block="pair")], ignore_index=True)
    return table.assign(label=[look(name).label for name in table["method"]]).reindex(columns=COLUMNS)


def _summary(ran: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a method and number of samples; a method that ran on no pair has the reason as its status."""
    parts = []
    random = ran[ran["condition"] == RANDOM]
    for size, own in random.groupby("size"):
        found, extended = summary(own, "ratio")
        gained, _ = summary(own, "eta")
        gained = gained.rename(columns={"median": ETA[0], "median_low": ETA[1], "median_high": ETA[2], "tasks": ETA[3]})
        parts.append(found.join(gained[ETA]).assign(size=size, synthetic=extended, status="ok").reset_index())
    lacking = missing(rows[~rows["method"].isin(random["method"])])
    why = lacking.groupby("method")["status"].agg(lambda found: found.value_counts().index[0]).reset_index()
    table = pd.concat([*parts, *([why.assign(tasks=0, synthetic=False)] if len(why) else [])], ignore_index=True)
    place = {name: number for number, name in enumerate(order(table["method"]))}
    table = table.sort_values(["method", "size"], key=lambda own: own.map(place) if own.name == "method" else own)
    return table.assign(condition=RANDOM)


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `table_of`: ratios by number of samples, efficiencies, and the pairs."""
    summaries, pairs = table[table["block"] == "summary"], table[table["block"] == "pair"]
    random = pairs[(pairs["condition"] == RANDOM) & (pairs["method"] != "")]
    parts = [_ratios(summaries), _efficiencies(summaries), _pairs(random), _not_run(pairs)]
    return PREAMBLE + "\n".join([LAYOUT, *filter(None, parts), r"\endgroup"]) + "\n"


def _ratios(summaries: pd.DataFrame) -> str:
    caption = (
        "Calibration transfer by the number of transfer samples, drawn at random: RMSEP relative to the target"
        " instrument's own calibration on all training specimens, geometric mean over pairs of instruments, directions"
        r" and targets; below, in brackets, 95 \% bootstrap intervals over families."
    )
    return _by_size(summaries, caption, "transfer-ratios", lambda row: interval(row, "mean", ratios=True))


def _efficiencies(summaries: pd.DataFrame) -> str:
    caption = (
        r"Transfer efficiency $\eta$ by the number of transfer samples, drawn at random: 0 is no correction, 1 the"
        " target instrument's own calibration; median over the tasks that lose at least a tenth without correction, in"
        r" brackets 95 \% bootstrap intervals over families."
    )
    return _by_size(summaries, caption, "transfer-efficiency", lambda row: interval(row, "eta", ratios=True))


def _by_size(summaries: pd.DataFrame, caption: str, label: str, cell: Callable[[pd.Series], str]) -> str:
    """Return a table of methods down and numbers of samples across; `cell` writes one row of a summary."""
    notes, demo, sizes = Notes(), bool(summaries["synthetic"].any()), sorted(summaries["size"].dropna().unique())
    body = []
    for _, own in summaries[summaries["method"] != OWN].groupby("method", sort=False):
        name = escape(own["label"].iloc[0]) + (SYNTHETIC if demo else "")
        if own["status"].iloc[0] != "ok":
            body.append([name, notes.mark(own["status"].iloc[0]), *[""] * (len(sizes) - 1)])
            continue
        by_size = {row["size"]: cell(row) for _, row in own.iterrows()}
        cells = [by_size.get(size, "") for size in sizes]
        body.append([name, *(found.partition(" [")[0] for found in cells)])
        bounds = [found.partition(" ")[2] for found in cells]
        if any(bounds):
            body.append(["", *(rf"{{\tiny {text}}}" if text else "" for text in bounds)])
    tasks = summaries.groupby("size")["tasks"].max()
    body.append([r"\midrule Tasks, at most", *(fixed(tasks[size], 0) for size in sizes)])
    header = ["Transfer samples", *("0" if not size else f"{size:g}" for size in sizes)]
    lines = [*([DEMO] if demo else []), *notes.lines([])]
    return longtable(caption, f"tab:{label}", "l" + "r" * len(sizes), header, body, lines)


def _pairs(pairs: pd.DataFrame) -> str:
    """Return the RMSEP of every pair and target at one number of samples, methods across."""
    ran = pairs[pairs["status"] == "ok"]
    if ran.empty:
        return ""
    table, size = at_size(ran, SIZE)
    names = [name for name in PRINTED if name in set(table["method"])]
    body, last = [], ""
    for _, own in table.groupby(["pair", "target"], sort=False):
        _, pair, target, _, unit, synthetic = own[CASE].iloc[0]
        values = own.set_index("method")["rmsep"].reindex(names)
        best = values.drop([UNCORRECTED, OWN], errors="ignore").min()
        cells = [significant(v) if v != best else rf"\textbf{{{significant(v)}}}" for v in values]
        place = escape(pair).replace(r"\textgreater{}", r" $\to$ ") + (SYNTHETIC if synthetic else "")
        known = unit if unit and unit != "not stated" else ""
        body.append([place if pair != last else "", escape(target), escape(known), *cells])
        last = pair
    header = ["Trained on, tested on", "Target", "Unit", *(escape(look(name).label) for name in names)]
    caption = (
        f"RMSEP on the tested instrument with {size:g} transfer samples, mean over random draws, in the unit of the"
        " target; the smallest of those that use them in bold. Last column: a calibration of the tested instrument on"
        " all training specimens."
    )
    columns = "lll" + "r" * len(names)
    return longtable(caption, "tab:transfer-pairs", columns, header, body, Notes().lines(body))


def _not_run(pairs: pd.DataFrame) -> str:
    """Return a line for each reason why pairs did not run, with the pairs."""
    whole = pairs[(pairs["status"] != "ok") & pairs["size"].isna() & (pairs["pair"] != "")]
    methods = pairs["method"].nunique()
    lines = []
    for status, own in whole.groupby("status", sort=False):
        by_pair = own.groupby("pair", sort=False)["method"].nunique()
        found = [escape(pair).replace(r"\textgreater{}", r" $\to$ ") for pair in by_pair.index[by_pair == methods]]
        if found:
            lines.append(rf"\noindent {escape(status)}: {', '.join(found)}.\par")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = table_of(load_metrics(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
