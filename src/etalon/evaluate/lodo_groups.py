"""Groups of datasets that measure one analyte in one unit: what leave-one-dataset-out trains on and tests."""

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from etalon.contracts import Target

# Visible and near-infrared instruments share an axis in nm; the others have ranges of their own.
AXES = {"nir": "nir", "visnir": "nir", "mir": "mir", "raman": "raman"}
MIN_FAMILIES = 2


class Described(Protocol):
    """What a group needs to know of a dataset; both its metadata and its entry in the catalogue have it."""

    @property
    def family(self) -> str: ...
    @property
    def modality(self) -> str: ...
    @property
    def overlaps(self) -> str | None: ...
    @property
    def synthetic(self) -> bool: ...
    @property
    def targets(self) -> tuple[Target, ...]: ...


class Key(NamedTuple):
    """What the members of a group have in common. Real and synthetic spectra are kept apart."""

    analyte: str
    unit: str
    basis: str
    axis: str
    synthetic: bool

    def __str__(self) -> str:
        basis = "" if self.basis == "unknown" else f", {self.basis.replace('_', ' ')}"
        return f"{self.analyte}, {self.unit}{basis} ({self.axis})"


def key_of(dataset: Described, target: Target) -> Key:
    """Return the group to which a target of a dataset belongs."""
    return Key(target.analyte, target.unit, target.basis, AXES[dataset.modality], bool(dataset.synthetic))


def group_datasets(datasets: Mapping[str, Described]) -> dict[Key, list[tuple[str, str]]]:
    """Return the groups of at least `MIN_FAMILIES` families, each with its members (dataset, target).

    Second sets of the same specimens (`overlaps`) are no members: they neither train nor are tested.
    """
    found: dict[Key, list[tuple[str, str]]] = {}
    for name, dataset in datasets.items():
        for target in dataset.targets if not dataset.overlaps else ():
            found.setdefault(key_of(dataset, target), []).append((name, target.name))
    return {
        key: members
        for key, members in found.items()
        if len({datasets[name].family for name, _ in members}) >= MIN_FAMILIES
    }


def neighbours(datasets: Mapping[str, Described]) -> dict[str, list[str]]:
    """Return, for each dataset that belongs to a group, the members of all its groups; both in the order given."""
    found: dict[str, set[str]] = {}
    for members in group_datasets(datasets).values():
        names = {name for name, _ in members}
        for name in names:
            found.setdefault(name, set()).update(names)
    place = {name: number for number, name in enumerate(datasets)}
    return {name: sorted(found[name], key=place.__getitem__) for name in datasets if name in found}
