"""Galactic (Thermo, Grams) SPC files through the package spc-io."""

import io
import struct
from pathlib import Path

import numpy as np

from etalon.data.scans import Scans, checked
from etalon.errors import BadInputError

UNITS = {"XWAVEN": ("cm-1", 1.0), "XNMETR": ("nm", 1.0), "XUMETR": ("nm", 1000.0), "XRAMANS": ("cm-1", 1.0)}
REPRESENTATIONS = {
    "YABSRB": "absorbance",
    "YLOGDR": "absorbance",
    "YTRANS": "transmittance",
    "YREFLEC": "reflectance",
    "YPERCNT": "unknown",  # percent of what, the file does not say
    "YCOUNT": "counts",
}
NEW_LITTLE_ENDIAN = 0x4B
HEADER_BYTES = 512
LOG_OFFSET_AT = 248
EACH_ITS_AXIS = 0x40  # in the flags: x and y of every spectrum


def read(path: Path) -> Scans:
    """Read every spectrum of an SPC file; they have to share one axis."""
    from spc_io import SPC

    content = path.read_bytes()
    if len(content) < HEADER_BYTES or content[1] != NEW_LITTLE_ENDIAN:
        found = f"version {content[1]:#x}" if len(content) > 1 else f"{len(content)} bytes"
        raise BadInputError(path, "file", "an SPC file of the new format (0x4b)", found)
    (n_points,), (n_spectra,) = struct.unpack_from("<i", content, 4), struct.unpack_from("<i", content, 24)
    # The library believes these numbers. A value takes 2 bytes at least, unless each spectrum brings its own number.
    if not content[0] & EACH_ITS_AXIS and not 0 < 2 * n_points * max(n_spectra, 1) <= len(content):
        found = f"{n_spectra} of {n_points} points in {len(content)} bytes"
        raise BadInputError(path, "header", "as many values as the file has room for", found)
    # Without its log, which is text that nobody needs here: the library stumbles over logs that it did not expect.
    content = content[:LOG_OFFSET_AT] + bytes(4) + content[LOG_OFFSET_AT + 4 :]
    try:
        spc = SPC.from_bytes_io(io.BytesIO(content))
        axes = [np.asarray(scan.xarray, dtype=np.float64) for scan in spc]
        intensities = [np.asarray(scan.yarray, dtype=np.float64) for scan in spc]
    except Exception as error:  # the library lets through whatever its parts meet
        raise BadInputError(path, "file", "a sound SPC file", repr(error)[:200]) from error
    if not axes:
        raise BadInputError(path, "file", "a spectrum", "none")
    for number, axis in enumerate(axes):
        if axis.shape != axes[0].shape or not np.allclose(axis, axes[0], rtol=1e-6):
            raise BadInputError(path, f"spectrum {number + 1}", "the axis of the first", "another one")
    unit, scale = UNITS.get(str(spc.xtype), (None, 1.0))
    return checked(
        path,
        Scans(
            axes[0] * scale,
            unit,
            np.array(intensities),
            REPRESENTATIONS.get(str(spc.ytype), "unknown"),
            "raman" if str(spc.xtype) == "XRAMANS" else None,
        ),
    )
