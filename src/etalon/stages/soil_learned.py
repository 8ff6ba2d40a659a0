"""Stage soil_learned: properties of the tested soils of one split by all that needs trained weights, one seed.

It writes, for `results/{run}/soil/`,

- `predictions/learned/{split}/seed{n}.parquet` (`etalon.records.PREDICTION_COLUMNS`, one row a soil, property and model) and
  a JSON beside it
- `latents/{split}/seed{n}.parquet`: latents of tested scans, see `etalon.evaluate.soil_fidelity.latent_table`
- `spectra/{split}/seed{n}.parquet`: sums by wavenumber, see `etalon.evaluate.soil_fidelity.channels`
- `examples/{split}/seed{n}.parquet`: one spectrum a set, see `etalon.evaluate.soil_fidelity.example`
"""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from etalon.errors import BadInputError
from etalon.evaluate.soil_fidelity import channels, example, latent_table, linear_conversion
from etalon.evaluate.soil_heads import Bench, Inputs, Trial, linear, trials
from etalon.evaluate.soil_sets import snv
from etalon.models.nir_to_mir import NIRToMIR
from etalon.models.vae import VAE
from etalon.records import PREDICTION_COLUMNS, concatenate
from etalon.seeds import derive_seed
from etalon.stages.arguments import run
from etalon.stages.soil_arguments import read_study, record_of, soil_parser
from etalon.stages.soil_vae import training_rows, training_spectra
from etalon.storage import save_json, save_table
from etalon.train.property_head import PropertyPerceptrons
from etalon.train.vae import decoded, latents_of, train_vae
from etalon.train.vae_checkpoint import load_bridge, load_vae


class Written:
    """What a split gives, in the tables that are written."""

    def __init__(self) -> None:
        self.predictions: list[pd.DataFrame] = []
        self.latents: list[pd.DataFrame] = []
        self.spectra: list[pd.DataFrame] = []
        self.examples: list[pd.DataFrame] = []
        self.gaps: list[dict[str, Any]] = []


def main(argv: list[str] | None = None) -> None:
    arguments = soil_parser(__doc__)
    arguments.add_argument("--encoder-seed", type=int, required=True, help="number of the seed")
    arguments.add_argument(
        "--vaes", type=Path, nargs="+", required=True, help="checkpoints of soil_vae, main one first"
    )
    arguments.add_argument("--bridges", type=Path, nargs="*", default=[], help="those of soil_bridge, main one first")
    arguments.add_argument("--out", type=Path, required=True, help="predictions to write, parquet")
    for name in ("latents", "spectra", "examples"):
        arguments.add_argument(f"--{name}", type=Path, required=True, help=f"{name} to write, parquet")
    arguments.add_argument("--record", type=Path, required=True, help="provenance to write, JSON")
    args = arguments.parse_args(argv)
    started = time.monotonic()
    torch.set_num_threads(args.threads)
    study, settings = read_study(args), args.settings
    vaes = {variant: model for variant, model in (_checkpoint(path, args, load_vae) for path in args.vaes)}
    vaes |= _untrained(study, args)
    bridges = {variant: model for variant, model in (_checkpoint(path, args, load_bridge) for path in args.bridges)}
    written = Written()
    with threadpool_limits(args.threads):
        for trial in tqdm(list(trials(study, args.split, settings["study"]["independent"])), unit="set"):
            bench = Bench(trial, args.seed, args.encoder_seed)
            if trial.has("mir"):
                _on_mir(trial, bench, vaes, study.grid["mir"], written, settings["heads"])
            if trial.has("nir") and bridges:
                _on_nir(trial, bench, bridges, study.grid["mir"], written, settings["heads"])
            written.predictions += bench.tables
            written.gaps += bench.not_run
    save_table(args.out, concatenate(written.predictions, PREDICTION_COLUMNS))
    for path, tables in (
        (args.latents, written.latents),
        (args.spectra, written.spectra),
        (args.examples, written.examples),
    ):
        save_table(path, pd.concat(tables, ignore_index=True).assign(seed=args.encoder_seed))
    record = record_of(args, "soil_learned", study, args.encoder_seed) | {"gaps": written.gaps}
    save_json(args.record, record | {"seconds": round(time.monotonic() - started, 2)})


