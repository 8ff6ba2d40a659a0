"""Two instruments that measured the same specimens, on the channels that both cover."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from etalon.applied.features import Grid, baselines, blocks_of, check_signal
from etalon.chemometrics.transfer import MIN_PAIRS
from etalon.contracts import SpectraSet, Target
from etalon.data.axis import same_axis
from etalon.data.folds import group_specimens
from etalon.errors import BadInputError
from etalon.evaluate.views import Views
from etalon.preprocess.standard import SAVGOL

MIN_SHARED = 2 * MIN_PAIRS
MIN_CHANNELS = 20


@dataclass(frozen=True)
class Bridge:
    """Two instruments on the channels of the source that both cover.

    Attributes
    ----------
    y, groups : of the source's rows, shape (n_source,)
    values : spectra of source and target one after the other; views : the same under every preprocessing
    shared : names of the transfer samples; y_shared : their references, shape (n_shared,)
    """

    source: SpectraSet
    target: SpectraSet
    grid: Grid
    y: np.ndarray
    groups: np.ndarray
    values: np.ndarray
    views: Views
    shared: np.ndarray
    y_shared: np.ndarray

    @classmethod
    def build(cls, source: SpectraSet, target: SpectraSet, analyte: Target) -> Bridge:
        """Find the transfer samples; raises BadInputError where the two sets do not fit together."""
        _check_kinds(source, target)
        own, other = source.wavelengths, target.wavelengths
        channels = own[(own >= other[0]) & (own <= other[-1])]
        where = f"{source.metadata.dataset_id} and {target.metadata.dataset_id}"
        if len(channels) < MIN_CHANNELS:
            raise BadInputError(where, "axis", f"at least {MIN_CHANNELS} channels that both cover", len(channels))
        y = source.reference[:, source.metadata.targets.index(analyte)]
        known = {name: float(np.nanmean(y[source.specimen == name])) for name in _measured(source, y)}
        shared = np.array([name for name in np.unique(target.specimen) if name in known])
        if len(shared) < MIN_SHARED:
            hint = "" if len(shared) else f"; such as {str(source.specimen[0])!r} and {str(target.specimen[0])!r}"
            expected = f"at least {MIN_SHARED} specimens of one name in both, with a reference"
            raise BadInputError(where, "specimens", expected, f"{len(shared)}{hint}")
        check_signal(source, np.flatnonzero(np.isfinite(y)))
        check_signal(target, np.arange(len(target)))
        grid = Grid(channels, source.metadata.axis_unit, source.metadata.modality)
        values = np.concatenate([_on(channels, one) for one in (source, target)])
        views = Views(values, baselines(values, grid), **SAVGOL)
        y_shared = np.array([known[name] for name in shared])
        return cls(source, target, grid, y, group_specimens(source), values, views, shared, y_shared)

    @cached_property
    def embedded(self) -> dict[str, np.ndarray]:
        """Blocks of the embedding fs of `values`. Raises NotRunError where only channel numbers are known."""
        return blocks_of(self.values, self.grid, None)

    def rows_of(self, names: np.ndarray, target: bool) -> np.ndarray:
        """Return rows of `values` of the scans of specimens, on one instrument."""
        specimen = self.target.specimen if target else self.source.specimen
        return np.flatnonzero(np.isin(specimen, names)) + (len(self.source) if target else 0)


def _check_kinds(source: SpectraSet, target: SpectraSet) -> None:
    for name in ("modality", "axis_unit", "representation"):
        expected, found = (getattr(one.metadata, name) for one in (source, target))
        near = name == "modality" and {expected, found} <= {"nir", "visnir"}
        if expected != found and not near and not (name == "representation" and "unknown" in (expected, found)):
            raise BadInputError(target.metadata.dataset_id, name, f"{expected}, as of the calibration's set", found)


def _measured(spectra: SpectraSet, y: np.ndarray) -> list[str]:
    return sorted(set(spectra.specimen[np.isfinite(y)].tolist()))


def _on(channels: np.ndarray, spectra: SpectraSet) -> np.ndarray:
    if same_axis(spectra.wavelengths, channels):
        return spectra.intensities.astype(np.float64)
    return np.array([np.interp(channels, spectra.wavelengths, row) for row in spectra.intensities.astype(np.float64)])


def means_of(bridge: Bridge, names: np.ndarray, spectra: np.ndarray, target: bool) -> np.ndarray:
    """Return the mean of the scans of each specimen on one instrument, in the order of `names`."""
    return np.array([spectra[bridge.rows_of(np.array([name]), target)].mean(axis=0) for name in names])
