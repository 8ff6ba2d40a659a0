"""Ten thousand damaged files for every reader: `make fuzz`.

Sound small files (`seed_files`) are damaged at random: bits, sizes, cut and doubled pieces, words that readers fear,
and inside the members of workbooks. Each result is read in a child process. It has to end in a checked set of spectra
or in one line that names what is wrong (an EtalonError). Anything else is a failure: another exception, a crash, more
memory than MEMORY_BYTES, more time than SECONDS. Readers that Etalon itself calls in a process of its own may crash
there, where an error with a message is left of it ("contained"). The same number always gives the same file.
"""

import argparse
import contextlib
import importlib
import io
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import seed_files

from etalon.catalogue import Axis, Expect, FileSource, TargetSpec, load_catalogue
from etalon.data.apart import run_apart
from etalon.data.import_entry import read_entry
from etalon.data.import_table import Request, import_table
from etalon.data.table_columns import Wishes
from etalon.errors import EtalonError
from etalon.storage import load_array, load_json, load_set, map_tensors, save_set

sys.path.insert(0, str(Path(__file__).parents[1]))  # tests/, where pytest finds modules too
from entries import plain_entry

SECONDS, MEMORY_BYTES = 20.0, 8 * 2**30
SOUND_ENDS = ("read", "refused", "contained")
SHOWN = 3  # failures of a kind that are shown and kept
WORDS = [
    *(
        b"NaN",
        b"inf",
        b"-inf",
        b"1e999",
        b"-1",
        b"0",
        b"99999999999999999999",
        b"\x00",
        b"\xff\xfe",
        b"\r",
        b"\n",
        b'"',
        b"'",
    ),
    *(
        b";",
        b",",
        b"\t",
        b"=1+1",
        b"{}",
        b"[]",
        b"null",
        b"../../x",
        b"%n%s",
        b"&lol;",
        b"<",
        b"]]>",
        "\u202e".encode(),
    ),
]
SIZES = [0, 1, 2, 0x7F, 0x80, 0xFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]
APPLES = plain_entry()
BRIX = TargetSpec("brix", "brix", "sugar", "%", "as_is")


@dataclass(frozen=True)
class Target:
    """Something that reads a file.

    Attributes
    ----------
    seeds : the files it is given before they are damaged
    name : of the file
    read : how it is called
    apart : whether Etalon calls it in a process of its own (`etalon.data.apart`), which may crash: the caller goes on
    """

    seeds: list[bytes]
    name: str
    read: Callable[[Path], object]
    apart: bool = False


