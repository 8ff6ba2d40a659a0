"""Bruker OPUS files through the package brukeropus."""

import contextlib
import io
from pathlib import Path

import numpy as np

from etalon.data.scans import Scans, checked
from etalon.errors import BadInputError

# Blocks that hold a result, the likeliest first, and what they hold.
RESULTS = {
    "a": "absorbance",
    "logr": "absorbance",
    "r": "reflectance",
    "t": "transmittance",
    "atr": "absorbance",
    "ra": "counts",
}
UNITS = {"WN": "cm-1", "NM": "nm"}
# Points of one spectrum at most: a damaged header may ask for billions.
MOST_POINTS = 10_000_000


def read(path: Path) -> Scans:
    """Read the result spectrum of an OPUS file: absorbance, else log(1/R), reflectance, transmittance, ATR, Raman."""
    from brukeropus import read_opus

    try:
        with contextlib.redirect_stdout(io.StringIO()), np.errstate(all="ignore"):
            opus = read_opus(str(path))
            keys = list(opus.data_keys) if opus.is_opus else None
            name = next((name for name in RESULTS if name in (keys or ())), None)
            data = getattr(opus, name) if name else None
            unit = str(data.params.dxu) if data is not None else ""
    except Exception as error:  # the library lets through whatever its parsing meets
        raise BadInputError(path, "file", "a sound OPUS file", repr(error)[:200]) from error
    if keys is None:
        raise BadInputError(path, "file", "an OPUS file", "another kind of file, or a damaged one")
    if name is None or data is None:
        expected = f"one of the blocks {', '.join(RESULTS)}"
        raise BadInputError(path, "blocks", expected, ", ".join(keys) or "none that can be read")
    if np.size(data.x) > MOST_POINTS:
        raise BadInputError(path, "NPT", f"at most {MOST_POINTS} points", np.size(data.x))
    axis, scale = np.asarray(data.x, dtype=np.float64), 1.0
    if unit == "MI":  # micrometres
        unit, scale = "NM", 1000.0
    return checked(path, Scans(axis * scale, UNITS.get(unit), data.y, RESULTS[name], "raman" if name == "ra" else None))
