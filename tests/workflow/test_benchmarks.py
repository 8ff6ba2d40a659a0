"""Every benchmark starts and ends with its line of JSON, at a size that times nothing."""

import importlib.util
import json
import runpy
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.storage import save_set

FOLDER = Path(__file__).parents[2] / "benchmarks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "rounds")
# What makes each as small as it can be. `scale` starts five processes, so its parts are tested alone.
SMALLEST = {
    "asls": ["--spectra", "20", "--rounds", "1"],
    "corpus": ["--spectra", "400", "--steps", "1", "--rounds", "1"],
    "embed": ["--encoders", "fs", "--rounds", "1"],
    "plan": ["--entries", "80", "--target", "data/real/corn_m5/metadata.json"],
    "pls_cv": ["--data", "soils", "--rounds", "1"],
    "train_step": ["--spectra", "2", "--loop-spectra", "1", "--rounds", "1"],
}


def soils(n_specimens: int = 60) -> SpectraSet:
    """Return a stand-in for the public soils that two benchmarks read."""
    rng = np.random.default_rng(0)
    axis = np.linspace(1100.0, 2400.0, 80)
    shares = rng.uniform(0.1, 1.0, (n_specimens, 2))
    bands = np.exp(-0.5 * ((axis - np.array([[1450.0], [1930.0]])) / 80) ** 2)
    spectra = 0.3 + shares @ bands + rng.normal(0, 0.003, (n_specimens, 80))
    ids = np.array([f"s{i}" for i in range(n_specimens)])
    cec = Target("CEC", "cation_exchange_capacity", "cmol/kg")
    metadata = Metadata("soils", "soils", "Soils", "nir", "absorbance", "nm", targets=(cec,))
    return SpectraSet(metadata, spectra, axis, ids, ids, 10 * shares[:, :1])


def load(name: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Import a benchmark under a name of its own: one bears that of the package it measures."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location(f"benchmark_{name}", FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def same_threads():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_takes(name, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--help"])
    with pytest.raises(SystemExit) as ended:
        load(name, monkeypatch).main()
    assert ended.value.code == 0
    assert f"Benchmark {name}: " in capsys.readouterr().out


@pytest.mark.parametrize("name", SMALLEST)
def test_its_smallest_size_ends_with_finite_ratios(name, tmp_path, monkeypatch, capfd):
    save_set(tmp_path / "soils", soils())
    monkeypatch.chdir(tmp_path)
    if name == "embed":  # as it is typed: its processes import what they run from the file that was started
        command = [sys.executable, str(FOLDER / f"{name}.py"), *SMALLEST[name]]
        assert subprocess.run(command).returncode == 0, capfd.readouterr().err
    else:
        monkeypatch.setattr(sys, "argv", [f"{name}.py", *SMALLEST[name]])
        load(name, monkeypatch).main()
    found = json.loads(capfd.readouterr().out.splitlines()[-1])
    assert found["benchmark"] == name
    assert found["ratios"] and all(np.isfinite(ratio) and ratio > 0 for ratio in found["ratios"].values())
    if "largest_difference" in found["figures"]:
        assert found["figures"]["largest_difference"] < 1e-6
    if "largest_difference_of_range" in found["figures"]:
        assert found["figures"]["largest_difference_of_range"] < 1e-5
    if name == "plan":
        assert found["figures"]["jobs"] == 2  # fetched and imported


def test_every_encoder_that_is_timed_embeds(monkeypatch):
    embed = load("embed", monkeypatch)
    assert set(embed.ENCODERS) == set(embed.GOALS) == set(embed.TIMED)
    for name in embed.ENCODERS:
        blocks = embed.embed_grid(embed.make_encoder(name), embed.make_batch(3), embed.CHUNK)
        assert all(len(block) == 3 and np.isfinite(block).all() for block in blocks.values())


def test_scale_measures_a_corpus_and_wants_two(monkeypatch, capsys):
    scale = load("scale", monkeypatch)
    monkeypatch.setattr(scale, "N_SETS", 4)
    found = scale.measure(16, None)
    assert found["shards"] == 1 and min(found.values()) > 0
    shares = scale.shares(n_sets=1, n_specimens=2)
    assert set(shares) == {"ms_spectra", "ms_asls", "channels"}
    monkeypatch.setattr(sys, "argv", ["scale.py", "--spectra", "1000"])
    with pytest.raises(SystemExit):
        scale.main()
    assert "expected at least two numbers" in capsys.readouterr().err


def test_our_side_of_chemomae_trains_and_is_scored(monkeypatch):
    chemomae = load("chemomae", monkeypatch)
    monkeypatch.setattr(chemomae, "N_SYNTHETIC", 8)
    monkeypatch.setattr(chemomae, "BATCH", 24)
    spectra = soils(30)
    grid = np.linspace(spectra.wavelengths[0], spectra.wavelengths[-1], chemomae.N_POINTS)
    corpus = [chemomae.real_set(spectra, grid), chemomae.synthetic_set("grain", grid)]
    for make in (chemomae.functional, chemomae.perceiver):
        contender = make(corpus, 0)
        contender.train(range(1), 10)
        (block,) = contender.embeddings(corpus[0].batch).values()
        assert 0 < chemomae.relative_error(block, spectra, corpus[0].batch) < np.inf


def test_without_the_package_chemomae_says_so(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [str(FOLDER / "chemomae.py")])
    monkeypatch.syspath_prepend(str(FOLDER))
    if importlib.util.find_spec("chemomae").origin != str(FOLDER / "chemomae.py"):
        pytest.skip("the package is installed")
    runpy.run_path(str(FOLDER / "chemomae.py"), run_name="__main__")
    assert json.loads(capsys.readouterr().out)["status"].startswith("not run: ")
