"""One dataset of the catalogue from its raw files, whatever the library that reads them makes of a damaged one."""

import importlib
import logging
from pathlib import Path

from etalon.catalogue import Entry
from etalon.contracts import SpectraSet
from etalon.errors import BadInputError, EtalonError


def read_entry(entry: Entry, files: dict[str, Path], seed: int) -> SpectraSet:
    """Return the dataset of `entry`, read by the one reader that it names (arguments: `etalon.data.readers`).

    Raises
    ------
    BadInputError : for whatever the files hold that is no such dataset; the log keeps what a library said of it
    """
    # By name, so that an edit of one reader concerns the datasets of that format alone.
    reader = importlib.import_module(f"etalon.data.readers.{entry.reader}")
    try:
        return reader.read(entry, files, seed)
    except EtalonError:
        raise
    except Exception as error:  # libraries let through whatever their parts raise
        logging.info("%s: the reader %s stopped", entry.id, entry.reader, exc_info=True)
        found = f"something else ({type(error).__name__}: {error})"
        raise BadInputError(entry.id, "files", f"files of the format {entry.reader}", found[:300]) from error
