"""Embeddings of spectra as a scikit-learn transformer."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from etalon.contracts import AXIS_UNITS, MODALITIES
from etalon.data.axis import increasing, to_contract
from etalon.errors import BadInputError, EtalonError

if TYPE_CHECKING:
    from etalon.models.encoder import Encoder

FS, SHIPPED = "fs", "shipped"
NUMBER = re.compile(r"\d+(?:[.,]\d+)*(?:[eE][+-]?\d+)?")
MIN_CHANNELS = 3
FLOATS = (np.float64, np.float32)


class SpectralEmbedder(TransformerMixin, BaseEstimator):
    """Turns spectra of any instrument into rows of equal length.

    A row depends on its own spectrum and the wavelengths alone: `fit` learns nothing from the spectra, it takes note of
    the wavelengths. What a row is worth for a calibration a cross-validation has to say.

    Parameters
    ----------
    encoder : "shipped", the weights that come with the package; "fs", fixed inner products that need no weights; or
        the path of a checkpoint (.safetensors, its record .json beside it)
    wavelengths : of the channels, shape (n_channels,), in any order; or a pair, first and last of evenly spaced ones;
        None where the columns of a DataFrame are named by them
    modality : "nir", "visnir", "mir" or "raman"
    axis_unit : "nm", or "cm-1" (Raman: the shift; else wavenumbers, which become 1e7 / wavenumber)
    device : "auto" (a GPU where there is one), "cpu", "cuda", ...; "fs" is computed on the CPU
    batch_size : spectra embedded together

    Attributes
    ----------
    wavelengths_ : float64, shape (n_channels,), as given
    n_features_in_ : int
    feature_names_in_ : names of the columns, where `fit` was given a DataFrame

    Examples
    --------
    >>> from sklearn.linear_model import RidgeCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> model = make_pipeline(SpectralEmbedder(wavelengths=(1100, 2498)), StandardScaler(), RidgeCV())
    """

    def __init__(
        self,
        encoder: str | Path = SHIPPED,
        wavelengths: ArrayLike | None = None,
        modality: str = "nir",
        axis_unit: str = "nm",
        device: str = "auto",
        batch_size: int = 256,
    ):
        self.encoder = encoder
        self.wavelengths = wavelengths
        self.modality = modality
        self.axis_unit = axis_unit
        self.device = device
        self.batch_size = batch_size

    def fit(self, X: Any, y: Any = None) -> Self:
        """Take note of the wavelengths of X, shape (n_samples, n_channels).

        Raises
        ------
        ValueError : no wavelengths, or not as many as channels; fewer than 3 channels
        """
        X = validate_data(self, X, dtype=FLOATS)
        self.wavelengths_ = self._axis(self.wavelengths, X.shape[1], getattr(self, "feature_names_in_", None))
        self._check_choices()
        return self

    def transform(self, X: Any, wavelengths: ArrayLike | None = None) -> np.ndarray:
        """Return the embeddings, shape (n_samples, n_columns), in the precision of X; they are computed in float32.

        Parameters
        ----------
        X : shape (n_samples, n_channels), as measured
        wavelengths : of another instrument, see the class; None for those of `fit`
        """
        check_is_fitted(self)
        if wavelengths is None:
            X, axis = validate_data(self, X, dtype=FLOATS, reset=False), self.wavelengths_
        else:
            X = check_array(X, dtype=FLOATS)
            axis = self._axis(wavelengths, X.shape[1], None)
        return self._embed(X, axis)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns: block and number, such as "learned_012"."""
        check_is_fitted(self)
        blocks = _blocks(_load(self._checkpoint()))
        return np.array([f"{name}_{k:03d}" for name, size in blocks.items() for k in range(size)], dtype=object)

    def _checkpoint(self) -> str | None:
        if self.encoder == FS:
            return None
        if self.encoder == SHIPPED:
            from etalon.weights import shipped

            return str(shipped())
        return str(self.encoder)

    def _check_choices(self) -> None:
        for name, value, allowed in (
            ("modality", self.modality, MODALITIES),
            ("axis_unit", self.axis_unit, AXIS_UNITS[:2]),
        ):
            if value not in allowed:
                raise ValueError(f"{name}: expected one of {', '.join(allowed)}, found {value!r}")
        if self.batch_size < 1:
            raise ValueError(f"batch_size: expected at least 1, found {self.batch_size}")

    def _axis(self, given: ArrayLike | None, n_channels: int, names: np.ndarray | None) -> np.ndarray:
        if n_channels < MIN_CHANNELS:
            raise ValueError(f"X has {n_channels} feature(s); a spectrum has at least {MIN_CHANNELS}")
        if given is None and names is not None:
            numbers = [_number(str(name)) for name in names]
            if None in numbers:
                odd = names[numbers.index(None)]
                raise ValueError(f"columns: expected names that hold a wavelength, found {odd!r}")
            given = np.array(numbers, dtype=np.float64)
        if given is None:
            raise ValueError("wavelengths: expected one a channel, a pair, or a DataFrame named by them; found none")
        axis = np.asarray(given, dtype=np.float64).ravel()
        if len(axis) == 2:
            axis = np.linspace(axis[0], axis[1], n_channels)
        if len(axis) != n_channels:
            raise ValueError(f"wavelengths: expected {n_channels}, one a channel, found {len(axis)}")
        if not np.isfinite(axis).all() or (axis <= 0).any() or len(np.unique(axis)) < len(axis):
            raise ValueError("wavelengths: expected positive numbers that occur once")
        return axis

    def _embed(self, X: np.ndarray, axis: np.ndarray) -> np.ndarray:
        try:
            stored, unit = to_contract(axis, self.axis_unit, self.modality)
            wavelengths, values = increasing(stored, X)
            blocks = embed_stored(
                values,
                wavelengths,
                modality=self.modality,
                axis_unit=unit,
                checkpoint=self._checkpoint(),
                device=self.device,
                batch_size=self.batch_size,
            )
        except EtalonError as error:  # scikit-learn's callers expect its kind of error
            raise ValueError(str(error)) from error
        return np.concatenate(list(blocks.values()), axis=1, dtype=X.dtype)


