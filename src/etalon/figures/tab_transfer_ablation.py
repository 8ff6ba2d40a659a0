"""tab_transfer_ablation: what each part of the network, of its pretraining and of its fitting is worth.

One row a change: `ratio` is RMSEP with it over RMSEP of the full method (pretrained patch transformer, low-rank
additions, on top of PDS, three inputs) on the same transfer sets and seeds, geometric mean over `units` (pair, target
and draw) with its 95 % bootstrap interval; above 1 the change does harm. `p` is Wilcoxon's over units, `p_holm` after
Holm over all changes.
"""

import pandas as pd

from etalon.figures.command import load_metrics, parse_args, run
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, Notes, escape, longtable, p_value, ratio, write
from etalon.figures.learned_rows import GROUPS, comparison, fittings, read_learned

TITLES = {
    "fitting": "Fitting to transfer samples",
    "loss": "Losses of the pretraining",
    "masking": "What the pretraining hides",
    "architecture": "Architecture",
    "corpus": "Corpus and length of the pretraining",
}


def table_of(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return `etalon.figures.learned_rows.COMPARISON` and `synthetic`, whether synthetic pairs alone ran.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = read_learned(metrics)
    real = rows[~rows["synthetic"].astype(bool)]
    learned = real[real["variant"] != ""]
    used = real if len(learned) else rows
    table = comparison(used, fittings(used) | GROUPS)
    return table.assign(synthetic=not len(learned))


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `table_of`."""
    header = ["Change", "Pairs", "Units", "Seeds", "Ratio", "$p$", "$p$ (Holm)"]
    body = []
    for kind, title in TITLES.items():
        own = table[table["kind"] == kind]
        if len(own):
            body.append([rf"\multicolumn{{{len(header)}}}{{@{{}}l}}{{\emph{{{title}}}}}"])
        body += [_cells(row) for _, row in own.iterrows()]
    demo = bool(table["synthetic"].any())
    caption = (
        "What each part of learned calibration transfer is worth: RMSEP after a change relative to the full method"
        " (patch transformer pretrained with all losses, low-rank additions, three inputs, on top of PDS) on the"
        " same transfer sets and seeds; above 1 the change does harm. Geometric means over units (pair of instruments,"
        r" target and draw) with 95 \% bootstrap intervals; $p$: Wilcoxon signed-rank test over units, after Holm over"
        " all rows."
    ) + (f" {SYNTHETIC} Synthetic spectra, no result." if demo else "")
    text = longtable(caption, "tab:transfer-ablation", "lrrrlrr", header, body, Notes().lines(body))
    return PREAMBLE + "\n".join([LAYOUT, text + r"\endgroup"]) + "\n"


def _cells(row: pd.Series) -> list[str]:
    value, low, high = (ratio(row[name], 3) for name in ("ratio", "low", "high"))
    shown = f"{value} [{low}, {high}]" if low else value
    counts = [str(row[name]) for name in ("pairs", "units", "seeds")]
    label = escape(row["label"]) + (SYNTHETIC if row["synthetic"] else "")
    return [label, *counts, shown, *("" if pd.isna(p) else p_value(p) for p in (row["p"], row["p_holm"]))]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = table_of(load_metrics(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
