"""The stage pretrain: kills, ranks, held-out families, and what a checkpoint says of itself."""

import signal
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from etalon.errors import BadInputError, EtalonError
from etalon.stages import pretrain
from etalon.stages.pretraining_arguments import pretraining_parser, state_path
from etalon.storage import load_json
from etalon.train.checkpoint import load_encoder
from etalon.train.corpus import load_real, spectra_digest

MASKED = {"masked": 1.0, "baseline_consistency": 0.1, "contrastive": 0.1, "adversarial": 0.05}
EPISODIC = {"episodic": 1.0, "asls_prediction": 0.5}
ALL = ["drift", "tilt", "scatter", "noise", "trend", "band_dropout", "shift", "resolution"]


def run(training, encoder, losses, out, **changes):
    pretrain.main(training.arguments(encoder, losses, out, **changes))
    path = training.checkpoint(out)
    return load_file(path), pd.read_parquet(path.with_suffix(".parquet")), load_json(path.with_suffix(".json"))


def equal(first, second):
    assert first.keys() == second.keys()
    return all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    ("encoder", "losses", "augment"), [("perceiver", MASKED, ALL), ("fsnl", EPISODIC, [])], ids=["perceiver", "fsnl"]
)
def test_a_run_killed_in_the_middle_goes_on_to_the_same_result(training, encoder, losses, augment):
    whole, curves, record = run(training, encoder, losses, f"whole_{encoder}", augment=augment)
    out = f"killed_{encoder}"
    arguments = training.arguments(encoder, losses, out, augment=augment)
    process = training.start(arguments)
    folder = training.checkpoint(out).parent
    deadline = time.monotonic() + 60
    while not list(folder.glob("*.state-*.step4.json")) and process.poll() is None:
        assert time.monotonic() < deadline, "no state was saved"
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not training.checkpoint(out).exists()
    assert list(folder.glob("*.state-*.safetensors"))

    second = training.start(arguments)
    said, _ = second.communicate()
    assert second.returncode == 0, said
    assert "continued from step" in said
    again = training.checkpoint(out)
    assert equal(load_file(again), whole)
    pd.testing.assert_frame_equal(pd.read_parquet(again.with_suffix(".parquet")), curves)
    own = load_json(again.with_suffix(".json"))
    assert {**own, "seconds": 0} == {**record, "seconds": 0}
    assert not list(folder.glob("*.state-*"))


