"""What the tables on encoders share: each row against tuned PLS, its untrained control and the fixed embedding.

Rows of `block` "task" are one method, or embedding and head, on one task under one condition ("cv" or "published");
`value` is its RMSEP (balanced accuracy), the mean over repeats of the folds and seeds of the encoder. `to_reference`,
`to_control` and `to_fixed` are its ratio to (difference from) tuned PLS (PLS-DA), the untrained encoder of the same
architecture under the same head, and the fixed embedding under the evidence head (logistic regression). Every pair is
compared on the repeats that both have, an encoder and its control on the same seeds as well.

Rows of `block` "summary" hold, for cross-validation, what `etalon.evaluate.compare.summarise` finds over tasks: with
intervals over families and seeds, and `seed_sd`, the standard deviation over seeds of the geometric mean (mean
difference) over the tasks that every seed has. `control_*` and `fixed_*` are the geometric means (mean differences) of
the paired comparisons with their intervals, and Wilcoxon's p over datasets as it is and after Holm's correction for the
rows of the table. `synthetic` is true where too few real tasks
ran, so that synthetic or overlapping sets are summed up as well: without tests, as that is no result.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from etalon.errors import BadInputError
from etalon.evaluate.compare import OF_SEEDS, SUMMARY, TASK, over_seeds, summarise
from etalon.evaluate.score import PRIMARY
from etalon.figures import style
from etalon.figures.command import plain
from etalon.figures.encoder_rows import ABSENT, against, named, not_run, opponents, reasons, scores, shown
from etalon.figures.style import REFERENCE

CONDITIONS = ("cv", "published")
EFFECT = {"regression": "ratio", "classification": "difference"}
AGAINST = ("reference", "control", "fixed")
COMPARED = {"tasks": "tasks", "mean": "mean", "mean_low": "low", "mean_high": "high", "p": "p", "p_holm": "p_holm"}
PLACE = ["dataset", "family", "target", "analyte", "unit", "synthetic", "overlaps"]
COLUMNS = [
    *("block", "task", *PLACE, "condition", "method", "label", "status", "not_run"),
    *("metric", "value", "n_train", "repeats", "seeds", "effect", *(f"to_{name}" for name in AGAINST)),
    *(name for name in SUMMARY if name != "method"),
    *(name for name in OF_SEEDS if name != "seeds"),
    *(column for name in AGAINST[1:] for column in (name, *(f"{name}_{part}" for part in COMPARED.values()))),
]
# Names of the rows that a table shows, given those that the metrics hold and the kind of task.
Wanted = Callable[[list[str], str], list[str]]


def tabulate(metrics: pd.DataFrame, wanted: Wanted) -> pd.DataFrame:
    """Return the table, `COLUMNS`; what did not run is a row whose `status` gives the reason.

    Parameters
    ----------
    metrics : rows of `etalon.records.METRIC_COLUMNS`
    """
    rows = named(plain(metrics[metrics["condition"].isin(CONDITIONS)]))
    if rows.empty:
        raise BadInputError("metrics", "condition", f"rows of {' or '.join(CONDITIONS)}", "none")
    tasks, summaries = [], []
    for task in PRIMARY:
        own = rows[rows["task"] == task]
        if own.empty:
            continue
        names = wanted(style.order(own["method"].unique()), task)
        for condition in CONDITIONS:
            part = own[own["condition"] == condition]
            ran, missing = scores(part, task), part[part["status"] != "ok"]
            pairs = {to: _pairs(ran, task, names, to) for to in AGAINST}
            common = {"task": task, "condition": condition, "metric": PRIMARY[task]}
            common |= {"effect": f"{PRIMARY[task]}_{EFFECT[task]}"}
            tasks.append(_tasks(missing, ran, pairs, task, names).assign(block="task", **common))
            if condition == "cv":
                summaries.append(_summary(missing, ran, pairs, task, names).assign(block="summary", **common))
    tasks = [part.sort_values(["synthetic", "dataset", "target"], kind="stable") for part in tasks if len(part)]
    table = pd.concat([*tasks, *summaries], ignore_index=True)
    return table.assign(label=[style.look(name).label for name in table["method"]]).reindex(columns=COLUMNS)


def _pairs(ran: pd.DataFrame, task: str, names: list[str], to: str) -> pd.DataFrame:
    """Return the comparisons, seed by seed, of all `names` with their opponents."""
    on = ("repeat", "seed") if to == "control" else ("repeat",)
    return against(ran, {name: opponents(name, task)[to] for name in names}, on)


def _tasks(
    missing: pd.DataFrame, ran: pd.DataFrame, pairs: dict[str, pd.DataFrame], task: str, names: list[str]
) -> pd.DataFrame:
    """Return one row a task and name of one condition; what did not run has the reason as its status."""
    own = ran[ran["method"].isin(names)]
    table = own.groupby([*PLACE, "method"], sort=False).agg(
        value=("value", "mean"), n_train=("n_train", "mean"), repeats=("repeat", "nunique"), seeds=("seed", "nunique")
    )
    table = table.reset_index()
    for to, found in pairs.items():
        effects = over_seeds(found)[[*TASK, "method", EFFECT[task]]].rename(columns={EFFECT[task]: f"to_{to}"})
        table = table.merge(effects, on=[*TASK, "method"], how="left")
    absent = [not_run(missing, name)[[*PLACE, "status"]].assign(method=name) for name in names]
    parts = [part for part in (table.assign(status="ok"), *absent) if len(part)]
    table = pd.concat(parts or [table], ignore_index=True)
    rank = {name: number for number, name in enumerate(names)}
    return table.sort_values("method", key=lambda column: column.map(rank), kind="stable")


def _summary(
    missing: pd.DataFrame, ran: pd.DataFrame, pairs: dict[str, pd.DataFrame], task: str, names: list[str]
) -> pd.DataFrame:
    """Return one row a name; one that ran nowhere has the reason as its status."""
    _, extended = shown(ran)
    if extended:  # they would be left out of a summary otherwise
        pairs = {to: found.assign(synthetic=False, overlaps="") for to, found in pairs.items()}
    table = summarise(pairs["reference"], REFERENCE[task], EFFECT[task]).set_index("method").reindex(names)
    table[["tasks", "seeds"]] = table[["tasks", "seeds"]].fillna(0)
    for to in AGAINST[1:]:
        table = table.join(_comparison(pairs[to], names, task, to))
    why = {name: reasons(not_run(missing, name)) for name in names}
    table["not_run"] = [why[name] for name in names]
    table["status"] = np.where(table["tasks"] > 0, "ok", [_absent(ran, task, name, why[name]) for name in names])
    if extended:
        table[[f"{of}{p}" for of in ("", "control_", "fixed_") for p in ("p", "p_holm")]] = np.nan
    return table.assign(synthetic=extended).rename_axis("method").reset_index()


def _absent(ran: pd.DataFrame, task: str, name: str, reason: str) -> str:
    """Return why a row has no comparison with the reference."""
    if (ran["method"] == name).any():
        return f"not run: {style.look(REFERENCE[task]).label} has no score on its tasks"
    return reason or ABSENT


def _comparison(pairs: pd.DataFrame, names: list[str], task: str, to: str) -> pd.DataFrame:
    """Return the summary of the paired comparisons with `to`, one row a name."""
    found = summarise(pairs, "", EFFECT[task]).set_index("method").reindex(names)
    found = found[[*COMPARED]].rename(columns=COMPARED).add_prefix(f"{to}_")
    found[f"{to}_tasks"] = found[f"{to}_tasks"].fillna(0)
    return found.assign(**{to: [opponents(name, task)[to] or "" for name in names]})
