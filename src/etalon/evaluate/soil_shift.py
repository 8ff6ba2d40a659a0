r"""What another laboratory costs, and why: other properties, or other spectra of the same properties.

From set A a model is trained, on set B it is tested. Its error on A in cross-validation becomes that on B in three
steps, which add up exactly:

.. math:: R_B - R_A = \underbrace{(R_{A|B} - R_A)}_{\text{range}} + \underbrace{(R_{B|A} - R_{A|B})}_{\text{spectra}} +
          \underbrace{(R_B - R_{B|A})}_{\text{beyond}}

:math:`R_{B|A}` is the error on those soils of B that have soils of A with nearly their property value, and
:math:`R_{A|B}` that on these soils of A, which B's count as often as they have them: soils of equal property. What is
left between the two is not the property: instruments, preparation, matrix and the reference method of the two
laboratories. Beyond lie soils of B without a like in A.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from etalon.evaluate.soil_sets import INDEPENDENT
from etalon.seeds import derive_seed

METHODS = ("mir_plsr", "mir_latent_ridge", "nir_plsr", "nir_to_mir_latent_ridge")
CALIPER = 0.1  # SD of A's references within which two soils have nearly the same value
NEIGHBOURS = 5  # soils of A at most that stand for one of B
FEWEST = 20  # matched soils of B
LEVEL = 0.95
PARTS = ("range", "spectra", "beyond")
MODEL = ["method", "variant", "target"]


def decomposition(
    a: tuple[np.ndarray, np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray, np.ndarray]
) -> dict[str, float] | None:
    """Return the errors and the parts of their difference; None where fewer than `FEWEST` soils can be matched.

    Parameters
    ----------
    a, b : reference, squared error and signed error of every soil of A (in cross-validation), of B (by A's model)

    Returns
    -------
    rmse_train, rmse_train_matched, rmse_test_matched, rmse_test; range, spectra, beyond; offset, what of `spectra` is
    gone when the mean error of the matched soils of B is taken away; matched, the share of B's soils
    """
    order = np.argsort(a[0], kind="stable")
    y, squared = a[0][order], a[1][order]
    reach = CALIPER * a[0].std()
    low, high = np.searchsorted(y, b[0] - reach, side="left"), np.searchsorted(y, b[0] + reach, side="right")
    matched = high > low
    if matched.sum() < FEWEST:
        return None
    # The nearest of those within reach: a window of at most NEIGHBOURS about the place where the value would stand.
    centre = np.searchsorted(y, b[0][matched])
    first = np.clip(centre - NEIGHBOURS // 2, low[matched], np.maximum(high[matched] - NEIGHBOURS, low[matched]))
    last = np.minimum(first + NEIGHBOURS, high[matched])
    total = np.concatenate([[0.0], np.cumsum(squared)])
    of_a = (total[last] - total[first]) / (last - first)
    errors = {
        "rmse_train": a[1].mean(),
        "rmse_train_matched": of_a.mean(),
        "rmse_test_matched": b[1][matched].mean(),
        "rmse_test": b[1].mean(),
    }
    found = {name: float(np.sqrt(value)) for name, value in errors.items()}
    steps = list(found.values())
    found |= {name: steps[k + 1] - steps[k] for k, name in enumerate(PARTS)}
    unbiased = np.sqrt(max(b[1][matched].mean() - b[2][matched].mean() ** 2, 0.0))
    return found | {"offset": found["rmse_test_matched"] - float(unbiased), "matched": float(matched.mean())}


def rows(predictions: pd.DataFrame, resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one row a pair of sets, model, property and quantity of `decomposition`, with intervals over soils of both.

    Also `rmse_own`, the error on B of a model trained on B in cross-validation, where there is one.

    Parameters
    ----------
    predictions : `etalon.records.PREDICTION_COLUMNS`, one row a soil; seeds of a soil are averaged
    """
    chosen = predictions[predictions["method"].isin(METHODS)]
    error = chosen["prediction"] - chosen["reference"]
    chosen = chosen.assign(error=error, squared=error**2)
    keys = ["condition", "dataset", "pair", *MODEL, "row"]
    soils = chosen.groupby(keys, sort=False)[["reference", "error", "squared"]].mean().reset_index()
    cv = {key: own for key, own in soils[soils["condition"] == "cv"].groupby(["dataset", *MODEL], sort=False)}
    for (pair, *model), b in soils[soils["condition"] == INDEPENDENT].groupby(["pair", *MODEL], sort=False):
        trained, tested = str(pair).split(">")
        about = dict(zip(MODEL, model, strict=True)) | {"pair": pair, "train": trained, "dataset": tested, "n": len(b)}
        if (a := cv.get((trained, *model))) is None:
            continue
        values = [tuple(side[name].to_numpy() for name in ("reference", "squared", "error")) for side in (a, b)]
        found = decomposition(*values)
        if found is None:
            reason = f"not run: fewer than {FEWEST} soils with a like in {trained}"
            yield about | {"quantity": "spectra", "value": np.nan, "low": np.nan, "high": np.nan, "status": reason}
            continue
        if (own := cv.get((tested, *model))) is not None:
            found["rmse_own"] = float(np.sqrt(own["squared"].mean()))
        drawn = _resampled(values, resamples, derive_seed(seed, "soil_shift", pair, *model))
        for name, value in found.items():
            ends = np.quantile(drawn[name], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2]) if name in drawn else (np.nan, np.nan)
            yield about | {"quantity": name, "value": value, "low": ends[0], "high": ends[1], "status": "ok"}


def _resampled(values: list[Any], resamples: int, seed: int) -> dict[str, np.ndarray]:
    """Return the quantities of resampled soils of both sets; resamples that cannot be matched are left out."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(resamples):
        sides = []
        for side in values:
            take = rng.integers(0, len(side[0]), len(side[0]))
            sides.append(tuple(part[take] for part in side))
        if (own := decomposition(*sides)) is not None:
            found.append(own)
    return {name: np.array([own[name] for own in found]) for name in found[0]} if found else {}
