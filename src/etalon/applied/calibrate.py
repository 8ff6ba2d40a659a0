"""A calibration of a person's own spectra: methods judged by nested cross-validation, one of them kept."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from etalon.applied.assess import Parts, assess
from etalon.applied.features import Grid, check_signal
from etalon.applied.judging import Progress, choose, judge, outer_folds, split
from etalon.applied.methods import TITLES, Bench, fit
from etalon.applied.outcome import AUTO, Outcome, Wishes
from etalon.contracts import SpectraSet, Target
from etalon.data.folds import group_specimens
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.tasks import MIN_ROWS
from etalon.seeds import derive_seed

MIN_SPECIMENS = 10


def calibrate(
    spectra: SpectraSet, target: Target, wishes: Wishes, progress: Progress = lambda steps, total: steps
) -> Outcome:
    """Choose, judge and fit calibrations of one target.

    Test specimens are put aside first. On the others every method runs under grouped cross-validation, all choices
    inside the training folds. With the method "auto" tuned PLS is kept unless another's RMSECV is below it with its
    whole 95 % interval; then that with the smallest RMSECV. The kept method chooses once more on all calibration rows.

    Raises
    ------
    BadInputError : a wish that cannot be met; fewer than 20 samples or 10 specimens measured, or left to calibrate
        beside the test set; references that are equal; a measured sample whose spectrum has no signal
    """
    column = spectra.metadata.targets.index(target)
    y, groups = spectra.reference[:, column], group_specimens(spectra)
    measured = np.flatnonzero(np.isfinite(y))
    left_out = _left_out(spectra, wishes.leave_out)
    staying = measured[~left_out[measured]]
    _check_wishes(spectra.metadata.dataset_id, wishes)
    _check_references(spectra, target, y[staying], groups[staying], "measured")
    check_signal(spectra, staying, "--leave-out")
    # Parted before anything is left out, so that the test set stays the same.
    rows, test, test_of = split(spectra, y, groups, measured, wishes)
    asked = spectra.sample_id[left_out].tolist()
    keep = ~(left_out | (np.ptp(spectra.intensities, axis=1) == 0))
    rows, test = ((np.cumsum(keep) - 1)[part[keep[part]]] for part in (rows, test))
    spectra, y, groups = _part(spectra, keep), y[keep], groups[keep]
    _check_references(spectra, target, y[rows], groups[rows], "calibration")
    folds = outer_folds(spectra, groups, rows, wishes)
    names = [name for name in TITLES if name != "embedding_ridge" or wishes.checkpoint is not None]
    metadata = spectra.metadata
    grid = Grid(spectra.wavelengths, metadata.axis_unit, metadata.modality)
    bench, missing = _prepare(grid, spectra, y, groups, wishes, names)
    runs = [name for name in names if name not in missing]
    judged = judge(bench, rows, folds, runs, missing, names, wishes.seed, progress)
    chosen, why = choose(judged, wishes.method)
    kept = fit(chosen.name, bench, rows, derive_seed(wishes.seed, "choice", chosen.name))
    parts = Parts(rows, test, test_of, folds)
    outcome = assess(spectra, target, bench, parts, judged, chosen, why, kept, wishes)
    outcome.model.about["left_out"] = asked
    return outcome


def _part(spectra: SpectraSet, keep: np.ndarray) -> SpectraSet:
    names = ("intensities", "reference", "sample_id", "specimen", "split", "label")
    parts = {name: values[keep] for name in names if (values := getattr(spectra, name)) is not None}
    return replace(spectra, **parts)


def _left_out(spectra: SpectraSet, names: Sequence[str]) -> np.ndarray:
    """Return which samples a user leaves out, by their ids or by their specimens, shape (n_samples,)."""
    left_out = np.zeros(len(spectra), dtype=bool)
    for name in names:
        one = spectra.sample_id == name
        one = one if one.any() else spectra.specimen == name
        if not one.any():
            near = difflib.get_close_matches(name, [*spectra.sample_id.tolist(), *spectra.specimen.tolist()], n=3)
            expected = f"a sample or specimen, such as {', '.join(map(repr, near or [str(spectra.sample_id[0])]))}"
            raise BadInputError(spectra.metadata.dataset_id, "--leave-out", expected, repr(name))
        left_out |= one
    return left_out


def _check_wishes(where: str, wishes: Wishes) -> None:
    if wishes.method not in (AUTO, *TITLES):
        raise BadInputError(where, "--method", f"one of {', '.join((AUTO, *TITLES))}", repr(wishes.method))
    if wishes.method == "embedding_ridge" and wishes.checkpoint is None:
        raise BadInputError(where, "--method", "an --encoder with weights, for embedding_ridge", "--encoder fs")
    if wishes.folds < 2:
        raise BadInputError(where, "--folds", "at least 2", wishes.folds)
    if not 0 <= wishes.test_share < 1:
        raise BadInputError(where, "--test-share", "a share from 0 to below 1", wishes.test_share)


def _check_references(spectra: SpectraSet, target: Target, y: np.ndarray, groups: np.ndarray, which: str) -> None:
    where = spectra.metadata.dataset_id
    if len(y) < MIN_ROWS:
        raise BadInputError(where, target.name, f"at least {MIN_ROWS} {which} samples", len(y))
    if (n := len(np.unique(groups))) < MIN_SPECIMENS:
        raise BadInputError(where, target.name, f"at least {MIN_SPECIMENS} {which} specimens", n)
    if np.ptp(y) == 0:
        raise BadInputError(where, target.name, f"reference values of {which} samples that differ", f"{y[0]:g} alone")


def _prepare(
    grid: Grid, spectra: SpectraSet, y: np.ndarray, groups: np.ndarray, wishes: Wishes, names: Sequence[str]
) -> tuple[Bench, dict[str, str]]:
    """Return the bench, and why the methods on embeddings cannot run where that is so."""
    values = spectra.intensities.astype(np.float64)
    try:
        return Bench.prepare(grid, values, y, groups, wishes.checkpoint, names), {}
    except NotRunError as error:
        classical = [name for name in names if name in ("tuned_pls", "tuned_ridge")]
        missing = {name: error.reason for name in names if name not in classical}
        return Bench.prepare(grid, values, y, groups, None, classical), missing
