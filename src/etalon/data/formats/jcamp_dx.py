"""JCAMP-DX files (McDonald & Wilks 1988, Applied Spectroscopy 42, 151) through the package jcamp."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np

from etalon.data.scans import Scans, checked
from etalon.errors import BadInputError

UNITS = {
    **dict.fromkeys(("1/cm", "cm-1", "cm^-1", "wavenumbers", "wavenumber", "wavenumbers (cm-1)"), ("cm-1", 1.0)),
    **dict.fromkeys(("nanometers", "nanometer", "nm", "wavelength (nm)"), ("nm", 1.0)),
    **dict.fromkeys(("micrometers", "micrometer", "um", "wavelength (um)", "microns"), ("nm", 1000.0)),
}
REPRESENTATIONS = {
    "absorbance": "absorbance",
    "log(1/r)": "absorbance",
    "transmittance": "transmittance",
    "reflectance": "reflectance",
    "% transmittance": "transmittance_percent",
    "%t": "transmittance_percent",
    "% reflectance": "reflectance_percent",
    "%r": "reflectance_percent",
    "counts": "counts",
}
N_POINTS = re.compile(r"^##NPOINTS\s*=\s*(\d+)", re.IGNORECASE | re.MULTILINE)
# A number of points beyond this is a damaged header; the library would ask for memory first and look later.
MOST_POINTS = 10_000_000


def read(path: Path) -> Scans:
    """Read every spectrum of a JCAMP-DX file; blocks of a compound file have to share one axis."""
    import jcamp

    content = path.read_bytes()
    text = content.decode("utf-8", "ignore")
    if "##" not in text:
        raise BadInputError(path, "file", "JCAMP-DX, labels that begin with ##", "none")
    most = max((int(found) for found in N_POINTS.findall(text)), default=0)
    if most > MOST_POINTS:
        raise BadInputError(path, "NPOINTS", f"at most {MOST_POINTS}", most)
    try:
        # Its warnings go to standard output, which belongs to the command that reads the file.
        with contextlib.redirect_stdout(io.StringIO()) as said, np.errstate(all="ignore"):
            found = jcamp.read(io.BytesIO(content))
    except Exception as error:  # the library lets through whatever its parsing meets
        raise BadInputError(path, "file", "a sound JCAMP-DX file", repr(error)) from error
    if "failed" in said.getvalue():
        raise BadInputError(path, "XYDATA", "lines that pass the format's checks", said.getvalue().splitlines()[0])
    blocks = [block for block in found.get("children", [found]) if np.size(block.get("x", ()))]
    if not blocks:
        raise BadInputError(path, "XYDATA", "a spectrum", "none")
    try:
        return _gather(path, blocks)
    except (TypeError, ValueError, AttributeError) as error:  # labels of another kind than they should be
        raise BadInputError(path, "file", "a sound JCAMP-DX file", repr(error)) from error


def _gather(path: Path, blocks: list[dict[str, Any]]) -> Scans:
    first = blocks[0]
    unit, scale = UNITS.get(_label(first, "xunits"), (None, 1.0))
    axis = np.asarray(first["x"], dtype=np.float64)
    for block in blocks:
        if np.shape(block["x"]) != np.shape(block["y"]):
            found = f"{np.size(block['y'])} intensities on {np.size(block['x'])} channels"
            raise BadInputError(path, "XYDATA", "as many values as NPOINTS says", found)
        same = np.shape(block["x"]) == axis.shape and np.allclose(block["x"], axis, rtol=1e-6)
        if not same or _label(block, "xunits") != _label(first, "xunits"):
            raise BadInputError(path, "blocks", "spectra on one axis", f"another axis in {block.get('title', '?')!r}")
    kind = _label(first, "data type") or _label(first, "datatype")
    return checked(
        path,
        Scans(
            axis * scale,
            unit,
            np.array([block["y"] for block in blocks], dtype=np.float64),
            REPRESENTATIONS.get(_label(first, "yunits"), "unknown"),
            "raman" if "raman" in kind else None,
            tuple(str(block.get("title", number)) for number, block in enumerate(blocks, 1)) if blocks[1:] else (),
        ),
    )


def _label(block: dict[str, Any], name: str) -> str:
    return str(block.get(name, "")).strip().casefold()
