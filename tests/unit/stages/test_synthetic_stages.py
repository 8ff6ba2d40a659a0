"""The stages that write a synthetic corpus and judge how real it looks."""

import hashlib
import json

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from etalon.contracts import Metadata, SpectraSet
from etalon.preprocess.asls import asls
from etalon.stages import synthetic_corpus, synthetic_realism
from etalon.storage import load_json, save_set, save_unavailable
from etalon.synthesis.corpus import corpus_set

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}
N_SETS, N_SPECIMENS = 60, 4


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    out = tmp_path_factory.mktemp("corpus") / "synthetic.safetensors"
    settings = json.dumps({"n_sets": N_SETS, "n_specimens": N_SPECIMENS, "asls": ASLS})
    synthetic_corpus.main(["--settings", settings, "--seed", "5", "--out", str(out)])
    return out


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


def test_realism_has_a_row_for_every_set_and_says_what_did_not_run(corpus, tmp_path):
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
    arguments = ["--run", "test", "--corpus", str(corpus), "--seed", "1", "--settings", '{"n_trees": 20}']
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