def _number(name: str) -> float | None:
    """Return the number in a name, with a decimal point or comma; None without one, or with marks of thousands."""
    match = NUMBER.search(name)
    text = match.group().replace(",", ".") if match else ""
    return float(text) if text and text.count(".") < 2 else None


def embed_stored(
    intensities: np.ndarray,
    wavelengths: np.ndarray,
    *,
    modality: str,
    axis_unit: str,
    checkpoint: str | None,
    device: str = "auto",
    batch_size: int = 256,
) -> dict[str, np.ndarray]:
    """Return the blocks of the embeddings that calibrations are given, each float32, shape (n_samples, size).

    Parameters
    ----------
    intensities : shape (n_samples, n_channels)
    wavelengths : shape (n_channels,), with their unit as the data contract stores them
    checkpoint : file of weights; None for `fs`, which gets the AsLS baselines that it needs

    Raises
    ------
    BadInputError, NotRunError : weights that cannot be read, an axis that no function of the embedding measures
    """
    import torch

    from etalon.models.encoder import GridBatch, embed_grid

    encoder = _load(checkpoint)
    baseline = _baseline(intensities, wavelengths, axis_unit, modality) if checkpoint is None else None
    target = _device("cpu" if checkpoint is None else device)
    batch = GridBatch(
        torch.from_numpy(np.array(intensities, dtype=np.float32)),
        torch.from_numpy(np.array(wavelengths, dtype=np.float64)),
        modality,
        axis_unit,
        None if baseline is None else torch.from_numpy(baseline),
    )
    blocks = embed_grid(encoder.to(target), batch.to(target), batch_size)
    for name, block in blocks.items():
        if not np.isfinite(block).all():
            raise BadInputError("embedding", name, "finite numbers", "a spectrum without")
    return {name: blocks[name] for name in _blocks(encoder)}


def _blocks(encoder: Encoder) -> dict[str, int]:
    """Return the blocks that heads are given: all of `fs`, else the learned one and the statistics."""
    if "learned" not in encoder.blocks:
        return dict(encoder.blocks)
    return {name: encoder.blocks[name] for name in ("learned", "stats")}


def _baseline(spectra: np.ndarray, wavelengths: np.ndarray, axis_unit: str, modality: str) -> np.ndarray:
    from etalon.preprocess.asls import asls
    from etalon.preprocess.standard import ASLS

    return asls(spectra, wavelengths, axis_unit=axis_unit, modality=modality, **ASLS)


def _device(name: str) -> Any:
    import torch

    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:  # torch built without it says so by assertion
        reason = str(error).splitlines()[0][:120]
        raise BadInputError(
            "device", "device", "auto, cpu, cuda or what torch has here", f"{name!r} ({reason})"
        ) from error
    return device


def _load(checkpoint: str | None) -> Encoder:
    """Return an encoder; the same file is loaded once a process, and anew when it has changed."""
    return _loaded(checkpoint, Path(checkpoint).stat().st_mtime_ns if checkpoint and Path(checkpoint).exists() else 0)


@lru_cache(maxsize=4)
def _loaded(checkpoint: str | None, changed: int) -> Encoder:
    from etalon.train.checkpoint import load_encoder, make_encoder

    if checkpoint is None:
        return make_encoder({"encoder": FS}).eval()
    path = Path(checkpoint)
    record = path.with_suffix(".json")
    if path.exists() and not (path.is_file() and record.is_file()):
        raise BadInputError(path, "file", f"weights, with their record {record.name} beside them", "one without")
    return load_encoder(path)[0]
