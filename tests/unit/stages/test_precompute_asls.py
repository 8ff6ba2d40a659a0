"""The stage precompute_asls: streamed, on all cores, resumed after a kill, and quiet about sets that cannot be had."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from etalon.contracts import Metadata, SpectraSet
from etalon.errors import BadInputError
from etalon.preprocess import row_chunks
from etalon.preprocess.asls import asls
from etalon.stages import precompute_asls
from etalon.storage import save_set, save_unavailable

SETTINGS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 50, "tol": 1e-3}
N_CHANNELS = 700


def write_set(folder: Path, n_samples: int) -> SpectraSet:
    rng = np.random.default_rng(0)
    wavelengths = np.arange(1100.0, 1100.0 + 2 * N_CHANNELS, 2.0)
    shapes = np.exp(-0.5 * ((wavelengths - rng.uniform(1100, 2500, (10, 1))) / 40) ** 2)
    intensities = rng.uniform(0, 1, (n_samples, 10)) @ shapes + 1e-3 * rng.normal(size=(n_samples, N_CHANNELS))
    metadata = Metadata("mine", "mine", "Mine", "nir", "absorbance", "nm")
    names = np.arange(n_samples).astype(str)
    spectra = SpectraSet(metadata, intensities, wavelengths, sample_id=names, specimen=names)
    save_set(folder, spectra)
    return spectra


def arguments(folder: Path, threads: int = 2, **changes: float) -> list[str]:
    settings = json.dumps(SETTINGS | changes)
    out = folder / "baseline_asls.npy"
    return ["--data", str(folder), "--settings", settings, "--threads", str(threads), "--out", str(out)]


def expected(spectra: SpectraSet, **changes: float) -> np.ndarray:
    settings = SETTINGS | changes
    return asls(spectra.intensities, spectra.wavelengths, axis_unit="nm", modality="nir", **settings)


def hidden(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.fixture
def chunked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Treat a few hundred spectra as a large set of many chunks."""
    monkeypatch.setattr(precompute_asls, "_SMALL_VALUES", 1000)
    monkeypatch.setattr(precompute_asls, "_CHUNK_ROWS", 100)


def test_a_small_set(tmp_path):
    spectra = write_set(tmp_path, 60)
    precompute_asls.main(arguments(tmp_path))
    assert np.array_equal(np.load(tmp_path / "baseline_asls.npy"), expected(spectra))


@pytest.mark.usefixtures("chunked")
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_chunks_on_any_number_of_cores_give_the_same_file(tmp_path, threads):
    spectra = write_set(tmp_path, 450)
    precompute_asls.main(arguments(tmp_path, threads))
    found = np.load(tmp_path / "baseline_asls.npy")
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(spectra), atol=1e-6)
    parts = [expected_rows(spectra, start) for start in range(0, 450, 100)]
    assert np.array_equal(found, np.concatenate(parts)), "the same bits whatever the number of workers"
    assert hidden(tmp_path) == []


def expected_rows(spectra: SpectraSet, start: int) -> np.ndarray:
    rows = spectra.intensities[start : start + 100]
    return asls(rows, spectra.wavelengths, axis_unit="nm", modality="nir", **SETTINGS)


def test_an_unavailable_set_gets_an_empty_baseline(tmp_path):
    save_unavailable(tmp_path, "gone", "no file and no network")
    precompute_asls.main(arguments(tmp_path))
    assert np.load(tmp_path / "baseline_asls.npy").shape == (0, 0)


@pytest.mark.usefixtures("chunked")
def test_a_failed_run_leaves_no_output(tmp_path):
    spectra = write_set(tmp_path, 450)
    broken = spectra.intensities.copy()
    broken[430, 5] = np.nan  # in the last chunk
    np.save(tmp_path / "spectra.npy", broken)
    with pytest.raises(BadInputError, match="from row 400: intensities: expected finite numbers, found nan in row 30"):
        precompute_asls.main(arguments(tmp_path, threads=1))
    assert not (tmp_path / "baseline_asls.npy").exists()
    assert hidden(tmp_path) == [".baseline_asls-partial"]
    np.save(tmp_path / "spectra.npy", spectra.intensities)
    precompute_asls.main(arguments(tmp_path))
    np.testing.assert_allclose(np.load(tmp_path / "baseline_asls.npy"), expected(spectra), atol=1e-6)


