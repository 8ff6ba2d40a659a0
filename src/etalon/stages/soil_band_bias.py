"""Stage soil_band_bias: autoencoder and NIR encoder of one split and seed with other losses, beside the plain ones.

It writes `results/{run}/soil/band_bias/{split}/seed{n}.parquet` (errors by soil, see `etalon.evaluate.soil_band_bias`)
and `....spectra.parquet` (sums by wavenumber, see `etalon.evaluate.soil_fidelity.channels`; `variant` is the loss). All
start from the same weights and see the same batches; only the loss differs.
"""

import argparse
import time
from pathlib import Path

import pandas as pd
import torch

from etalon.errors import BadInputError
from etalon.evaluate.soil_band_bias import PLAIN, by_soil, losses
from etalon.evaluate.soil_fidelity import channels
from etalon.evaluate.soil_heads import trials
from etalon.evaluate.soil_sets import Study, mir_training_rows, snv, stacked
from etalon.models.nir_to_mir import NIRToMIR
from etalon.models.vae import VAE
from etalon.seeds import derive_seed
from etalon.stages.arguments import run
from etalon.stages.soil_arguments import read_study, record_of, soil_parser
from etalon.storage import save_json, save_table
from etalon.train.vae import decoded, latents_of, train_bridge, train_vae
from etalon.train.vae_checkpoint import load_bridge, load_vae


def main(argv: list[str] | None = None) -> None:
    arguments = soil_parser(__doc__)
    arguments.add_argument("--encoder-seed", type=int, required=True, help="number of the seed")
    arguments.add_argument(
        "--vae", type=Path, required=True, help="checkpoint of soil_vae, trained with the plain loss"
    )
    arguments.add_argument("--bridge", type=Path, required=True, help="that of soil_bridge")
    arguments.add_argument("--out", type=Path, required=True, help="errors by soil to write, parquet")
    arguments.add_argument("--out-spectra", type=Path, required=True, help="sums by wavenumber to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="provenance to write, JSON")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    torch.set_num_threads(args.threads)
    study = read_study(args)
    models = {PLAIN: (load_vae(args.vae)[0], load_bridge(args.bridge)[0])} | _trained(args, study)
    soils, spectra = [], []
    for trial in trials(study, args.split, args.settings["study"]["independent"]):
        if not trial.has("mir"):
            continue
        trained, tested = map(snv, trial.spectra("mir"))
        for loss, (vae, bridge) in models.items():
            made = {}
            if trial.test.metadata.modality == "mir":  # a NIR set brings the MIR spectra of another set
                made["reconstructed"] = decoded(vae, latents_of(vae, tested))
            if trial.has("nir"):
                made["converted"] = decoded(bridge, latents_of(bridge, snv(trial.spectra("nir")[1])))
            for kind, of_kind in made.items():
                grid = study.grid["mir"]
                soils.append(by_soil(trial, kind, loss, grid, tested, of_kind))
                spectra.append(channels(trial, kind, loss, grid, tested, of_kind, trained.mean(axis=0)))
    save_table(args.out, pd.concat(soils, ignore_index=True).assign(seed=args.encoder_seed))
    save_table(args.out_spectra, pd.concat(spectra, ignore_index=True).assign(seed=args.encoder_seed))
    record = record_of(args, "soil_band_bias", study, args.encoder_seed)
    save_json(args.record, record | {"seconds": round(time.monotonic() - started, 2)})


def _trained(args: argparse.Namespace, study: Study) -> dict[str, tuple[VAE, NIRToMIR]]:
    """Return an autoencoder and a NIR encoder for each loss, from the seeds that the plain ones were trained with."""
    independent = args.settings["study"]["independent"]
    rows = study.training(args.split, independent)
    paired = {name: at for name, at in rows.items() if name in study.bridged}
    if not paired:
        raise BadInputError("soil", "bridged", "a training set with both ranges", study.not_run or "none")
    mir = stacked(study, mir_training_rows(study, args.split, independent), "mir")
    pairs = [stacked(study, paired, kind) for kind in ("nir", "mir")]
    seeds = [derive_seed(args.seed, stage, args.split, args.encoder_seed) for stage in ("soil_vae", "soil_bridge")]
    found = {}
    for name, loss in losses(args.settings["band_bias"]).items():
        noise = [args.settings[block]["noise_sd"] for block in ("vae", "bridge")]
        of_vae, of_bridge = (loss(study.grid["mir"], sd) for sd in noise)
        vae, _ = train_vae(mir, args.settings["vae"], seeds[0], loss=of_vae)
        found[name] = (vae, train_bridge(*pairs, vae, args.settings["bridge"], seeds[1], loss=of_bridge)[0])
    return found


if __name__ == "__main__":
    run(main)
