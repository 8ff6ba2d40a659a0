"""The LaTeX form of tab_phase0_baselines: a table a kind of task, and one of summaries."""

from collections.abc import Iterator

import pandas as pd

from etalon.figures import style
from etalon.figures.latex import (
    LAYOUT,
    OVERLAP,
    PREAMBLE,
    SYNTHETIC,
    Notes,
    escape,
    fixed,
    interval,
    longtable,
    p_value,
    ratio,
    significant,
)
from etalon.figures.style import METHODS, REFERENCE


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tab_phase0_baselines.tabulate`."""
    tasks = table[table["block"] == "task"]
    parts = [
        _errors(tasks, "cv", "RMSECV", "Repeated cross-validation of all regression tasks"),
        _errors(tasks, "published", "RMSEP", "Regression tasks on the split published with the data"),
        _scores(tasks),
        *(_summary(table[table["block"] == "summary"], task) for task in REFERENCE),
    ]
    return PREAMBLE + "\n".join([LAYOUT, *filter(None, parts), _unavailable(tasks) + r"\endgroup"]) + "\n"


def _errors(tasks: pd.DataFrame, condition: str, error: str, title: str) -> str:
    """One row a task; tuned PLS with its error, the other methods with theirs and the ratio."""
    rows = tasks[(tasks["task"] == "regression") & (tasks["condition"] == condition) & (tasks["target"] != "")]
    if rows.empty:
        return ""
    methods, notes = style.order(rows["method"]), Notes()
    reference = REFERENCE["regression"]
    body = []
    for _, task in rows.groupby(["synthetic", "dataset", "target"], sort=False):
        by_method = {row["method"]: row for _, row in task.iterrows()}
        r2 = by_method[reference]["r2"] if reference in by_method else float("nan")
        cells = [_error(by_method[name], notes) if name in by_method else "" for name in methods]
        first = task.iloc[0]
        body.append([_name(first), escape(first["target"]), escape(first["unit"]), _size(task), fixed(r2, 2), *cells])
    caption = (
        rf"{title}. {METHODS[reference].label}: {error} $\pm$ standard deviation over repeats, and its $R^2$; the"
        rf" other methods: {error} and in brackets its ratio to {_inline(reference)}. $n$: training samples."
    )
    header = ["Dataset", "Target", "Unit", "$n$", "$R^2$", *(escape(METHODS[name].label) for name in methods)]
    return longtable(caption, f"tab:phase0-{condition}", "lllrr" + "l" * len(methods), header, body, notes.lines(body))


def _error(row: pd.Series, notes: Notes) -> str:
    if row["status"] != "ok":
        return notes.mark(row["status"])
    error = significant(row["rmsep"])
    if row["method"] == REFERENCE["regression"]:
        return error + _spread(row["rmsep_sd"], row["rmsep"])
    return f"{error} ({ratio(row['rmsep_ratio'], 2)})"


def _scores(tasks: pd.DataFrame) -> str:
    """One row a classification task and method."""
    rows = tasks[(tasks["task"] == "classification") & (tasks["target"] != "")]
    if rows.empty:
        return ""
    notes = Notes()
    body = [[*place, *cells] for place, cells in _score_rows(rows, notes)]
    caption = (
        r"Classification tasks. Balanced accuracy $\pm$ standard deviation over repeats, Matthews correlation"
        rf" coefficient (MCC) and log loss in nats; $\Delta$: minus {_inline(REFERENCE['classification'])}."
    )
    header = ["Dataset", "Label", "Split", "Method", "$n$"]
    header += ["Balanced accuracy", r"$\Delta$", "MCC", r"$\Delta$", "Log loss", r"$\Delta$"]
    return longtable(caption, "tab:phase0-classification", "llll" + "r" * 7, header, body, notes.lines(body))


def _score_rows(rows: pd.DataFrame, notes: Notes) -> Iterator[tuple[list[str], list[str]]]:
    for _, row in rows.iterrows():
        place = [_name(row), escape(row["target"]), escape(style.CONDITIONS[row["condition"]])]
        place += [escape(METHODS[row["method"]].label), fixed(row["n_train"], 0)]
        if row["status"] != "ok":
            yield place, [notes.mark(row["status"]), *[""] * 5]
            continue
        cells = []
        for score in ("balanced_accuracy", "mcc", "log_loss"):
            spread = row.get(f"{score}_sd", float("nan"))
            cells.append(fixed(row[score], 3) + (rf" $\pm$ {fixed(spread, 3)}" if spread == spread else ""))
            cells.append(fixed(row[f"{score}_difference"], 3, sign=True))
        yield place, cells


def _summary(rows: pd.DataFrame, task: str) -> str:
    rows = rows[rows["task"] == task]
    if rows.empty:
        return ""
    notes, reference = Notes(), _inline(REFERENCE[task])
    of_errors = task == "regression"
    body = []
    for _, row in rows.iterrows():
        cells = [escape(METHODS[row["method"]].label)]
        if row["status"] == "ok":
            cells += [fixed(row[name], 0) for name in ("tasks", "datasets", "families")]
            cells += [interval(row, name, of_errors) for name in ("mean", "median")]
            cells += [fixed(100 * row["win_share"], 0), p_value(row["p_holm"])]
        else:
            cells += [notes.mark(row["status"]), *[""] * 6]
        body.append(cells)
    what = f"RMSECV relative to {reference}" if of_errors else f"Balanced accuracy minus that of {reference}"
    caption = (
        f"{what} over tasks, with 95 \\% bootstrap intervals over families; share of tasks won; Wilcoxon signed-rank"
        " test over datasets, $p$ after Holm. Synthetic and overlapping sets are left out."
    )
    header = ["Method", "Tasks", "Datasets", "Families", "Geometric mean" if of_errors else "Mean", "Median"]
    header += [r"Won (\%)", "$p$"]
    return longtable(caption, f"tab:phase0-summary-{task}", "lrrrllrr", header, body, notes.lines(body))


def _inline(method: str) -> str:
    """Return the label of `method` as it stands within a sentence."""
    return METHODS[method].label.replace("Tuned", "tuned")


def _unavailable(tasks: pd.DataFrame) -> str:
    """Name the datasets of which not even the tasks are known."""
    rows = tasks[tasks["target"] == ""].drop_duplicates(["dataset", "status"])
    if rows.empty:
        return ""
    sets = [f"{escape(row['dataset'])} ({escape(row['status'])})" for _, row in rows.iterrows()]
    return rf"\noindent Datasets not run: {', '.join(sets)}.\par" + "\n"


def _name(row: pd.Series) -> str:
    return escape(row["dataset"]) + (SYNTHETIC if row["synthetic"] else "") + (OVERLAP if row["overlaps"] else "")


def _size(task: pd.DataFrame) -> str:
    return fixed(float(task["n_train"].max()), 0)


def _spread(sd: float, value: float) -> str:
    """Return the spread to the decimals of `value`, or to its own first digit where those are all zero."""
    if sd != sd:
        return ""
    text = significant(sd, like=value)
    return rf" $\pm$ {text if float(text) or not sd else significant(sd, digits=1)}"