@dataclass
class Outcome:
    """What became of the inputs of a target."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[tuple[int, str]] = field(default_factory=list)


def targets(folder: Path) -> dict[str, Target]:
    """Return every reader; `folder` is one to write into."""

    def of_catalogue(reader: str, name: str, seeds: list[bytes], options: dict, **changes: object) -> Target:
        entry = replace(APPLES, reader=reader, options=options, files=(FileSource(name, "", "0" * 64, 1),), **changes)
        return Target(seeds, name, lambda path: read_entry(entry, {name: path}, seed=0), apart=True)

    def own(path: Path) -> object:
        request = Request("mine", "nm", wishes=Wishes(targets=("brix:%",)))
        return import_table(path, request)

    apples = {"parts": [{"spectra": "apples"}]}
    one = {"targets": (), "expect": Expect(1, 4)}
    found = {
        "delimited": of_catalogue("delimited", "apples.csv", seed_files.text_table()[:1], apples, targets=(BRIX,)),
        "excel": of_catalogue("excel", "apples.xlsx", seed_files.workbook(), apples, targets=(BRIX,)),
        "matlab": of_catalogue(
            "matlab", "apples.mat", seed_files.matlab()[:1], {"parts": [{"spectra": "Matrix"}]}, targets=(BRIX,)
        ),
        "matlab_objects": of_catalogue("matlab", "apples.mat", seed_files.matlab()[1:], {"parts": [{"spectra": "X"}]}),
        "rdata": of_catalogue("rdata", "apples.rda", seed_files.r_data(folder), apples, targets=(BRIX,)),
        "jld2": of_catalogue(
            "jld2", "apples.jld2", seed_files.julia(folder), {"parts": [{"spectra": "X"}]}, axis=Axis("index")
        ),
        "npy": of_catalogue("npy", "apples.npy", seed_files.array(), apples, axis=Axis("nm", 1000, 1030)),
        "text_spectra": of_catalogue(
            "text_spectra",
            "a_1.txt",
            seed_files.two_columns(),
            {"name_pattern": "^(?P<sort>[a-z])_", "parts": [{"spectra": "spectra"}]},
            **one,
        ),
        "opus": of_catalogue(
            "opus",
            "a_1.0",
            seed_files.opus(),
            {"name_pattern": "^(?P<sort>[a-z])_", "parts": [{"spectra": "spectra"}]},
            targets=(),
            axis=Axis("cm-1"),
            expect=Expect(1, 40),
        ),
        "own_text": Target(seed_files.text_table(), "mine.csv", own),
        "own_workbook": Target(seed_files.workbook(), "mine.xlsx", own),
        "stored_array": Target(seed_files.array(), "spectra.npy", load_array),
        "stored_tensors": Target(seed_files.tensors(), "shard.safetensors", lambda path: map_tensors(path, 0)),
        "catalogue": Target([catalogue_text()], "datasets.yaml", load_catalogue),
    }
    return found | of_instruments() | stored_set(folder)


def of_instruments() -> dict[str, Target]:
    """Return the readers of `etalon import`, which calls them in a process of their own (`formats.isolated`)."""
    seeds = {
        "jcamp_dx": ("a.jdx", seed_files.jcamp_dx()),
        "spc": ("a.spc", seed_files.spc()),
        "opus": ("a.0", seed_files.opus()),
        "asd": ("a.asd", seed_files.asd()),
        "matlab": ("a.mat", seed_files.matlab_axis()),
        "two_columns": ("a.txt", seed_files.two_columns()),
    }
    readers = {format: importlib.import_module(f"etalon.data.formats.{format}").read for format in seeds}
    return {
        f"instrument_{format}": Target(contents, name, readers[format], apart=True)
        for format, (name, contents) in seeds.items()
    }


def stored_set(folder: Path) -> dict[str, Target]:
    """Return one target for each file of a stored set, the others being sound."""
    (folder / "apples.csv").write_bytes(seed_files.text_table()[0])
    entry = replace(APPLES, reader="delimited", options={"parts": [{"spectra": "apples"}]}, targets=(BRIX,))
    spectra = read_entry(entry, {"apples.csv": folder / "apples.csv"}, seed=0)
    sound = folder / "sound"
    save_set(sound, spectra)

    def read_beside_sound(path: Path) -> object:
        for file in sound.iterdir():
            if file.name != path.name:
                with contextlib.suppress(FileExistsError):
                    os.link(file, path.parent / file.name)
        return load_set(path.parent)

    names = {"stored_metadata": "metadata.json", "stored_samples": "samples.parquet", "stored_targets": "targets.npy"}
    return {name: Target([(sound / file).read_bytes()], file, read_beside_sound) for name, file in names.items()} | {
        "json": Target([json.dumps(spectra.metadata.to_json()).encode()], "x.json", load_json)
    }


def catalogue_text() -> bytes:
    """Return the catalogue's shortest entry with files."""
    text = (Path(__file__).parents[2] / "config/datasets.yaml").read_text()
    parts = ["- id" + part for part in text.split("\n- id")[1:] if "<<" not in part and "&" not in part]
    return ("datasets:\n" + min((part for part in parts if "files:" in part), key=len)).encode()


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """Return `content` with some damage; half of the time inside the members of a zip archive."""
    if content.startswith(b"PK\x03\x04") and rng.random() < 0.7:
        members = seed_files.members_of(content)
        name = str(rng.choice(sorted(members)))
        return seed_files.zipped(members | {name: _damaged(members[name], rng)})
    return _damaged(content, rng)


def _damaged(content: bytes, rng: np.random.Generator) -> bytes:
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 6))):
        if not data:
            break
        start = int(rng.integers(len(data)))
        length = int(min(len(data) - start, 2 ** rng.integers(0, 8)))
        kind = rng.integers(8)
        if kind == 0:
            data[start] ^= 1 << int(rng.integers(8))
        elif kind == 1:
            data[start] = int(rng.integers(256))
        elif kind == 2:
            del data[start : start + length]
        elif kind == 3:
            data[start:start] = data[start : start + length]
        elif kind == 4:
            data[start:start] = WORDS[rng.integers(len(WORDS))]
        elif kind == 5:
            word = WORDS[rng.integers(len(WORDS))]
            data[start : start + len(word)] = word
        elif kind == 6:
            width = int(rng.choice([2, 4, 8]))
            size = SIZES[rng.integers(len(SIZES))] % (1 << 8 * width)
            data[start : start + width] = size.to_bytes(width, str(rng.choice(["little", "big"])))
        else:
            del data[start:]
    return bytes(data)


