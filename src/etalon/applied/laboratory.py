"""What the references of a calibration are worth: values beyond a limit of the laboratory, and its own error."""

from __future__ import annotations

from typing import Any

import numpy as np

from etalon.contracts import Laboratory, SpectraSet, Target
from etalon.evaluate import metrics

STANDS_FOR = {"missing": "taken as not measured", "half": "taken as half of it", "limit": "taken as the limit itself"}


def laboratory_of(spectra: SpectraSet, target: Target) -> Laboratory | None:
    """Return what is known of a target's references; None where they are plain measured values."""
    return next((one for one in spectra.metadata.laboratory if one.target == target.name), None)


def beyond(spectra: SpectraSet, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Return which samples have a reference below, and which above, a limit, bool, each of shape (n_samples,)."""
    one = laboratory_of(spectra, target) or Laboratory(target.name)
    return np.isin(spectra.sample_id, one.below), np.isin(spectra.sample_id, one.above)


def statistics(
    spectra: SpectraSet, target: Target, parts: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]
) -> dict[str, Any] | None:
    """Return what a calibration's figures owe to the laboratory; None where nothing is known of it.

    `n_references` counts those of the calibration and its test set, and those that were taken as not measured.

    Parameters
    ----------
    parts : by the name of its error (rmsecv, rmsep): rows, references and predictions, each of shape (n_part,). Where
        numbers stand for values beyond a limit, the error of the others is returned as well (rmsecv_measured, ...).
    """
    one = laboratory_of(spectra, target)
    if one is None:
        return None
    below, above = beyond(spectra, target)
    used = np.isfinite(spectra.reference[:, spectra.metadata.targets.index(target)])
    found: dict[str, Any] = {
        "sel": one.sel,
        "degrees_of_freedom": one.degrees_of_freedom,
        "sel_of_references": one.sel_of_references,
        "beyond_limit": one.beyond_limit,
        "n_below": int(below.sum()),
        "n_above": int(above.sum()),
        "n_references": int((used | below | above).sum()),
    }
    if one.beyond_limit not in (None, "missing"):
        for name, (rows, y, y_hat) in parts.items():
            measured = ~(below | above)[rows]
            found[f"{name}_measured"] = metrics.rmsep(y[measured], y_hat[measured]) if measured.any() else np.nan
    return found


def beyond_text(n_below: int, n_above: int, n_references: int, beyond_limit: str) -> str:
    """Say how many references lie beyond a limit, and what stands for them."""
    sides = [(count, side) for count, side in ((n_below, "below"), (n_above, "above")) if count]
    counts = " and ".join(f"{count} {side}" for count, side in sides).replace(" ", f" of {n_references} references ", 1)
    how = STANDS_FOR["limit" if beyond_limit == "half" and not n_below else beyond_limit]
    if beyond_limit == "half" and n_below and n_above:
        how += " where below, as the limit itself where above"
    return f"{counts} a limit, {how}"


def sel_text(sel: float, degrees_of_freedom: int, sel_of_references: float, unit: str) -> str:
    """Say what repeated determinations tell of the laboratory."""
    if sel == 0:
        return "none: repeats are equal in every sample; copies of one determination?"
    degrees = "degree" if degrees_of_freedom == 1 else "degrees"
    return (
        f"{sel:.3g} {unit} for one determination ({degrees_of_freedom} {degrees} of freedom), "
        f"{sel_of_references:.3g} {unit} for the references, their means"
    )
