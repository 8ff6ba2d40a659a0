"""MATLAB files: a matrix of spectra, the vector of its axis, and vectors of reference values beside them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from etalon.data.scans import MIN_CHANNELS, Scans, checked
from etalon.errors import BadInputError

HDF5 = b"\x89HDF\r\n\x1a\n"  # MATLAB 7.3
SHOWN = 8


def read(path: Path) -> Scans:
    """Read the matrix for which the file holds an axis: a strictly rising or falling vector as long as a side of it.

    A matrix whose rows are channels is turned. PLS_Toolbox dataset objects bring their axis. Vectors with one number
    or text a spectrum, and the columns of small matrices with one row a spectrum, are further columns, named by their
    variables. The unit of the axis is not known.
    """
    found = {name: value for name, value in _variables(path) if np.size(value)}
    objects = {name: value for name, value in found.items() if hasattr(value, "axisscale")}
    if len(objects) == 1:
        return _of_object(path, *objects.popitem())
    numbers = {name: value for name, value in found.items() if _is_numeric(value)}
    vectors = {name: value.ravel() for name, value in numbers.items() if max(value.shape) == value.size}
    matrices = {name: value for name, value in numbers.items() if value.ndim == 2 and min(value.shape) > 1}
    choices = [
        (matrix, axis, turned)
        for matrix, values in matrices.items()
        for axis, vector in vectors.items()
        if _is_axis(vector)
        for turned in (False, True)
        if len(vector) == values.shape[0 if turned else 1]
    ]
    if not choices:
        raise BadInputError(path, "variables", "a matrix of spectra and the vector of its axis", _listed(found))
    # Of several matrices with an axis the one with most values holds the spectra.
    most = max(matrices[matrix].size for matrix, _, _ in choices)
    choices = [choice for choice in choices if matrices[choice[0]].size == most]
    if len(choices) > 1:
        pairs = ", ".join(f"{matrix} on {axis}" for matrix, axis, _ in choices[:SHOWN])
        raise BadInputError(path, "variables", "one matrix of spectra with one axis", pairs)
    matrix, axis, turned = choices[0]
    spectra = matrices[matrix].T if turned else matrices[matrix]
    rest = {name: value for name, value in found.items() if name not in (matrix, axis)}
    return checked(path, Scans(vectors[axis], None, spectra, columns=_columns(rest, len(spectra))))


def _variables(path: Path) -> Iterator[tuple[str, Any]]:
    if path.read_bytes()[: len(HDF5)] == HDF5 or _is_hdf5(path):
        yield from _of_hdf5(path)
        return
    from scipy.io import loadmat

    try:
        content = loadmat(path, struct_as_record=False, squeeze_me=False, chars_as_strings=True)
    except Exception as error:  # scipy lets through whatever the bytes lead it to
        raise BadInputError(path, "file", "a sound MATLAB file", repr(error)[:200]) from error
    for name, value in content.items():
        if not name.startswith("__"):
            inner = (
                value.flat[0] if isinstance(value, np.ndarray) and value.dtype == object and value.size == 1 else value
            )
            yield name, inner if hasattr(inner, "axisscale") else value


def _is_hdf5(path: Path) -> bool:
    """Say whether the HDF5 signature stands behind MATLAB's own header of 512 bytes."""
    with path.open("rb") as file:
        file.seek(512)
        return file.read(len(HDF5)) == HDF5


def _of_hdf5(path: Path) -> Iterator[tuple[str, Any]]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            for name, item in file.items():
                if isinstance(item, h5py.Dataset) and item.dtype.kind in "fiu" and item.ndim == 2:
                    yield name, item[()].T  # MATLAB stores columns first
    except Exception as error:  # h5py lets through whatever the bytes lead it to
        raise BadInputError(path, "file", "a sound MATLAB 7.3 file", repr(error)[:200]) from error


def _of_object(path: Path, name: str, value: Any) -> Scans:
    """Read a dataset object of PLS_Toolbox; `axisscale` and `label` hold one entry a side, rows first."""
    try:
        data = np.asarray(value.data, dtype=np.float64)
        scale = np.asarray(np.asarray(value.axisscale, dtype=object)[1, 0], dtype=np.float64).ravel()
    except (AttributeError, IndexError, TypeError, ValueError) as error:
        raise BadInputError(path, name, "a dataset object with numbers and an axis scale", repr(error)[:200]) from error
    if scale.size != data.shape[-1]:
        raise BadInputError(path, f"{name}.axisscale", f"{data.shape[-1]} values, one a channel", scale.size)
    return checked(path, Scans(scale, None, data))


def _is_numeric(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.ndim == 2


def _is_axis(vector: np.ndarray) -> bool:
    steps = np.diff(vector.astype(np.float64))
    return len(vector) >= MIN_CHANNELS and bool((steps > 0).all() or (steps < 0).all())


def _columns(rest: dict[str, Any], n_scans: int) -> dict[str, np.ndarray]:
    columns: dict[str, np.ndarray] = {}
    for name, value in rest.items():
        if not isinstance(value, np.ndarray) or value.ndim > 2:
            continue
        if value.dtype.kind in "US" and value.size == n_scans:
            columns[name] = np.array([str(text).strip() for text in value.ravel()])
        elif value.dtype == object and value.size == n_scans:  # a cell array of texts
            texts = [np.ravel(cell) for cell in value.ravel()]
            if all(len(text) == 1 and isinstance(text[0], str) for text in texts):
                columns[name] = np.array([text[0].strip() for text in texts])
        elif _is_numeric(value) and value.size == n_scans:
            columns[name] = value.ravel().astype(np.float64)
        elif _is_numeric(value) and value.shape[0] == n_scans:
            columns |= {f"{name}_{k + 1}": value[:, k].astype(np.float64) for k in range(value.shape[1])}
    return columns


def _listed(found: dict[str, Any]) -> str:
    shapes = [f"{name} ({' x '.join(map(str, np.shape(value)))})" for name, value in found.items()]
    return ", ".join(shapes[:SHOWN]) or "no numbers"
