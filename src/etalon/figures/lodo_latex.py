"""The LaTeX form of tab_phase3_lodo: one table a condition, one row a method and number of local samples."""

import pandas as pd

from etalon.figures.encoder_latex import DEMO
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, Notes, escape, fixed, interval, longtable, p_value, ratio
from etalon.figures.lodo_rows import CONDITIONS, WITHIN
from etalon.figures.style import PROTOCOLS

TITLES = {
    "zero_shot": "Trained on other families, used as it is",
    "slope_bias": "Trained on other families, slope and bias from local samples",
    "spiked": "Trained on other families and local samples of equal total weight",
    "local_only": "Trained on the local samples alone",
    WITHIN: "Encoder pretrained without the family, head trained inside the set",
}
TEXT = (
    "RMSEP relative to tuned PLS under the same condition, on the same draws of local samples. Classical methods see"
    " spectra interpolated to the range that the sets share, at the coarsest step; encoders take each grid as it is. In"
    " brackets 95 \\% bootstrap intervals over families; $p$: Wilcoxon signed-rank test over datasets, after Holm. SD:"
    " over seeds. Last columns: geometric mean of RMSEP over the standard deviation of the test references, and shares"
    " of tasks (\\%) with an RMSEP below that of the mean of the training references and below that deviation."
)
HEADER = ["$n$", "", "Tasks", "Geometric mean", "SD", "Median", r"Won (\%)", "$p$", "RMSEP/SD", "$<$ mean", "$<$ SD"]


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `etalon.figures.tab_phase3_lodo.tabulate`."""
    rows = table[table["block"] == "summary"]
    parts = [_table(rows[rows["condition"] == condition], condition) for condition in (*CONDITIONS, WITHIN)]
    return PREAMBLE + "\n".join([LAYOUT, *filter(None, parts), r"\endgroup"]) + "\n"


def _table(rows: pd.DataFrame, condition: str) -> str:
    if rows.empty:
        return ""
    notes, body = Notes(), []
    for _, row in rows.iterrows():
        name = escape(row["label"]) + (SYNTHETIC if row["synthetic"] else "")
        body.append([fixed(row["n"], 0), name, *_cells(row, notes)])
    lines = [*([DEMO] if rows["synthetic"].any() else []), *notes.lines([])]
    where = PROTOCOLS.get(condition, "cross-validation")
    caption = f"{TITLES[condition]} ({escape(where)}). {TEXT}"
    return longtable(caption, f"tab:phase3-lodo-{condition.replace('_', '-')}", "rlrlrlrrrrr", HEADER, body, lines)


def _cells(row: pd.Series, notes: Notes) -> list[str]:
    absolute = [ratio(row["to_sd"], 2), fixed(100 * row["better_than_mean"], 0), fixed(100 * row["better_than_sd"], 0)]
    if row["status"] != "ok":
        return [notes.mark(row["status"]), *[""] * 5, *absolute]
    cells = [fixed(row["tasks"], 0), interval(row, "mean", True), fixed(row["seed_sd"], 3)]
    cells += [interval(row, "median", True), fixed(100 * row["win_share"], 0), p_value(row["p_holm"])]
    return [*cells, *absolute]
