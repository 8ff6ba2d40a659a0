"""Scores of properties that NIR sets were given by heads of MIR latents alone, judged where a reference exists."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from etalon.evaluate.metrics import bias, ccc, rmsep
from etalon.evaluate.soil_mapped import ON_NIR
from etalon.seeds import derive_seed

LEVEL = 0.95
SCORES = {"ccc": ccc, "rmsep": rmsep, "bias": bias}
FEWEST = 10  # soils with a reference


def rows(predictions: pd.DataFrame, resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one row a set, pair, property and quantity; folds pooled, seeds of a soil averaged.

    With a reference that may be compared: ccc, rmsep, bias with bootstrap intervals over soils. Without: nothing of the
    kind, and `status` says why. For all: `median`, `low_5`, `high_95` of the predictions; `in_range`, the share within
    the training range; `inside`, the share of soils whose latents lie within the chi-square limit of the training
    ones'.

    Parameters
    ----------
    predictions : first output of `etalon.evaluate.soil_mapped.predictions` with a column seed
    """
    own = predictions[predictions["source"] == ON_NIR]
    keys = ["condition", "dataset", "pair", "target", "status"]
    ways = {name: "mean" for name in ("reference", "prediction", "inside", "low", "high")}
    soils = own.groupby([*keys, "row"], sort=False).agg(ways).reset_index()
    for values, task in soils.groupby(keys, sort=False):
        about: dict[str, Any] = dict(zip(keys, values, strict=True)) | {"n": len(task)}
        known = task.dropna(subset="reference") if about["status"] == "ok" else task.iloc[:0]
        if about["status"] == "ok" and len(known) < FEWEST:
            about["status"] = f"fewer than {FEWEST} references"
        elif about["status"] == "ok":
            yield from _scores(about | {"n": len(known)}, known, resamples, seed)
        predicted = task["prediction"].to_numpy()
        within = (predicted >= task["low"]) & (predicted <= task["high"])
        plain = dict(zip(("low_5", "median", "high_95"), np.quantile(predicted, [0.05, 0.5, 0.95]), strict=True))
        for name, value in (plain | {"in_range": within.mean(), "inside": task["inside"].mean()}).items():
            yield about | {"quantity": name, "value": float(value), "low": np.nan, "high": np.nan}


def _scores(about: dict[str, Any], soils: pd.DataFrame, resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    y, y_hat = soils["reference"].to_numpy(), soils["prediction"].to_numpy()
    rng = np.random.default_rng(derive_seed(seed, "soil_extended", about["dataset"], about["pair"], about["target"]))
    drawn = rng.integers(0, len(y), (resamples, len(y)))
    for name, score in SCORES.items():
        low, high = np.nanquantile([score(y[take], y_hat[take]) for take in drawn], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
        yield about | {"quantity": name, "value": score(y, y_hat), "low": low, "high": high}
