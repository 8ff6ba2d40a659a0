"""Leave-one-dataset-out over shared analytes: what trains for which test set, on what quantity, and local draws.

A task is a target of one dataset; its training sets are all datasets of its group (`etalon.evaluate.lodo_groups`) from
other families. Methods of every kind get the same rows from here.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate.lodo_groups import Key, group_datasets, key_of
from etalon.evaluate.tasks import Task, list_tasks
from etalon.seeds import derive_seed
from etalon.storage import load_metadata, load_set

# What -log10 turns into absorbance, and what divides it to be a fraction.
AS_FRACTION = {"reflectance": 1.0, "reflectance_percent": 100.0, "transmittance": 1.0, "transmittance_percent": 100.0}
DARKEST = 1e-4  # fraction; less than the stray light of any spectrometer: an absorbance above 4 is noise
MIN_TEST_SPECIMENS = 10
NO_SOURCE = "no training set of another family holds a comparable quantity"


@dataclass(frozen=True)
class Member:
    """One target of one dataset in its group."""

    folder: Path
    spectra: SpectraSet
    task: Task
    key: Key

    @property
    def dataset(self) -> str:
        return self.spectra.metadata.dataset_id

    @property
    def family(self) -> str:
        return self.spectra.metadata.family

    @property
    def rows(self) -> np.ndarray:
        """The measured rows."""
        return np.flatnonzero(np.isfinite(self.task.y))


@dataclass(frozen=True)
class Source:
    """A training set with the rows that train."""

    member: Member
    rows: np.ndarray

    @property
    def y(self) -> np.ndarray:
        return self.member.task.y[self.rows]


@dataclass(frozen=True)
class Transfer:
    """A test set, what trains for it, and the quantity in which all spectra are given.

    `left_out` maps training sets of the group to the reason why they do not train.
    """

    test: Member
    sources: tuple[Source, ...]
    representation: str
    left_out: dict[str, str]

    @property
    def y(self) -> np.ndarray:
        """References of the training rows, shape (n_source,)."""
        return np.concatenate([source.y for source in self.sources])

    @property
    def specimens(self) -> np.ndarray:
        """Specimen numbers of the training rows, shape (n_source,); no two sets share one."""
        first, parts = 0, []
        for source in self.sources:
            parts.append(first + source.member.task.groups[source.rows])
            first += int(source.member.task.groups.max()) + 1
        return np.concatenate(parts)

    @property
    def families(self) -> np.ndarray:
        """Numbers of the families of the training rows, shape (n_source,)."""
        names = [np.full(len(source.rows), source.member.family) for source in self.sources]
        return np.unique(np.concatenate(names), return_inverse=True)[1]

    def without(self, left_out: Mapping[str, str], reason: str) -> "Transfer":
        """Return the transfer less some training sets; raises NotRunError(reason) where none remains."""
        sources = tuple(source for source in self.sources if source.member.dataset not in left_out)
        if not sources:
            raise NotRunError(reason)
        return replace(self, sources=sources, left_out={**self.left_out, **left_out})


@dataclass(frozen=True)
class LocalDraw:
    """Specimens of a test set that are given to a method; the others are tested."""

    n: int  # specimens drawn
    draw: int
    local: np.ndarray  # row numbers in the dataset
    test: np.ndarray


def load_members(folders: Iterable[Path], tests: Collection[str]) -> tuple[list[Member], dict[str, str]]:
    """Return the members of every group in which one of the datasets `tests` is.

    Parameters
    ----------
    folders : of all datasets that may train or be tested

    Returns
    -------
    members : every target in such a group that can be judged
    not_run : the datasets that could not be had, with the reason
    """
    described, not_run = {}, {}
    by_name = {folder.name: folder for folder in folders}
    for name, folder in by_name.items():
        try:
            described[name] = load_metadata(folder)
        except NotRunError as error:
            not_run[name] = error.reason
    groups = group_datasets(described).values()
    wanted = {member for group in groups if {name for name, _ in group} & set(tests) for member in group}
    members = []
    for name in sorted({dataset for dataset, _ in wanted}):
        spectra = load_set(by_name[name])
        targets = {target.name: target for target in spectra.metadata.targets if (name, target.name) in wanted}
        for task in list_tasks(spectra):
            if task.kind == "regression" and task.target in targets and task.not_run is None:
                key = key_of(spectra.metadata, targets[task.target])
                members.append(Member(by_name[name], spectra, task, key))
    return members, not_run


def plan(test: Member, members: Iterable[Member], max_per_set: int, seed: int) -> Transfer:
    """Return what trains for a test set: the members of its group from other families.

    A set of more than `max_per_set` rows is thinned to whole specimens, drawn once for all test sets.

    Raises
    ------
    NotRunError : the test set has no wavelength axis, or no training set holds a comparable quantity
    """
    if test.spectra.metadata.axis_unit == "index":
        raise NotRunError("no wavelength axis")
    others = [member for member in members if member.key == test.key and member.family != test.family]
    left_out = {m.dataset: "no wavelength axis" for m in others if m.spectra.metadata.axis_unit == "index"}
    others = [member for member in others if member.dataset not in left_out]
    given = test.spectra.metadata.representation
    common = common_representation(given, [member.spectra.metadata.representation for member in others])
    sources = []
    for member in others:
        own = member.spectra.metadata.representation
        if own == common or (common == "absorbance" and own in AS_FRACTION):
            sources.append(Source(member, thinned(member, max_per_set, seed)))
        else:
            left_out[member.dataset] = f"{own} is not comparable with {given}"
    if not sources:
        raise NotRunError(NO_SOURCE)
    return Transfer(test, tuple(sources), common, left_out)


def pairs(transfer: Transfer) -> list[Transfer]:
    """Return the transfer from each single training set."""
    own = transfer.test.spectra.metadata.representation
    return [
        Transfer(
            transfer.test,
            (source,),
            common_representation(own, [source.member.spectra.metadata.representation]),
            {},
        )
        for source in transfer.sources
    ]


def common_representation(test: str, training: Sequence[str]) -> str:
    """Return the quantity in which spectra can be compared: as measured where all sets agree, else absorbance.

    A test set that -log10 does not turn into absorbance keeps its own quantity.
    """
    if test not in {*AS_FRACTION, "absorbance"} or set(training) <= {test}:
        return test
    return "absorbance"


def intensities_as(spectra: SpectraSet, representation: str) -> np.ndarray:
    """Return the spectra as `representation`, float32, shape (n_samples, n_channels); see `common_representation`."""
    own = spectra.metadata.representation
    if own == representation:
        return spectra.intensities
    fraction = spectra.intensities / np.float32(AS_FRACTION[own])
    return -np.log10(np.maximum(fraction, np.float32(DARKEST)))


def thinned(member: Member, most: int, seed: int) -> np.ndarray:
    """Return the measured rows of at most `most` rows' worth of specimens, drawn at random; all where they are few."""
    rows = member.rows
    if len(rows) <= most:
        return rows
    groups = member.task.groups[rows]
    specimens = np.random.default_rng(derive_seed(seed, "lodo", "thin", member.dataset)).permutation(np.unique(groups))
    counts = np.bincount(groups, minlength=groups.max() + 1)[specimens]
    return rows[np.isin(groups, specimens[np.cumsum(counts) <= most])]


def local_draws(member: Member, sizes: Sequence[int], draws: int, seed: int) -> tuple[list[LocalDraw], list[int]]:
    """Return the draws of local specimens, equal for every method, and the sizes for which the set is too small."""
    rows, found, too_many = member.rows, [], []
    groups = member.task.groups[rows]
    specimens = np.unique(groups)
    for n in sizes:
        if n + MIN_TEST_SPECIMENS > len(specimens):
            too_many.append(n)
            continue
        for draw in range(draws):
            rng = np.random.default_rng(derive_seed(seed, "lodo", member.dataset, member.task.target, n, draw))
            local = np.isin(groups, rng.choice(specimens, n, replace=False))
            found.append(LocalDraw(n, draw, rows[local], rows[~local]))
    return found, too_many
