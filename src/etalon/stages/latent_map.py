"""Stage latent_map: maps of an encoder's latent space with two instruments in it, before and after transfer."""

import logging
from argparse import Namespace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from etalon.errors import NotRunError
from etalon.evaluate.cross_instrument import find_pairs
from etalon.evaluate.latent_map import LATENT_COLUMNS, latent_table
from etalon.evaluate.learned_ageing import refuse_family
from etalon.records import as_records, concatenate
from etalon.stages.arguments import parser, run
from etalon.storage import load_baseline, load_set, save_table
from etalon.train.patch_checkpoint import load_patch_transformer


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--run", required=True, help="name of the run")
    arguments.add_argument(
        "--pair",
        type=Path,
        nargs=4,
        action="append",
        required=True,
        metavar=("SOURCE", "TARGET", "FOLDS", "CHECKPOINT"),
        help="folders of source and target, folds of the source, checkpoint of pretrain_transfer; may be repeated",
    )
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra")
    arguments.add_argument("--out", type=Path, required=True, help="parquet file to write")
    args = arguments.parse_args(argv)
    torch.set_num_threads(args.threads)
    tables = []
    for source, target, folds, checkpoint in args.pair:
        name = f"{source.name}>{target.name}"
        try:
            with threadpool_limits(args.threads):
                table = _table(source, target, folds, checkpoint, args)
        except NotRunError as error:
            logging.warning("%s: %s", name, error.reason)
            table = pd.DataFrame([{"pair": name, "x": np.nan, "y": np.nan, "status": f"not run: {error.reason}"}])
        tables.append(as_records(table.assign(run=args.run), LATENT_COLUMNS))
    save_table(args.out, concatenate(tables, LATENT_COLUMNS))


def _table(source: Path, target: Path, folds: Path, checkpoint: Path, args: Namespace) -> pd.DataFrame:
    start, about = load_patch_transformer(checkpoint)
    spectra = load_set(source)
    refuse_family(spectra.metadata.family, about, checkpoint)
    pairs, missing = find_pairs(spectra, [target])
    pair = next((pair for pair in pairs if pair.target.metadata.dataset_id == target.name), None)
    if pair is None:
        raise NotRunError(missing.get(f"{source.name}>{target.name}", "not a pair of the catalogue"))
    baselines = {source.name: load_baseline(source, spectra), target.name: load_baseline(target, pair.target)}
    seeds = args.seed, about["encoder_seed"]
    return latent_table(pair, pd.read_parquet(folds), baselines, start, args.settings, *seeds)


if __name__ == "__main__":
    run(main)
