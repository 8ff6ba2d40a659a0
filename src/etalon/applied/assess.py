"""What a calibration that was kept is worth: distances, intervals, outliers, and the model that goes into a file."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
from ikpls.sklearn import PLS

from etalon.applied.judging import Splits, predictions_of_choosing
from etalon.applied.methods import Bench, Fitted, quiet_pls
from etalon.applied.model import FORMAT, Model
from etalon.applied.monitor import LEVELS, at_least, q_limit, t2_limit
from etalon.applied.outcome import Judged, Outcome, Wishes, finite
from etalon.contracts import SpectraSet, Target
from etalon.errors import BadInputError
from etalon.evaluate import tuning
from etalon.evaluate.calibration import clip_range
from etalon.evaluate.uncertainty import conformal_quantile
from etalon.preprocess.standard import CHOICES
from etalon.seeds import derive_seed

INTERVALS = (0.8, 0.9, 0.95)
LARGE_RESIDUAL = 3.0  # over RMSECV
LIMIT = "0.99"


@dataclass(frozen=True)
class Parts:
    """Rows of a dataset that calibrate and that test, where the latter come from, and the outer folds of the former."""

    rows: np.ndarray
    test: np.ndarray
    test_of: str
    folds: Splits


def assess(
    spectra: SpectraSet,
    target: Target,
    bench: Bench,
    parts: Parts,
    judged: tuple[Judged, ...],
    chosen: Judged,
    why: str,
    kept: Fitted,
    wishes: Wishes,
) -> Outcome:
    """Return what the kept method is worth; `kept` is fitted to all calibration rows."""
    rows, test = parts.rows, parts.test
    y, groups = bench.y[rows], bench.groups[rows]
    curve, best = pls_curve(bench, rows, derive_seed(wishes.seed, "curve"))
    features, (coefficients, intercept) = kept.features(), kept.line()
    subspace = kept.subspace(features.transform(bench.spectra[rows]), best)
    t2, q = _left_out_distances(kept, bench, parts, subspace.n_components)
    by_choosing = predictions_of_choosing(judged, y, groups, parts.folds, wishes.method, wishes.seed)
    quantiles = _quantiles(by_choosing - y, groups)
    about = {
        **origin(spectra, target),
        "method": chosen.name,
        "choice": kept.choice,
        "features": features.describe(),
        "reference_range": [y.min(), y.max()],
        "limits": clip_range(y),
        **_distance_limits(t2, q, groups, subspace.n_components),
        "quantiles": quantiles,
        "intercept": intercept,
        "statistics": {},
        "seed": wishes.seed,
        "n_calibration": len(rows),
        "n_specimens": len(np.unique(groups)),
        "transferred_from": None,
    }
    model = Model(finite(about), features, coefficients, subspace)
    fitted = kept.predict(rows)
    _check_model(model, fitted, bench.spectra[rows])
    seen, test_t2, test_q = np.empty(0), np.empty(0), np.empty(0)
    if len(test):
        seen = model.predict(bench.spectra[test]).values
        test_t2, test_q = subspace.distances(features.transform(bench.spectra[test]))
    flagged = _flags(model, rows, t2, q, (chosen.predictions - y) / chosen.rmsecv)
    flagged |= _flags(model, test, test_t2, test_q, (seen - bench.y[test]) / chosen.rmsecv)
    outcome = Outcome(
        spectra=spectra,
        target=target,
        y=bench.y,
        groups=bench.groups,
        rows=rows,
        test=test,
        test_of=parts.test_of,
        judged=judged,
        chosen=chosen,
        why=why,
        model=model,
        fitted=fitted,
        t2=t2,
        q=q,
        test_prediction=seen,
        test_t2=test_t2,
        test_q=test_q,
        quantiles=quantiles,
        covered=_coverage(by_choosing, y, groups, parts.folds),
        flagged=flagged,
        curve=curve,
        folds=len(parts.folds),
    )
    model.about["statistics"] = outcome.statistics()
    return outcome


def origin(spectra: SpectraSet, target: Target) -> dict[str, Any]:
    """Return what a model's file says of the dataset that it was made from."""
    metadata = spectra.metadata
    return {
        "format": FORMAT,
        "etalon": version("etalon"),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "dataset": metadata.dataset_id,
        "target": target.name,
        "unit": target.unit,
        "analyte": target.analyte,
        "basis": target.basis,
        "axis_unit": metadata.axis_unit,
        "modality": metadata.modality,
        "representation": metadata.representation,
        "left_out": [],
        "sources": [{"path": source.path, "sha256": source.sha256} for source in metadata.sources],
    }


