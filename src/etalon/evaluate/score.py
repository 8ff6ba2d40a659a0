"""From predictions to metrics, once: one row a number, those that could not be computed included."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from etalon.contracts import Metadata
from etalon.evaluate import metrics
from etalon.records import METRIC_COLUMNS, as_records

PRIMARY = {"regression": "rmsep", "classification": "balanced_accuracy"}
# The errors of all folds of a repeat are pooled: the root of a mean of squares over all of its test rows.
KEYS = [
    *("task", "target", "method", "variant", "head", "heldout", "seed"),
    *("condition", "amplitude", "amplitude_unit", "pair", "repeat", "draw"),
]
# On disturbed spectra these tell the story; nine numbers for each of 28 disturbances would bury it.
DISTURBED = ("rmsep", "bias", "r2", "balanced_accuracy", "mcc")


def score(predictions: pd.DataFrame, record: dict[str, Any], metadata: Metadata | None, run: str) -> pd.DataFrame:
    """Return the metrics of one experiment on one dataset, in `etalon.records.METRIC_COLUMNS`.

    Parameters
    ----------
    predictions : `etalon.records.PREDICTION_COLUMNS`
    record : as written beside them by `etalon.evaluate.experiment.run_experiment`; on embeddings, what
        `etalon.evaluate.embedding_experiment.run_embedding_experiment` writes, with the entry of one dataset on top
    metadata : of the dataset; None where it could not be had
    """
    rows = [*_measured(predictions, record), *_missing(record)]
    targets = {t.name: t for t in metadata.targets} if metadata else {}
    for row in rows:
        if target := targets.get(row["target"]) if row["task"] == "regression" else None:
            row |= {"analyte": target.analyte, "unit": target.unit}
    table = pd.DataFrame(rows).assign(
        run=run,
        dataset=record["dataset"],
        family=metadata.family if metadata else "",
        synthetic=metadata.synthetic if metadata else False,
        overlaps=(metadata.overlaps or "") if metadata else "",
    )
    return as_records(table, METRIC_COLUMNS)


def _measured(predictions: pd.DataFrame, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    n_train = _training_rows(record["choices"])
    for key, group in predictions.groupby(KEYS, observed=True, dropna=False, sort=True):
        values: dict[str, Any] = dict(zip(KEYS, key, strict=True))
        # Disturbed spectra are tested with the calibrations of the cross-validation.
        known = (
            n_train.get((values["target"], values["method"], c, values["repeat"])) for c in (values["condition"], "cv")
        )
        common = values | {"status": "ok", "n_train": next((n for n in known if n is not None), np.nan)}
        for name, value in _formulas(values["task"], group):
            if values["condition"] in ("cv", "published") or name in DISTURBED:
                yield common | {"metric": name, "value": value}


def _formulas(task: str, rows: pd.DataFrame) -> Iterator[tuple[str, float]]:
    y, y_hat = rows["reference"], rows["prediction"]
    for name, formula in (metrics.REGRESSION if task == "regression" else metrics.CLASSIFICATION).items():
        yield name, formula(y, y_hat)
    if task == "classification":
        yield "log_loss", metrics.log_loss(rows["probability"])


def _training_rows(choices: list[dict[str, Any]]) -> dict[tuple[str, str, str, int], float]:
    counts: dict[tuple[str, str, str, int], list[int]] = {}
    for c in choices:
        counts.setdefault((c["target"], c["method"], c["condition"], c["repeat"]), []).append(c["n_train"])
    return {key: float(np.mean(values)) for key, values in counts.items()}


def _missing(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each method or head on each task, or each perturbation of it, that did not run."""
    tasks = record["tasks"]
    if record["not_run"] and not tasks:
        # The dataset itself is missing: which tasks it holds is unknown, so one row a method stands for them.
        tasks = [{"task": kind, "target": "", "not_run": None} for kind in record["methods"]]
    for task in tasks:
        heads = record.get("heads", {}).get(task["task"], ("",))
        for method, head in itertools.product(record["methods"].get(task["task"], ()), heads):
            common = record.get("embedding", {}) | {
                "task": task["task"],
                "target": task["target"],
                "method": method,
                "head": head,
                "metric": PRIMARY[task["task"]],
                "condition": "cv",
                "value": np.nan,
            }
            if reason := task["not_run"] or record["not_run"]:
                yield common | {"status": f"not run: {reason}"}
            else:
                for condition, why in record.get("conditions_not_run", {}).items():
                    yield common | {"condition": condition, "status": f"not run: {why}"}
    for gap in record.get("gaps", ()):
        named = {key: value for key, value in gap.items() if key != "reason"}
        blank = {"metric": PRIMARY[gap["task"]], "condition": "cv", "value": np.nan}
        yield record.get("embedding", {}) | blank | named | {"status": f"not run: {gap['reason']}"}
