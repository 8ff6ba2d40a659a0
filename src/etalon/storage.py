"""Reading and writing the data contract; nothing half-written is ever left under its final name."""

import contextlib
import errno
import json
import mmap
import os
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from etalon.contracts import Metadata, SpectraSet
from etalon.errors import BadInputError, NotRunError

METADATA = "metadata.json"
_DTYPES = {"F32": np.float32, "F64": np.float64}  # of safetensors files


@contextlib.contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` when the block ends without an error."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def save_array(path: str | Path, array: np.ndarray) -> None:
    with replacing(path) as temporary, temporary.open("wb") as file:
        try:
            np.save(file, array, allow_pickle=False)
        except OSError as error:
            if error.errno is not None:
                raise
            # numpy counts what it could write and does not say why.
            raise OSError(errno.EIO, f"not written whole ({error}); is the disk full?", str(path)) from error


def save_json(path: str | Path, content: Any) -> None:
    with replacing(path) as temporary:
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def save_table(path: str | Path, table: pd.DataFrame) -> None:
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)


def load_json(path: str | Path) -> Any:
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise BadInputError(path, f"line {error.lineno}", "valid JSON", error.msg) from error
    except UnicodeDecodeError as error:
        raise BadInputError(path, "file", "JSON in UTF-8", f"byte {error.object[error.start]:#x}") from error


def load_array(path: str | Path) -> np.ndarray:
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError as error:
        raise BadInputError(path, "file", "an array", "no such file") from error
    except Exception as error:  # a damaged header goes through Python's tokeniser, which has errors of its own
        raise BadInputError(path, "file", "a sound array of numbers", error) from error
    if not isinstance(array, np.ndarray):
        raise BadInputError(path, "file", "one array", "an archive of arrays")
    return array


class MappedTensor(NamedTuple):
    """A tensor of a file that is read from disk when it is used.

    Attributes
    ----------
    values : read-only
    mapping, offset : the file, and the byte at which the values begin
    """

    values: np.ndarray
    mapping: mmap.mmap
    offset: int

    def announce(self, rows: Iterable[int]) -> None:
        """Ask the system to read some rows. It does so in the background: nobody waits when they are used later."""
        size = self.values.strides[0]
        for row in rows:
            start = self.offset + row * size
            within_page = start % mmap.PAGESIZE
            self.mapping.madvise(mmap.MADV_WILLNEED, start - within_page, within_page + size)


def map_tensors(path: str | Path, advice: int) -> dict[str, MappedTensor]:
    """Return the tensors of a safetensors file without reading them.

    Eight bytes with the length of a JSON header, the header, the values: https://github.com/huggingface/safetensors.
    Its library maps files too, but cannot be told how they will be read: around every single row the kernel would
    then read up to megabytes that nobody asked for.

    Parameters
    ----------
    advice : `mmap.MADV_RANDOM` for single rows here and there, `mmap.MADV_SEQUENTIAL` for all from the first on
    """
    try:
        with Path(path).open("rb") as file:
            mapping = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        mapping.madvise(advice)
        start = 8 + int.from_bytes(mapping[:8], "little")
        header = json.loads(mapping[8:start])
        return {name: _mapped_tensor(mapping, start, entry) for name, entry in header.items() if name != "__metadata__"}
    except FileNotFoundError as error:
        raise BadInputError(path, "file", "tensors, .safetensors", "no such file") from error
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError) as error:
        raise BadInputError(path, "file", "a sound safetensors file", error) from error


def _mapped_tensor(mapping: mmap.mmap, start: int, entry: dict[str, Any]) -> MappedTensor:
    """Return one tensor, described by `entry` of the header; all values begin at byte `start`."""
    offset = start + entry["data_offsets"][0]
    return MappedTensor(np.ndarray(entry["shape"], _DTYPES[entry["dtype"]], mapping, offset), mapping, offset)


def save_set(folder: str | Path, spectra: SpectraSet) -> None:
    """Write `spectra` into `folder`. The metadata is written last: where it stands, the set is complete."""
    folder = Path(folder)
    (folder / METADATA).unlink(missing_ok=True)
    save_array(folder / "spectra.npy", spectra.intensities)
    save_array(folder / "wavelengths.npy", spectra.wavelengths)
    if spectra.metadata.targets:
        save_array(folder / "targets.npy", spectra.reference)
    else:
        (folder / "targets.npy").unlink(missing_ok=True)
    samples = {"sample_id": spectra.sample_id, "specimen": spectra.specimen}
    samples |= {k: v for k in ("split", "label") if (v := getattr(spectra, k)) is not None}
    save_table(folder / "samples.parquet", pd.DataFrame(samples))
    save_json(folder / METADATA, spectra.metadata.to_json())


def save_unavailable(folder: str | Path, dataset_id: str, reason: str) -> None:
    """Record in `folder` that the dataset could not be had; `load_set` then raises NotRunError(reason)."""
    save_json(Path(folder) / METADATA, {"dataset_id": dataset_id, "not_run": reason})


def load_metadata(folder: str | Path) -> Metadata:
    path = Path(folder) / METADATA
    if not path.exists():
        raise BadInputError(path, "file", "a dataset in the data contract", "no such file")
    content = load_json(path)
    if not isinstance(content, dict):
        raise BadInputError(path, "file", "one JSON object", type(content).__name__)
    if "not_run" in content:
        raise NotRunError(content["not_run"])
    return Metadata.from_json(content, where=path)


def load_set(folder: str | Path) -> SpectraSet:
    """Read a dataset written by `save_set`; raises NotRunError where it is recorded as unavailable."""
    folder = Path(folder)
    metadata = load_metadata(folder)
    column = _load_samples(folder / "samples.parquet")
    return SpectraSet(
        metadata=metadata,
        intensities=load_array(folder / "spectra.npy"),
        wavelengths=load_array(folder / "wavelengths.npy"),
        reference=load_array(folder / "targets.npy") if metadata.targets else np.empty((0, 0)),
        sample_id=column["sample_id"],
        specimen=column["specimen"],
        split=column.get("split"),
        label=column.get("label"),
    )


def _load_samples(path: Path) -> dict[str, np.ndarray]:
    try:
        samples = pd.read_parquet(path)
    except FileNotFoundError as error:
        raise BadInputError(path, "file", "a table of samples", "no such file") from error
    except Exception as error:  # pyarrow and pandas let through whatever their parts raise for a damaged file
        raise BadInputError(path, "file", "a sound parquet table", error) from error
    if missing := sorted({"sample_id", "specimen"} - set(samples)):
        raise BadInputError(path, "columns", "sample_id and specimen", f"no {missing[0]}")
    return {str(name): samples[name].to_numpy(str) for name in samples}


def load_baseline(folder: str | Path, spectra: SpectraSet) -> np.ndarray:
    """Return the cached AsLS baseline, float32, shape (n_samples, n_channels)."""
    path = Path(folder) / "baseline_asls.npy"
    baseline = load_array(path)
    if baseline.shape != spectra.intensities.shape:
        raise BadInputError(path, "shape", str(spectra.intensities.shape), baseline.shape)
    return baseline
