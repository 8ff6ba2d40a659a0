"""The LaTeX form of `etalon.figures.encoder_table`: its summaries, one table a kind of task."""

from collections.abc import Sequence

import pandas as pd

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
)
from etalon.figures.style import METHODS, REFERENCE, look

TESTS = (
    "In brackets 95 \\% bootstrap intervals over families and seeds; $p$: Wilcoxon signed-rank test over datasets,"
    " after Holm. SD: standard deviation of that mean over seeds. Each pair is compared on the same folds, an encoder"
    " and its random init on the same seeds as well. Tasks: those of the row, and of how many that ran at all."
)
REAL = " Synthetic and overlapping sets are left out."
BLOCKS = {"summary": "", "common": " On the tasks of the fine-tuned encoders alone."}
DEMO = SYNTHETIC + " fewer than three real tasks ran: synthetic and overlapping sets are included, which is no result."


def typeset(table: pd.DataFrame, title: str, label: str, against: Sequence[str]) -> str:
    """Return LaTeX for the output of `etalon.figures.encoder_table.tabulate`.

    Parameters
    ----------
    title : what the table shows, without full stop
    label : of the table, to which the kind of task is added
    against : which of "control" and "fixed" get columns
    """
    parts = []
    for block, more in BLOCKS.items():
        rows = table[table["block"] == block]
        name = label if block == "summary" else f"{label}-{block}"
        parts += [_summary(rows[rows["task"] == task], task, title, name, against, more) for task in REFERENCE]
    unknown = table[(table["block"] == "task") & (table["target"] == "")].drop_duplicates(["dataset", "status"])
    sets = [f"{escape(row['dataset'])} ({escape(row['status'])})" for _, row in unknown.iterrows()]
    missing = rf"\noindent Datasets not run: {', '.join(sets)}.\par" + "\n" if sets else ""
    return PREAMBLE + "\n".join([LAYOUT, *filter(None, parts), missing + r"\endgroup"]) + "\n"


def _summary(rows: pd.DataFrame, task: str, title: str, label: str, against: Sequence[str], more: str) -> str:
    """Return one table; `more` ends its caption."""
    if rows.empty:
        return ""
    notes, of_errors = Notes(), task == "regression"
    demo = bool(rows["synthetic"].any())
    most = rows["tasks"].max()
    body = []
    for _, row in rows.iterrows():
        body.append([escape(row["label"]) + (SYNTHETIC if demo else ""), *_cells(row, most, notes, of_errors, against)])
    mean = "Geometric mean" if of_errors else "Mean"
    header = ["", "Tasks", mean, "SD", "Median", r"Won (\%)", "$p$"]
    header += [cell for to in against for cell in (f"To {_others(rows, to)}", "$p$")]
    reference = METHODS[REFERENCE[task]].label.replace("Tuned", "tuned")
    what = f"RMSECV relative to {reference}" if of_errors else f"Balanced accuracy minus that of {reference}"
    caption = f"{escape(title)}. {what} over tasks. {TESTS}{'' if demo else REAL}{more}"
    columns = "lrlrlrr" + "rr" * len(against)
    return longtable(
        caption, f"tab:{label}-{task}", columns, header, body, [*([DEMO] if demo else []), *notes.lines([])]
    )


def _others(rows: pd.DataFrame, to: str) -> str:
    """Return the head of the columns that compare with `to`."""
    if to == "control":
        return "random init"
    return escape(next((look(name).label for name in rows[to] if name), "fixed embedding"))


def _cells(row: pd.Series, most: float, notes: Notes, of_errors: bool, against: Sequence[str]) -> list[str]:
    if row["status"] != "ok":
        return [notes.mark(row["status"]), *[""] * (5 + 2 * len(against))]
    tasks = fixed(row["tasks"], 0) + (f"/{fixed(most, 0)}" if row["tasks"] < most else "")
    if row["not_run"]:
        tasks += notes.letter(row["not_run"])
    cells = [tasks, interval(row, "mean", of_errors), fixed(row["seed_sd"], 3)]
    cells += [interval(row, "median", of_errors), fixed(100 * row["win_share"], 0), p_value(row["p_holm"])]
    for to in against:
        mean = row[f"{to}_mean"]
        cells += [ratio(mean, 3) if of_errors else fixed(mean, 3, sign=True), p_value(row[f"{to}_p_holm"])]
    return cells
