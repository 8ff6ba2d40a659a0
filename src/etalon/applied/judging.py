"""Which samples calibrate and which test, and what each method achieves on samples that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from etalon.applied.methods import REFERENCE, Bench, fit
from etalon.applied.outcome import AUTO, Judged, Wishes
from etalon.contracts import SpectraSet
from etalon.data.folds import grouped_kfold, make_folds, read_folds
from etalon.errors import NotRunError
from etalon.evaluate import metrics
from etalon.evaluate.tasks import MIN_ROWS
from etalon.seeds import derive_seed

# With fewer specimens none is put aside: neither part would say much.
TEST_FROM = 50
RESAMPLES = 2000

Progress = Callable[[Iterable, int], Iterable]
Splits = list[tuple[np.ndarray, np.ndarray]]


def split(
    spectra: SpectraSet, y: np.ndarray, groups: np.ndarray, measured: np.ndarray, wishes: Wishes
) -> tuple[np.ndarray, np.ndarray, str]:
    """Return calibration rows, test rows, and where the latter come from."""
    published = spectra.metadata.published_split or {}
    if "train" in published and spectra.split is not None:
        table = make_folds(spectra, n_splits=2, n_repeats=1, seed=wishes.seed)
        (fold,) = read_folds(table, ("published",))
        rows, test = (part[np.isfinite(y[part])] for part in (fold.train, fold.test))
        if len(rows) >= MIN_ROWS and len(test):
            return rows, test, "the set's own split"
    specimens = np.unique(groups[measured])
    if wishes.test_share == 0:
        return measured, np.empty(0, int), "none: --test-share 0"
    if len(specimens) < TEST_FROM:
        return measured, np.empty(0, int), f"none: {len(specimens)} specimens, fewer than {TEST_FROM}"
    rng = np.random.default_rng(derive_seed(wishes.seed, "test", spectra.metadata.dataset_id))
    held = rng.permutation(specimens)[: max(1, round(wishes.test_share * len(specimens)))]
    apart = np.isin(groups[measured], held)
    return measured[~apart], measured[apart], f"{len(held)} of {len(specimens)} specimens at random, put aside first"


def outer_folds(spectra: SpectraSet, groups: np.ndarray, rows: np.ndarray, wishes: Wishes) -> Splits:
    """Return the outer folds as positions in `rows`: the set's own where it has some."""
    published = spectra.metadata.published_split or {}
    if published.get("folds") and spectra.split is not None:
        names = spectra.split[rows]
        folds = [(np.flatnonzero(names != name), np.flatnonzero(names == name)) for name in np.unique(names)]
        if len(folds) > 1:  # the measured samples may all lie in one
            return [(fit[~np.isin(groups[rows][fit], groups[rows][out])], out) for fit, out in folds]
    return grouped_kfold(groups[rows], wishes.folds, derive_seed(wishes.seed, "outer", spectra.metadata.dataset_id))


def judge(
    bench: Bench,
    rows: np.ndarray,
    folds: Sequence[tuple[np.ndarray, np.ndarray]],
    runs: Sequence[str],
    missing: dict[str, str],
    names: Sequence[str],
    seed: int,
    progress: Progress,
) -> tuple[Judged, ...]:
    predictions = {name: np.full(len(rows), np.nan) for name in runs}
    choices: dict[str, list[dict[str, Any]]] = {name: [] for name in runs}
    steps = [(number, name) for number in range(len(folds)) for name in runs]
    for number, name in progress(steps, len(steps)):
        inside, out = folds[number]
        fitted = fit(name, bench, rows[inside], derive_seed(seed, "inner", number))
        predictions[name][out] = fitted.predict(rows[out])
        choices[name].append(fitted.choice)
    every = [
        Judged(name, not_run=missing[name])
        if name in missing
        else Judged(name, predictions[name], tuple(choices[name]))
        for name in names
    ]
    return _compared(every, bench.y[rows], bench.groups[rows], np.arange(len(rows)), seed)


def _compared(
    judged: Sequence[Judged], y: np.ndarray, groups: np.ndarray, part: np.ndarray, seed: int
) -> tuple[Judged, ...]:
    """Return the methods with RMSECV and its ratio to that of `REFERENCE`, by the samples at the positions `part`."""
    base = next(one.predictions for one in judged if one.name == REFERENCE)
    found = []
    for one in judged:
        if one.not_run is None:
            own, bootstrap = one.predictions[part], derive_seed(seed, "bootstrap")
            ratio = error_ratio(y[part], own, base[part], groups[part], bootstrap)
            one = replace(one, rmsecv=metrics.rmsep(y[part], own), ratio=ratio)
        found.append(one)
    return tuple(found)


def error_ratio(
    y: np.ndarray, own: np.ndarray, base: np.ndarray, groups: np.ndarray, seed: int
) -> tuple[float, float, float]:
    """Return the ratio of two root mean squared errors on the same samples, and its 95 % interval.

    Specimens are drawn with replacement, `RESAMPLES` times (percentile bootstrap).
    """
    _, number = np.unique(groups, return_inverse=True)
    sums = [np.bincount(number, (y_hat - y) ** 2) for y_hat in (own, base)]
    if sums[1].sum() == 0:
        return float("nan"), float("nan"), float("nan")
    draws = np.random.default_rng(seed).integers(len(sums[0]), size=(RESAMPLES, len(sums[0])))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.sqrt(sums[0][draws].sum(axis=1) / sums[1][draws].sum(axis=1))
    low, high = np.percentile(ratios[np.isfinite(ratios)], [2.5, 97.5])
    return float(np.sqrt(sums[0].sum() / sums[1].sum())), float(low), float(high)


def choose(judged: Sequence[Judged], wish: str) -> tuple[Judged, str]:
    by_name = {one.name: one for one in judged}
    if wish != AUTO:
        if (reason := by_name[wish].not_run) is not None:
            raise NotRunError(f"{wish}: {reason}")
        return by_name[wish], "It was asked for."
    better = [one for one in judged if one.name != REFERENCE and one.ratio[2] < 1]
    if not better:
        return by_name[REFERENCE], (
            "No other method has an RMSECV below that of tuned PLS with its whole 95 % interval: "
            "the best known and simplest is kept."
        )
    best = min(better, key=lambda one: one.rmsecv)
    ratio, low, high = best.ratio
    return best, (
        f"Its RMSECV is {ratio:.2f} times that of tuned PLS (95 % interval {low:.2f} to {high:.2f}), the smallest of "
        f"{len(better)} whose interval lies below 1."
    )


def predictions_of_choosing(
    judged: Sequence[Judged], y: np.ndarray, groups: np.ndarray, folds: Splits, wish: str, seed: int
) -> np.ndarray:
    """Return predictions, shape (n,), where each fold's are of the method that would be kept without that fold.

    The errors that a method was chosen by are smaller than those it makes on new samples, those of a fold that had no
    say are not: intervals come from the latter.

    Parameters
    ----------
    folds : positions of the samples inside and outside of each
    wish : as in `choose`; of a method that was asked for, the predictions are its own
    """
    if wish != AUTO:
        return choose(judged, wish)[0].predictions
    predictions = np.empty(len(y))
    for inside, out in folds:
        predictions[out] = choose(_compared(judged, y, groups, inside, seed), wish)[0].predictions[out]
    return predictions
