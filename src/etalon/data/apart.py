"""Work in a child process: where a library crashes on a damaged file, an error with a message is left."""

import ctypes
import json
import os
import select
import signal
import sys
from collections.abc import Callable

from etalon.errors import BadInputError, NotRunError

SECONDS = 3600.0  # the slowest reader of the catalogue takes two minutes on a busy machine
_PR_SET_PDEATHSIG = 1


def run_apart(work: Callable[[], object], where: object, seconds: float = SECONDS) -> None:
    """Call `work` in a forked process and wait for it. What it returns is lost; let it write files.

    Elsewhere than on Linux, where forking a process with threads of its libraries is not safe, it is just called.

    Raises
    ------
    EtalonError : that of `work`
    BadInputError : naming `where`; the process crashed, was killed or took more than `seconds`
    RuntimeError : `work` ended with another exception, whose traceback is on standard error
    """
    if sys.platform != "linux":
        work()
        return
    ours, theirs = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        os.close(ours)
        _be_child(work, theirs)
    os.close(theirs)
    status = None
    try:
        with os.fdopen(ours, "rb") as channel:
            ended = bool(select.select([channel], [], [], seconds)[0])
            told = channel.read() if ended else b""
        if not ended:
            raise BadInputError(where, "files", f"files that are read in {seconds:g} s", "no end of it")
        status = os.waitpid(child, 0)[1]
    finally:
        if status is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if told:
        kind, arguments = json.loads(told)
        raise {"bad input": BadInputError, "not run": NotRunError}[kind](*arguments)
    if os.WIFSIGNALED(status):
        crash = f"one at which its reader crashed ({signal.Signals(os.WTERMSIG(status)).name})"
        raise BadInputError(where, "files", "sound files", crash)
    if status:
        raise RuntimeError(f"{where}: the process ended with status {os.waitstatus_to_exitcode(status)}")


def _be_child(work: Callable[[], object], channel: int) -> None:
    """Call `work`, tell of its error, and leave: nothing of the parent's own must run here."""
    status = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)  # ends with its parent, however that ends
        try:
            work()
            status = 0
        except BadInputError as error:
            _tell(channel, "bad input", [error.where, error.field, error.expected, error.found])
        except NotRunError as error:
            _tell(channel, "not run", [error.reason])
    except BaseException:  # noqa: BLE001 - shown as Python would show it, without the parent's handlers
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _tell(channel: int, kind: str, arguments: list[str]) -> None:
    with os.fdopen(channel, "wb") as file:
        file.write(json.dumps([kind, arguments]).encode())
