"""Stage pretrain: one encoder of one variant, with one fold of families held out and one seed.

Under torchrun the processes share the groups of each step.
"""

import os
from pathlib import Path
from typing import Any

import pandas as pd
import torch
import torch.distributed as dist
from torch import nn

from etalon.errors import BadInputError
from etalon.models.encoder import Encoder
from etalon.models.functional import LearnedFunctionSpace
from etalon.models.perceiver import Perceiver
from etalon.seeds import derive_seed
from etalon.stages.arguments import run
from etalon.stages.pretraining_arguments import check_held_out, pretraining_parser, record_of, state_path
from etalon.storage import save_table
from etalon.train.batches import Sampler, drawn_sets
from etalon.train.checkpoint import make_encoder, save_encoder
from etalon.train.corpus import TrainingSet, load_real, load_synthetic
from etalon.train.episodic_objective import EpisodicObjective
from etalon.train.loop import Result, Schedule, train
from etalon.train.masked_objective import MaskedObjective
from etalon.train.monitor import Monitor
from etalon.train.state import remove_states


def main(argv: list[str] | None = None) -> None:
    arguments = pretraining_parser(__doc__)
    arguments.add_argument("--tensorboard", type=Path, help="folder of event files for TensorBoard")
    args = arguments.parse_args(argv)
    torch.set_num_threads(args.threads)
    device = _device(args.settings["device"])
    variant = args.settings["variant"]
    seed = derive_seed(args.seed, "pretrain", args.variant, args.heldout, args.encoder_seed)
    # The control and the variants that start from the same place share their first weights.
    torch.manual_seed(derive_seed(args.seed, "init", variant["encoder"], args.encoder_seed))
    told = {"metadata": True} if variant.get("metadata", "none") != "none" else {}
    config = {"encoder": variant["encoder"], "size": args.settings["size"] | told}
    encoder = make_encoder(config).to(device)

    real, left_out = load_real(args.data, device)
    check_held_out(real, args)
    synthetic = load_synthetic(args.synthetic)
    if not real + synthetic:
        raise BadInputError("pretrain", "--data", "a dataset with a wavelength axis", "none")
    corpus = drawn_sets(real, synthetic, variant["p_synthetic"])
    monitor = Monitor(real)
    state = state_path("pretrain", args, [*real, *corpus])
    result = _train(encoder, corpus, monitor, seed, device, args, state) if variant["losses"] else None

    record = record_of("pretrain", args, config, corpus, monitor, left_out, device, result)
    if not dist.is_initialized() or dist.get_rank() == 0:
        rows = pd.DataFrame(result.curves if result else [], columns=["step", "spectra", "quantity", "value"])
        names = {"variant": args.variant, "heldout": args.heldout, "seed": args.encoder_seed}
        save_table(args.curves, rows.assign(**names))
        save_encoder(args.out, result.weights if result else encoder.state_dict(), record)
        remove_states(args.out)
    if dist.is_initialized():
        dist.destroy_process_group()


def _device(name: str) -> torch.device:
    """Return the device of this process, and join the others where torchrun started several."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group("nccl" if name == "cuda" else "gloo")
        if name == "cuda":
            torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    if name == "cpu":
        return torch.device(name)
    torch.set_float32_matmul_precision("high")  # TensorFloat-32; bf16 would drown quiet datasets in rounding
    return torch.device(name, torch.cuda.current_device())


def _train(
    encoder: Encoder,
    corpus: list[TrainingSet],
    monitor: Monitor,
    seed: int,
    device: torch.device,
    args: Any,
    state: Path,
) -> Result:
    variant, training = args.settings["variant"], args.settings["training"]
    hidden = {"metadata_dropout": variant.get("metadata") == "dropout"}
    objective: nn.Module
    if isinstance(encoder, Perceiver):
        names = ("n_visible", "n_masked", "mask_share")
        points = {name: args.settings["masking"][name] for name in names}
        options = points | hidden | {"n_sets": len(corpus)}
        objective = MaskedObjective(encoder, variant["losses"], variant["augment"], **options)
    elif isinstance(encoder, LearnedFunctionSpace):
        objective = EpisodicObjective(encoder, variant["losses"], **hidden)
    else:
        raise BadInputError("variant", "losses", f"none: {variant['encoder']} is not trained", variant["losses"])
    batch = args.settings["batch"]
    sampler = Sampler(corpus, variant["p_synthetic"], batch["groups"], batch["spectra"], seed, device)
    return train(
        objective.to(device),
        encoder,
        sampler,
        monitor,
        Schedule(**training),
        state_path=state,
        tensorboard=args.tensorboard,
    )


if __name__ == "__main__":
    run(main)
