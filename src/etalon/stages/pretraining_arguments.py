"""What the stages pretrain and pretrain_transfer share: their arguments, the name of a saved state, the record."""

import argparse
import hashlib
import json
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from etalon.code_digest import code_digest
from etalon.errors import BadInputError
from etalon.stages.arguments import parser
from etalon.train.corpus import TrainingSet, spectra_digest
from etalon.train.loop import Result
from etalon.train.monitor import Monitor

OF_STATE = ("settings", "seed", "variant", "heldout", "heldout_families", "encoder_seed", "threads")


def pretraining_parser(description: str | None) -> argparse.ArgumentParser:
    """Return the parser of a stage that trains an encoder of one variant and seed, with one fold held out."""
    result = parser(description)
    result.add_argument("--data", type=Path, nargs="*", default=[], help="folders of the datasets to train on")
    result.add_argument("--synthetic", type=Path, nargs="*", default=[], help="shards of synthetic_corpus")
    result.add_argument("--variant", required=True, help="name of the variant")
    result.add_argument("--heldout", required=True, help="name of the fold that is held out")
    result.add_argument("--heldout-families", nargs="*", default=[], help="families that must not be seen")
    result.add_argument("--encoder-seed", type=int, required=True, help="number of the seed")
    result.add_argument("--seed", type=int, required=True, help="main seed")
    result.add_argument("--threads", type=int, default=1, help="threads of the linear algebra, part of the result")
    result.add_argument("--out", type=Path, required=True, help="checkpoint to write, safetensors")
    result.add_argument("--curves", type=Path, required=True, help="curves to write, parquet")
    return result


def check_held_out(real: Sequence[TrainingSet], args: Any) -> None:
    """Raise BadInputError where a set is of a family that must not be seen."""
    if seen := sorted({source.family for source in real} & set(args.heldout_families)):
        raise BadInputError("pretraining", "--data", f"no dataset of a held-out family ({args.heldout})", seen[0])


def state_path(stage: str, args: Any, sets: Sequence[TrainingSet]) -> Path:
    """Return where an interrupted run of this very training has left its state; that of another has another name.

    A training is another one too where spectra or baselines of `sets` are others, in folders of the same names.
    """
    this = {name: getattr(args, name) for name in OF_STATE}
    this |= {"code": code_digest(f"etalon.stages.{stage}"), "data": [_content(one) for one in sets]}
    digest = hashlib.sha256(json.dumps(this, sort_keys=True, default=str).encode()).hexdigest()[:12]
    return Path(args.out.with_name(f"{args.out.stem}.state-{digest}.safetensors"))


def _content(one: TrainingSet) -> dict[str, Any]:
    if one.on_disk or one.batch.baseline is None:  # the checksum of a shard is that of all it holds
        return one.source
    return one.source | {"baseline": spectra_digest(one.batch.baseline.cpu().numpy())}


def record_of(
    stage: str,
    args: Any,
    config: dict[str, Any],
    corpus: Sequence[TrainingSet],
    monitor: Monitor,
    left_out: dict[str, str],
    device: torch.device,
    result: Result | None,
) -> dict[str, Any]:
    """Return what a checkpoint says of itself.

    Parameters
    ----------
    config : from which the encoder is made
    corpus : sets that were drawn from; left_out : those that could not be, with reasons
    result : of the training; None of a control
    """
    return {
        "config": config,
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
        "code": code_digest(f"etalon.stages.{stage}"),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in ("numpy", "safetensors", "torch")},
        "device": str(device) if device.type == "cpu" else torch.cuda.get_device_name(device),
        "steps": result.steps if result else 0,
        "spectra": result.spectra if result else 0,
        "stopped_early": bool(result and result.stopped_early),
        "seconds": round(result.seconds, 1) if result else 0.0,
    }
