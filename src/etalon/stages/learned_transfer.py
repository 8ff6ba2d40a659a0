"""Stage learned_transfer: metrics of learned calibration transfer from one dataset to its paired ones."""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from etalon.code_digest import code_digest
from etalon.contracts import Metadata
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.cross_instrument import find_pairs
from etalon.evaluate.learned_transfer import gaps, learned_rows
from etalon.evaluate.provenance import describe
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.transfer import Row, metric_table
from etalon.models.patch_transformer import PatchTransformer
from etalon.records import PREDICTION_COLUMNS, as_records
from etalon.stages.arguments import job_parser, run
from etalon.storage import load_baseline, load_metadata, load_set, save_json, save_table
from etalon.train.patch_checkpoint import load_patch_transformer

COMPUTED_BY = "etalon.evaluate.learned_transfer"


def main(argv: list[str] | None = None) -> None:
    arguments = job_parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument("--partners", type=Path, nargs="*", default=[], help="folders of the paired datasets")
    arguments.add_argument("--encoder", type=Path, required=True, help="checkpoint of pretrain_transfer")
    arguments.add_argument("--variant", required=True, help="name of its pretraining")
    arguments.add_argument("--heldout", required=True, help="name of the fold of families that it did not see")
    arguments.add_argument(
        "--predictions", type=Path, required=True, help="predictions with intervals to write, parquet"
    )
    args = arguments.parse_args(argv)
    started, name = time.monotonic(), args.data.name
    torch.set_num_threads(args.threads)
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    device = args.settings["device"]
    start, about = load_patch_transformer(args.encoder)
    start.to(automatic if device == "auto" else device)
    inputs = {file: args.data / file for file in ("spectra.npy", "targets.npy", "samples.parquet")}
    content: dict[str, Any] = {"experiment": "learned_transfer", "dataset": name, "not_run": None}
    content |= describe(args.settings, args.seed, inputs | {"folds": args.folds})
    content |= {"code": code_digest(COMPUTED_BY), "partners": [folder.name for folder in args.partners]}
    content["encoder"] = {key: about[key] for key in ("encoder_seed", "heldout_families", "settings", "code")}
    metadata: Metadata | None = None
    tables: list[pd.DataFrame] = []
    try:
        metadata = load_metadata(args.data)
        if metadata.family in {source["family"] for source in about["data"]}:
            raise BadInputError(args.encoder, "data", "a checkpoint that never saw this family", metadata.family)
        with threadpool_limits(args.threads):
            rows, tables = _rows(args, start, about["encoder_seed"])
    except NotRunError as error:
        content["not_run"] = error.reason
        rows = gaps({"": error.reason}, args.settings, about["encoder_seed"])
    rows = [row | {"variant": args.variant, "heldout": args.heldout} for row in rows]
    save_table(args.out, metric_table(rows, metadata, name, args.run))
    predictions = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    predictions = predictions.assign(
        variant=args.variant, heldout=args.heldout, dataset=name, task="regression", amplitude_unit="samples"
    )
    save_table(args.predictions, as_records(predictions, PREDICTION_COLUMNS))
    save_json(args.record, content | {"seconds": round(time.monotonic() - started, 2)})


def _rows(args: Any, start: PatchTransformer, encoder_seed: int) -> tuple[list[Row], list[pd.DataFrame]]:
    spectra = load_set(args.data)
    pairs, missing = find_pairs(spectra, args.partners)
    folders = {args.data.name: args.data} | {folder.name: folder for folder in args.partners}
    sets = {args.data.name: spectra} | {pair.target.metadata.dataset_id: pair.target for pair in pairs}
    baselines = {name: load_baseline(folders[name], one) for name, one in sets.items()}
    # Partners that were not asked for are no gaps.
    asked = {f"{args.data.name}>{folder.name}" for folder in args.partners}
    missing = {pair: why for pair, why in missing.items() if pair in asked}
    rows, tables = gaps(missing, args.settings, encoder_seed), []
    folds = pd.read_parquet(args.folds)
    for pair in pairs:
        seeds = {"seed": args.seed, "encoder_seed": encoder_seed}
        found = learned_rows(pair, baselines, list_tasks(spectra), folds, args.settings, start, **seeds)
        rows += found[0]
        tables += found[1]
    return rows, tables


if __name__ == "__main__":
    run(main)
