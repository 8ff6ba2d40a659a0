"""Text files of the RRUFF project: one Raman or infrared spectrum of a mineral each, `##NAME=value` lines above it."""

from pathlib import Path

import numpy as np

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import assemble, scans_table
from etalon.data.axis import Grid
from etalon.errors import BadInputError

FIELDS = ("names", "rruffid", "locality", "status", "url")


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read a dataset from one file a spectrum, in the order of their paths, as the table `spectra`.

    All come onto `options.grid` (the axis of the first file where left out). The fields `names` (of the mineral),
    `rruffid`, `locality`, `status` and `url` of a file are columns, as are the named groups of `options.name_pattern`,
    found in file names: the laser and the orientation stand there and nowhere else.
    """
    spectra, fields = [], []
    for path in sorted(files):
        own, axis, values = _parse(files[path], path)
        spectra.append((Path(path).name, *Grid.of(entry.options).bring(axis, values, path)))
        fields.append(own)
    table = scans_table(spectra, entry.options.get("name_pattern", ""), entry.id)
    return assemble(entry, {"spectra": table.assign(**{name: [own[name] for own in fields] for name in FIELDS})})


def _parse(file: Path, path: str) -> tuple[dict[str, str], np.ndarray, np.ndarray]:
    """Return the fields, the axis and the values of one file."""
    fields, points = dict.fromkeys(FIELDS, ""), []
    for number, line in enumerate(file.read_text(encoding="utf-8", errors="replace").splitlines(), start=1):
        if line.startswith("##END"):
            break
        if line.startswith("##"):
            name, _, value = line[2:].partition("=")
            fields[name.strip().lower()] = value.strip()
        elif line.strip():
            try:
                point, intensity = map(float, line.split(","))
            except ValueError as error:
                raise BadInputError(path, f"line {number}", "two numbers with a comma between them", line) from error
            points.append((point, intensity))
    if len(points) < 2:
        raise BadInputError(path, "file", "a spectrum of at least two points", len(points))
    return fields, *np.array(points).T
