"""Stage evidence_transfer: metrics of calibration transfer by one Gaussian process over two instruments."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from etalon.code_digest import code_digest
from etalon.contracts import Metadata
from etalon.errors import NotRunError
from etalon.evaluate.cross_instrument import find_pairs
from etalon.evaluate.embed import digest, open_encoder, refuse_seen
from etalon.evaluate.evidence_transfer import SPECTRA, evidence_rows, gaps
from etalon.evaluate.provenance import describe
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.transfer import Row, metric_table
from etalon.stages.arguments import job_parser, run
from etalon.stages.embedding_arguments import add_encoder
from etalon.storage import load_baseline, load_metadata, load_set, save_json, save_table

COMPUTED_BY = "etalon.evaluate.evidence_transfer"


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    add_encoder(arguments)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--partners", type=Path, nargs="*", default=[], help="folders of the paired datasets")
    arguments.add_argument("--features", required=True, help=f"variant of the encoder, or {SPECTRA}, which has none")
    arguments.add_argument("--encoder-seed", type=int, required=True, help="seed of the encoder's training")
    args = arguments.parse_args(argv)
    started, name = time.monotonic(), args.data.name
    torch.set_num_threads(args.threads)
    inputs = {file: args.data / file for file in ("spectra.npy", "targets.npy", "samples.parquet")}
    content: dict[str, Any] = {"experiment": "evidence_transfer", "dataset": name, "not_run": None}
    content |= describe(args.settings, args.seed, inputs | {"folds": args.folds})
    content |= {"code": code_digest(COMPUTED_BY), "partners": [folder.name for folder in args.partners]}
    content |= {"features": args.features, "checkpoint": digest(args.checkpoint)}
    metadata: Metadata | None = None
    try:
        metadata = load_metadata(args.data)
        with threadpool_limits(args.threads):
            rows = _rows(args)
    except NotRunError as error:
        content["not_run"] = error.reason
        rows = gaps({"": error.reason}, args.features)
    rows = [row | {"seed": args.encoder_seed} for row in rows]
    save_table(args.out, metric_table(rows, metadata, name, args.run))
    save_json(args.record, content | {"seconds": round(time.monotonic() - started, 2)})


def _rows(args: Any) -> list[Row]:
    encoder = None
    spectra = load_set(args.data)
    if args.features != SPECTRA:
        encoder, record = open_encoder(args.checkpoint, args.encoder)
        refuse_seen(args.checkpoint, record, spectra.metadata, spectra.intensities)
    pairs, missing = find_pairs(spectra, args.partners)
    folders = {args.data.name: args.data} | {folder.name: folder for folder in args.partners}
    sets = {args.data.name: spectra} | {pair.target.metadata.dataset_id: pair.target for pair in pairs}
    baselines = {name: load_baseline(folders[name], one) for name, one in sets.items()}
    folds, rows = pd.read_parquet(args.folds), gaps(missing, args.features)
    for pair in pairs:
        rows += evidence_rows(
            pair,
            baselines,
            list_tasks(spectra),
            folds,
            args.settings,
            encoder,
            features=args.features,
            seed=args.seed,
        )
    return rows


if __name__ == "__main__":
    run(main)