def make_input(target: Target, number: int) -> bytes:
    """Return input `number`; the first ones are the sound files."""
    if number < len(target.seeds):
        return target.seeds[number]
    rng = np.random.default_rng([2024, number])
    return damaged(target.seeds[number % len(target.seeds)], rng)


def fuzz(target: Target, n_inputs: int, kept: Path | None = None) -> Outcome:
    """Have children read inputs 0 to `n_inputs`; one that dies is replaced by one that goes on after its last input."""
    outcome, start = Outcome(), 0
    while start < n_inputs:
        with tempfile.TemporaryDirectory() as folder, _child(target, start, n_inputs, Path(folder)) as (channel, pid):
            current = start
            for line in _lines(channel, SECONDS):
                number, what = line.split(" ", 1)
                current = int(number)
                if what != "begins":
                    _note(outcome, current, what)
                    start = current + 1
            if start < n_inputs:
                how = _how_it_died(pid)
                if target.apart:
                    how = _apart(target, current, Path(folder)) or f"contained: {how}"
                _note(outcome, current, how)
                start = current + 1
            else:
                os.waitpid(pid, 0)
    if kept is not None:
        for number, _ in outcome.failures:
            kept.mkdir(parents=True, exist_ok=True)
            (kept / f"{number}-{target.name}").write_bytes(make_input(target, number))
    return outcome


def _note(outcome: Outcome, number: int, what: str) -> None:
    outcome.counts[what.partition("\t")[0]] += 1
    if not what.startswith(SOUND_ENDS) and outcome.counts[what.partition("\t")[0]] <= SHOWN:
        outcome.failures.append((number, what))


def _how_it_died(pid: int) -> str:
    time.sleep(0.1)
    if os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return "hang"
    status = os.waitpid(pid, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    return f"crash: {signal.Signals(-code).name if code < 0 else code}"


def _apart(target: Target, number: int, folder: Path) -> str | None:
    """Read an input as Etalon does, in a process of its own; return what is wrong with how that ends."""
    place = folder / target.name
    place.write_bytes(make_input(target, number))
    try:
        run_apart(lambda: target.read(place), target.name, SECONDS)
    except EtalonError as error:
        return "more than one line" if "\n" in str(error) else None
    return None


@contextlib.contextmanager
def _child(target: Target, start: int, n_inputs: int, folder: Path) -> Iterator[tuple[int, int]]:
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ours)
        _read_all(target, start, n_inputs, folder, theirs)
        os._exit(0)
    os.close(theirs)
    try:
        yield ours, pid
    finally:
        os.close(ours)


def _read_all(target: Target, start: int, n_inputs: int, folder: Path, channel: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    sys.stdout = sys.stderr = io.StringIO()  # what libraries print
    for number in range(start, n_inputs):
        os.write(channel, f"{number} begins\n".encode())
        place = folder / target.name
        place.write_bytes(make_input(target, number))
        os.write(channel, f"{number} {_outcome(target, place)}\n".encode())
        for left in folder.iterdir():
            left.unlink()


def _outcome(target: Target, path: Path) -> str:
    try:
        target.read(path)
    except EtalonError as error:
        return "refused" if "\n" not in str(error) else "more than one line"
    except BaseException as error:  # noqa: BLE001 - whatever it is, it is what this run looks for
        last = traceback.extract_tb(error.__traceback__)[-1]
        text = " ".join(str(error).split())[:150]
        return f"{type(error).__name__}\t{text}\t{Path(last.filename).name}:{last.lineno}"
    return "read"


def _lines(channel: int, seconds: float) -> Iterator[str]:
    """Yield the lines of a pipe, until its end or until nothing came for some seconds."""
    rest = b""
    while select.select([channel], [], [], seconds)[0] and (chunk := os.read(channel, 1 << 16)):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line.decode() for line in lines)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--inputs", type=int, default=10_000, help="files for each reader")
    arguments.add_argument("--only", nargs="*", help="readers; all where left out")
    arguments.add_argument("--keep", type=Path, help="folder for the inputs that failed")
    args = arguments.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as name:
        for reader, target in targets(Path(name)).items():
            if args.only and reader not in args.only:
                continue
            began = time.monotonic()
            outcome = fuzz(target, args.inputs, args.keep and args.keep / reader)
            counts = ", ".join(f"{n} {what}" for what, n in outcome.counts.most_common())
            print(f"{reader}: {counts} ({time.monotonic() - began:.0f} s)", flush=True)
            for number, what in outcome.failures:
                print(f"  input {number}: {what}")
            failed |= bool(outcome.failures)
    sys.exit(failed)


if __name__ == "__main__":
    main()
