"""Work in a process of its own: its errors, its crashes, its end."""

import faulthandler
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from etalon.data.apart import run_apart
from etalon.errors import BadInputError, NotRunError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the work is done in the same process")


def test_what_it_writes_is_there(tmp_path):
    run_apart(lambda: (tmp_path / "file").write_text(str(os.getpid())), "set")
    assert (tmp_path / "file").read_text() != str(os.getpid())


@pytest.mark.parametrize("error", [BadInputError("a.mat", "X", "a matrix", "none"), NotRunError("no weights")])
def test_its_errors_are_those_of_the_caller(error):
    def fail():
        raise error

    with pytest.raises(type(error)) as raised:
        run_apart(fail, "set")
    assert str(raised.value) == str(error)


def test_another_exception_shows_its_traceback_and_is_an_error(capfd):
    with pytest.raises(RuntimeError, match="set: the process ended with status 1"):
        run_apart(lambda: 1 / 0, "set")
    assert "ZeroDivisionError" in capfd.readouterr().err


def test_a_crash_is_an_error_that_names_the_set():
    with pytest.raises(BadInputError, match=r"^apples: files: .*crashed \(SIGSEGV\)$"):
        run_apart(lambda: (faulthandler.disable(), os.kill(os.getpid(), signal.SIGSEGV)), "apples")


def test_what_does_not_end_is_ended(tmp_path):
    def sleep():
        (tmp_path / "child").write_text(str(os.getpid()))
        time.sleep(60)

    with pytest.raises(BadInputError, match=r"apples: files: expected files that are read in 0\.5 s"):
        run_apart(sleep, "apples", seconds=0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "child").read_text()), 0)


def test_a_child_ends_with_its_parent(tmp_path):
    parent = os.fork()
    if parent == 0:
        run_apart(lambda: ((tmp_path / "child").write_text(str(os.getpid())), time.sleep(60)), "apples")
    deadline = time.monotonic() + 20
    while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child = int((tmp_path / "child").read_text())
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    while _runs(child):
        assert time.monotonic() < deadline, "the child outlives its parent"
        time.sleep(0.02)


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().split()[2]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
