"""JCAMP-DX files of one infrared or Raman spectrum each, as NIST and others publish them."""

from pathlib import Path
from typing import Any

import jcamp
import numpy as np

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import assemble, scans_table
from etalon.data.axis import Grid
from etalon.errors import BadInputError

# Wavenumber (cm-1) of a position by the unit that the file names, as numerator / position or as the position itself.
WAVENUMBERS = ("1/cm", "cm-1", "cm^-1")
WAVELENGTHS = {"micrometers": 1e4, "um": 1e4, "nanometers": 1e7, "nm": 1e7}
# Per cent or fraction is not said in a file: a transmittance above this one is in per cent.
LARGEST_FRACTION = 2.0
DARKEST = 1e-4  # transmittance: 4 absorbance units, as in `etalon.evaluate.robustness`


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from one file a spectrum, in the order of their paths, as the table `spectra`.

    All come onto `options.grid` (the axis of the first file where left out). Transmittance becomes absorbance where
    that is the entry's representation, in per cent or not. Header fields that identify the substance are the columns
    `title`, `cas registry no` and `state`; the named groups of `options.name_pattern`, found in file names, are further
    ones.
    """
    spectra, fields = [], []
    for path in sorted(files):
        content = _content(files[path])
        axis, values = _axis(path, content, entry.axis.unit), _values(path, content, entry.representation)
        spectra.append((Path(path).name, *Grid.of(entry.options).bring(axis, values, path)))
        fields.append({name: str(content.get(name, "")).strip() for name in ("title", "cas registry no", "state")})
    table = scans_table(spectra, entry.options.get("name_pattern", ""), entry.id)
    return assemble(entry, {"spectra": table.assign(**{name: [own[name] for own in fields] for name in fields[0]})})


def _content(file: Path) -> dict[str, Any]:
    try:
        content = jcamp.readfile(str(file))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise BadInputError(file, "file", "a JCAMP-DX spectrum", repr(error)) from error
    content = content["children"][0] if content.get("children") else content
    if "xunits" not in content or "yunits" not in content or len(content.get("x", ())) < 2:
        raise BadInputError(file, "file", "a JCAMP-DX spectrum with XUNITS, YUNITS and data", sorted(content))
    if not len(content["x"]) == len(content["y"]) == content.get("npoints", len(content["x"])):
        expected = f"{content.get('npoints', len(content['x']))} points, as its header says"
        raise BadInputError(file, "XYDATA", expected, f"{len(content['y'])}")
    return content


def _axis(path: str, content: dict[str, Any], unit: str) -> np.ndarray:
    """Return the positions in the unit of the entry, "cm-1" or "nm"."""
    named = str(content["xunits"]).strip().lower()
    positions = np.asarray(content["x"], dtype=np.float64)
    if named in WAVENUMBERS:
        wavenumbers = positions
    elif named in WAVELENGTHS:
        wavenumbers = WAVELENGTHS[named] / positions
    else:
        raise BadInputError(path, "XUNITS", f"one of {', '.join((*WAVENUMBERS, *WAVELENGTHS))}", content["xunits"])
    return wavenumbers if unit == "cm-1" else 1e7 / wavenumbers


def _values(path: str, content: dict[str, Any], representation: str) -> np.ndarray:
    """Return the values in the representation of the entry."""
    named = str(content["yunits"]).strip().lower()
    values = np.asarray(content["y"], dtype=np.float64)
    transmitted = representation in ("transmittance", "transmittance_percent")
    if "transmittance" in named and (transmitted or representation == "absorbance"):
        share = values / (100.0 if np.nanmax(values) > LARGEST_FRACTION else 1.0)
        if transmitted:
            return share * (100.0 if representation.endswith("percent") else 1.0)
        return -np.log10(np.maximum(share, DARKEST))
    if not transmitted and "transmittance" not in named and (representation != "absorbance" or "absorbance" in named):
        return values
    raise BadInputError(path, "YUNITS", f"what {representation} can be made of", content["yunits"])
