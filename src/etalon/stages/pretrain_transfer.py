"""Stage pretrain_transfer: one patch transformer for calibration transfer, with one fold of families held out."""

from pathlib import Path
from typing import Any

import pandas as pd
import torch

from etalon.errors import BadInputError
from etalon.models.patch_transformer import PatchTransformer
from etalon.seeds import derive_seed
from etalon.stages.arguments import run
from etalon.stages.pretraining_arguments import check_held_out, pretraining_parser, record_of, state_path
from etalon.storage import save_table
from etalon.train.batches import Sampler, drawn_sets
from etalon.train.checkpoint import save_encoder
from etalon.train.corpus import TrainingSet, load_real, load_synthetic
from etalon.train.loop import Result, Schedule, train
from etalon.train.monitor import Monitor
from etalon.train.patch_objective import PatchObjective
from etalon.train.state import remove_states


def main(argv: list[str] | None = None) -> None:
    args = pretraining_parser(__doc__).parse_args(argv)
    torch.set_num_threads(args.threads)
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(automatic if args.settings["device"] == "auto" else args.settings["device"])
    torch.manual_seed(derive_seed(args.seed, "init", "patches", args.encoder_seed))
    model = PatchTransformer(**args.settings["size"]).to(device)

    real, left_out = load_real(args.data, device)
    check_held_out(real, args)
    synthetic = load_synthetic(args.synthetic)
    if kinds := args.settings.get("modalities"):
        real, synthetic = ([one for one in sets if one.batch.modality in kinds] for sets in (real, synthetic))
    if not real + synthetic:
        raise BadInputError("pretrain_transfer", "--data", "a dataset with a wavelength axis", "none")
    corpus = drawn_sets(real, synthetic, args.settings["p_synthetic"])
    monitor = Monitor(real)
    result = _train(model, corpus, monitor, args, state_path("pretrain_transfer", args, [*real, *corpus]))

    config = {"encoder": "patches", "size": args.settings["size"]}
    record = record_of("pretrain_transfer", args, config, corpus, monitor, left_out, device, result)
    rows = pd.DataFrame(result.curves, columns=["step", "spectra", "quantity", "value"])
    save_table(args.curves, rows.assign(variant=args.variant, heldout=args.heldout, seed=args.encoder_seed))
    save_encoder(args.out, result.weights, record)
    remove_states(args.out)


def _train(model: PatchTransformer, corpus: list[TrainingSet], monitor: Monitor, args: Any, state: Path) -> Result:
    settings, batch = args.settings, args.settings["batch"]
    seed = derive_seed(args.seed, "pretrain_transfer", args.encoder_seed)
    device = next(model.parameters()).device
    sampler = Sampler(corpus, settings["p_synthetic"], batch["groups"], batch["spectra"], seed, device)
    steps = max(1, round(settings["training"]["spectra"] / sampler.spectra_per_step))
    objective = PatchObjective(model, settings["losses"], settings["augment"], steps=steps, masking=settings["masking"])
    schedule = Schedule(**settings["training"])
    return train(objective.to(device), model, sampler, monitor, schedule, state_path=state)


if __name__ == "__main__":
    run(main)
