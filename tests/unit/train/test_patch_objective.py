"""Pretraining of the patch transformer: what is hidden when, gradients, kills, held-out families."""

import json
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from etalon.augment.region_masking import KINDS, region_mask
from etalon.errors import BadInputError
from etalon.losses.spectral import prominence
from etalon.models.encoder import GridBatch
from etalon.models.patch_transformer import PatchTransformer
from etalon.stages import pretrain_transfer
from etalon.storage import load_json
from etalon.train.batches import Group
from etalon.train.corpus import TrainingSet
from etalon.train.curriculum import CURRICULUM, stage_at
from etalon.train.patch_checkpoint import load_patch_transformer
from etalon.train.patch_objective import PatchObjective

LOSSES = {"mse": 1.0, "derivative": 0.1, "peaks": 0.5, "angle": 0.1, "byol": 0.1}
SIZE = {"points": 256, "width": 16, "layers": 1, "heads": 2}


def spectra(n, points=256):
    t = torch.linspace(0, 1, points)
    bands = torch.stack([torch.exp(-(((t - c) / 0.04) ** 2)) for c in (0.25, 0.5, 0.7)])
    return torch.rand(n, 3, generator=torch.Generator().manual_seed(0)) @ bands + 0.2 * t


@pytest.mark.parametrize("kind", KINDS)
def test_the_share_is_hidden(kind):
    mask = region_mask(spectra(400), 0.25, kind, torch.Generator().manual_seed(1))
    assert float(mask.float().mean()) == pytest.approx(0.25, abs=0.03)
    assert bool((mask.any(dim=1) & ~mask.all(dim=1)).all())


def test_kinds_hide_what_they_are_named_for():
    x, g = spectra(400), torch.Generator().manual_seed(1)
    masks = {kind: region_mask(x, 0.25, kind, g) for kind in KINDS}
    edges = {kind: float(mask.diff(dim=1).sum(dim=1).float().mean()) for kind, mask in masks.items()}
    assert edges["contiguous"] <= 4 < edges["random"]
    hidden = {kind: float((prominence(x) * mask).sum() / mask.sum()) for kind, mask in masks.items()}
    assert hidden["peaks"] > 1.3 * hidden["random"]


def test_more_and_more_is_hidden_and_then_a_quarter_of_every_kind():
    g = torch.Generator().manual_seed(0)
    assert [stage_at(p, g).share for p in (0.0, 0.3, 0.6, 0.8, 1.0)] == [0.10, 0.20, 0.30, 0.25, 0.25]
    assert [stage_at(p, g).kind for p in (0.1, 0.4, 0.7)] == ["random", "contiguous", "peaks"]
    assert {stage_at(0.9, g).kind for _ in range(50)} == set(KINDS)
    assert [stage.share for stage in CURRICULUM] == [0.10, 0.20, 0.30, 0.25]


def test_every_loss_moves_the_encoder_and_the_target_network_only_follows():
    axis = torch.linspace(1100, 2500, 300, dtype=torch.float64)
    source = TrainingSet("a", "a", GridBatch(spectra(20, 300), axis, "nir", "nm"), None, None, None, {})
    for name in (*LOSSES, "contrastive"):
        torch.manual_seed(0)
        objective = PatchObjective(PatchTransformer(**SIZE), {name: 1.0}, ["noise", "scatter"], steps=10)
        group = Group(0, source.batch.rows(torch.arange(6)), None, torch.Generator().manual_seed(3))
        losses = objective([objective.prepare(group)])
        losses[name].backward()
        moved = [n for n, p in objective.named_parameters() if p.grad is not None and p.grad.abs().sum() > 0]
        assert any(n.startswith("model.layers") for n in moved)
        assert not any(n.startswith("target") for n in moved)
        assert int(objective.step) == 1


def arguments(training, out, **changes):
    schedule = {
        "spectra": 16 * 12, "learning_rate": 2e-3, "weight_decay": 0.05, "warm_up": 2, "clip": 1.0,
        "average_decay": 0.9, "precision": "float32", "measurements": 2, "patience": 0, "still": 0.0, "save_every": 0.0,
    }  # fmt: skip
    settings = {
        "device": "cpu", "size": SIZE, "p_synthetic": 0.0, "losses": LOSSES, "masking": "curriculum",
        "augment": ["noise", "shift"],
        "batch": {"groups": 2, "spectra": 8}, "training": schedule | changes,
    }  # fmt: skip
    path = training.folder / out / "seed0.safetensors"
    return [
        *("--data", *(str(training.folder / name) for name in ("a", "b", "c"))),
        *(
            "--variant",
            "pretrained",
            "--heldout",
            "fold0",
            "--heldout-families",
            "elsewhere",
            "--encoder-seed",
            "0",
            "--seed",
            "1",
            "--settings",
            json.dumps(settings),
        ),
        *("--out", str(path), "--curves", str(path.with_suffix(".parquet"))),
    ]


def test_a_killed_pretraining_goes_on_to_the_same_weights(training):
    pretrain_transfer.main(arguments(training, "patches_whole"))
    whole = training.checkpoint("patches_whole")
    again = training.checkpoint("patches_killed")
    command = [sys.executable, "-m", "etalon.stages.pretrain_transfer", *arguments(training, "patches_killed")]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not list(again.parent.glob("*.state-*.step4.json")) and process.poll() is None:
        assert time.monotonic() < deadline, "no state was saved"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not again.exists() and list(again.parent.glob("*.state-*.safetensors"))
    pretrain_transfer.main(arguments(training, "patches_killed"))
    first, second = load_file(whole), load_file(again)
    assert first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
    curves = [pd.read_parquet(path.with_suffix(".parquet")) for path in (whole, again)]
    pd.testing.assert_frame_equal(*curves)
    assert set(curves[0]["quantity"]) >= {f"loss_{name}" for name in LOSSES}
    assert not list(again.parent.glob("*.state-*"))


def test_a_checkpoint_says_what_it_is_and_a_held_out_family_stops_the_training(training):
    own = arguments(training, "patches_record", spectra=16)
    pretrain_transfer.main(own)
    model, record = load_patch_transformer(training.checkpoint("patches_record"))
    assert model.points == 256 and record["weights_may_be_shipped"] and record["heldout_families"] == ["elsewhere"]
    assert record == load_json(training.checkpoint("patches_record").with_suffix(".json"))
    leak = ["family_b" if part == "elsewhere" else part for part in arguments(training, "patches_leak")]
    with pytest.raises(BadInputError, match=r"held-out family.*found family_b"):
        pretrain_transfer.main(leak)


def test_training_lowers_the_losses(training):
    pretrain_transfer.main(arguments(training, "patches_longer", spectra=16 * 100, learning_rate=5e-3, save_every=1e9))
    curves = pd.read_parquet(training.checkpoint("patches_longer").with_suffix(".parquet"))
    for name in ("mse", "peaks"):
        loss = curves.query(f"quantity == 'loss_{name}'")["value"].to_numpy()
        assert loss[-20:].mean() < 0.85 * loss[:10].mean()
