"""What commands on a person's own sets share: datasets by id or folder, targets by name, folders written whole."""

from __future__ import annotations

import difflib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etalon.errors import BadInputError, NotRunError

if TYPE_CHECKING:
    from etalon.contracts import SpectraSet, Target

Dataset = Annotated[str, typer.Argument(metavar="DATASET", help="Id of an imported dataset, or its folder.")]
Data = Annotated[Path, typer.Option(metavar="DIR", help="Folder that holds real/ and synthetic/.")]
Encoder = Annotated[
    str,
    typer.Option(
        metavar="shipped|fs|FILE",
        help="shipped: the weights of the package; fs: fixed inner products, no weights; FILE: a checkpoint.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what stands there.")]
DATA = Path("data")


def open_dataset(name: str, data: Path) -> SpectraSet:
    """Read a dataset by its id below `data`, or from its folder.

    Raises
    ------
    BadInputError : there is none
    """
    from etalon.storage import METADATA, load_set

    own = Path(name)
    if (own / METADATA).is_file():
        return load_set(own)
    folders = [data / kind / name for kind in ("real", "synthetic")]
    for folder in folders:
        if (folder / METADATA).is_file():
            return _load(folder)
    known = sorted(path.parent.name for kind in ("real", "synthetic") for path in data.glob(f"{kind}/*/{METADATA}"))
    near = difflib.get_close_matches(name, known, n=3) or known[:5]
    expected = f"the id of an imported dataset, such as {', '.join(near)}" if near else "an imported dataset"
    raise BadInputError(data, "DATASET", f"{expected} (`etalon import` makes one)", repr(name))


def _load(folder: Path) -> SpectraSet:
    from etalon.storage import load_set

    try:
        return load_set(folder)
    except NotRunError as error:
        raise BadInputError(folder, "dataset", "spectra", f"none, {error.reason}") from error


def find_target(spectra: SpectraSet, name: str | None, option: str = "--analyte") -> Target:
    """Return a target by its name or its analyte; the only one where `name` is None.

    Raises
    ------
    BadInputError : no such target, or no name and several
    """
    targets = spectra.metadata.targets
    where = spectra.metadata.dataset_id
    names = ", ".join(target.name for target in targets)
    if not targets:
        raise BadInputError(where, option, "a dataset with laboratory values", "spectra alone")
    if name is None:
        if len(targets) == 1:
            return targets[0]
        raise BadInputError(where, option, f"one of {names}", "none")
    for matches in (
        [target for target in targets if target.name == name],
        [target for target in targets if name.casefold() in (target.name.casefold(), target.analyte.casefold())],
    ):
        if len(matches) == 1:
            return matches[0]
    raise BadInputError(where, option, f"one of {names}", repr(name))


def checkpoint_of(encoder: str) -> Path | None:
    """Return the file of weights that --encoder names; None for `fs`."""
    if encoder == "fs":
        return None
    if encoder == "shipped":
        from etalon.weights import shipped

        return shipped()
    path = Path(encoder)
    if not path.is_file():
        raise BadInputError("command line", "--encoder", "shipped, fs or a file of weights", repr(encoder))
    record = path.with_suffix(".json")
    if path.suffix != ".safetensors" or not record.is_file():
        expected = "weights in a .safetensors, with their record in a .json beside it"
        found = f"no {record.name}" if path.suffix == ".safetensors" else repr(path.name)
        raise BadInputError(path, "--encoder", expected, found)
    return path


@contextmanager
def whole_folder(folder: Path, mark: str, overwrite: bool) -> Iterator[Path]:
    """Yield a new folder; rename it to `folder` when the block ends without an error.

    Parameters
    ----------
    mark : a file by which a folder that may be replaced is known

    Raises
    ------
    BadInputError : something stands there and `overwrite` is False, or is not of that kind
    """
    if folder.exists() and not overwrite:
        raise BadInputError(folder, "--out", "a folder that does not exist, or --overwrite", "one that does")
    if folder.exists() and not (folder / mark).is_file():
        raise BadInputError(folder, "--overwrite", f"a folder with {mark} to replace", "another one")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        new.mkdir()
        yield new
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
        shutil.rmtree(old, ignore_errors=True)
