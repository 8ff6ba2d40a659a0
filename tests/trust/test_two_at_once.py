"""Two runs started at once: Snakemake lets one in, and stages that write the same file leave a whole one."""

import multiprocessing
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from etalon.storage import load_array, load_json, load_set, save_array, save_json

REPOSITORY = Path(__file__).parents[2]
ROUNDS = 60


def _write(folder: Path, value: int) -> None:
    for _ in range(ROUNDS):
        save_array(folder / "array.npy", np.full(50_000, value))
        save_json(folder / "record.json", {"values": [value] * 5_000})


def test_a_reader_beside_two_writers_sees_whole_files_alone(tmp_path):
    save_array(tmp_path / "array.npy", np.zeros(50_000))
    save_json(tmp_path / "record.json", {"values": [0] * 5_000})
    context = multiprocessing.get_context("fork")
    writers = [context.Process(target=_write, args=(tmp_path, value)) for value in (1, 2)]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers):
        array, record = load_array(tmp_path / "array.npy"), load_json(tmp_path / "record.json")["values"]
        assert array.shape == (50_000,)
        assert len(set(array.tolist())) == len(set(record)) == 1
        seen |= {array[0], record[0]}
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert seen >= {1, 2}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["array.npy", "record.json"]


def stage(folder: Path, out: Path) -> subprocess.Popen:
    (folder / "status.json").write_text('{"dataset": "synthetic_grain_handheld", "available": true, "reason": null}')
    command = [sys.executable, "-m", "etalon.stages.import_dataset", "--dataset", "synthetic_grain_handheld"]
    command += ["--catalogue", REPOSITORY / "config/datasets.yaml", "--raw", folder, "--seed", "1"]
    return subprocess.Popen([*command, "--status", folder / "status.json", "--out", out / "metadata.json"])


def test_two_imports_of_a_dataset_at_once_leave_the_set_of_one(tmp_path):
    together, alone = tmp_path / "together", tmp_path / "alone"
    stages = [stage(tmp_path, together), stage(tmp_path, together), stage(tmp_path, alone)]
    assert [process.wait() for process in stages] == [0, 0, 0]
    assert {f.name: f.read_bytes() for f in together.iterdir()} == {f.name: f.read_bytes() for f in alone.iterdir()}
    assert len(load_set(together)) > 10


def test_a_second_snakemake_in_the_folder_is_turned_away_and_the_first_goes_on(tmp_path):
    # The lock is the folder's, whatever the workflow; a rule that waits makes the moment certain.
    (tmp_path / "Snakefile").write_text(
        "rule slow:\n    output: 'slow.txt'\n"
        "    shell: 'touch begun; while [ ! -e go_on ]; do sleep 0.1; done; echo whole > {output}'\n"
    )
    command = [sys.executable, "-m", "snakemake", "--cores", "1"]
    first = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        assert first.poll() is None
        time.sleep(0.05)
    second = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert second.returncode == 1
    assert "Directory cannot be locked" in second.stderr
    (tmp_path / "go_on").touch()
    assert first.wait(timeout=60) == 0
    assert (tmp_path / "slow.txt").read_text() == "whole\n"
