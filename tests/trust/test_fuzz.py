"""A short run of `make fuzz`, and proof that it would notice what it looks for."""

import faulthandler
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # scripts beside this file
import fuzz_readers

INPUTS = 60  # of each reader; the long run has 10,000


def test_damaged_files_end_in_a_set_or_in_one_line():
    script = Path(__file__).parent / "fuzz_readers.py"
    result = subprocess.run([sys.executable, script, "--inputs", str(INPUTS)], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    lines = [line for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert len(lines) > 15
    # The first input is sound: a reader that refuses everything is no reader.
    assert all(" read" in line for line in lines)


@pytest.mark.parametrize(
    ("what", "how"),
    [
        ("crash: SIGSEGV", lambda: (faulthandler.disable(), os.kill(os.getpid(), signal.SIGSEGV))),
        ("crash: 3", lambda: os._exit(3)),
        ("hang", lambda: time.sleep(60)),
        ("KeyError", lambda: {}["absent"]),
        ("MemoryError", lambda: bytearray(2 * fuzz_readers.MEMORY_BYTES)),
    ],
)
def test_what_a_reader_must_not_do_is_noticed_and_the_rest_is_read(what, how, monkeypatch):
    monkeypatch.setattr(fuzz_readers, "SECONDS", 1.0)

    def read(path: Path) -> None:
        if path.read_bytes() == b"bad":
            how()

    monkeypatch.setattr(fuzz_readers, "make_input", lambda target, number: b"bad" if number == 1 else b"good")
    outcome = fuzz_readers.fuzz(fuzz_readers.Target([b"good"], "file", read), 4)
    assert outcome.counts == {"read": 3, what: 1}
    assert [number for number, _ in outcome.failures] == [1]


def test_the_same_number_is_the_same_file():
    target = fuzz_readers.Target([b"0123456789" * 20], "file", len)
    assert fuzz_readers.make_input(target, 0) == target.seeds[0]
    made = [fuzz_readers.make_input(target, number) for number in range(1, 40)]
    assert made == [fuzz_readers.make_input(target, number) for number in range(1, 40)]
    assert len(set(made)) > 35
