"""Stage soil_learned: properties of the tested soils of one split by all that needs trained weights, one seed.

It writes, for `results/{run}/soil/`,

- `predictions/learned/{split}/seed{n}.parquet` (`etalon.records.PREDICTION_COLUMNS`, one row a soil, property and
  model) and a JSON beside it
- `latents/{split}/seed{n}.parquet`: latents of tested scans, see `etalon.evaluate.soil_fidelity.latent_table`
- `spectra/{split}/seed{n}.parquet`: sums by wavenumber, see `etalon.evaluate.soil_fidelity.channels`
- `examples/{split}/seed{n}.parquet`: one spectrum a set, see `etalon.evaluate.soil_fidelity.example`
"""

import time
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from etalon.errors import BadInputError
from etalon.evaluate.soil_heads import trials
from etalon.evaluate.soil_learned import Autoencoders, LearnedModels
from etalon.evaluate.soil_sets import Study, mir_training_rows, stacked
from etalon.models.vae import VAE
from etalon.records import PREDICTION_COLUMNS, as_records
from etalon.seeds import derive_seed
from etalon.stages.arguments import run
from etalon.stages.soil_arguments import read_study, record_of, soil_parser
from etalon.storage import save_json, save_table
from etalon.train.vae import train_vae
from etalon.train.vae_checkpoint import load_bridge, load_vae

TABLES = ("latents", "spectra", "examples")


def main(argv: list[str] | None = None) -> None:
    arguments = soil_parser(__doc__)
    arguments.add_argument("--encoder-seed", type=int, required=True, help="number of the seed")
    arguments.add_argument(
        "--vaes", type=Path, nargs="+", required=True, help="checkpoints of soil_vae, main one first"
    )
    arguments.add_argument("--bridges", type=Path, nargs="*", default=[], help="those of soil_bridge, main one first")
    arguments.add_argument("--out", type=Path, required=True, help="predictions to write, parquet")
    for name in TABLES:
        arguments.add_argument(f"--{name}", type=Path, required=True, help=f"{name} to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="provenance to write, JSON")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    torch.set_num_threads(args.threads)
    study, settings = read_study(args), args.settings
    trained = dict(_checkpoint(path, args, load_vae) for path in args.vaes)
    bridges = dict(_checkpoint(path, args, load_bridge) for path in args.bridges)
    models = LearnedModels(
        Autoencoders(trained, _untrained(study, args)), bridges, study.grid["mir"], settings["heads"]
    )
    with threadpool_limits(args.threads):
        for trial in tqdm(list(trials(study, args.split, settings["study"]["independent"])), unit="set"):
            models.run(trial, args.seed, args.encoder_seed)
    save_table(args.out, as_records(pd.concat(models.predictions, ignore_index=True), PREDICTION_COLUMNS))
    for name in TABLES:
        table = pd.concat(getattr(models, name), ignore_index=True)
        save_table(getattr(args, name), table.assign(seed=args.encoder_seed))
    record = record_of(args, "soil_learned", study, args.encoder_seed) | {"gaps": models.gaps}
    save_json(args.record, record | {"seconds": round(time.monotonic() - started, 2)})


def _checkpoint(path: Path, args: Any, load: Any) -> tuple[str, Any]:
    model, about = load(path)
    if (about["split"], about["encoder_seed"]) != (args.split, args.encoder_seed):
        expected = f"split {args.split}, seed {args.encoder_seed}"
        raise BadInputError(path, "split", expected, f"{about['split']}, {about['encoder_seed']}")
    return about["variant"], model


def _untrained(study: Study, args: Any) -> dict[str, VAE]:
    """Return the controls: autoencoders of no steps, made of the same training scans."""
    rows = mir_training_rows(study, args.split, args.settings["study"]["independent"])
    spectra = stacked(study, rows, "mir")
    seed = derive_seed(args.seed, "soil_vae", args.split, args.encoder_seed)
    return {name: train_vae(spectra, own, seed)[0] for name, own in args.settings["untrained"].items()}


if __name__ == "__main__":
    run(main)
