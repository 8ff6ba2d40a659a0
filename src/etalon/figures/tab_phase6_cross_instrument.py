"""tab_phase6_cross_instrument: calibrations of one instrument on spectra of another, by pair and over pairs.

Rows of `block` "pair" are one method on one pair "A>B" (A trains, B is tested), target and condition:
"same_instrument" (held-out specimens measured by A itself), "cross_instrument" (measured by B) and
"cross_instrument_bias" (after removing the mean error of a few transfer specimens). `value` is the RMSEP, mean over
repeats and seeds, `relative` that divided by the standard deviation of the references (divisor n; sqrt(1 - R²)): above
1 the mean of the references does better. `to_reference` is the ratio to tuned PLS under the same condition.

Rows of `block` "summary" hold, for each condition, what `etalon.evaluate.compare.summarise` finds over (pair, target),
with intervals over families and seeds, p over pairs of instruments (both directions together), and `relative`, its
geometric mean. The instruments of a pair measured the same specimens, so sets that overlap others stay in.
"""

import numpy as np
import pandas as pd

from etalon.errors import BadInputError
from etalon.evaluate.compare import OF_SEEDS, SUMMARY, geometric_mean, over_seeds, paired_seeds, summarise
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.encoder_latex import DEMO
from etalon.figures.encoder_rows import ABSENT, named, not_run, reasons, scores, shown
from etalon.figures.latex import (
    LAYOUT,
    PREAMBLE,
    SYNTHETIC,
    Notes,
    escape,
    fixed,
    interval,
    longtable,
    p_value,
    ratio,
    write,
)
from etalon.figures.style import PROTOCOLS

CONDITIONS = ("same_instrument", "cross_instrument", "cross_instrument_bias")
REFERENCE = "tuned_pls"
EXPECTED = (
    *(REFERENCE, "tuned_ridge", "stacked_pls", "fs/ridge", "fs/evidence"),
    *(
        f"{variant}/{head}"
        for variant in ("random_init", "masked_aug_baseline", "fsnl_random_init", "fsnl_episodic_asls")
        for head in ("ridge", "evidence", "fs_evidence")
    ),
)
KEYS = ["family", "pair", "target", "analyte", "unit", "synthetic", "condition", "method"]
COLUMNS = [
    *("block", *KEYS, "label", "status", "value", "relative", "to_reference", "n_train", "repeats"),
    *(name for name in SUMMARY if name != "method"),
    *OF_SEEDS,
]


