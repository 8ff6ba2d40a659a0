"""Stage classical_transfer: metrics of classical calibration transfer from one dataset to its paired ones."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
from threadpoolctl import threadpool_limits

from etalon.code_digest import code_digest
from etalon.contracts import Metadata
from etalon.errors import NotRunError
from etalon.evaluate.cross_instrument import find_pairs
from etalon.evaluate.provenance import describe
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.transfer import Row, gaps, metric_table, transfer_rows
from etalon.stages.arguments import job_parser, run
from etalon.storage import load_baseline, load_metadata, load_set, save_json, save_table

COMPUTED_BY = "etalon.evaluate.transfer"


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--partners", type=Path, nargs="*", default=[], help="folders of the paired datasets")
    args = arguments.parse_args(argv)
    started, name = time.monotonic(), args.data.name
    inputs = {file: args.data / file for file in ("spectra.npy", "targets.npy", "samples.parquet")}
    content: dict[str, Any] = {"experiment": "classical_transfer", "dataset": name, "not_run": None}
    content |= describe(args.settings, args.seed, inputs | {"folds": args.folds})
    content |= {"code": code_digest(COMPUTED_BY), "partners": [folder.name for folder in args.partners]}
    metadata: Metadata | None = None
    try:
        metadata = load_metadata(args.data)
        with threadpool_limits(args.threads):
            rows = _rows(args.data, args.partners, pd.read_parquet(args.folds), args.settings, args.seed)
    except NotRunError as error:
        content["not_run"] = error.reason
        rows = gaps({"": error.reason}, args.settings)
    save_table(args.out, metric_table(rows, metadata, name, args.run))
    save_json(args.record, content | {"seconds": round(time.monotonic() - started, 2)})


def _rows(data: Path, partners: list[Path], folds: pd.DataFrame, settings: dict[str, Any], seed: int) -> list[Row]:
    spectra = load_set(data)
    pairs, missing = find_pairs(spectra, partners)
    folders = {data.name: data} | {folder.name: folder for folder in partners}
    sets = {data.name: spectra} | {pair.target.metadata.dataset_id: pair.target for pair in pairs}
    baselines = {name: load_baseline(folders[name], one) for name, one in sets.items()}
    rows = gaps(missing, settings)
    for pair in pairs:
        others = [other.target for other in pairs if other is not pair]
        rows += transfer_rows(pair, others, baselines, list_tasks(spectra), folds, settings, seed)
    return rows


if __name__ == "__main__":
    run(main)
