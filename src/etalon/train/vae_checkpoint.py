"""Autoencoders and NIR encoders on disk: safetensors, and a JSON beside with sizes, grid and training sets."""

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from etalon.errors import BadInputError
from etalon.models.nir_to_mir import NIRToMIR
from etalon.models.vae import VAE
from etalon.storage import load_json
from etalon.train.checkpoint import save_encoder


def save_vae(path: Path, model: VAE, settings: dict[str, Any], record: dict[str, Any]) -> None:
    """Write the weights to `path` and `record`, with what rebuilds the model, beside it."""
    size = {"n_channels": model.n_channels} | {name: settings[name] for name in ("latents", "width", "layers")}
    save_encoder(path, model.state_dict(), record | {"size": size})


def load_vae(path: Path) -> tuple[VAE, dict[str, Any]]:
    """Return the autoencoder of a checkpoint, ready to encode, and its record."""
    record = _record(path)
    model = VAE(**record["size"])
    _load(model, path)
    return model.eval(), record


def save_bridge(path: Path, model: NIRToMIR, settings: dict[str, Any], record: dict[str, Any]) -> None:
    """Write the weights of NIR encoder and decoder to `path` and `record`, with what rebuilds them, beside it."""
    own = {name: settings[name] for name in ("width", "layers", "dropout", "unfrozen")}
    save_encoder(path, model.state_dict(), record | {"size": {"n_channels": model.n_channels} | own})


def load_bridge(path: Path) -> tuple[NIRToMIR, dict[str, Any]]:
    """Return the NIR encoder of a checkpoint with its decoder, and its record; that names the autoencoder's size."""
    record = _record(path)
    model = NIRToMIR(vae=VAE(**record["vae"]["size"]), **record["size"])
    _load(model, path)
    return model.eval(), record


def _record(path: Path) -> dict[str, Any]:
    if not path.exists():
        raise BadInputError(path, "file", "a checkpoint", "no such file")
    return load_json(path.with_suffix(".json"))


def _load(model: nn.Module, path: Path) -> None:
    try:
        weights: dict[str, torch.Tensor] = load_file(path)
        model.load_state_dict(weights)
    except SafetensorError as error:
        raise BadInputError(path, "file", "sound safetensors", error) from error
    except RuntimeError as error:
        raise BadInputError(path, "weights", "those of the sizes beside it", error) from error
