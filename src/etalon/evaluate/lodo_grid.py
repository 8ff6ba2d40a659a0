"""Spectra of many datasets on one grid: what methods that know no axis need before they can train on several."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from etalon.evaluate.lodo import Member, Transfer, intensities_as
from etalon.evaluate.views import Views
from etalon.models.function_space import physical_axis
from etalon.preprocess.asls import asls


@dataclass(frozen=True)
class Joint:
    """The training rows of a transfer and then all measured rows of its test set, on one grid.

    Attributes
    ----------
    transfer : with the training sets that cover enough of the test set's range; the others are in its `left_out`
    views : of all rows
    grid : nm, or cm-1 of MIR and Raman, increasing
    """

    transfer: Transfer
    views: Views
    grid: np.ndarray

    @property
    def n_source(self) -> int:
        return len(self.transfer.y)


def join(transfer: Transfer, min_overlap: float, settings: Mapping[str, Any]) -> Joint:
    """Return the spectra of a transfer on the range that its sets share, at the coarsest of their steps.

    Parameters
    ----------
    min_overlap : a training set does not train if the range would shrink below this share of the test set's
    settings : "asls", and the Savitzky-Golay settings of `Views`

    Raises
    ------
    NotRunError : no training set covers so much
    """
    members = [transfer.test, *(source.member for source in transfer.sources)]
    axes = [_axis(member) for member in members]
    low, high, kept = common_range(axes[0], axes[1:], min_overlap)
    reason = f"with it the common range would be less than {min_overlap:.0%} of the test set's"
    left_out = {s.member.dataset: reason for number, s in enumerate(transfer.sources) if number not in kept}
    narrowed = transfer.without(left_out, f"no training set covers {min_overlap:.0%} of the range")
    used = [axes[number + 1] for number in kept]
    step = max(float(np.median(np.abs(np.diff(axis)))) for axis in (axes[0], *used))
    grid = low + step * np.arange(int((high - low) / step + 1e-6) + 1)
    parts = [(source.member, source.rows, axis) for source, axis in zip(narrowed.sources, used, strict=True)]
    parts.append((transfer.test, transfer.test.rows, axes[0]))
    stacked = np.concatenate(
        [on_grid(intensities_as(m.spectra, transfer.representation)[rows], axis, grid) for m, rows, axis in parts]
    )
    metadata = transfer.test.spectra.metadata
    unit = "nm" if metadata.modality in ("nir", "visnir") else "cm-1"
    views = _views(stacked, grid, unit, metadata.modality, settings)
    return Joint(narrowed, views, grid)


def own_views(test: Member, settings: Mapping[str, Any]) -> Views:
    """Return the measured rows of a test set as they were measured, on their own grid."""
    spectra, metadata = test.spectra, test.spectra.metadata
    return _views(spectra.intensities[test.rows], spectra.wavelengths, metadata.axis_unit, metadata.modality, settings)


def common_range(test: np.ndarray, axes: Sequence[np.ndarray], min_overlap: float) -> tuple[float, float, list[int]]:
    """Return the range that the test set shares with training sets, and the numbers of these.

    The sets that cover most come first; one that would leave less than `min_overlap` of the test set's range is passed
    over.
    """
    low, high = float(test.min()), float(test.max())
    least = min_overlap * (high - low)
    covered = [min(high, axis.max()) - max(low, axis.min()) for axis in axes]
    kept = []
    for number in np.argsort(covered, kind="stable")[::-1]:
        first, last = max(low, float(axes[number].min())), min(high, float(axes[number].max()))
        if last - first >= least:
            low, high = first, last
            kept.append(int(number))
    return low, high, sorted(kept)


def on_grid(intensities: np.ndarray, axis: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """Return spectra, shape (n, n_channels), at the points of `grid`, shape (n, len(grid)); linear between channels."""
    order = np.argsort(axis)
    return np.array([np.interp(grid, axis[order], spectrum[order]) for spectrum in intensities], np.float32)


def _axis(member: Member) -> np.ndarray:
    metadata = member.spectra.metadata
    return physical_axis(member.spectra.wavelengths, metadata.modality, metadata.axis_unit)


def _views(
    intensities: np.ndarray, axis: np.ndarray, axis_unit: str, modality: str, settings: Mapping[str, Any]
) -> Views:
    baseline = asls(intensities, axis, axis_unit=axis_unit, modality=modality, **settings["asls"])
    return Views(intensities, baseline, **{name: settings[name] for name in ("savgol_window", "savgol_order")})