def _checkpoint(path: Path, args: Any, load: Any) -> tuple[str, Any]:
    model, about = load(path)
    if about["split"] != args.split or about["encoder_seed"] != args.encoder_seed:
        expected = f"split {args.split}, seed {args.encoder_seed}"
        raise BadInputError(path, "split", expected, f"{about['split']}, {about['encoder_seed']}")
    return about["variant"], model


def _untrained(study: Any, args: Any) -> dict[str, VAE]:
    """Return the controls: autoencoders of no steps, made of the same training scans."""
    spectra = training_spectra(study, training_rows(study, args))
    seed = derive_seed(args.seed, "soil_vae", args.split, args.encoder_seed)
    return {name: train_vae(spectra, own, seed)[0] for name, own in args.settings["untrained"].items()}


def _perceptrons(bench: Bench, inputs: Inputs, settings: dict[str, Any]) -> None:
    seed = bench.seed_of(inputs.name, inputs.variant, "mlp")
    bench.run(inputs, "mlp", lambda: PropertyPerceptrons(settings, seed))


def _linear(bench: Bench, inputs: Inputs, head: str, settings: dict[str, Any]) -> None:
    bench.run(inputs, head, lambda: linear(head, settings, inputs.blocks, bench.seed_of(inputs.name, head)))


def _on_mir(
    trial: Trial, bench: Bench, vaes: dict[str, VAE], grid: np.ndarray, written: Written, heads: dict[str, Any]
) -> None:
    trained, tested = map(snv, trial.spectra("mir"))
    _perceptrons(bench, Inputs("mir", "", trained, tested), heads)
    for number, (variant, vae) in enumerate(vaes.items()):
        inputs = Inputs("mir_latent", variant, latents_of(vae, trained), latents_of(vae, tested))
        _linear(bench, inputs, "ridge", heads)
        made = decoded(vae, inputs.test)
        written.spectra.append(channels(trial, "reconstructed", variant, grid, tested, made, trained.mean(axis=0)))
        untrained = bool(number) and not any(p.requires_grad for p in vae.parameters())
        if number == 0:
            _linear(bench, inputs, "evidence", heads)
            written.latents.append(latent_table(trial, "mir", variant, inputs.train, inputs.test))
            written.examples.append(example(trial, "reconstructed", variant, grid, tested, made))
        if number == 0 or untrained:
            _perceptrons(bench, inputs, heads)


def _on_nir(
    trial: Trial, bench: Bench, bridges: dict[str, NIRToMIR], grid: np.ndarray, written: Written, heads: dict[str, Any]
) -> None:
    trained, tested = map(snv, trial.spectra("nir"))
    _perceptrons(bench, Inputs("nir", "", trained, tested), heads)
    measured = tuple(map(snv, trial.spectra("mir"))) if trial.has("mir") else None
    if measured:
        made = linear_conversion(trained, measured[0], tested)
        written.spectra.append(
            channels(trial, "converted", "linear", grid, measured[1], made, measured[0].mean(axis=0))
        )
    for number, (variant, bridge) in enumerate(bridges.items()):
        inputs = Inputs("nir_to_mir_latent", variant, latents_of(bridge, trained), latents_of(bridge, tested))
        _linear(bench, inputs, "ridge", heads)
        made = [decoded(bridge, latents) for latents in (inputs.train, inputs.test)]
        if measured:
            mean = measured[0].mean(axis=0)
            written.spectra.append(channels(trial, "converted", variant, grid, measured[1], made[1], mean))
        if number:
            continue
        _perceptrons(bench, inputs, heads)
        _perceptrons(bench, Inputs("nir_to_mir", variant, *made), heads)
        written.latents.append(latent_table(trial, "nir_to_mir", variant, inputs.train, inputs.test))
        if measured:
            written.examples.append(example(trial, "converted", variant, grid, measured[1], made[1]))


if __name__ == "__main__":
    run(main)
