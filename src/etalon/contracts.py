"""The shape in which spectra travel: a set of spectra on one axis, with reference values and metadata."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from etalon.errors import BadInputError

MODALITIES = ("nir", "visnir", "mir", "raman")
# nm for NIR, visible and MIR (1e7 / wavenumber); Raman shift in cm-1; channel index where a source gives no axis.
AXIS_UNITS = ("nm", "cm-1", "index")
# Largest plausible 99th percentile; None where the quantity has no natural scale.
REPRESENTATIONS: dict[str, float | None] = {
    "absorbance": None,  # log10(1/R) or log10(1/T)
    "reflectance": 2.0,  # fraction; a bright sample may exceed the white reference
    "reflectance_percent": 200.0,
    "transmittance": 2.0,
    "transmittance_percent": 200.0,
    "absorbance_snv": None,
    "absorbance_derivative1": None,
    "absorbance_derivative2": None,
    "counts": None,  # detector signal, arbitrary scale
    "normalised": None,  # scaled or baseline-corrected by its source
    "unknown": None,
}
BASES = ("as_is", "dry", "unknown")
# What may stand for a laboratory value below or above a limit of its method.
BEYOND_LIMIT = ("missing", "half", "limit")
UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Target:
    """One laboratory quantity: the source's name for it, the analyte it measures, its unit and basis."""

    name: str
    analyte: str
    unit: str
    basis: str = "unknown"


@dataclass(frozen=True)
class Laboratory:
    """What the references of one target are besides single measured values.

    Attributes
    ----------
    target : its name
    below, above : ids of the samples with a value beyond a limit of the laboratory's method, such as "<0.5"
    beyond_limit : what stands for these, one of `BEYOND_LIMIT`; None where there are none
    sel : standard error of laboratory, of a single determination, in the target's unit; None without repeats
    degrees_of_freedom : of `sel`
    sel_of_references : the same of the references, means of their determinations: root mean square over them
    """

    target: str
    below: tuple[str, ...] = ()
    above: tuple[str, ...] = ()
    beyond_limit: str | None = None
    sel: float | None = None
    degrees_of_freedom: int = 0
    sel_of_references: float | None = None


@dataclass(frozen=True)
class Source:
    """One raw file a dataset was made from."""

    path: str
    url: str
    sha256: str


@dataclass(frozen=True)
class Metadata:
    """What is known of a dataset besides its numbers.

    Missing categories are ``"UNKNOWN"``, missing numbers None. `published_split` maps ``"train"`` and
    ``"test"`` to the names in the samples' `split` column, or ``"folds"`` to True where each name is a fold.
    """

    dataset_id: str
    family: str
    title: str
    modality: str
    representation: str
    axis_unit: str
    instrument: str = UNKNOWN
    manufacturer: str = UNKNOWN
    instrument_type: str = UNKNOWN
    mode: str = UNKNOWN
    spectral_range: tuple[float, float] | None = None
    spectral_step: float | None = None
    targets: tuple[Target, ...] = ()
    laboratory: tuple[Laboratory, ...] = ()
    label: str | None = None
    published_split: dict[str, Any] | None = None
    paired_with: tuple[str, ...] = ()
    overlaps: str | None = None
    licence: str = UNKNOWN
    weights: bool = False
    citation: str = UNKNOWN
    sources: tuple[Source, ...] = ()
    synthetic: bool = False

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, content: dict[str, Any], where: object = "metadata.json") -> Metadata:
        known = {f.name for f in fields(cls)}
        if unknown := sorted(set(content) - known):
            raise BadInputError(where, unknown[0], f"one of {sorted(known)}", "an unknown key")
        content = dict(content)
        try:
            content["targets"] = tuple(Target(**t) for t in content.get("targets", ()))
            content["laboratory"] = tuple(
                Laboratory(**one | {side: tuple(one.get(side, ())) for side in ("below", "above")})
                for one in content.get("laboratory", ())
            )
            content["sources"] = tuple(Source(**s) for s in content.get("sources", ()))
            content["paired_with"] = tuple(content.get("paired_with", ()))
            if content.get("spectral_range") is not None:
                first, last = content["spectral_range"]
                content["spectral_range"] = (first, last)
            return cls(**content)
        except (TypeError, ValueError, AttributeError) as error:
            raise BadInputError(where, "keys", "those of the data contract", error) from error


