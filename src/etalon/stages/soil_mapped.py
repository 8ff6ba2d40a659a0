"""Stage soil_mapped: heads trained on MIR latents alone, applied to NIR-mapped latents, of one split and seed.

It writes `results/{run}/soil/mapped/{split}/seed{n}.parquet` (predictions) and `....survival.parquet` (what each latent
carries and how much of it survives), see `etalon.evaluate.soil_mapped.predictions`.
"""

import time
from pathlib import Path

import pandas as pd
import torch
from threadpoolctl import threadpool_limits

from etalon.errors import BadInputError
from etalon.evaluate.soil_heads import trials
from etalon.evaluate.soil_mapped import MappedHead, predictions
from etalon.stages.arguments import run
from etalon.stages.soil_arguments import read_study, record_of, soil_parser
from etalon.storage import save_json, save_table
from etalon.train.vae_checkpoint import load_bridge, load_vae


def main(argv: list[str] | None = None) -> None:
    arguments = soil_parser(__doc__)
    arguments.add_argument("--encoder-seed", type=int, required=True, help="number of the seed")
    arguments.add_argument("--vae", type=Path, required=True, help="checkpoint of soil_vae")
    arguments.add_argument("--bridge", type=Path, required=True, help="that of soil_bridge")
    arguments.add_argument("--out", type=Path, required=True, help="predictions to write, parquet")
    arguments.add_argument("--out-survival", type=Path, required=True, help="table of latents to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="provenance to write, JSON")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    torch.set_num_threads(args.threads)
    study = read_study(args)
    vae, bridge = load_vae(args.vae)[0], load_bridge(args.bridge)[0]
    found, survival = [], []
    with threadpool_limits(args.threads):
        for trial in trials(study, args.split, args.settings["study"]["independent"]):
            if "mir" in trial.train.spectra and "nir" in trial.test.spectra:
                of_trial = predictions(trial, MappedHead().fit(trial, vae), vae, bridge)
                found.append(of_trial[0])
                survival.append(of_trial[1])
    if not found:
        raise BadInputError(
            "soil", args.split, "a set with MIR spectra that trains, one with NIR", study.not_run or "none"
        )
    save_table(args.out, pd.concat(found, ignore_index=True).assign(seed=args.encoder_seed))
    save_table(args.out_survival, pd.concat(survival, ignore_index=True).assign(seed=args.encoder_seed))
    record = record_of(args, "soil_mapped", study, args.encoder_seed)
    save_json(args.record, record | {"seconds": round(time.monotonic() - started, 2)})


if __name__ == "__main__":
    run(main)
