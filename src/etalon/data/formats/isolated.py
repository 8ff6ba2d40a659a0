"""Files read in a child process: a reader that crashes, hangs or asks for all memory takes nothing with it."""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from etalon.data.scans import Scans
from etalon.errors import BadInputError

SECONDS_A_FILE = 120.0


def read_files(files: Sequence[tuple[Path, str]], seconds: float = SECONDS_A_FILE) -> Iterator[Scans]:
    """Yield what each file holds, in order.

    Parameters
    ----------
    files : paths, each with the name of its format's module
    seconds : that one file may take

    Raises
    ------
    BadInputError : for the first file that cannot be read, also where its reader crashed
    """
    with tempfile.TemporaryDirectory(prefix="etalon-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", "etalon.data.formats.worker", name]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert process.stdin is not None
        assert process.stdout is not None
        asked = "".join(json.dumps({"path": str(path), "format": kind}) + "\n" for path, kind in files)
        # Beside the reading: a long list fills the pipe before its first answer comes back.
        threading.Thread(target=_tell, args=(process.stdin, asked.encode()), daemon=True).start()
        try:
            answers = _answers(process, process.stdout, files, seconds)
            for (path, _), answer in zip(files, answers, strict=False):
                if "error" in answer:
                    raise BadInputError(path, *answer["error"])
                yield _load(folder / f"{answer['number']}.npz", answer)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()


def _tell(channel: IO[bytes], text: bytes) -> None:
    try:
        with channel:
            channel.write(text)
    except BrokenPipeError:  # the process has gone; whoever waits for its answers will say so
        return


def _answers(
    process: subprocess.Popen, channel: IO[bytes], files: Sequence[tuple[Path, str]], seconds: float
) -> Iterator[dict[str, Any]]:
    current, answered, rest = 0, 0, b""
    deadline = time.monotonic() + seconds
    with selectors.DefaultSelector() as selector:
        selector.register(channel, selectors.EVENT_READ)
        while answered < len(files):
            while b"\n" not in rest:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    raise BadInputError(files[current][0], "file", f"one that is read in {seconds:g} s", "no end of it")
                chunk = os.read(channel.fileno(), 1 << 16)
                if not chunk:
                    raise BadInputError(files[current][0], "file", "a sound file", _how_it_ended(process))
                rest += chunk
            line, rest = rest.split(b"\n", 1)
            answer = json.loads(line)
            deadline = time.monotonic() + seconds
            if "begins" in answer:
                current = answer["begins"]
            else:
                answered += 1
                yield answer


def _how_it_ended(process: subprocess.Popen) -> str:
    code = process.wait()
    if code < 0:
        return f"one at which its reader crashed ({signal.Signals(-code).name})"
    return f"one at which its reader ended with status {code}"


def _load(path: Path, answer: dict[str, Any]) -> Scans:
    with np.load(path, allow_pickle=False) as arrays:
        return Scans(
            arrays["axis"],
            answer["unit"],
            arrays["intensities"],
            answer["representation"],
            answer["modality"],
            tuple(answer["names"]),
            {name: arrays[f"column {name}"] for name in answer["columns"]},
        )
