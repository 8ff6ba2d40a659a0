"""What the tables on encoders share: each row against tuned PLS, its untrained control and the fixed embedding.

Rows of `block` "task" are one method, or embedding and head, on one task under one condition ("cv" or "published");
`value` is its RMSEP (balanced accuracy), the mean over repeats of the folds and seeds of the encoder. `to_reference`,
`to_control` and `to_fixed` are its ratio to (difference from) tuned PLS (PLS-DA), the untrained encoder of the same
architecture under the same head, and the fixed embedding under the evidence head (logistic regression). Every pair is
compared on the repeats that both have, an encoder and its control on the same seeds as well.

Rows of `block` "summary" hold, for cross-validation, what `etalon.evaluate.compare.summarise` finds over tasks;
`seed_sd` is the standard deviation over seeds of the geometric mean (mean difference) over the tasks that every seed
has; `control_*` and `fixed_*` are geometric means (mean differences) of the paired comparisons, with Wilcoxon's p over
datasets as it is and after Holm's correction for the rows of the table. `synthetic` is true where too few real tasks
ran, so that synthetic or overlapping sets are summed up as well: without tests, as that is no result.
"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from etalon.errors import BadInputError
from etalon.evaluate.compare import SUMMARY, TASK, claimable, geometric_mean, holm, paired, rank_datasets, summarise
from etalon.evaluate.score import PRIMARY
from etalon.figures import style
from etalon.figures.command import plain
from etalon.figures.encoder_rows import ABSENT, named, not_run, opponents, reasons, scores, shown
from etalon.figures.style import REFERENCE

CONDITIONS = ("cv", "published")
EFFECT = {"regression": "ratio", "classification": "difference"}
AGAINST = ("reference", "control", "fixed")
PLACE = ["dataset", "family", "target", "analyte", "unit", "synthetic", "overlaps"]
COLUMNS = [
    *("block", "task", *PLACE, "condition", "method", "label", "status", "not_run"),
    *("metric", "value", "n_train", "repeats", "seeds", "effect", *(f"to_{name}" for name in AGAINST)),
    *(name for name in SUMMARY if name != "method"),
    "seed_sd",
    *(f"{name}{part}" for name in AGAINST[1:] for part in ("", "_tasks", "_mean", "_p", "_p_holm")),
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
        names = wanted(style.order(own["method"]), task)
        tasks.append(_tasks(own, task, names).assign(block="task", task=task))
        summaries.append(_summary(own, task, names).assign(block="summary", task=task, condition="cv"))
    table = pd.concat([*tasks, *summaries], ignore_index=True)
    return table.assign(label=[style.look(name).label for name in table["method"]]).reindex(columns=COLUMNS)


def _tasks(rows: pd.DataFrame, task: str, names: list[str]) -> pd.DataFrame:
    """Return one row a task, condition and name, real sets first."""
    parts = []
    for condition in CONDITIONS:
        ran = scores(rows[rows["condition"] == condition], task)
        for name in names:
            own = ran[ran["method"] == name]
            groups = own.groupby(PLACE, sort=False)
            means = groups.agg(
                value=("value", "mean"),
                n_train=("n_train", "mean"),
                repeats=("repeat", "nunique"),
                seeds=("seed", "nunique"),
            ).reset_index()
            for to, other in opponents(name, task).items():
                found = _pairs(ran, name, other, to)[[*TASK, EFFECT[task]]]
                means = means.merge(found.rename(columns={EFFECT[task]: f"to_{to}"}), on=TASK, how="left")
            missing = not_run(rows[rows["condition"] == condition], name)[[*PLACE, "status"]]
            found = pd.concat([means.assign(status="ok"), missing], ignore_index=True)
            parts.append(found.assign(method=name, condition=condition))
    table = pd.concat(parts, ignore_index=True).assign(metric=PRIMARY[task], effect=f"{PRIMARY[task]}_{EFFECT[task]}")
    return table.sort_values(["synthetic", "dataset", "target", "condition"], kind="stable")


def _pairs(ran: pd.DataFrame, name: str, other: str | None, to: str) -> pd.DataFrame:
    """Return the paired comparison of `name` with `other` on each task; no rows where there is no other."""
    own, base = (ran[ran["method"] == method] for method in (name, other))
    return paired(own, base, ("repeat", "seed") if to == "control" else ("repeat",))


def _summary(rows: pd.DataFrame, task: str, names: list[str]) -> pd.DataFrame:
    """Return one row a name; one that ran nowhere has the reason as its status."""
    effect = EFFECT[task]
    ran, extended = shown(scores(rows[rows["condition"] == "cv"], task))
    if extended:
        ran = ran.assign(synthetic=False, overlaps="")  # else no summary would take them
    compared = [_pairs(ran, name, REFERENCE[task], "reference").assign(method=name) for name in names]
    table = summarise(pd.concat(compared, ignore_index=True), REFERENCE[task], effect)
    table = table.set_index("method").reindex(names)
    table["tasks"] = table["tasks"].fillna(0)
    for name in names:
        table.loc[name, "seeds"] = ran.loc[ran["method"] == name, "seed"].nunique()
        table.loc[name, "seed_sd"] = _seed_sd(ran, name, task)
    for to in AGAINST[1:]:
        table = table.join(_comparison(ran, names, task, to))
    missing = {name: reasons(not_run(rows[rows["condition"] == "cv"], name)) for name in names}
    table["not_run"] = [missing[name] for name in names]
    absent = [missing[name] or _reference_absent(ran, task, name) for name in names]
    table["status"] = np.where(table["tasks"] > 0, "ok", absent)
    if extended:
        table[[f"{of}{p}" for of in ("", "control_", "fixed_") for p in ("p", "p_holm")]] = np.nan
    table = table.assign(synthetic=extended, metric=PRIMARY[task], effect=f"{PRIMARY[task]}_{effect}")
    return table.rename_axis("method").reset_index()


def _reference_absent(ran: pd.DataFrame, task: str, name: str) -> str:
    """Return why a row without any comparison has none, where the metrics give no reason."""
    if (ran["method"] == name).any():
        return f"not run: {style.look(REFERENCE[task]).label} has no score on its tasks"
    return ABSENT


def _comparison(ran: pd.DataFrame, names: list[str], task: str, to: str) -> pd.DataFrame:
    """Return the summary of the paired comparisons with `to`, one row a name."""
    found = {}
    for name in names:
        other = opponents(name, task)[to]
        pairs = claimable(_pairs(ran, name, other, to))
        effects = pairs[EFFECT[task]].to_numpy(float)
        found[name] = {"": other or "", "_tasks": len(pairs), "_mean": np.nan, "_p": np.nan}
        if len(pairs):
            found[name]["_mean"] = _mean(effects, task)
            found[name]["_p"] = rank_datasets(pairs, EFFECT[task])
    table = pd.DataFrame.from_dict(found, orient="index").add_prefix(to)
    return table.assign(**{f"{to}_p_holm": holm(table[f"{to}_p"].to_numpy(float))})


def _mean(effects: np.ndarray, task: str) -> float:
    return geometric_mean(effects) if EFFECT[task] == "ratio" else float(effects.mean())


def _seed_sd(ran: pd.DataFrame, name: str, task: str) -> float:
    """Return the SD over seeds of the mean effect over the tasks that all seeds have; NaN for one seed."""
    own, base = (claimable(ran[ran["method"] == method]) for method in (name, REFERENCE[task]))
    effects = {
        seed: paired(rows, base).set_index(TASK)[EFFECT[task]] for seed, rows in own.groupby("seed", observed=True)
    }
    table = pd.DataFrame(effects).dropna()
    if table.shape[1] < 2 or table.empty:
        return float("nan")
    return float(np.std([_mean(column.to_numpy(float), task) for _, column in table.items()], ddof=1))
