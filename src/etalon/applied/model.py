"""A calibration in a folder: all that predicting new spectra takes, as JSON and safetensors."""

from __future__ import annotations

import hashlib
import json
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from etalon.applied.features import ChannelFeatures, EmbeddingFeatures, Grid
from etalon.applied.monitor import Subspace
from etalon.contracts import Metadata, SpectraSet
from etalon.data.axis import on_axis, same_axis
from etalon.errors import BadInputError
from etalon.evaluate.provenance import sha256
from etalon.storage import load_json, replacing, save_json

FORMAT = 2
ABOUT, TENSORS, ENCODER = "model.json", "model.safetensors", "encoder.safetensors"
KEYS = {
    *("format", "etalon", "created", "dataset", "target", "unit", "analyte", "basis", "method", "choice", "features"),
    *("axis_unit", "modality", "representation", "reference_range", "limits", "t2_limits", "q_limits", "quantiles"),
    *("intercept", "statistics", "seed", "n_calibration", "n_specimens", "sources", "transferred_from", "left_out"),
}
SHA256 = "sha256"  # of the other files, and of what model.json says besides


@dataclass(frozen=True)
class Prediction:
    """What a calibration says of spectra, each array of shape (n,).

    Attributes
    ----------
    values : in the unit of the references, held to their range and a quarter of it on either side
    lower, upper : conformal interval by level; infinite where the calibration had too few specimens for one
    t2, q : distances of the spectrum from those of the calibration, over their 99 % limits
    unlike : one of these exceeds 1: the spectrum is unlike those of the calibration
    beyond : the value lies outside the range of the calibration's references
    """

    values: np.ndarray
    lower: dict[float, np.ndarray]
    upper: dict[float, np.ndarray]
    t2: np.ndarray
    q: np.ndarray
    unlike: np.ndarray
    beyond: np.ndarray


