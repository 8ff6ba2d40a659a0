"""Stage pretrain_transfer: one patch transformer for calibration transfer, with one fold of families held out."""

import hashlib
import json
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from etalon.code_digest import code_digest
from etalon.errors import BadInputError
from etalon.models.patch_transformer import PatchTransformer
from etalon.seeds import derive_seed
from etalon.stages.arguments import parser, run
from etalon.storage import save_table
from etalon.train.batches import Sampler, drawn_sets
from etalon.train.checkpoint import save_encoder
from etalon.train.corpus import TrainingSet, load_real, load_synthetic
from etalon.train.loop import Result, Schedule, train
from etalon.train.monitor import Monitor
from etalon.train.patch_objective import PatchObjective
from etalon.train.state import remove_states


def main(argv: list[str] | None = None) -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--data", type=Path, nargs="*", default=[], help="folders of the datasets to train on")
    arguments.add_argument("--synthetic", type=Path, nargs="*", default=[], help="shards of synthetic_corpus")
    arguments.add_argument("--variant", required=True, help="name of this way to pretrain")
    arguments.add_argument("--heldout", required=True, help="name of the fold of families")
    arguments.add_argument("--heldout-families", nargs="*", default=[], help="families that must not be seen")
    arguments.add_argument("--encoder-seed", type=int, required=True, help="number of the seed")
    arguments.add_argument("--seed", type=int, required=True, help="main seed")
    arguments.add_argument("--threads", type=int, default=1, help="threads of the linear algebra, part of the result")
    arguments.add_argument("--out", type=Path, required=True, help="checkpoint to write, safetensors")
    arguments.add_argument("--curves", type=Path, required=True, help="curves to write, parquet")
    args = arguments.parse_args(argv)
    torch.set_num_threads(args.threads)
    automatic = "cuda" if torch.cuda.is_available() else "cpu"
    device = torch.device(automatic if args.settings["device"] == "auto" else args.settings["device"])
    torch.manual_seed(derive_seed(args.seed, "init", "patches", args.encoder_seed))
    model = PatchTransformer(**args.settings["size"]).to(device)

    real, left_out = load_real(args.data, device)
    if seen := sorted({source.family for source in real} & set(args.heldout_families)):
        raise BadInputError("pretrain_transfer", "--data", "no dataset of a held-out family", seen[0])
    synthetic = load_synthetic(args.synthetic)
    if kinds := args.settings.get("modalities"):
        real, synthetic = ([one for one in sets if one.batch.modality in kinds] for sets in (real, synthetic))
    if not real + synthetic:
        raise BadInputError("pretrain_transfer", "--data", "a dataset with a wavelength axis", "none")
    corpus = drawn_sets(real, synthetic, args.settings["p_synthetic"])
    monitor = Monitor(real)
    result = _train(model, corpus, monitor, args)

    record = {
        "config": {"encoder": "patches", "size": args.settings["size"]},
        "variant": args.variant,
        "heldout": args.heldout,
        "heldout_families": sorted(args.heldout_families),
        "encoder_seed": args.encoder_seed,
        "seed": args.seed,
        "settings": {key: value for key, value in args.settings.items() if key != "device"},
        "data": [source.source for source in corpus],
        "monitored": [probe.name for probe in monitor.probes],
        "left_out": left_out,
        "weights_may_be_shipped": all(source.source["weights"] for source in corpus),
        "code": code_digest("etalon.stages.pretrain_transfer"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "safetensors", "torch")},
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "steps": result.steps,
        "spectra": result.spectra,
        "stopped_early": result.stopped_early,
        "seconds": round(result.seconds, 1),
    }
    rows = pd.DataFrame(result.curves, columns=["step", "spectra", "quantity", "value"])
    save_table(args.curves, rows.assign(variant=args.variant, heldout=args.heldout, seed=args.encoder_seed))
    save_encoder(args.out, result.weights, record)
    remove_states(args.out)


def _train(model: PatchTransformer, corpus: list[TrainingSet], monitor: Monitor, args: Any) -> Result:
    settings, batch = args.settings, args.settings["batch"]
    seed = derive_seed(args.seed, "pretrain_transfer", args.encoder_seed)
    device = next(model.parameters()).device
    sampler = Sampler(corpus, settings["p_synthetic"], batch["groups"], batch["spectra"], seed, device)
    steps = max(1, round(settings["training"]["spectra"] / sampler.spectra_per_step))
    objective = PatchObjective(model, settings["losses"], settings["augment"], steps=steps, masking=settings["masking"])
    schedule = Schedule(**settings["training"])
    return train(objective.to(device), model, sampler, monitor, schedule, state_path=_state_path(args))


def _state_path(args: Any) -> Path:
    """Return where an interrupted run of this very training has left its state; that of another has another name."""
    names = ("settings", "seed", "heldout_families", "encoder_seed", "threads", "data", "synthetic")
    this = {name: getattr(args, name) for name in names} | {"code": code_digest("etalon.stages.pretrain_transfer")}
    digest = hashlib.sha256(json.dumps(this, sort_keys=True, default=str).encode()).hexdigest()[:12]
    return args.out.with_name(f"{args.out.stem}.state-{digest}.safetensors")


if __name__ == "__main__":
    run(main)
