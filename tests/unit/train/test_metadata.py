"""What training does with metadata: told, hidden in part, or none at all."""

import json

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

from etalon.models.functional import LearnedFunctionSpace
from etalon.models.metadata_embedding import FIELDS, categories_of
from etalon.stages import pretrain, synthetic_corpus
from etalon.storage import load_json, load_metadata, save_json
from etalon.train.checkpoint import load_encoder
from etalon.train.corpus import load_real, load_synthetic
from etalon.train.metadata_dropout import hide_fields, join_categories
from etalon.train.monitor import Monitor

LOSSES = {"perceiver": {"masked": 1.0, "baseline_consistency": 0.1}, "fsnl": {"episodic": 1.0, "asls_prediction": 0.5}}
ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}


def run(training, encoder, out, metadata=None, spectra=24):
    """Train for one step, or more; return the weights and the losses by step."""
    arguments = training.arguments(encoder, LOSSES[encoder], out, spectra=spectra)
    if metadata is not None:
        at = arguments.index("--settings") + 1
        settings = json.loads(arguments[at])
        settings["variant"]["metadata"] = metadata
        arguments[at] = json.dumps(settings)
    pretrain.main(arguments)
    path = training.checkpoint(out)
    curves = pd.read_parquet(path.with_suffix(".parquet"))
    return load_file(path), curves.query("quantity == 'loss'")["value"].tolist(), load_json(path.with_suffix(".json"))


@pytest.mark.parametrize("encoder", LOSSES)
def test_an_encoder_without_metadata_is_trained_as_if_there_were_none(training, encoder, monkeypatch):
    weights, losses, record = run(training, encoder, f"none_{encoder}", "none", spectra=72)
    assert "metadata" not in record["config"]["size"]
    monkeypatch.setattr("etalon.train.corpus.categories_of", lambda metadata: torch.zeros(4, dtype=torch.int64))
    plain, plain_losses, _ = run(training, encoder, f"plain_{encoder}", spectra=72)
    assert losses == plain_losses
    assert weights.keys() == plain.keys() and not any("metadata" in name for name in weights)
    assert all(torch.equal(weights[name], tensor) for name, tensor in plain.items())


@pytest.mark.parametrize("encoder", LOSSES)
def test_metadata_changes_the_training_from_its_second_step(training, encoder):
    """The vectors of all categories start at zero, and what is hidden is drawn after everything else."""
    out = {mode: run(training, encoder, f"{mode}_{encoder}", mode, spectra=72) for mode in ("none", "on", "dropout")}
    assert len({losses[0] for _, losses, _ in out.values()}) == 1
    assert len({losses[2] for _, losses, _ in out.values()}) == 3
    assert [float(out[mode][0]["metadata.table.weight"].abs().sum()) > 0 for mode in ("on", "dropout")] == [True, True]

    model, record = load_encoder(training.checkpoint(f"on_{encoder}"))
    assert record["config"]["size"]["metadata"] is True
    known = categories_of(load_metadata(training.folder / "a")).expand(1, -1)
    assert model.metadata(known).abs().max() > 0


def test_half_of_the_spectra_are_told_nothing_and_the_others_three_quarters():
    generator = torch.Generator().manual_seed(0)
    told = torch.tensor([[1, 2, 3, 4]]).expand(20000, -1)
    hidden = hide_fields(told, generator)
    assert ((hidden == 0) | (hidden == told)).all()
    everything = (hidden == 0).all(dim=1).double().mean()
    # 0.5 + 0.5 * 0.25^4 of the spectra know nothing; each field is known to 0.5 * 0.75. Five standard errors: 0.018.
    assert float(everything) == pytest.approx(0.502, abs=0.018)
    assert (hidden > 0).double().mean(dim=0).tolist() == pytest.approx([0.375] * 4, abs=0.018)


def test_groups_without_categories_are_unknown_beside_others():
    known = torch.tensor([[1, 2, 3, 4]])
    assert join_categories([None, known, None], [2, 1, 1]).tolist() == [[0] * 4, [0] * 4, [1, 2, 3, 4], [0] * 4]
    assert join_categories([None, None], [2, 1]) is None


def test_synthetic_spectra_carry_what_the_generator_knows(tmp_path):
    path = tmp_path / "corpus.safetensors"
    settings = json.dumps({"n_sets": 30, "n_specimens": 3, "shards": 1, "asls": ASLS})
    synthetic_corpus.main(["--settings", settings, "--seed", "5", "--shard", "0", "--out", str(path)])
    record, sets = load_json(path.with_suffix(".json")), load_synthetic([path])
    at = {name: number for number, name in enumerate(FIELDS)}
    for source, entry in zip(sets, record["sets"], strict=True):
        known = source.batch.categories
        assert known.shape == (3, len(FIELDS)) and (known == known[0]).all()
        assert FIELDS["modality"][known[0, at["modality"]] - 1] == source.batch.modality
        assert FIELDS["representation"][known[0, at["representation"]] - 1] == entry["representation"]
        if source.batch.modality == "raman":
            assert known[0, at["mode"]] == 0
        else:
            mode = FIELDS["mode"][known[0, at["mode"]] - 1]
            assert mode == entry["mode"]
            assert mode in ({"drift", "transmittance"} if source.batch.modality == "mir" else {"reflectance", mode})
            assert not (entry["representation"] == "reflectance" and mode == "transmittance")
    assert {entry["mode"] for entry in record["sets"]} >= {"reflectance", "transmittance", "drift"}

    for entry in record["sets"]:  # a corpus from before the mode was noted
        del entry["mode"]
    save_json(path.with_suffix(".json"), record)
    old = load_synthetic([path])
    assert all((source.batch.categories[:, at["mode"]] == 0).all() for source in old)


def test_the_monitor_tells_the_encoder_what_is_known(training):
    sets, _ = load_real([training.folder / "a"], torch.device("cpu"))
    torch.manual_seed(0)
    model, monitor = LearnedFunctionSpace(width=16, layers=1, heads=2, metadata=True), Monitor(sets)
    monitor.measure(model)
    assert monitor.measure(model)["change"] == pytest.approx(0.0, abs=1e-9)
    torch.nn.init.normal_(model.metadata.table.weight)
    assert monitor.measure(model)["change"] > 1e-4


def test_real_spectra_carry_those_of_their_dataset(training):
    sets, _ = load_real([training.folder / "a"], torch.device("cpu"))
    assert sets[0].batch.categories.shape == (50, len(FIELDS))
    assert (sets[0].batch.categories == categories_of(load_metadata(training.folder / "a"))).all()