@dataclass(frozen=True)
class SpectraSet:
    """Spectra of one dataset on one axis. Checked when made; see `docs/reference/data-contract.md`.

    Attributes
    ----------
    metadata : what is known of the set
    intensities : float32, shape (n_samples, n_channels)
        As measured, in `metadata.representation`, no correction applied; finite.
    wavelengths : float64, shape (n_channels,)
        Strictly increasing: nm, or Raman shift in cm-1, or channel index, as `metadata.axis_unit` says.
    reference : float64, shape (n_samples, n_targets)
        Laboratory values in the units of `metadata.targets`; NaN where not measured.
    sample_id : str, shape (n_samples,), unique
    specimen : str, shape (n_samples,)
        Physical specimen. Replicate scans share it and no split separates them.
    split : str, shape (n_samples,), or None
        Name of the published split each sample belongs to.
    label : str, shape (n_samples,), or None
        Class of each sample; the meaning is `metadata.label`.
    """

    metadata: Metadata
    intensities: np.ndarray
    wavelengths: np.ndarray
    sample_id: np.ndarray
    specimen: np.ndarray
    reference: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    split: np.ndarray | None = None
    label: np.ndarray | None = None

    def __post_init__(self) -> None:
        where = self.metadata.dataset_id
        _check_metadata(self.metadata)
        for name, dtype in (("intensities", np.float32), ("wavelengths", np.float64), ("reference", np.float64)):
            object.__setattr__(self, name, np.ascontiguousarray(getattr(self, name), dtype=dtype))
        for name in ("sample_id", "specimen", "split", "label"):
            if (values := getattr(self, name)) is not None:
                object.__setattr__(self, name, np.asarray(values, dtype=str))
        if not self.metadata.targets and self.reference.size == 0:
            object.__setattr__(self, "reference", np.empty((len(self.intensities), 0)))

        if self.intensities.ndim != 2 or 0 in self.intensities.shape:
            raise BadInputError(where, "spectra", "a table of samples by channels", f"shape {self.intensities.shape}")
        n_samples, n_channels = self.intensities.shape
        if self.wavelengths.shape != (n_channels,):
            expected = f"{n_channels} values, one a channel"
            raise BadInputError(where, "wavelengths", expected, f"shape {self.wavelengths.shape}")
        _check_axis(where, self.wavelengths)
        bad = ~np.isfinite(self.intensities)
        if bad.any():
            row, channel = np.argwhere(bad)[0]
            found = f"{self.intensities[row, channel]} in row {row}, channel {channel} ({bad.sum()} in all)"
            raise BadInputError(where, "spectra", "finite intensities", found)
        _check_scale(where, self.metadata.representation, self.intensities)
        if self.reference.shape != (n_samples, len(self.metadata.targets)):
            expected = f"shape ({n_samples}, {len(self.metadata.targets)})"
            raise BadInputError(where, "targets", expected, f"shape {self.reference.shape}")
        if np.isinf(self.reference).any():
            row, column = np.argwhere(np.isinf(self.reference))[0]
            name = self.metadata.targets[column].name
            raise BadInputError(
                where, f"targets.{name}", "a number, or NaN where not measured", f"infinity in row {row}"
            )
        for name in ("sample_id", "specimen", "split", "label"):
            values = getattr(self, name)
            if values is not None and values.shape != (n_samples,):
                raise BadInputError(where, name, f"{n_samples} values, one a sample", f"shape {values.shape}")
            if values is not None and name != "split" and (values == "").any():
                raise BadInputError(where, name, "a name for every sample", f"none in row {np.argmax(values == '')}")
        ids, counts = np.unique(self.sample_id, return_counts=True)
        if len(ids) < n_samples:
            found = f"{str(ids[counts.argmax()])!r} {counts.max()} times"
            raise BadInputError(where, "sample_id", "unique ids", found)

    def __len__(self) -> int:
        return len(self.intensities)


def _check_metadata(metadata: Metadata) -> None:
    where = metadata.dataset_id
    for name, allowed in (
        ("modality", MODALITIES),
        ("axis_unit", AXIS_UNITS),
        ("representation", tuple(REPRESENTATIONS)),
    ):
        if getattr(metadata, name) not in allowed:
            raise BadInputError(where, name, f"one of {', '.join(allowed)}", repr(getattr(metadata, name)))
    for target in metadata.targets:
        if not target.unit:
            raise BadInputError(where, f"targets.{target.name}.unit", "a unit, such as g/100 g", "nothing")
        if target.basis not in BASES:
            raise BadInputError(where, f"targets.{target.name}.basis", f"one of {', '.join(BASES)}", repr(target.basis))
    names = [target.name for target in metadata.targets]
    if len(set(names)) < len(names):
        raise BadInputError(where, "targets", "unique names", f"{sorted(names)}")
    for one in metadata.laboratory:
        _check_laboratory(where, one, names)


def _check_laboratory(where: str, one: Laboratory, targets: list[str]) -> None:
    field = f"laboratory.{one.target}"
    if one.target not in targets:
        raise BadInputError(where, field, f"one of the targets {', '.join(targets) or '(none)'}", repr(one.target))
    allowed = BEYOND_LIMIT if one.below or one.above else (None,)
    if one.beyond_limit not in allowed:
        expected = f"one of {', '.join(map(str, allowed))}"
        raise BadInputError(where, f"{field}.beyond_limit", expected, repr(one.beyond_limit))
    for name in ("sel", "sel_of_references"):
        value = getattr(one, name)
        numbers = isinstance(value, int | float) and isinstance(one.degrees_of_freedom, int)
        if value is not None and not (numbers and 0 <= value < np.inf and one.degrees_of_freedom > 0):
            found = f"{value!r} from {one.degrees_of_freedom!r} degrees of freedom"
            raise BadInputError(where, f"{field}.{name}", "a standard deviation", found)


def _check_axis(where: str, wavelengths: np.ndarray) -> None:
    if not np.isfinite(wavelengths).all():
        channel = int(np.argmin(np.isfinite(wavelengths)))
        raise BadInputError(where, "wavelengths", "finite values", f"{wavelengths[channel]} at channel {channel}")
    steps = np.diff(wavelengths)
    if (steps <= 0).any():
        channel = int(np.argmax(steps <= 0))
        what = "a repeated value" if steps[channel] == 0 else "a step back"
        found = f"{what}: {wavelengths[channel]:g} then {wavelengths[channel + 1]:g} at channel {channel + 1}"
        raise BadInputError(where, "wavelengths", "strictly increasing values", found)


def _check_scale(where: str, representation: str, intensities: np.ndarray) -> None:
    limit = REPRESENTATIONS[representation]
    high = float(np.percentile(intensities, 99))
    if limit is not None and high > limit:
        expected = f"{representation}, 99th percentile at most {limit:g}"
        hint = " (percent declared as a fraction?)" if not representation.endswith("percent") else ""
        raise BadInputError(where, "spectra", expected, f"{high:.4g}{hint}")