@pytest.mark.usefixtures("chunked")
def test_chunks_made_with_other_settings_are_not_used(tmp_path):
    spectra = write_set(tmp_path, 450)
    interrupt_after_chunks(tmp_path, 2)
    precompute_asls.main(arguments(tmp_path, lam=1e3))
    np.testing.assert_allclose(np.load(tmp_path / "baseline_asls.npy"), expected(spectra, lam=1e3), atol=1e-6)


@pytest.mark.usefixtures("chunked")
def test_only_missing_chunks_are_computed(tmp_path):
    spectra = write_set(tmp_path, 450)
    interrupt_after_chunks(tmp_path, 2)
    progress = (tmp_path / ".baseline_asls-partial" / "progress.txt").read_text().split("\n")[1:-1]
    assert len(progress) >= 2
    # Mark what is there: a chunk that is computed anew loses the mark.
    array = np.load(tmp_path / ".baseline_asls-partial" / "array.npy", mmap_mode="r+")
    for start in map(int, progress):
        array[start] = -7.0
    array.flush()
    precompute_asls.main(arguments(tmp_path))
    found = np.load(tmp_path / "baseline_asls.npy")
    assert {str(row) for row in np.flatnonzero((found == -7.0).all(axis=1))} == set(progress)
    others = ~np.isin(np.arange(450), [int(start) for start in progress])
    np.testing.assert_allclose(found[others], expected(spectra)[others], atol=1e-6)


class _StopError(Exception):
    pass


def interrupt_after_chunks(folder: Path, n_chunks: int) -> None:
    """Run the stage and stop it when `n_chunks` are marked as finished, with a last line that was cut short."""
    original = row_chunks._Partial.mark
    marked = 0

    def mark(self, start: int) -> None:
        nonlocal marked
        original(self, start)
        marked += 1
        if marked == n_chunks:
            raise _StopError

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_chunks._Partial, "mark", mark)
        with pytest.raises(_StopError):
            precompute_asls.main(arguments(folder, threads=1))
    with (folder / ".baseline_asls-partial" / "progress.txt").open("a") as file:
        file.write("4")


@pytest.mark.skipif(sys.platform != "linux", reason="the killed run is looked at through its processes")
def test_a_killed_run_leaves_no_process_and_is_resumed(tmp_path):
    spectra = write_set(tmp_path, 12_000)
    command = [sys.executable, "-m", "etalon.stages.precompute_asls", *arguments(tmp_path)]
    stage = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    progress = tmp_path / ".baseline_asls-partial" / "progress.txt"
    wait_until(lambda: progress.exists() and len(progress.read_text().splitlines()) > 2)
    workers = psutil.Process(stage.pid).children(recursive=True)
    assert len(workers) == 2
    os.kill(stage.pid, signal.SIGKILL)
    stage.wait()
    wait_until(lambda: not any(worker.is_running() and worker.status() != "zombie" for worker in workers))
    assert not (tmp_path / "baseline_asls.npy").exists()
    finished = len(progress.read_text().splitlines()) - 1

    resumed = subprocess.run(command, capture_output=True, text=True, check=True)
    first_line = resumed.stderr.split("\r")[1] if "\r" in resumed.stderr else resumed.stderr
    assert f"{min(finished * 1024, 12_000)}/12000" in first_line
    np.testing.assert_allclose(np.load(tmp_path / "baseline_asls.npy"), expected(spectra), atol=1e-6)
    assert hidden(tmp_path) == []


def wait_until(condition, seconds: float = 60.0) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited in vain"
        time.sleep(0.01)


def test_memory_does_not_grow_with_the_number_of_spectra(tmp_path):
    peaks = []
    for n_samples in (6_000, 24_000):
        folder = tmp_path / str(n_samples)
        write_set(folder, n_samples)
        peaks.append(peak_memory_mb([sys.executable, "-m", "etalon.stages.precompute_asls", *arguments(folder)]))
    table_mb = 18_000 * N_CHANNELS * 4 / 2**20
    assert peaks[1] - peaks[0] < table_mb / 3, f"peaks {peaks} MB for a table that grew by {table_mb:.0f} MB"


def peak_memory_mb(command: list[str]) -> float:
    """Largest resident memory of any process of `command`, in MiB, as the kernel counted it."""
    code = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stderr=subprocess.DEVNULL);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run([sys.executable, "-c", code, *command], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024
