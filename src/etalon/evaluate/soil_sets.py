"""Sets of soils as study 3 reads them: absorbance on common grids, soils, properties in equal units, and splits.

A set has MIR spectra, NIR spectra, or both: one instrument that reaches over both ranges (its part above 4000 cm-1
serves as NIR), or two sets of the same specimens (`paired_with` of the catalogue), whose NIR scans are then given the
mean MIR spectrum of their specimen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from etalon.contracts import Metadata, SpectraSet
from etalon.data.folds import group_specimens, read_folds
from etalon.errors import BadInputError, NotRunError
from etalon.preprocess.common_grid import absorbance, bin_means, covers, regular_grid
from etalon.storage import load_metadata, load_set

PROPERTIES = (
    *("total_carbon", "organic_carbon", "inorganic_carbon"),
    *("clay", "silt", "sand", "ph", "cec", "total_nitrogen"),
)
TEXTURE = ("clay", "silt", "sand")
# Clay, silt and sand that add up to anything else are no measured texture (an organic horizon has 0, 0, 0).
TEXTURE_SUM = (93.0, 107.0)
INDEPENDENT = "independent"


@dataclass(frozen=True)
class Soils:
    """Scans of one set.

    Attributes
    ----------
    metadata : of the set that gives name and references
    spectra : by "mir" and "nir", those there are: absorbance, shape (n, n_points)
    groups : int, shape (n,): scans of one soil share a number
    soils : str, shape (n,): the same by the name of the specimen
    properties : by analyte of `PROPERTIES`, shape (n,), NaN where not measured
    units : by analyte, unit and basis
    """

    metadata: Metadata
    spectra: dict[str, np.ndarray]
    groups: np.ndarray
    soils: np.ndarray
    properties: dict[str, np.ndarray]
    units: dict[str, tuple[str, str]]

    @property
    def name(self) -> str:
        return self.metadata.dataset_id

    def __len__(self) -> int:
        return len(self.groups)


def grids(settings: Mapping[str, Any], bridged: Sequence[Metadata]) -> dict[str, np.ndarray]:
    """Return the grids of "mir" and "nir", cm-1.

    Parameters
    ----------
    settings : "grid" and "nir_grid", each "first", "last" and "step" in cm-1
    bridged : metadata of the sets with both ranges; the NIR grid ends where one of them does
    """
    found = {"mir": regular_grid(**settings["grid"])}
    nir = regular_grid(**settings["nir_grid"])
    for metadata in bridged:
        if metadata.spectral_range is not None and metadata.axis_unit == "nm":
            nir = nir[nir <= 1e7 / metadata.spectral_range[0]]
    if len(nir) < 2:
        raise BadInputError("config", "soil.nir_grid", "a range that the sets of both ranges measure", "none")
    return found | {"nir": nir}


def load_soils(folder: Path, grid: Mapping[str, np.ndarray]) -> Soils:
    """Read a set in the data contract. It has the ranges of `grid` that it measured.

    Raises
    ------
    NotRunError : it is not available, has no wavelength axis, or reaches over none of the grids
    """
    spectra = load_set(folder)
    if spectra.metadata.axis_unit != "nm":
        raise NotRunError("no wavelength axis")
    axis = 1e7 / spectra.wavelengths
    here = [name for name in grid if covers(axis, grid[name])]
    if not here:
        wanted = " or ".join(f"{points[0]:.0f}-{points[-1]:.0f}" for points in grid.values())
        raise NotRunError(f"measured at {axis.min():.0f}-{axis.max():.0f} cm-1, not all of {wanted} cm-1")
    representation = spectra.metadata.representation
    measured = absorbance(spectra.intensities, representation, spectra.metadata.dataset_id)
    values = {name: bin_means(axis, measured, grid[name]) for name in here}
    properties, units = _properties(spectra)
    return Soils(spectra.metadata, values, group_specimens(spectra), spectra.specimen, properties, units)


def _properties(spectra: SpectraSet) -> tuple[dict[str, np.ndarray], dict[str, tuple[str, str]]]:
    about = spectra.metadata.targets
    columns = {about[k].analyte: k for k in reversed(range(len(about))) if about[k].analyte in PROPERTIES}
    values = {analyte: spectra.reference[:, columns[analyte]].copy() for analyte in PROPERTIES if analyte in columns}
    if set(TEXTURE) <= set(values):
        total = sum(values[name] for name in TEXTURE)
        none = ~((total >= TEXTURE_SUM[0]) & (total <= TEXTURE_SUM[1]))
        for name in TEXTURE:
            values[name][none] = np.nan
    return values, {analyte: (about[columns[analyte]].unit, about[columns[analyte]].basis) for analyte in values}


def pair(nir: Soils, mir: Soils) -> Soils:
    """Return the NIR scans of soils that the MIR set measured too, each with its soil's mean MIR spectrum.

    Names and references are those of the NIR set, soils are numbered as in the MIR set.
    """
    number = dict(zip(mir.soils.tolist(), mir.groups.tolist(), strict=True))
    rows = np.flatnonzero([soil in number for soil in nir.soils])
    if not len(rows):
        raise NotRunError(f"no specimen in common with {mir.name}")
    groups = np.array([number[soil] for soil in nir.soils[rows]])
    means = {group: mir.spectra["mir"][mir.groups == group].mean(axis=0) for group in np.unique(groups)}
    spectra = {"nir": nir.spectra["nir"][rows], "mir": np.array([means[group] for group in groups.tolist()])}
    properties = {name: values[rows] for name, values in nir.properties.items()}
    return Soils(nir.metadata, spectra, groups, nir.soils[rows], properties, nir.units)


@dataclass(frozen=True)
class Study:
    """The sets of a run, those that could not be read with the reason.

    Attributes
    ----------
    sets : by dataset; bridged : names of those with both ranges; grid : of "mir" and "nir", cm-1
    fold : by dataset, the cross-validation fold of each scan, shape (n,)
    not_run : by dataset, why it takes no part
    """

    sets: dict[str, Soils]
    bridged: tuple[str, ...]
    grid: dict[str, np.ndarray]
    fold: dict[str, np.ndarray]
    not_run: dict[str, str]

    def training(self, split: str, independent: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
        """Return the rows of each set that may train in a split: "fold3", or `INDEPENDENT`.

        Cross-validation: all soils of all sets that are compared with their own kind, less fold 3 of each. Independent:
        all soils of the sets in `independent["train"]`, none of any other.
        """
        if split == INDEPENDENT:
            return {name: np.arange(len(self.sets[name])) for name in independent["train"] if name in self.sets}
        number = int(split.removeprefix("fold"))
        return {name: np.flatnonzero(fold != number) for name, fold in self.fold.items()}

    def testing(self, split: str, independent: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
        """Return the rows of each set that are predicted in a split."""
        if split == INDEPENDENT:
            return {name: np.arange(len(self.sets[name])) for name in independent["test"] if name in self.sets}
        number = int(split.removeprefix("fold"))
        return {name: np.flatnonzero(fold == number) for name, fold in self.fold.items()}


def load_study(data: Sequence[Path], folds: Sequence[Path], settings: Mapping[str, Any], split: str) -> Study:
    """Read the sets that train or are tested in a split. The grids are those of all sets, in every split.

    Parameters
    ----------
    data : folders of the datasets; folds : their folds, `<dataset>.parquet` each
    settings : "grid", "nir_grid" (see `grids`), "sets" (datasets judged in cross-validation), "bridged" (of these,
        those with both ranges), "partners" (of a NIR set the MIR set of the same specimens), "independent" (the sets of
        that split: "train", "test")
    """
    own_sets = settings["sets"]
    if split == INDEPENDENT:
        own_sets = [*settings["independent"]["train"], *settings["independent"]["test"]]
    wanted = {*own_sets, *(settings["partners"][name] for name in own_sets if name in settings["partners"])}
    metadata, not_run = {}, {}
    for folder in data:
        try:
            metadata[folder.name] = load_metadata(folder)
        except NotRunError as error:
            not_run[folder.name] = error.reason
    bridged = [name for name in settings["bridged"] if name in metadata]
    grid = grids(settings, [metadata[name] for name in bridged])
    sets: dict[str, Soils] = {}
    for folder in data:
        if folder.name not in metadata or folder.name not in wanted:
            continue
        try:
            sets[folder.name] = load_soils(folder, grid)
        except NotRunError as error:
            not_run[folder.name] = error.reason
    for name, partner in settings["partners"].items():
        if name in sets and partner in sets:
            sets[name] = pair(sets[name], sets[partner])
    table = {path.stem: pd.read_parquet(path) for path in folds}
    own = {name: _fold_of(table[name], len(sets[name])) for name in settings["sets"]
           if name in sets and name not in settings["partners"]}  # fmt: skip
    for name, partner in settings["partners"].items():
        if name in sets and partner in own:  # the same soils are left out of both sets
            of_soil = dict(zip(sets[partner].groups.tolist(), own[partner].tolist(), strict=True))
            own[name] = np.array([of_soil[group] for group in sets[name].groups.tolist()])
    found = tuple(name for name in bridged if name in sets and {"mir", "nir"} <= set(sets[name].spectra))
    return Study(sets, found, grid, own, not_run)


def mir_training_rows(study: Study, split: str, independent: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
    """Return the MIR scans that train an autoencoder; a NIR set, whose MIR spectra are another set's, adds none."""
    rows = study.training(split, independent)
    rows = {name: own for name, own in rows.items() if study.sets[name].metadata.modality == "mir"}
    rows = {name: own for name, own in rows.items() if "mir" in study.sets[name].spectra}
    if not rows:
        raise BadInputError("soil", "sets", "a set with MIR spectra on the whole grid", study.not_run or "none")
    return rows


def stacked(study: Study, rows: Mapping[str, np.ndarray], kind: str) -> np.ndarray:
    """Return the spectra of some rows of several sets, after SNV, shape (n, n_points)."""
    return snv(np.concatenate([study.sets[name].spectra[kind][own] for name, own in rows.items()]))


def _fold_of(table: pd.DataFrame, n_rows: int) -> np.ndarray:
    """Return the fold of the first repeat in which each row is tested, shape (n,)."""
    found = np.full(n_rows, -1)
    for fold in read_folds(table, ("kfold",)):
        if fold.repeat == 0:
            found[fold.test] = fold.fold
    return found


def snv(spectra: np.ndarray) -> np.ndarray:
    """Return spectra less their mean over their SD; a flat one raises, since its shape is unknown."""
    sd = spectra.std(axis=1, keepdims=True)
    if not (sd > 0).all():
        row = int(np.argmin(sd[:, 0]))
        raise BadInputError("spectra", f"row {row}", "a spectrum that varies", "a flat one")
    return (spectra - spectra.mean(axis=1, keepdims=True)) / sd
