"""Encoders on disk: weights as safetensors, and beside them a JSON that says what they are and what they were shown."""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from etalon.errors import BadInputError
from etalon.models.encoder import Encoder
from etalon.models.functional import FunctionSpace, LearnedFunctionSpace
from etalon.models.perceiver import Perceiver
from etalon.storage import load_json, replacing, save_json

ENCODERS: dict[str, type[Encoder]] = {
    "perceiver": Perceiver,
    "fs": FunctionSpace,
    "fsnl": LearnedFunctionSpace,
}


def make_encoder(config: dict[str, Any]) -> Encoder:
    """Return an untrained encoder.

    Parameters
    ----------
    config : "encoder", a name in `ENCODERS`, and "size", the arguments of its class
    """
    if config["encoder"] not in ENCODERS:
        raise BadInputError("variant", "encoder", f"one of {', '.join(ENCODERS)}", config["encoder"])
    return ENCODERS[config["encoder"]](**config.get("size", {}))


def save_encoder(path: Path, weights: dict[str, torch.Tensor], record: dict[str, Any]) -> None:
    """Write `weights` to `path` and `record` to the JSON beside it, which is written last."""
    with replacing(path) as temporary:
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()}, temporary)
    save_json(path.with_suffix(".json"), record)


def load_encoder(path: Path) -> tuple[Encoder, dict[str, Any]]:
    """Return the encoder of a checkpoint, ready to embed, and its record.

    Raises
    ------
    BadInputError : no such file, a damaged one, or weights that do not fit the encoder that its record names
    """
    if not path.exists():
        raise BadInputError(path, "file", "a checkpoint", "no such file")
    record = load_json(path.with_suffix(".json"))
    encoder = make_encoder(record["config"])
    try:
        encoder.load_state_dict(load_file(path))
    except SafetensorError as error:
        raise BadInputError(path, "file", "sound safetensors", error) from error
    except RuntimeError as error:
        raise BadInputError(path, "weights", f"those of {json.dumps(record['config'])}", error) from error
    return encoder.eval(), record
