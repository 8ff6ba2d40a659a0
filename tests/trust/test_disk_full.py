"""A disk that is full: the old file stays whole, nothing half-written is left, and the error is one line."""

import contextlib
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from matplotlib.figure import Figure

from etalon.cli import main
from etalon.figures.style import save
from etalon.storage import save_array, save_json, save_table
from etalon.train.checkpoint import save_encoder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of file sizes, and mounts, as Linux has them")
ROOM = 2_000  # bytes


def curve(amplitude: float) -> Figure:
    figure = Figure()
    figure.subplots().plot(amplitude * np.random.default_rng(0).normal(size=5000))
    return figure


WRITERS: dict[str, Callable[[Path, int], None]] = {
    "array.npy": lambda path, n: save_array(path, np.arange(float(n))),
    "table.parquet": lambda path, n: save_table(path, pd.DataFrame({"x": np.random.default_rng(n).normal(size=n)})),
    "record.json": lambda path, n: save_json(path, {"x": list(range(n))}),
    "weights.safetensors": lambda path, n: save_encoder(path, {"x": torch.arange(float(n))}, {"n": n}),
    "figure.pdf": lambda path, n: save(curve(n), path, path.with_suffix(".png")),
}


@contextlib.contextmanager
def little_room(size: int) -> Iterator[None]:
    """Let files of this process grow to `size` bytes; the write that goes beyond fails."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("name", WRITERS)
def test_a_write_that_fails_leaves_the_old_file_whole(name, tmp_path):
    path = tmp_path / name
    WRITERS[name](path, 10)
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with little_room(ROOM), pytest.raises(Exception, match=r"(?i)file too large|os error 27|is the disk full"):
        WRITERS[name](path, 100_000)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before


def csv(folder: Path, n_channels: int) -> Path:
    header = ",".join(["sample", *(str(1100 + 2 * i) for i in range(n_channels))])
    rows = [",".join([f"s{n}", *(f"{0.4 + 0.01 * n:.3f}" for _ in range(n_channels))]) for n in range(5)]
    (folder / "mine.csv").write_text("\n".join([header, *rows]))
    return folder / "mine.csv"


def test_an_import_into_a_full_disk_is_one_line_and_keeps_the_old_set(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--id", "mine", "--axis-unit", "nm", "--no-targets", "--no-preview", "--out", str(tmp_path / "real")]
    main_ = ["import", str(csv(tmp_path, 10)), *options]
    with pytest.raises(SystemExit) as ended:
        main(main_)
    assert not ended.value.code
    before = {file.name: file.read_bytes() for file in (tmp_path / "real/mine").iterdir()}
    csv(tmp_path, 400)
    capsys.readouterr()
    with little_room(ROOM), pytest.raises(SystemExit) as ended:
        main([*main_, "--overwrite"])
    assert ended.value.code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert {file.name: file.read_bytes() for file in (tmp_path / "real/mine").iterdir()} == before
    assert [path.name for path in (tmp_path / "real").iterdir()] == ["mine"]


def test_a_really_full_disk(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk needs root")
    try:
        save_array(tmp_path / "array.npy", np.arange(100.0))
        with pytest.raises(OSError, match=r"No space left|is the disk full"):
            save_array(tmp_path / "array.npy", np.arange(100_000.0))
        assert [path.name for path in tmp_path.iterdir()] == ["array.npy"]
        assert len(np.load(tmp_path / "array.npy")) == 100
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)
