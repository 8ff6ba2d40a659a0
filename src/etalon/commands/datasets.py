"""`etalon datasets`: list, fetch and check the datasets of the catalogue."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etalon.errors import BadInputError, EtalonError, NotRunError

if TYPE_CHECKING:
    from etalon.catalogue import Entry

FAILED = 1
SHOWN_TARGETS = 5

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="List, fetch and check the datasets of the catalogue."
)

Catalogue = Annotated[Path, typer.Option(metavar="FILE", help="Catalogue of datasets.")]
Data = Annotated[Path, typer.Option(metavar="DIR", help="Folder that holds raw/, real/ and synthetic/.")]
Mirror = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Folder of raw files to read in place. Default: $ETALON_MIRROR.")
]
Ids = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID", show_default=False, help="Ids of datasets, as `etalon datasets list` shows them."),
]
CATALOGUE, DATA = Path("config/datasets.yaml"), Path("data")


@app.command("list", short_help="List the datasets of the catalogue.")
def list_(
    family: Annotated[str | None, typer.Option(metavar="NAME", help="Only the sets of this family.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything the catalogue says, as JSON.")] = False,
    catalogue: Catalogue = CATALOGUE,
) -> None:
    """List the datasets of the catalogue.

    \b
    etalon datasets list --family corn
    etalon datasets list --json
    """
    from etalon.catalogue import load_catalogue

    entries = list(load_catalogue(catalogue).values())
    if family is not None:
        families = sorted({entry.family for entry in entries})
        if family not in families:
            raise BadInputError(catalogue, "--family", f"one of {', '.join(families)}", repr(family))
        entries = [entry for entry in entries if entry.family == family]
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in entries], indent=2, ensure_ascii=False))
        return
    rows = [("id", "family", "modality", "spectra", "channels", "reference values")]
    rows += [
        (e.id, e.family, e.modality, str(e.expect.n_samples), str(e.expect.n_channels), _reference(e)) for e in entries
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        texts = [cell.ljust(width) for cell, width in zip(row[:3], widths[:3], strict=True)]
        numbers = [cell.rjust(width) for cell, width in zip(row[3:5], widths[3:5], strict=True)]
        typer.echo("  ".join([*texts, *numbers, row[5]]))
    size = sum({file.path: file.bytes for entry in entries for file in entry.files}.values())
    n_families = len({entry.family for entry in entries})
    typer.echo(f"{len(entries)} datasets, {n_families} families, {_megabytes(size)} of raw files")


@app.command(short_help="Get the raw files of datasets.")
def fetch(
    ids: Ids = None,
    everything: Annotated[bool, typer.Option("--all", help="Every dataset of the catalogue.")] = False,
    mirror: Mirror = None,
    data: Data = DATA,
    catalogue: Catalogue = CATALOGUE,
) -> None:
    """Get the raw files of datasets into DATA/raw; each is compared with its checksum.

    What a mirror folder or DATA/raw holds already is not downloaded. Exit status 1 where a set cannot be had.

    \b
    etalon datasets fetch corn_m5 corn_mp5
    etalon datasets fetch --all
    """
    if bool(ids) == everything:
        found = "both" if everything else "neither"
        raise BadInputError("etalon datasets fetch", "ID", "ids of datasets, or --all", found)
    from etalon.catalogue import load_catalogue
    from etalon.commands.checks import forget_failure
    from etalon.data.fetch import fetch as fetch_files
    from etalon.data.fetch import mirror_folder

    entries = load_catalogue(catalogue)
    folder = mirror_folder(mirror)

    def get(name: str) -> str:
        entry = entries[name]
        fetch_files(entry, data / "raw", folder)
        forget_failure(entry, data)
        if not entry.files:
            return "needs no raw files"
        n_files = len(entry.files)
        size = _megabytes(sum(file.bytes for file in entry.files))
        return f"{n_files} raw file{'s' if n_files > 1 else ''}, {size}"

    outcomes = _each(_known(ids, entries, catalogue) if ids else list(entries), get)
    if outcomes["failed"] or outcomes["absent"]:
        raise typer.Exit(FAILED)


@app.command(short_help="Compare datasets with the data contract and the catalogue.")
def check(
    ids: Ids = None,
    mirror: Mirror = None,
    data: Data = DATA,
    catalogue: Catalogue = CATALOGUE,
) -> None:
    """Compare datasets with the data contract and with the catalogue, one line a set.

    Without an ID: all of the catalogue, and those you imported. A set that stands in DATA is loaded from there, one
    of which only the raw files are there is read from these. Exit status 1 where a set fails, or was named and is
    absent.

    \b
    etalon datasets check
    etalon datasets check corn_m5 mine
    """
    from etalon.catalogue import load_catalogue
    from etalon.commands.checks import check_entry, check_own
    from etalon.data.fetch import mirror_folder
    from etalon.storage import METADATA

    # Outside a clone there is no catalogue, and one's own sets are all there is to check.
    entries = {} if catalogue == CATALOGUE and not catalogue.exists() else load_catalogue(catalogue)
    folder = mirror_folder(mirror)
    own = sorted({path.parent.name for path in data.glob(f"real/*/{METADATA}")} - set(entries))

    def compare(name: str) -> str:
        return check_own(data / "real" / name) if name in own else check_entry(entries[name], data, folder)

    outcomes = _each(_known(ids, [*entries, *own], catalogue) if ids else [*entries, *own], compare)
    if outcomes["failed"] or (ids and outcomes["absent"]):
        raise typer.Exit(FAILED)


def _known(ids: Sequence[str], names: Sequence[str] | dict[str, Entry], catalogue: Path) -> list[str]:
    from etalon.catalogue import get_entry

    for name in ids:
        if name not in names and catalogue.exists():
            get_entry(catalogue, name)  # names what comes close
        elif name not in names:
            raise BadInputError("etalon datasets", "ID", "the id of an imported dataset", repr(name))
    return list(ids)


def _each(names: Sequence[str], work: Callable[[str], str]) -> Counter[str]:
    """Do `work` on each dataset; print one line each and their number; return how often each outcome occurred."""
    outcomes: Counter[str] = Counter()
    width = max(map(len, names), default=0)
    for name in names:
        try:
            outcome, text = "ok", work(name)
        except NotRunError as error:
            outcome, text = "absent", error.reason
        except EtalonError as error:
            outcome, text = "failed", " ".join(str(error).split())
        outcomes[outcome] += 1
        typer.echo(f"{name:<{width}}  {outcome:<6}  {text}")
    if len(names) > 1:
        typer.echo(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))
    return outcomes


def _reference(entry: Entry) -> str:
    names = [target.name for target in entry.targets]
    more = len(names) - SHOWN_TARGETS
    text = ", ".join(names[:SHOWN_TARGETS]) + (f", {more} more" if more > 0 else "")
    label = "classes" if entry.label else ""
    return "; ".join(filter(None, (text, label))) or "none"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
