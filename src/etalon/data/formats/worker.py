"""The child process of `isolated`: reads the files named on its standard input, one after the other.

Before each file it says so on standard output, so that its parent knows at which one it died.
"""

import importlib
import json
import os
import sys
from pathlib import Path

import numpy as np

from etalon.data.scans import Scans
from etalon.errors import BadInputError

MEMORY_BYTES = 8 * 2**30


def main(folder: Path) -> None:
    # What a library prints must not be taken for what this process says.
    with os.fdopen(os.dup(1), "w", encoding="utf-8", closefd=True) as channel:
        os.dup2(2, 1)
        for number, line in enumerate(sys.stdin):
            request = json.loads(line)
            path = Path(request["path"])
            print(json.dumps({"begins": number}), file=channel, flush=True)
            reader = importlib.import_module(f"etalon.data.formats.{request['format']}")
            try:
                answer = _save(folder / f"{number}.npz", reader.read(path))
            except BadInputError as error:
                answer = {"error": [error.field, error.expected, error.found]}
            except MemoryError:
                answer = {"error": ["file", "a file of sound sizes", "one that asks for more memory than there is"]}
            except RecursionError:
                answer = {"error": ["file", "a sound file", "one that is nested without end"]}
            print(json.dumps({"number": number} | answer), file=channel, flush=True)


def _save(out: Path, scans: Scans) -> dict[str, object]:
    arrays = {f"column {name}": values for name, values in scans.columns.items()}
    with out.open("wb") as file:
        np.savez(file, axis=scans.axis, intensities=scans.intensities, allow_pickle=False, **arrays)
    return {
        "unit": scans.unit,
        "representation": scans.representation,
        "modality": scans.modality,
        "names": list(scans.names),
        "columns": list(scans.columns),
    }


def limit_memory() -> None:
    """Let an allocation beyond all reason fail instead of filling the machine."""
    try:
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        most = MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (most, hard))
    except (ImportError, ValueError, OSError):  # a system without such limits
        return


if __name__ == "__main__":
    limit_memory()
    main(Path(sys.argv[1]))
