"""Patch transformers on disk, as every encoder: safetensors, and a JSON that says what they are and were shown."""

from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file

from etalon.errors import BadInputError
from etalon.models.patch_transformer import PatchTransformer
from etalon.storage import load_json


def load_patch_transformer(path: Path) -> tuple[PatchTransformer, dict[str, Any]]:
    """Return the model of a checkpoint and its record.

    Raises
    ------
    BadInputError : no such file, a damaged one, or one of another encoder
    """
    if not path.exists():
        raise BadInputError(path, "file", "a checkpoint", "no such file")
    record = load_json(path.with_suffix(".json"))
    if (kind := record["config"]["encoder"]) != "patches":
        raise BadInputError(path, "encoder", "patches", kind)
    model = PatchTransformer(**record["config"]["size"])
    try:
        model.load_state_dict(load_file(path))
    except (SafetensorError, RuntimeError) as error:
        raise BadInputError(path, "weights", f"those of {record['config']}", error) from error
    return model.eval(), record
