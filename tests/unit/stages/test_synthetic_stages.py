"""The stages that write a synthetic corpus, embed it and judge how real it looks."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from etalon.contracts import Metadata, SpectraSet
from etalon.errors import BadInputError
from etalon.models.encoder import embed_grid
from etalon.preprocess.asls import asls
from etalon.stages import embed_corpus, synthetic_corpus, synthetic_realism
from etalon.storage import load_json, save_set, save_unavailable
from etalon.synthesis.corpus import corpus_set
from etalon.train.checkpoint import make_encoder
from etalon.train.corpus import load_synthetic

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}
N_SETS, N_SPECIMENS = 60, 4


def write(folder, shards):
    settings = json.dumps({"n_sets": N_SETS, "n_specimens": N_SPECIMENS, "shards": shards, "asls": ASLS})
    paths = [folder / f"shard{number}.safetensors" for number in range(shards)]
    for number, path in enumerate(paths):
        arguments = ["--settings", settings, "--seed", "5", "--shard", str(number), "--out", str(path)]
        synthetic_corpus.main(arguments)
    return paths


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write(tmp_path_factory.mktemp("corpus"), 1)[0]


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return write(tmp_path_factory.mktemp("shards"), 7)


def test_the_file_holds_what_the_generator_gives(corpus):
    record, tensors = load_json(corpus.with_suffix(".json")), load_file(corpus)
    assert record["sha256"] == hashlib.sha256(corpus.read_bytes()).hexdigest()
    assert len(record["sets"]) == N_SETS
    assert {entry["modality"] for entry in record["sets"]} == {"nir", "visnir", "mir", "raman"}
    for number in (0, 7, 31):
        entry, expected = record["sets"][number], corpus_set(5, number, N_SPECIMENS)
        for name in ("intensities", "wavelengths", "concentrations"):
            np.testing.assert_array_equal(tensors[f"{entry['name']}.{name}"], getattr(expected, name))
        baseline = asls(
            expected.intensities,
            expected.wavelengths,
            axis_unit=entry["axis_unit"],
            modality=entry["modality"],
            **ASLS,
        )
        np.testing.assert_array_equal(tensors[f"{entry['name']}.baseline"], baseline)
        assert tuple(entry["components"]) == expected.components
        assert tuple(entry["shape"]) == expected.intensities.shape


def test_shards_share_out_the_sets_and_change_no_number(corpus, shards):
    whole = load_file(corpus)
    parts = [load_file(path) for path in shards]
    assert sum(map(len, parts)) == len(whole) and min(map(len, parts)) > 0
    for part in parts:
        for name, array in part.items():
            np.testing.assert_array_equal(array, whole[name], err_msg=name)
    entries = [entry for path in shards for entry in load_json(path.with_suffix(".json"))["sets"]]
    assert entries == load_json(corpus.with_suffix(".json"))["sets"]
    with pytest.raises(BadInputError, match="--shard: expected a number below 2, found 2"):
        settings = json.dumps({"n_sets": 4, "n_specimens": 2, "shards": 2, "asls": ASLS})
        synthetic_corpus.main(["--settings", settings, "--seed", "5", "--shard", "2", "--out", "never"])


def test_a_set_that_is_generated_in_parts_has_the_baselines_of_the_whole(monkeypatch):
    whole, arrays = synthetic_corpus.generate(5, 3, 40, ASLS)
    monkeypatch.setattr(synthetic_corpus, "_TOGETHER", 16)
    _, in_parts = synthetic_corpus.generate(5, 3, 40, ASLS)
    spread = np.ptp(whole.intensities)
    for name, array in arrays.items():
        tolerance = 1e-5 * spread if name == "baseline" else 0.0
        np.testing.assert_allclose(in_parts[name], array, rtol=0, atol=tolerance, err_msg=name)
        assert in_parts[name].flags.c_contiguous  # what safetensors writes without asking


def test_a_shard_is_embedded_in_its_order(shards, tmp_path, monkeypatch):
    monkeypatch.setattr(embed_corpus, "_TOGETHER", 3)  # not a divisor of a set
    out = tmp_path / "shard2.npy"
    arguments = ["--encoder", "fs", "--checkpoint", "none", "--shard", str(shards[2]), "--out", str(out)]
    embed_corpus.main([*arguments, "--record", str(out.with_suffix(".json"))])
    found, record = np.load(out), load_json(out.with_suffix(".json"))
    encoder, sets = make_encoder({"encoder": "fs"}), load_synthetic(shards[2:3])
    expected = {name: [] for name in encoder.blocks}
    for source in sets:
        for name, block in embed_grid(encoder, source.batch).items():
            expected[name].append(block)
    assert record["sets"] == {source.name: N_SPECIMENS for source in sets}
    assert len(found) == record["n"] == N_SPECIMENS * len(sets)
    for name, (start, stop) in record["blocks"].items():
        np.testing.assert_allclose(found[:, start:stop], np.concatenate(expected[name]), rtol=1e-5, atol=1e-6)


def test_realism_has_a_row_for_every_set_and_says_what_did_not_run(shards, tmp_path):
    def save(name: str, axis_unit: str, **more: bool) -> str:
        rng = np.random.default_rng(0)
        wavelengths = np.linspace(1300.0, 1600.0, 60) if axis_unit == "nm" else np.arange(60.0)
        spectra = 0.5 + np.cumsum(0.01 * rng.normal(size=(20, 60)), axis=1)
        metadata = Metadata(name, name, name, "nir", "absorbance", axis_unit, **more)
        ids = np.arange(20).astype(str)
        save_set(tmp_path / name, SpectraSet(metadata, spectra, wavelengths, sample_id=ids, specimen=ids))
        return str(tmp_path / name)

    save_unavailable(tmp_path / "lost", "lost", "gone")
    folders = [
        save("mine", "nm"),
        save("channels", "index"),
        save("made", "nm", synthetic=True),
        str(tmp_path / "lost"),
    ]
    out = tmp_path / "realism.parquet"
    arguments = ["--run", "test", "--corpus", *map(str, shards), "--seed", "1", "--settings", '{"n_trees": 20}']
    synthetic_realism.main(["--data", *folders, *arguments, "--out", str(out)])
    table = pd.read_parquet(out).set_index("dataset")
    assert list(table.reset_index()[list(synthetic_realism.COLUMNS)]) == list(synthetic_realism.COLUMNS)
    assert table.loc["mine", "status"] == "ok"
    assert table.loc["mine", "auc"] > 0.7  # random walks are no spectra
    assert table.loc["channels", "status"] == "not run: no wavelength axis"
    assert table.loc["made", "status"] == "not run: synthetic itself"
    assert table.loc["lost", "status"] == "not run: gone"
    together = table[table["family"] == "all"]
    assert len(together) == len(synthetic_realism.WINDOWS)
    assert together["status"].str.startswith("not run").all()