def _check_model(model: Model, fitted: np.ndarray, spectra: np.ndarray) -> None:
    """Compare the line that is kept with the method it comes from: a model in a file must not predict otherwise."""
    difference = float(np.abs(model.predict(spectra).values - fitted).max())
    scale = float(np.ptp(fitted)) or 1.0
    if difference > 1e-3 * scale:
        raise BadInputError("model", "predictions", "those of the method it was made from", f"{difference:g} off")
    if difference > 1e-6 * scale:
        logging.info("the model in the file differs from the fitted one by %g", difference)


def _left_out_distances(kept: Fitted, bench: Bench, parts: Parts, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    """Return T² and Q of each calibration row by a space of `n_components` that the other folds' features span."""
    t2, q = np.empty(len(parts.rows)), np.empty(len(parts.rows))
    for inside, out in parts.folds:
        part = kept.refit(parts.rows[inside])
        features = part.features()
        space = part.subspace(features.transform(bench.spectra[parts.rows[inside]]), n_components)
        t2[out], q[out] = space.distances(features.transform(bench.spectra[parts.rows[out]]))
    return t2, q


def _distance_limits(
    t2: np.ndarray, q: np.ndarray, groups: np.ndarray, n_components: int
) -> dict[str, dict[float, float]]:
    """Return the limits of both distances by level; `t2` and `q` of calibration rows that were left out."""
    n, of_specimens = len(np.unique(groups)), (by_specimen(t2, groups), by_specimen(q, groups))
    return {
        "t2_limits": {level: at_least(t2_limit(n, n_components, level), of_specimens[0], level) for level in LEVELS},
        "q_limits": {level: at_least(q_limit(q, level), of_specimens[1], level) for level in LEVELS},
    }


def _quantiles(errors: np.ndarray, groups: np.ndarray) -> dict[float, float]:
    """Return half the widths of the conformal intervals by level."""
    scores = by_specimen(errors, groups)
    return {level: float(conformal_quantile(scores, level)) for level in INTERVALS}


def by_specimen(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the largest absolute value of each specimen's scans: specimens are exchangeable, their scans are not."""
    _, number = np.unique(groups, return_inverse=True)
    scores = np.zeros(number.max() + 1)
    np.maximum.at(scores, number, np.abs(values))
    return scores


def _coverage(predictions: np.ndarray, y: np.ndarray, groups: np.ndarray, folds: Splits) -> dict[float, float]:
    """Return the share of references inside intervals whose width comes from the errors of the other folds."""
    errors, inside = predictions - y, {level: np.zeros(len(y)) for level in INTERVALS}
    for others, out in folds:
        for level, width in _quantiles(errors[others], groups[others]).items():
            inside[level][out] = np.abs(errors[out]) <= width
    return {level: float(found.mean()) for level, found in inside.items()}


def _flags(model: Model, rows: np.ndarray, t2: np.ndarray, q: np.ndarray, errors: np.ndarray) -> dict[int, list[str]]:
    """Return why rows want a second look: distances over their 99 % limits, errors over RMSECV.

    `errors` : of predictions of samples not fitted to, over RMSECV.
    """
    t2_limit, q_limit = model.about["t2_limits"][LIMIT], model.about["q_limits"][LIMIT]
    found: dict[int, list[str]] = {}
    for row, own_t2, own_q, error in zip(rows.tolist(), t2, q, errors, strict=True):
        reasons = [
            reason
            for reason, applies in (
                (f"T² x {own_t2 / (t2_limit or np.inf):.2f}", t2_limit and own_t2 > t2_limit),
                (f"Q x {own_q / (q_limit or np.inf):.2f}", q_limit and own_q > q_limit),
                (f"error x {error:+.1f}", abs(error) > LARGE_RESIDUAL),
            )
            if applies
        ]
        if reasons:
            found[row] = reasons
    return found


def pls_curve(bench: Bench, rows: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """Return RMSECV by number of latent variables under the best preprocessing of PLS, and the best number.

    Inside the calibration rows: the figure by which a number is chosen, not one by which the result is judged.
    """
    data = tuning.training(
        bench.views, bench.y, bench.groups, rows, n_splits=CHOICES["inner_splits"], seed=seed, stratify=False
    )
    most = max(1, min(CHOICES["max_lv"], min(len(fit) for fit, _ in data.inner) - 1, bench.spectra.shape[1]))
    squared = np.zeros(most)
    with quiet_pls():
        best = tuning.best_of([tuning.tune_pls(data, name, CHOICES["max_lv"]) for name in CHOICES["preprocessings"]])
        for X, y, X_val, positions in data.splits(best.choice.preprocessing):
            y_hat = PLS(n_components=most, scale_X=False, scale_Y=False).fit(X, y).predict_all_components(X_val)
            squared += ((y_hat[..., 0] - data.y[positions]) ** 2).sum(axis=1)
    return np.sqrt(squared / len(rows)), int(best.choice.settings["n_lv"])
