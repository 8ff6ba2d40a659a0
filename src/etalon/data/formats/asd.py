"""ASD FieldSpec files through the package specdal."""

import struct
from pathlib import Path

import numpy as np

from etalon.data.scans import Scans, checked
from etalon.errors import BadInputError

HEADER_BYTES = 484
DOUBLE = 2  # data format; the library reads no other
N_CHANNELS_AT, FORMAT_AT = 204, 199


def read(path: Path) -> Scans:
    """Read the spectrum of an ASD file: the target over the white reference, where the file holds one, else as it is.

    Wavelengths are in nm. Reflectance is a fraction.
    """
    from specdal.reader import read_asd

    content = path.read_bytes()
    if len(content) < HEADER_BYTES:
        raise BadInputError(path, "file", f"an ASD file, a header of {HEADER_BYTES} bytes", f"{len(content)} bytes")
    (n_channels,) = struct.unpack_from("<h", content, N_CHANNELS_AT)
    if content[FORMAT_AT] != DOUBLE:
        raise BadInputError(path, "data format", "double precision (2)", content[FORMAT_AT])
    if not n_channels > 0 or HEADER_BYTES + 8 * n_channels > len(content):
        found = f"{n_channels} in {len(content)} bytes"
        raise BadInputError(path, "channels", "as many as the file has room for", found)
    try:
        # A folder may hold thousands of files; the table that the library makes is all that is wanted.
        data, about = read_asd(str(path), read_data=True, read_metadata=True)
    except Exception as error:  # the library lets through what unpacking meets, and asserts
        raise BadInputError(path, "file", "a sound ASD file", repr(error)[:200]) from error
    wavelengths = data.index.to_numpy(np.float64)
    # The library puts the last channel where steps of 1 nm would.
    first, step = struct.unpack_from("<ff", content, 191)
    wavelengths = first + step * np.arange(len(wavelengths))
    kind = str(about["measurement_type"])
    target = data[next(name for name in data if "tgt" in str(name))].to_numpy(np.float64)
    reference = next((data[name].to_numpy() for name in data if "ref" in str(name).split("_")), None)
    if kind == "RAW_TYPE" and reference is not None and np.all(np.asarray(reference, dtype=float) > 0):
        return checked(path, Scans(wavelengths, "nm", target / reference, "reflectance"))
    representation = {"REF_TYPE": "reflectance", "RAW_TYPE": "counts"}.get(kind, "unknown")
    return checked(path, Scans(wavelengths, "nm", target, representation))
