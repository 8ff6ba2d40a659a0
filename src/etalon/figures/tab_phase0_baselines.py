"""tab_phase0_baselines: every task by every classical method, and how the methods compare over tasks.

Rows of `block` "task" are one method on one task under one condition ("cv": repeated cross-validation, where `rmsep`
is the RMSECV; "published": the source's own split). Scores are means over repeats, `_sd` their standard deviation;
`_ratio` and `_difference` compare with tuned PLS or PLS-DA on the same task and condition. Rows of `block` "summary"
hold, for each method, what `etalon.evaluate.compare.summarise` finds over tasks in cross-validation.
"""

import pandas as pd

from etalon.errors import BadInputError
from etalon.evaluate.compare import SUMMARY, against, summarise, task_means
from etalon.evaluate.metrics import CLASSIFICATION, REGRESSION
from etalon.evaluate.score import PRIMARY
from etalon.figures import style
from etalon.figures.command import load_metrics, parse_args, plain, run
from etalon.figures.latex import write
from etalon.figures.style import METHODS, REFERENCE
from etalon.figures.tab_phase0_latex import typeset

CONDITIONS = ("cv", "published")
PLACE = ["dataset", "target", "condition"]
KEYS = ["task", "dataset", "family", "target", "analyte", "unit", "synthetic", "overlaps", "condition", "method"]
SCORES = [*REGRESSION, *CLASSIFICATION, "log_loss"]
DIFFERENCES = ("balanced_accuracy", "mcc", "log_loss")  # have no unit, so differences can be averaged over tasks
EFFECT = {"regression": "ratio", "classification": "difference"}
COLUMNS = [
    *("block", *KEYS, "status", "n_train", "repeats"),
    *("rmsep", "rmsep_sd", "rmsep_ratio"),
    *(name for name in REGRESSION if name != "rmsep"),
    *("balanced_accuracy", "balanced_accuracy_sd", "balanced_accuracy_difference"),
    *("mcc", "mcc_difference", "log_loss", "log_loss_difference"),
    *("effect", *(name for name in SUMMARY if name != "method")),
]


def tabulate(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return the table, `COLUMNS`; what did not run is a row whose `status` gives the reason.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = plain(metrics[metrics["condition"].isin(CONDITIONS)])
    if rows.empty:
        raise BadInputError("metrics", "condition", f"rows of {' or '.join(CONDITIONS)}", "none")
    tasks = pd.concat([_measured(rows), _not_run(rows)], ignore_index=True)
    rank = {name: number for number, name in enumerate(style.order(tasks["method"]))}
    tasks = tasks.sort_values(
        ["task", "synthetic", "dataset", "target", "condition", "method"],
        key=lambda column: column.map(rank) if column.name == "method" else column,
        kind="stable",
    )
    parts = [tasks.assign(block="task"), *(_summary(rows, task).assign(block="summary") for task in PRIMARY)]
    return pd.concat(parts, ignore_index=True).reindex(columns=COLUMNS)


def _measured(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a task, condition and method: means of all scores, and the comparison with the reference."""
    rows = rows[(rows["status"] == "ok") & (rows["fold"] == -1)]
    table = rows.groupby(KEYS, sort=False).agg(n_train=("n_train", "mean"), repeats=("repeat", "nunique"))
    means, spread = (
        rows.pivot_table(index=KEYS, columns="metric", values="value", aggfunc=statistic).reindex(columns=SCORES)
        for statistic in ("mean", "std")
    )
    table = table.join(means)
    for score in PRIMARY.values():
        table[f"{score}_sd"] = spread[score]
    table = table.reset_index()
    reference = table[table["method"] == table["task"].map(REFERENCE)]
    base = table.merge(reference[[*PLACE, *SCORES]], on=PLACE, how="left", suffixes=("", "_base"))
    table["rmsep_ratio"] = table["rmsep"] / base["rmsep_base"]
    for score in DIFFERENCES:
        table[f"{score}_difference"] = table[score] - base[f"{score}_base"]
    return table.assign(status="ok")


def _not_run(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.loc[rows["status"] != "ok", [*KEYS, "status"]].drop_duplicates()


def _summary(rows: pd.DataFrame, task: str) -> pd.DataFrame:
    """Return one row a method; one that ran nowhere has the reason as its status."""
    score, effect = PRIMARY[task], EFFECT[task]
    rows = rows[rows["task"] == task]
    found = summarise(against(task_means(rows, score), REFERENCE[task]), REFERENCE[task], effect).assign(status="ok")
    reasons = rows[rows["status"] != "ok"].groupby("method")["status"].unique()
    absent = [name for name in METHODS if name in reasons and name not in set(found["method"])]
    missing = pd.DataFrame({"method": absent, "tasks": 0, "status": ["; ".join(reasons[name]) for name in absent]})
    table = pd.concat([part for part in (found, missing) if len(part)] or [found], ignore_index=True)
    table = table.sort_values("method", key=lambda column: column.map(list(METHODS).index))
    return table.assign(task=task, condition="cv", effect=f"{score}_{effect}")


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = tabulate(load_metrics(args.metrics))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