def test_a_run_killed_after_its_early_stop_trains_no_further(training, monkeypatch):
    early = {"patience": 1, "still": 2.0, "learning_rate": 0.0, "save_every": 1e9}
    whole, _, record = run(training, "fsnl", EPISODIC, "stopped", **early)
    assert record["stopped_early"] and record["spectra"] < 240
    with monkeypatch.context() as patch:
        patch.setattr(pretrain, "save_encoder", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(training, "fsnl", EPISODIC, "stopped_and_killed", **early)
    again, _, own = run(training, "fsnl", EPISODIC, "stopped_and_killed", **early)
    assert equal(again, whole)
    assert {**own, "seconds": 0} == {**record, "seconds": 0}


def test_the_state_of_another_training_is_not_continued(training, caplog):
    out = "other"
    folder = training.checkpoint(out).parent
    process = training.start(training.arguments("fsnl", EPISODIC, out, learning_rate=5e-3, spectra=24 * 4000))
    deadline = time.monotonic() + 60
    while not list(folder.glob("*.state-*.step*.json")):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()
    weights, _, _ = run(training, "fsnl", EPISODIC, out)
    fresh, _, _ = run(training, "fsnl", EPISODIC, "fresh")
    assert equal(weights, fresh)


def test_a_state_is_not_continued_on_other_spectra_or_baselines_of_the_same_names(training):
    args = pretraining_parser(None).parse_args(training.arguments("fsnl", EPISODIC, "renamed"))
    sets, _ = load_real(args.data, torch.device("cpu"))
    path = state_path("pretrain", args, sets)
    assert path == state_path("pretrain", args, load_real(args.data, torch.device("cpu"))[0])
    first = sets[0]
    baseline = replace(first, batch=replace(first.batch, baseline=first.batch.baseline + 0.01))
    spectra = replace(first, source=first.source | {"sha256": spectra_digest(first.batch.intensities.numpy() + 0.01)})
    others = {state_path("pretrain", args, [other, *sets[1:]]) for other in (baseline, spectra)}
    assert len(others | {path, state_path("pretrain_transfer", args, sets)}) == 4


@pytest.mark.slow
def test_two_ranks_give_the_loss_curve_of_one(training):
    steps = {"spectra": 24 * 50}
    _, one, _ = run(training, "perceiver", MASKED, "one", augment=ALL, **steps)
    arguments = training.arguments("perceiver", MASKED, "two", augment=ALL, **steps)
    process = training.start(arguments, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    said, _ = process.communicate(timeout=240)
    assert process.returncode == 0, said
    two = pd.read_parquet(training.checkpoint("two").with_suffix(".parquet"))
    losses = one["quantity"].str.startswith("loss")
    assert losses.sum() == 50 * 5
    np.testing.assert_allclose(two.loc[losses, "value"], one.loc[losses, "value"], rtol=1e-4)


def test_a_loss_that_is_not_finite_stops_the_training(training):
    with pytest.raises(EtalonError, match=r"expected a finite loss, found loss (nan|inf).* in step \d+"):
        run(training, "perceiver", {"masked": 1.0}, "diverged", learning_rate=1e30, clip=1e30, warm_up=1)
    assert not training.checkpoint("diverged").exists()


def test_a_held_out_family_stops_the_training(training):
    with pytest.raises(BadInputError, match=r"no dataset of a held-out family.*found family_b"):
        run(training, "perceiver", MASKED, "leak", heldout_families=["family_b", "elsewhere"])
    assert not training.checkpoint("leak").exists()


def test_a_checkpoint_says_what_it_was_shown_and_embeds(training):
    _, _, record = run(training, "perceiver", {"masked": 1.0}, "record")
    assert [entry["dataset"] for entry in record["data"]] == ["a", "b", "c"]
    assert {entry["family"] for entry in record["data"]} == {"family_a", "family_b", "family_c"}
    assert all(len(entry["sha256"]) == 64 and entry["licence"] == "CC0" for entry in record["data"])
    assert record["weights_may_be_shipped"] is True
    assert record["spectra"] == 240 and record["steps"] == 10 and record["code"]
    encoder, loaded = load_encoder(training.checkpoint("record"))
    assert loaded == record and encoder.blocks["learned"] == 16


def test_a_control_is_what_the_training_starts_from(training):
    control, curves, record = run(training, "perceiver", {}, "control")
    assert record["steps"] == 0 and curves.empty
    trained, _, _ = run(training, "perceiver", {"masked": 1.0}, "from_control", learning_rate=1e-12, weight_decay=0.0)
    for name, tensor in control.items():
        torch.testing.assert_close(trained[name], tensor, rtol=0, atol=1e-8)


def test_training_lowers_the_losses(training):
    _, curves, _ = run(training, "perceiver", {"masked": 1.0}, "longer", spectra=24 * 120, learning_rate=5e-3)
    loss = curves.query("quantity == 'loss_masked'")["value"].to_numpy()
    assert loss[-20:].mean() < 0.8 * loss[:20].mean()
    _, curves, _ = run(training, "fsnl", EPISODIC, "longer_fsnl", spectra=24 * 120, learning_rate=5e-3)
    loss = curves.query("quantity == 'loss_asls_prediction'")["value"].to_numpy()
    assert loss[-20:].mean() < 0.8 * loss[:20].mean()
    assert {"change", "learning_rate", "ridge_proxy:a"} <= set(curves["quantity"])


def test_gradient_checkpointing_changes_no_step(training):
    plain, _, _ = run(training, "perceiver", {"masked": 1.0}, "plain")
    saved, _, _ = run(training, "perceiver", {"masked": 1.0}, "checkpointing", size={"checkpointing": True})
    for name, tensor in plain.items():
        torch.testing.assert_close(saved[name], tensor, rtol=1e-5, atol=1e-6)


def test_a_damaged_checkpoint_is_named(training, tmp_path):
    path = tmp_path / "seed0.safetensors"
    with pytest.raises(BadInputError, match="no such file"):
        load_encoder(path)
    run(training, "perceiver", {}, "sound")
    source = training.checkpoint("sound")
    path.write_bytes(source.read_bytes()[:-100])
    path.with_suffix(".json").write_text(source.with_suffix(".json").read_text())
    with pytest.raises(BadInputError, match="sound safetensors"):
        load_encoder(path)
