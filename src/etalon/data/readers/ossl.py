"""Tables of the Open Soil Spectral Library, as its bucket publishes them: comma-separated text, compressed or not.

One file holds spectra, one row a scan, in columns such as `scan_mir.600_abs` (log10 absorbance at 600 cm-1),
`scan_visnir.1350_ref` and `scan_nir.1350_ref` (reflectance, a fraction, at 1350 nm); another the laboratory's values,
in columns named after quantity, method and unit (`oc_usda.c729_w.pct`). Both carry the key of the soil layer,
`id.layer_uuid_txt` in the library and `id.sample_local_c` in NeoSpectra's. Scans with one key are scans of one soil.

Options: `spectra` and `laboratory`, which of the entry's files (paths) hold what; `key`; `channels`, a regular
expression for the columns of the spectrum, whose group is the position; `keep`, values of a column of the spectra's
file without which a row is passed over (one of the library's collections). Scans without a laboratory's row, or with a
channel that was not measured, are left out.
"""

import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.io.parsers import TextFileReader

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.data.assemble import Tables, assemble
from etalon.errors import BadInputError

_ROWS_AT_ONCE = 4000  # a library's spectra fill a gigabyte as text


def read(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Read one collection of the library.

    Raises
    ------
    BadInputError
        For a file or column that is not there, and a collection without a scan.
    """
    options = entry.options
    key = options["key"]
    tables: Tables = {
        "spectra": _spectra(entry, _file(entry, files, "spectra")),
        "laboratory": _table(entry, _file(entry, files, "laboratory"), [key, *(t.column for t in entry.targets)]),
    }
    tables["laboratory"] = tables["laboratory"].dropna(subset=key)
    plan: dict[str, Any] = {
        "parts": [{"spectra": "spectra"}],
        "channels": options["channels"],
        "specimen": {"columns": [key]},
        "laboratory": {"table": "laboratory", "key": key, "drop_unmatched": True},
    }
    return assemble(dataclasses.replace(entry, options=plan), tables)


def size(entry: Entry, files: dict[str, Path]) -> tuple[int, int]:
    """Return how many scans `read` finds, and of how many channels; `entry.expect` is not looked at."""
    key = entry.options["key"]
    scans = _spectra(entry, _file(entry, files, "spectra"))
    known = _table(entry, _file(entry, files, "laboratory"), [key])[key].str.strip()
    return int(scans[key].str.strip().isin(known).sum()), scans.shape[1] - 1


def _file(entry: Entry, files: dict[str, Path], option: str) -> Path:
    name = entry.options[option]
    if name not in files:
        raise BadInputError(entry.id, f"options.{option}", f"one of {', '.join(files)}", name)
    return files[name]


def _spectra(entry: Entry, path: Path) -> pd.DataFrame:
    """Return the complete scans of the wanted collections: the key and the channels, float32."""
    key, keep = entry.options["key"], entry.options.get("keep", {})
    pattern = re.compile(entry.options["channels"])
    header = list(pd.read_csv(path, nrows=0).columns)
    channels = [name for name in header if pattern.search(name)]
    if not channels:
        raise BadInputError(path, "columns", f"names that match {pattern.pattern}", ", ".join(header[:5]))
    kept = []
    for part in _parts(entry, path, header, [key, *keep, *channels], dict.fromkeys(channels, np.float32)):
        wanted = part[key].notna() & part[channels].notna().all(axis=1)
        for column, values in keep.items():
            wanted &= part[column].isin(values)
        kept.append(part.loc[wanted, [key, *channels]])
    scans = pd.concat(kept, ignore_index=True)
    if not len(scans):
        which = "; ".join(f"{column} {' or '.join(values)}" for column, values in keep.items())
        raise BadInputError(path, "rows", f"a complete scan{f' with {which}' if which else ''}", "none")
    return scans


def _parts(entry: Entry, path: Path, header: list[str], columns: list[str], types: dict[str, Any]) -> TextFileReader:
    if missing := [name for name in columns if name not in header]:
        raise BadInputError(path, f"column {missing[0]}", f"one of {', '.join(header[:8])}, ...", "no such column")
    texts = {name: str for name in columns if name not in types}
    return pd.read_csv(path, usecols=columns, dtype=texts | types, chunksize=_ROWS_AT_ONCE)


def _table(entry: Entry, path: Path, columns: list[str]) -> pd.DataFrame:
    """Return columns of a laboratory's file as text; `assemble` makes numbers of them."""
    header = list(pd.read_csv(path, nrows=0).columns)
    return pd.concat(_parts(entry, path, header, columns, {}), ignore_index=True)
