"""A function of rows applied to a table on disk, in chunks, on several cores, resumed where it was killed."""

import multiprocessing
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import parent_process
from pathlib import Path

import numpy as np
from tqdm import tqdm

from etalon.errors import BadInputError

RowFunction = Callable[[np.ndarray], np.ndarray]


def map_rows(function: RowFunction, source: Path, out: Path, *, rows: int, workers: int, digest: str) -> None:
    """Write ``function(table)`` for the table in `source` to `out`, without ever holding either.

    Finished chunks lie in a hidden folder beside `out` until all are there; then the whole is renamed to `out`.
    A killed run leaves that folder, and the next run with the same `digest` computes only the chunks it lacks.

    Parameters
    ----------
    function : maps an array of shape (n, n_channels) to float32 of the same shape, each row on its own; picklable
    source : a .npy file of shape (n_samples, n_channels)
    out : the .npy file to write, float32, shape (n_samples, n_channels)
    rows : rows of a chunk; the result must not depend on it
    workers : processes
    digest : identifies `source`, `function` and `rows`; chunks left under another one are thrown away
    """
    shape = np.load(source, mmap_mode="r", allow_pickle=False).shape
    partial = _Partial.open(out.parent / f".{out.stem}-partial", shape, digest)
    missing = sorted(set(range(0, shape[0], rows)) - partial.finished())
    with _pool(min(workers, max(len(missing), 1))) as pool:
        jobs = {
            pool.submit(_map_chunk, function, source, partial.array, partial.header_bytes, start, rows): start
            for start in missing
        }
        done = sum(min(rows, shape[0] - start) for start in set(range(0, shape[0], rows)) - set(missing))
        with tqdm(total=shape[0], initial=done, unit="spectra", desc=out.parent.name) as bar:
            for job in as_completed(jobs):
                bar.update(job.result())
                partial.mark(jobs[job])
    partial.array.replace(out)
    shutil.rmtree(partial.folder)


def _map_chunk(function: RowFunction, source: Path, array: Path, header_bytes: int, start: int, rows: int) -> int:
    """Compute one chunk into `array`; return its number of rows."""
    # Mapped anew for every chunk: pages of earlier chunks would count as this process's memory.
    chunk = np.load(source, mmap_mode="r", allow_pickle=False)[start : start + rows]
    try:
        result = function(chunk)
    except BadInputError as error:
        raise BadInputError(f"{source}, from row {start}", error.field, error.expected, error.found) from error
    # Written, not mapped: a full disk then is an error and not a signal that kills the process.
    with array.open("r+b") as file:
        file.seek(header_bytes + start * result.shape[1] * result.itemsize)
        file.write(np.ascontiguousarray(result, np.float32).data)
        file.flush()
        os.fsync(file.fileno())
    return len(result)


@dataclass(frozen=True)
class _Partial:
    """An array being filled and the list of what is filled, in a hidden folder.

    `progress.txt` holds the digest, then the first row of every finished chunk, a line each.
    """

    folder: Path
    header_bytes: int

    @property
    def array(self) -> Path:
        return self.folder / "array.npy"

    @property
    def progress(self) -> Path:
        return self.folder / "progress.txt"

    @classmethod
    def open(cls, folder: Path, shape: tuple[int, ...], digest: str) -> "_Partial":
        """Return the one in `folder`, or a new one where there is none for this `digest`."""
        partial = cls(folder, header_bytes=0)
        if not (partial.array.exists() and partial._lines()[:1] == [digest]):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            with partial.array.open("wb") as file:
                header = {"descr": "<f4", "fortran_order": False, "shape": shape}
                np.lib.format.write_array_header_1_0(file, header)
                file.truncate(file.tell() + 4 * int(np.prod(shape)))
            partial.progress.write_text(f"{digest}\n")
        with partial.array.open("rb") as file:
            np.lib.format.read_magic(file)
            np.lib.format.read_array_header_1_0(file)
            return cls(folder, header_bytes=file.tell())

    def finished(self) -> set[int]:
        return {int(line) for line in self._lines()[1:]}

    def mark(self, start: int) -> None:
        with self.progress.open("a") as file:
            file.write(f"{start}\n")

    def _lines(self) -> list[str]:
        """Complete lines; what a killed run left of a last one is dropped."""
        return self.progress.read_text().rpartition("\n")[0].split("\n") if self.progress.exists() else []


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    """Yield worker processes that drop what waits when the block fails, and that end when this process is killed."""
    # On Linux forked workers share what is imported already and start in milliseconds instead of seconds;
    # elsewhere forking is unsafe or absent.
    context = multiprocessing.get_context("fork" if sys.platform == "linux" else None)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_end_with_parent)
    try:
        yield pool
    except BaseException:
        pool.shutdown(wait=True, cancel_futures=True)
        raise
    pool.shutdown()


def _end_with_parent() -> None:
    """Watch the parent from a thread: a worker whose parent was killed would wait for its next chunk for ever."""

    def watch() -> None:
        if (parent := parent_process()) is not None:
            parent.join()
            os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
