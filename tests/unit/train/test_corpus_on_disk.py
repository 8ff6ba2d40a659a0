"""Training spectra that stay on disk: the same draws as from memory, and memory that does not grow with the corpus."""

import json
import mmap
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from etalon.errors import BadInputError
from etalon.stages import synthetic_corpus
from etalon.storage import map_tensors, save_json
from etalon.train.batches import Sampler
from etalon.train.corpus import load_synthetic

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0}
N_CHANNELS, N_SPECTRA = 1000, 150_000
# Read in a process of its own: 7 GB of shards, with no more than 256 MiB that are not the files' own pages.
READER = """
import resource, sys
from pathlib import Path
from etalon.train.batches import Sampler
from etalon.train.corpus import load_synthetic

def status(field):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) * 1024

resource.setrlimit(resource.RLIMIT_DATA, (status("VmData") + 2**28,) * 2)
corpus = load_synthetic([Path(path) for path in sys.argv[1:]])
sampler = Sampler(corpus, 1.0, 4, 16, seed=1)
before, seen = status("VmRSS"), 0.0
for step in range(25):
    for number in range(4):
        group = sampler.draw(step, number)
        seen += float(group.batch.intensities.sum() + group.batch.baseline.sum())
print(len(corpus), seen, (status("VmHWM") - before) / 2**20)
"""


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    paths = {}
    for shards in (1, 3):
        settings = json.dumps({"n_sets": 8, "n_specimens": 20, "shards": shards, "asls": ASLS})
        paths[shards] = [folder / f"{shards}_{number}.safetensors" for number in range(shards)]
        for number, path in enumerate(paths[shards]):
            arguments = ["--settings", settings, "--seed", "5", "--shard", str(number), "--out", str(path)]
            synthetic_corpus.main(arguments)
    return paths


def in_memory(source, tensors):
    """The set as the library of the format reads it, all of it in memory."""
    own = {name: torch.from_numpy(tensors[f"{source.name}.{name}"]) for name in ("intensities", "baseline")}
    concentrations = torch.from_numpy(tensors[f"{source.name}.concentrations"])
    return replace(source, batch=replace(source.batch, **own), concentrations=concentrations, on_disk=())


def test_draws_are_those_from_memory_however_many_shards_there_are(shards):
    tensors = load_file(shards[1][0])
    memory = [in_memory(source, tensors) for source in load_synthetic(shards[1])]
    samplers = [Sampler(corpus, 1.0, 3, 30, seed=2) for corpus in (memory, *map(load_synthetic, shards.values()))]
    for step in (0, 1, 2, 7):  # announced, and not
        for number in range(3):
            expected, *others = (sampler.draw(step, number) for sampler in samplers)
            for group in others:
                assert group.number == expected.number
                assert torch.equal(group.batch.intensities, expected.batch.intensities)
                assert torch.equal(group.batch.wavelengths, expected.batch.wavelengths)
                assert torch.equal(group.batch.baseline, expected.batch.baseline)
                assert torch.equal(group.batch.categories, expected.batch.categories)
                assert torch.equal(group.concentrations, expected.concentrations)
                assert torch.equal(group.generator.get_state(), expected.generator.get_state())


def write_hollow(path, name):
    """Write a shard of zeros that takes no room on disk."""
    shapes = {"baseline": N_CHANNELS, "concentrations": 3, "intensities": N_CHANNELS}
    header, end = {}, 8 * N_CHANNELS
    header[f"{name}.wavelengths"] = {"dtype": "F64", "shape": [N_CHANNELS], "data_offsets": [0, end]}
    for kind, columns in shapes.items():
        start, end = end, end + 4 * N_SPECTRA * columns
        header[f"{name}.{kind}"] = {"dtype": "F32", "shape": [N_SPECTRA, columns], "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text + np.linspace(1000, 2500, N_CHANNELS).tobytes())
        file.truncate(8 + len(text) + end)
    kind = {"modality": "nir", "axis_unit": "nm", "representation": "absorbance", "mode": "reflectance"}
    entry = {"name": name, **kind, "components": ["a", "b", "c"], "shape": [N_SPECTRA, N_CHANNELS]}
    save_json(path.with_suffix(".json"), {"sha256": "0" * 64, "seed": 1, "sets": [entry]})


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_does_not_grow_with_the_corpus(tmp_path):
    paths = [tmp_path / f"shard{number}.safetensors" for number in range(6)]
    for number, path in enumerate(paths):
        write_hollow(path, f"set{number}")
    assert sum(path.stat().st_size for path in paths) > 7e9
    grown = {}
    for n in (1, 6):
        command = [sys.executable, "-c", READER, *map(str, paths[:n])]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
        sets, seen, grown[n] = map(float, result.stdout.split())
        assert sets == n and seen == 0
    # A hundred groups of 16 spectra with their baselines are 13 MB; pages of 4 kB around each row make it 26.
    assert grown[6] < 64 and grown[6] - grown[1] < 32


def test_mapped_tensors_are_those_of_the_library(tmp_path):
    path = tmp_path / "x.safetensors"
    arrays = {"a": np.arange(12.0).reshape(3, 4), "b": np.arange(6, dtype=np.float32).reshape(6, 1)}
    save_file(arrays, path, {"about": "metadata of the file is no tensor"})
    mapped = map_tensors(path, mmap.MADV_RANDOM)
    assert mapped.keys() == arrays.keys()
    for name, array in arrays.items():
        mapped[name].announce([0, len(array) - 1])
        np.testing.assert_array_equal(mapped[name].values, array)
        assert mapped[name].values.dtype == array.dtype and not mapped[name].values.flags.writeable

    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(BadInputError, match="a sound safetensors file"):
        map_tensors(path, mmap.MADV_RANDOM)
    path.write_bytes(b"")
    with pytest.raises(BadInputError, match="a sound safetensors file"):
        map_tensors(path, mmap.MADV_RANDOM)
    with pytest.raises(BadInputError, match="no such file"):
        map_tensors(tmp_path / "none.safetensors", mmap.MADV_RANDOM)
