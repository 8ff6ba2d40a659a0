"""`etalon import`: a person's own table becomes a dataset in the data contract."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etalon.errors import BadInputError

if TYPE_CHECKING:
    from etalon.contracts import SpectraSet

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
CATALOGUE = Path("config/datasets.yaml")
_COLUMN = "NAME"


def import_(
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="CSV, semicolon- or tab-separated text, or an Excel workbook (.xlsx)."),
    ],
    dataset_id: Annotated[str, typer.Option("--id", help="Name of the dataset: small letters, digits, underscores.")],
    axis_unit: Annotated[str, typer.Option(metavar="nm|cm-1", help="Unit of the numbers that head the channels.")],
    out: Annotated[Path, typer.Option(help="Folder of datasets; the set goes to OUT/ID.")] = Path("data/real"),
    modality: Annotated[
        str | None,
        typer.Option(metavar="nir|visnir|mir|raman", help="Left out: nir or visnir, by the first channel."),
    ] = None,
    representation: Annotated[
        str, typer.Option(metavar="absorbance|reflectance|...", help="Quantity of the intensities.")
    ] = "unknown",
    sample_column: Annotated[str | None, typer.Option(metavar=_COLUMN, help="Column of unique sample ids.")] = None,
    specimen_column: Annotated[
        str | None, typer.Option(metavar=_COLUMN, help="Column that replicate scans of one specimen share.")
    ] = None,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:UNIT[:ANALYTE[:BASIS]]", help="A column of laboratory values; repeatable."),
    ] = None,
    no_targets: Annotated[bool, typer.Option("--no-targets", help="Import the spectra alone.")] = False,
    label_column: Annotated[str | None, typer.Option(metavar=_COLUMN, help="Column of classes.")] = None,
    split_column: Annotated[
        str | None, typer.Option(metavar=_COLUMN, help="Column of train and test, or of numbered folds.")
    ] = None,
    family: Annotated[
        str | None, typer.Option(help="Datasets of one family share specimens or product and source. Default: ID.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Excel sheet. Default: the first.")] = None,
    delimiter: Annotated[
        str | None, typer.Option(metavar="comma|semicolon|tab", help="Left out: the one that fits the header.")
    ] = None,
    decimal: Annotated[
        str | None, typer.Option(metavar="point|comma", help="Left out: the one that most numbers have.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a dataset of that id.")] = False,
) -> None:
    """Import your own spectra: one spectrum a row, channels headed by their wavelength or wavenumber.

    \b
    etalon import mine.csv --id mine --axis-unit nm --target "protein:g/100 g"
    etalon import scans.xlsx --id oil --axis-unit cm-1 --modality mir --sheet Data --specimen-column bottle
    etalon import soil.csv --id soil --axis-unit nm --target "OC:g/kg:organic_carbon:dry" --split-column set

    Channels may be written 1100, X1100, "1100 nm" or "1100,5". Falling axes are turned round and cm-1 becomes
    nm, except for Raman. The file itself is not changed.
    """
    from etalon.commands.summary import describe
    from etalon.data.import_table import Request, import_table
    from etalon.data.table_columns import Wishes

    request = Request(
        dataset_id=dataset_id,
        axis_unit=axis_unit,
        modality=modality,
        representation=representation,
        family=family,
        sheet=sheet,
        delimiter=None if delimiter is None else DELIMITERS.get(delimiter, delimiter),
        decimal=decimal,
        wishes=Wishes(
            sample=sample_column,
            specimen=specimen_column,
            split=split_column,
            label=label_column,
            targets=tuple(target or ()),
            no_targets=no_targets,
        ),
    )
    spectra, table, columns = import_table(file, request)
    _check_free(dataset_id)
    folder = place(out, spectra, overwrite)
    typer.echo(describe(spectra, table, columns))
    typer.echo(f"written to {folder}")


def _check_free(dataset_id: str) -> None:
    """Raise BadInputError for an id of the catalogue: the workflow would take the set for that one."""
    from etalon.catalogue import load_catalogue

    if CATALOGUE.exists() and dataset_id in load_catalogue(CATALOGUE):
        raise BadInputError(CATALOGUE, "--id", "an id that the catalogue does not use", repr(dataset_id))


def place(out: Path, spectra: SpectraSet, overwrite: bool = False) -> Path:
    """Write `spectra` to its folder below `out`: either the complete set stands there afterwards, or what stood before.

    Raises
    ------
    BadInputError
        Where something stands there and `overwrite` is False, or is no dataset.
    """
    from etalon.storage import METADATA, save_set

    folder = out / spectra.metadata.dataset_id
    if folder.exists() and not overwrite:
        raise BadInputError(folder, "--id", "an id that is not in use, or --overwrite", "a dataset of that id")
    if folder.exists() and not (folder / METADATA).is_file():
        raise BadInputError(folder, "--overwrite", "a dataset to replace", f"something without {METADATA}")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=f".{folder.name}-") as temporary:
        new, old = Path(temporary) / "new", Path(temporary) / "old"
        save_set(new, spectra)
        if folder.exists():
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError:
            if old.exists():
                old.rename(folder)
            raise
    return folder
