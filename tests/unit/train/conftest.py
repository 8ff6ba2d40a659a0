"""Small datasets in the data contract, a generated corpus, and the command line of a training on them."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.storage import save_array, save_set

SIZES = {
    "perceiver": {"width": 16, "latents": 4, "layers": 1, "heads": 2, "small": 4},
    "fsnl": {"width": 16, "layers": 1, "heads": 2, "small": 4},
}
BATCHES = {"perceiver": {"groups": 4, "spectra": 6}, "fsnl": {"groups": 2, "spectra": 12}}
TRAINING = {
    "spectra": 24 * 10,
    "learning_rate": 1e-3,
    "weight_decay": 0.05,
    "warm_up": 2,
    "clip": 1.0,
    "average_decay": 0.9,
    "precision": "float32",
    "measurements": 3,
    "patience": 0,
    "still": 0.0,
    "save_every": 0.0,
}


def make_set(name: str, family: str, first: float, last: float, n_channels: int, seed: int) -> SpectraSet:
    rng = np.random.default_rng(seed)
    wavelengths = np.linspace(first, last, n_channels)
    t = np.linspace(0, 1, n_channels)
    amounts = rng.uniform(0.5, 1.5, (50, 3))
    bands = np.exp(-0.5 * ((t - np.array([[0.2], [0.5], [0.8]])) / 0.06) ** 2)
    X = amounts @ bands + rng.normal(size=(50, 1)) * 0.2 + 0.3 * t + 0.002 * rng.normal(size=(50, n_channels))
    ids = np.arange(50).astype(str)
    target = (Target("fat", "fat", "%"),)
    metadata = Metadata(name, family, name, "nir", "absorbance", "nm", targets=target, licence="CC0", weights=True)
    return SpectraSet(metadata, X, wavelengths, ids, ids, amounts[:, :1])


@dataclass(frozen=True)
class Training:
    """The stage pretrain on three small sets."""

    folder: Path

    def arguments(self, encoder: str, losses: dict, out: str, device: str = "cpu", **changes) -> list[str]:
        variant = {"encoder": encoder, "losses": losses, "augment": changes.pop("augment", []), "p_synthetic": 0.0}
        families = changes.pop("heldout_families", ["elsewhere"])
        settings = {
            "variant": variant,
            "size": SIZES[encoder] | changes.pop("size", {}),
            "batch": BATCHES[encoder],
            "device": device,
            "training": TRAINING | changes,
            "masking": {"n_visible": 24, "n_masked": 24, "mask_share": [0.6, 0.8]},
        }
        path = self.folder / out / "seed0.safetensors"
        return [
            *("--data", *(str(self.folder / name) for name in ("a", "b", "c"))),
            *("--variant", "v", "--heldout", "fold0", "--heldout-families", *families, "--encoder-seed", "0"),
            *("--seed", "1", "--threads", "1", "--settings", json.dumps(settings)),
            *("--out", str(path), "--curves", str(path.with_suffix(".parquet"))),
        ]

    def checkpoint(self, out: str) -> Path:
        return self.folder / out / "seed0.safetensors"

    def start(self, arguments: list[str], *launcher: str) -> subprocess.Popen:
        environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, *launcher, "-m", "etalon.stages.pretrain", *arguments]
        return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.fixture(scope="session")
def training(tmp_path_factory) -> Training:
    folder = tmp_path_factory.mktemp("training")
    for seed, (name, grid) in enumerate({"a": (1100, 2500, 160), "b": (900, 1700, 90), "c": (400, 2500, 250)}.items()):
        spectra = make_set(name, f"family_{name}", *grid, seed=seed)
        save_set(folder / name, spectra)
        low = spectra.intensities.min(axis=1, keepdims=True)
        save_array(folder / name / "baseline_asls.npy", np.repeat(low, spectra.intensities.shape[1], axis=1))
    return Training(folder)
