"""Stage precompute_asls: one AsLS baseline a spectrum."""

import argparse
import functools
import hashlib
import json
import logging
from pathlib import Path

import numpy as np

from etalon.code_digest import code_digest
from etalon.contracts import Metadata
from etalon.errors import NotRunError
from etalon.preprocess.asls import asls
from etalon.preprocess.row_chunks import RowFunction, map_rows
from etalon.stages.arguments import parser, run
from etalon.storage import load_metadata, save_array

# Smaller tables take about a second: they are computed at once, without worker processes or traces on disk.
_SMALL_VALUES = 4_000_000
_CHUNK_ROWS = 1024


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, required=True, help="folder of the dataset")
    arguments.add_argument("--threads", type=int, default=1, help="worker processes")
    arguments.add_argument("--out", type=Path, required=True, help="baselines to write, .npy")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    try:
        metadata = load_metadata(args.data)
    except NotRunError as error:
        logging.warning("%s: %s; an empty baseline is written", args.data.name, error)
        save_array(args.out, np.empty((0, 0), np.float32))
        return
    source = args.data / "spectra.npy"
    spectra = np.load(source, mmap_mode="r", allow_pickle=False)
    baseline: RowFunction = functools.partial(
        asls,
        wavelengths=np.load(args.data / "wavelengths.npy", allow_pickle=False),
        axis_unit=metadata.axis_unit,
        modality=metadata.modality,
        **args.settings,
    )
    if spectra.size <= _SMALL_VALUES:
        save_array(args.out, baseline(spectra))
    else:
        digest = _digest(args.data, metadata, args.settings)
        map_rows(baseline, source, args.out, rows=_CHUNK_ROWS, workers=args.threads, digest=digest)


def _digest(folder: Path, metadata: Metadata, settings: dict) -> str:
    """Return a digest of everything that decides the baselines and their chunks."""
    content = [settings, metadata.axis_unit, metadata.modality, _CHUNK_ROWS, code_digest("etalon.preprocess.asls")]
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode())
    for name in ("spectra.npy", "wavelengths.npy"):
        with (folder / name).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


if __name__ == "__main__":
    run(main)
