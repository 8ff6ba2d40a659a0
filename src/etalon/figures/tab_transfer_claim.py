"""tab_transfer_claim: is a newer method with few transfer samples as good as PDS with many?

One row a method, pair of instruments "A>B", target and question: the method with `size` samples against PDS with
`base_size`, on the same draws. `ratio` is the geometric mean over draws of RMSEP over RMSEP of PDS, with its 95 %
bootstrap interval over draws; `p` is Wilcoxon's over draws, `p_holm` after Holm over the pairs of one question, and
`verdict` needs `etalon.figures.learned_rows.ALPHA` of it. `best` is the ratio to the classical method that turns out
best on this pair with `base_size` samples, a choice that nobody can make beforehand.
"""

import numpy as np
import pandas as pd

from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, Notes, escape, longtable, ratio, write
from etalon.figures.learned_rows import CLAIM, TASK, VERDICTS, claims, read_draws
from etalon.figures.transfer_rows import LEARNED, PROCESS, look

CLASSICAL = ("bias", "sbc", "sbc_reference", "ds", "ds_residual", "pds", "di_pls", "mdi_pls", "spiking", "target_only")
# The pairs on which the process was made: what it is worth is what the others show.
DEVELOPED = (
    *("pharma_idrc2002_inst1>pharma_idrc2002_inst2", "forage_ibf_1mm>forage_ibf_10mm"),
    *("corn_m5>corn_mp5", "corn_m5>corn_mp6", "corn_mp5>corn_m5", "corn_mp6>corn_m5"),
    *("sugarcane_micronir1700>sugarcane_nirscan_nano", "sugarcane_scio>sugarcane_tellspec"),
    "sugarcane_tellspec>sugarcane_micronir2200",
)
UNTOUCHED = "untouched"
COLUMNS = ["method", "label", *CLAIM, "best"]


def table_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return `COLUMNS`; real pairs alone where there are some.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read_draws(metrics)
    real = rows[~rows["synthetic"].astype(bool)]
    rows = real if len(real) else rows
    errors = rows[rows["metric"] == "rmsep"].groupby([*TASK, "size", "name"])["value"].mean()
    best = errors[errors.index.get_level_values("name").isin(CLASSICAL)].groupby([*TASK, "size"]).min()
    parts = [pd.DataFrame(columns=COLUMNS)]
    for name in (PROCESS, LEARNED):
        if not (rows["name"] == name).any():
            continue
        found = claims(rows, name).assign(method=name, label=look(name).label)
        own = [errors.get((*key, name), np.nan) for key in zip(*(found[c] for c in (*TASK, "size")), strict=True)]
        other = [best.get(key, np.nan) for key in zip(*(found[c] for c in (*TASK, "base_size")), strict=True)]
        parts.append(found.assign(best=np.array(own) / np.array(other)))
    return pd.concat(parts[1:] or parts, ignore_index=True)[COLUMNS]


def by_family(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a method, question and family, one over all of them (family ""), and one without `DEVELOPED`.

    Parameters
    ----------
    table : output of `table_of`

    Returns
    -------
    method, label, size, base_size (NaN where it differs between pairs), synthetic, family, tasks, ratio and best
    (geometric means over tasks), wins, tie, loses
    """
    same = table["size"] == table["base_size"]
    asked = table.assign(fewer=~same)
    found = []
    for (method, label, fewer, size), own in asked.groupby(["method", "label", "fewer", "size"], sort=False):
        untouched = own[~own["pair"].isin(DEVELOPED)]
        parts = [(UNTOUCHED, untouched)] if method == PROCESS and 0 < len(untouched) < len(own) else []
        for family, rows in [("", own), *parts, *own.groupby("family")]:
            bases = rows["base_size"].unique()
            counts = rows["verdict"].value_counts()
            found.append(
                {"method": method, "label": label, "size": size, "family": family, "tasks": len(rows), "fewer": fewer}
                | {"base_size": bases[0] if len(bases) == 1 else np.nan, "synthetic": rows["synthetic"].any()}
                | {name: np.exp(np.log(rows[name]).mean()) for name in ("ratio", "best")}
                | {verdict: int(counts.get(verdict, 0)) for verdict in VERDICTS.values()}
            )
    return pd.DataFrame(found)


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `table_of`: a row a method, question and family."""
    body, last = [], ""
    for _, row in by_family(table).iterrows() if len(table) else ():
        base = "most" if np.isnan(row["base_size"]) else f"{row['base_size']:g}"
        question = f"{row['label']}, {row['size']:g} against {base}"
        counts = [str(row[verdict]) for verdict in VERDICTS.values()]
        family = escape(row["family"] or "all") + (SYNTHETIC if row["synthetic"] else "")
        cells = [family, str(row["tasks"]), *(ratio(row[name], 2) for name in ("ratio", "best"))]
        body.append([escape(question) if question != last else "", *cells, *counts])
        last = question
    header = ["Method, samples against samples of PDS", "Family", "Tasks", "/ PDS", "/ best", "Wins", "Ties", "Losses"]
    caption = (
        "Fewer transfer samples than piecewise direct standardisation needs? RMSEP with the first number of samples"
        " over that of PDS with the second (``most'': up to 50, what the pair has), and over that of the classical"
        " method that is best in hindsight on each pair; geometric means over tasks (pairs of instruments, directions"
        " and targets). Untouched: pairs on which nothing of the method was chosen."
        " Wins and losses: Wilcoxon signed-rank test over draws of one task, after Holm over the tasks of a question."
    )
    marks = Notes().lines([row[1:2] for row in body])
    text = longtable(caption, "tab:transfer-claim", "llrrrrrr", header, body, marks)
    return PREAMBLE + "\n".join([LAYOUT, text + r"\endgroup"]) + "\n"


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = table_of(load_metrics(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