@dataclass(frozen=True)
class Model:
    """One line through features of spectra, and how far its predictions can be trusted.

    Attributes
    ----------
    about : content of the JSON file, see `KEYS`
    features : from spectra on `features.grid` to numbers, p of them
    coefficients : shape (p,)
    subspace : of the calibration's features
    """

    about: dict[str, Any]
    features: ChannelFeatures | EmbeddingFeatures
    coefficients: np.ndarray
    subspace: Subspace

    @property
    def grid(self) -> Grid:
        return self.features.grid

    def predict(self, spectra: np.ndarray) -> Prediction:
        """Return what the calibration says of spectra on its grid, shape (n, n_channels)."""
        with warnings.catch_warnings():
            # Without a signal SNV divides by zero: the spectrum is called unlike all others below.
            warnings.filterwarnings("ignore", message="Standard deviation is zero|invalid value encountered")
            X = self.features.transform(spectra)
        low, high = self.about["limits"]
        values = np.clip(X @ self.coefficients + self.about["intercept"], low, high)
        t2, q = self.subspace.distances(X)
        t2_limit, q_limit = self.about["t2_limits"]["0.99"], self.about["q_limits"]["0.99"]
        t2 = t2 / t2_limit if t2_limit else np.zeros_like(t2)
        q = q / q_limit if q_limit else np.zeros_like(q)
        first, last = self.about["reference_range"]
        half = {float(level): np.inf if width is None else width for level, width in self.about["quantiles"].items()}
        return Prediction(
            values,
            {level: values - width for level, width in half.items()},
            {level: values + width for level, width in half.items()},
            t2,
            q,
            ~((t2 <= 1) & (q <= 1)),  # NaN, of a spectrum without a signal, is unlike all others
            (values < first) | (values > last),
        )

    def on_grid(self, spectra: SpectraSet) -> tuple[np.ndarray, bool]:
        """Return a dataset's spectra on the grid of the calibration, and whether they had to be interpolated.

        Raises
        ------
        BadInputError : another modality, quantity or unit of the axis; channels that do not cover the calibration's
        """
        about, metadata = self.about, spectra.metadata
        _same_kind(about, metadata)
        if same_axis(spectra.wavelengths, self.grid.wavelengths):
            return spectra.intensities.astype(np.float64), False
        try:
            rows = [on_axis(spectra.wavelengths, row, self.grid.wavelengths) for row in spectra.intensities]
        except BadInputError as error:
            raise BadInputError(metadata.dataset_id, "axis", error.expected, error.found) from error
        return np.array(rows, dtype=np.float64), True

    def save(self, folder: Path) -> None:
        """Write the model into `folder`, the JSON last; weights of an embedding are copied, so that it stands alone.

        Checksums of all of it go into the JSON: a number that changed afterwards would predict wrongly, and silently.
        """
        tensors = {
            "wavelengths": self.grid.wavelengths,
            "coefficients": self.coefficients,
            "mean": self.subspace.mean,
            "rotations": self.subspace.rotations,
            "loadings": self.subspace.loadings,
            "precision": self.subspace.precision,
            **{f"features.{name}": values for name, values in self.features.tensors().items()},
        }
        with replacing(folder / TENSORS) as temporary:
            save_file(
                {name: np.ascontiguousarray(values, dtype=np.float64) for name, values in tensors.items()}, temporary
            )
        if isinstance(self.features, EmbeddingFeatures) and (source := self.features.checkpoint) is not None:
            for suffix in (source.suffix, ".json"):
                with replacing((folder / ENCODER).with_suffix(suffix)) as temporary:
                    shutil.copyfile(source.with_suffix(suffix), temporary)
        sums = {name: sha256(folder / name) for name in _files(self.about)} | {ABOUT: _digest(self.about)}
        save_json(folder / ABOUT, self.about | {SHA256: sums})

    @classmethod
    def load(cls, folder: Path) -> Model:
        """Read what `save` wrote.

        Raises
        ------
        BadInputError : no model, a damaged or edited one, or one of another format
        """
        if folder.name == ABOUT and folder.is_file():
            folder = folder.parent
        path = folder / ABOUT
        if folder.is_file():
            raise BadInputError(folder, "MODEL", f"the folder of a model, with {ABOUT}", "a file")
        if not path.exists():
            raise BadInputError(path, "file", "a model, as `etalon calibrate` writes it", "no such file")
        about = load_json(path)
        if not isinstance(about, dict) or about.get("format") != FORMAT:
            found = about.get("format") if isinstance(about, dict) else type(about).__name__
            raise BadInputError(path, "format", f"{FORMAT}", found)
        keys = KEYS | {SHA256}
        if differs := sorted(keys ^ set(about)):
            raise BadInputError(path, differs[0], "the keys of a model", "missing" if differs[0] in keys else "unknown")
        _check_sums(folder, about, about.pop(SHA256))
        try:
            return cls._assemble(about, load_file(folder / TENSORS), folder)
        except (SafetensorError, KeyError, TypeError, ValueError) as error:
            raise BadInputError(folder / TENSORS, "file", "the numbers of a model", repr(error)[:200]) from error

    @classmethod
    def _assemble(cls, about: dict[str, Any], tensors: dict[str, np.ndarray], folder: Path) -> Model:
        grid = Grid(tensors["wavelengths"], about["axis_unit"], about["modality"])
        features: ChannelFeatures | EmbeddingFeatures
        if about["features"]["kind"] == "channels":
            learned = tensors.get("features.learned", np.empty(0))
            features = ChannelFeatures(about["features"]["preprocessing"], grid, learned)
        else:
            checkpoint = None if about["features"]["encoder"] == "fs" else folder / ENCODER
            features = EmbeddingFeatures(checkpoint, grid, tensors["features.means"], tensors["features.factors"])
        names = ("mean", "rotations", "loadings", "precision")
        return cls(about, features, tensors["coefficients"], Subspace(*(tensors[name] for name in names)))


def _files(about: dict[str, Any]) -> list[str]:
    """Return the files that a model has beside its JSON."""
    embeds = about["features"]["kind"] != "channels" and about["features"]["encoder"] != "fs"
    return [TENSORS, *((ENCODER, str(Path(ENCODER).with_suffix(".json"))) if embeds else ())]


def _digest(about: dict[str, Any]) -> str:
    """Return the SHA-256 of what the JSON says, however it is laid out."""
    return hashlib.sha256(json.dumps(json.loads(json.dumps(about)), sort_keys=True).encode()).hexdigest()


def _check_sums(folder: Path, about: dict[str, Any], sums: Any) -> None:
    """Raise BadInputError where a file of a model is not the one that was written."""
    recorded = sums if isinstance(sums, dict) else {}
    if recorded.get(ABOUT) != _digest(about):
        raise BadInputError(folder / ABOUT, "content", "what was written", "another: edited or damaged")
    for name in _files(about):
        try:
            found = sha256(folder / name)
        except FileNotFoundError as error:
            raise BadInputError(folder / name, "file", "a part of the model", "no such file") from error
        if found != recorded.get(name):
            expected = f"{str(recorded.get(name))[:12]}..., as {ABOUT} says"
            raise BadInputError(folder / name, "SHA-256", expected, f"{found[:12]}...: another file, or a damaged one")


def _same_kind(about: dict[str, Any], metadata: Metadata) -> None:
    for name in ("modality", "axis_unit", "representation"):
        expected, found = about[name], getattr(metadata, name)
        near = name == "modality" and {expected, found} <= {"nir", "visnir"}
        if expected != found and not near and not (name == "representation" and "unknown" in (expected, found)):
            raise BadInputError(metadata.dataset_id, name, f"{expected}, as the calibration's", found)