def tabulate(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`; what did not run is a row whose `status` gives the reason.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = named(plain(metrics[(metrics["task"] == "regression") & (metrics["fold"] == -1)]))
    if not rows["condition"].isin(CONDITIONS).any():
        raise BadInputError("metrics", "condition", f"rows of {' or '.join(CONDITIONS)}", "none")
    names = style.order({*EXPECTED, *(name for name in rows["method"] if not name.endswith("/"))})
    parts = [_of_condition(rows, condition, names) for condition in CONDITIONS]
    table = pd.concat([pd.concat(blocks) for blocks in zip(*parts, strict=True)], ignore_index=True)
    labels = [style.look(name).label for name in table["method"]]
    return table.assign(label=labels).reindex(columns=COLUMNS)


def _of_condition(rows: pd.DataFrame, condition: str, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of both blocks of one condition."""
    whole_set = (rows["status"] != "ok") & ~rows["condition"].isin(CONDITIONS)  # it did not run under any condition
    own = rows[(rows["condition"] == condition) | whole_set].assign(condition=condition)
    pairs = _compared(scores(own, "regression"))
    tasks = _tasks(own, pairs)
    summary = _summary(own, tasks[tasks["status"] == "ok"], pairs, names)
    return tasks.assign(block="pair"), summary.assign(block="summary", condition=condition)


def _compared(ran: pd.DataFrame) -> pd.DataFrame:
    """Return each method against tuned PLS, seed by seed; `target` is "A>B target", `dataset` the two instruments."""
    instruments = ["|".join(sorted(pair.split(">"))) for pair in ran["pair"]]
    own = ran.assign(dataset=instruments, target=ran["pair"] + " " + ran["target"], overlaps="")
    return paired_seeds(own, own[own["method"] == REFERENCE], ("repeat", "draw"))


def _tasks(own: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return one row a pair, target and method; what did not run has the reason as its status."""
    ran = own[(own["status"] == "ok") & own["value"].notna()]
    errors, r2 = scores(ran, "regression"), ran[ran["metric"] == "r2"]
    table = errors.groupby(KEYS, sort=False).agg(
        value=("value", "mean"), n_train=("n_train", "mean"), repeats=("repeat", "nunique"), seeds=("seed", "nunique")
    )
    relative = r2.assign(relative=np.sqrt(np.maximum(0.0, 1.0 - r2["value"]))).groupby(KEYS)["relative"].mean()
    table = table.join(relative).reset_index()
    effects = over_seeds(pairs).set_index(["target", "method"])["ratio"].rename("to_reference")
    table = table.assign(place=table["pair"] + " " + table["target"])
    table = table.join(effects, on=["place", "method"]).drop(columns="place").assign(status="ok")
    missing = own.loc[own["status"] != "ok", [*KEYS, "status"]].drop_duplicates()
    parts = [part for part in (table, missing) if len(part)]
    return pd.concat(parts or [table], ignore_index=True).sort_values(["synthetic", "pair", "target"], kind="stable")


def _summary(own: pd.DataFrame, tasks: pd.DataFrame, pairs: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return one row a name; one that ran nowhere has the reason as its status."""
    _, extended = shown(pairs)
    pairs = pairs.assign(synthetic=False) if extended else pairs
    table = summarise(pairs, REFERENCE, "ratio").set_index("method").reindex(names)
    if extended:
        table[["p", "p_holm"]] = np.nan
    # Embeddings run on pairs without a common channel as well: no error of these may enter a column beside tuned PLS.
    kept = tasks[(extended | ~tasks["synthetic"].astype(bool)) & tasks["to_reference"].notna()]
    table["relative"] = kept[kept["relative"] > 0].groupby("method")["relative"].agg(geometric_mean)
    table["tasks"] = table["tasks"].fillna(0)
    why = [reasons(not_run(own, name)) or ABSENT for name in names]
    table["status"] = np.where(table["tasks"] > 0, "ok", why)
    return table.assign(synthetic=extended).rename_axis("method").reset_index()


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tabulate`: a table of the summaries, and one of the pairs."""
    notes, demo = Notes(), bool(table.loc[table["block"] == "summary", "synthetic"].any())
    summaries = table[table["block"] == "summary"]
    body = []
    for condition in CONDITIONS:
        for number, (_, row) in enumerate(summaries[summaries["condition"] == condition].iterrows()):
            place = [escape(PROTOCOLS[condition]) if not number else "", escape(row["label"])]
            body.append([*place, *_cells(row, notes)])
    header = ["Tested on", "", "Tasks", "RMSEP / SD", "To tuned PLS", "Median", r"Won (\%)", "$p$"]
    caption = (
        "Calibrations of one instrument on spectra of another: geometric means over pairs of instruments and targets of"
        r" the RMSEP over the standard deviation of the references and of its ratio to tuned PLS in the same test; in"
        r" brackets 95 \% bootstrap intervals over families and seeds; $p$: Wilcoxon signed-rank test over pairs, after"
        " Holm."
    )
    lines = [*([DEMO] if demo else []), *notes.lines(body)]
    first = longtable(caption, "tab:phase6-cross-instrument", "llrrrrrr", header, body, lines)
    return PREAMBLE + "\n".join([LAYOUT, first, _pairs_table(table[table["block"] == "pair"]), r"\endgroup"]) + "\n"


def _cells(row: pd.Series, notes: Notes) -> list[str]:
    if row["status"] != "ok":
        return [notes.mark(row["status"]), *[""] * 5]
    effects = [interval(row, name, True) for name in ("mean", "median")]
    share = fixed(100 * row["win_share"], 0)
    return [fixed(row["tasks"], 0), ratio(row["relative"], 2), *effects, share, p_value(row["p_holm"])]


def _pairs_table(rows: pd.DataFrame) -> str:
    """Return RMSEP / SD of every pair and target under the three conditions, one row a method."""
    keys = ["pair", "target", "synthetic", "label"]
    wide = rows.pivot_table(index=keys, columns="condition", values="relative", sort=False)
    wide = wide.reindex(columns=list(CONDITIONS))
    body, last = [], ""
    for (pair, target, synthetic, label), values in zip(wide.index, wide.to_numpy(float), strict=True):
        name = f"{pair}, {target}"
        place = escape(name).replace(r"\textgreater{}", r" $\to$ ") + (SYNTHETIC if synthetic else "")
        body.append([place if name != last else "", escape(label), *(ratio(value, 2) for value in values)])
        last = name
    header = ["Trained on, tested on", "", *(escape(PROTOCOLS[name]) for name in CONDITIONS)]
    caption = "RMSEP over the standard deviation of the references, by pair of instruments and target."
    notes = Notes().lines(body)
    return longtable(caption, "tab:phase6-cross-instrument-pairs", "llrrr", header, body, notes) if body else ""


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = tabulate(load_metrics(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
