"""`etalon import`: a person's own table becomes a dataset in the data contract."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from etalon.commands.own import whole_folder
from etalon.errors import BadInputError

if TYPE_CHECKING:
    from etalon.contracts import SpectraSet
    from etalon.data.import_table import Request
    from etalon.data.raw_table import RawTable
    from etalon.data.table_columns import Columns

DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
CATALOGUE = Path("config/datasets.yaml")
PREVIEW = "preview.png"
_COLUMN = "NAME"
HeaderRow = Annotated[
    int | None, typer.Option(metavar="N", help="Row with the columns' names. Default: the first that is not blank.")
]
Transpose = Annotated[bool, typer.Option("--transpose", help="The table has one spectrum a column, one channel a row.")]


def import_(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Tables of spectra with the same columns (CSV, semicolon- or tab-separated text, .xlsx), or files of "
            "spectra (JCAMP-DX, SPC, OPUS, ASD, MATLAB, two-column text), a folder of them or a pattern.",
        ),
    ],
    dataset_id: Annotated[str, typer.Option("--id", help="Name of the dataset: small letters, digits, underscores.")],
    axis_unit: Annotated[
        str | None,
        typer.Option(metavar="nm|cm-1", help="Unit of the channels; needed where the file does not state it."),
    ] = None,
    references: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Table of laboratory values, joined by the names of samples or files."),
    ] = None,
    references_sheet: Annotated[
        str | None, typer.Option(metavar="NAME", help="Its sheet; it may be one of the workbook of the spectra.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of datasets; the set goes to OUT/ID.")] = Path("data/real"),
    modality: Annotated[
        str | None,
        typer.Option(metavar="nir|visnir|mir|raman", help="Left out: nir or visnir, by the first channel."),
    ] = None,
    representation: Annotated[
        str | None,
        typer.Option(
            metavar="absorbance|reflectance|...",
            help="Quantity of the intensities. Left out: what the files say, or unknown.",
        ),
    ] = None,
    sample_column: Annotated[str | None, typer.Option(metavar=_COLUMN, help="Column of unique sample ids.")] = None,
    specimen_column: Annotated[
        str | None, typer.Option(metavar=_COLUMN, help="Column that replicate scans of one specimen share.")
    ] = None,
    scan_separator: Annotated[
        str | None,
        typer.Option(metavar="SIGN", help="Instead: what parts specimen and scan in sample ids, as _ in wheat7_1."),
    ] = None,
    file_in_id: Annotated[
        bool,
        typer.Option(
            "--file-in-id", help="Of several tables: sample 7 of jan.csv is called jan/7, where ids occur again."
        ),
    ] = False,
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME:UNIT[:ANALYTE[:BASIS]]", help="A column of laboratory values; repeatable."),
    ] = None,
    unit: Annotated[
        str | None, typer.Option(metavar="UNIT", help="Unit of all laboratory values that state none, such as %.")
    ] = None,
    beyond_limit: Annotated[
        str | None,
        typer.Option(
            metavar="missing|half|limit",
            help="What stands for <0.5 and >100. missing: nothing, as if not measured; half: 0.25 and 100; limit: 0.5 "
            "and 100. Left out: such cells are refused.",
        ),
    ] = None,
    average_duplicates: Annotated[
        bool,
        typer.Option(
            "--average-duplicates",
            help="Take the mean of repeated determinations, and their SEL: rows of one name in --references, columns "
            'of one header or of --target "protein *:%".',
        ),
    ] = False,
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
    header_row: HeaderRow = None,
    transpose: Transpose = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a dataset of that id.")] = False,
    preview: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the plot of the spectra goes. Default: preview.png in the set."),
    ] = None,
    no_preview: Annotated[bool, typer.Option("--no-preview", help="Draw no plot.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say what was understood as JSON.")] = False,
) -> None:
    """Import your own spectra: tables with one spectrum a row, or files as instruments write them.

    \b
    etalon import mine.csv --id mine --axis-unit nm --target "protein:g/100 g"
    etalon import jan.csv feb.csv --id year --axis-unit nm --unit "%" --file-in-id
    etalon import scans/ --id wheat --references lab.xlsx --target "protein:%"
    etalon import spectra.csv --id rye --axis-unit nm --references lab.xlsx --scan-separator _
    etalon import spectra.csv --id soil --axis-unit nm --references lab.csv --beyond-limit half --average-duplicates
    etalon import "scans/*.spc" --id milk --no-targets
    etalon import scans.xlsx --id oil --axis-unit cm-1 --modality mir --sheet Data --specimen-column bottle
    etalon import soil.csv --id soil --axis-unit nm --target "OC:g/kg:organic_carbon:dry" --split-column set

    Channels may be written 1100, X1100, "1100 nm" or "1100,5". Falling axes are turned round and cm-1 becomes
    nm, except for Raman. The file itself is not changed.
    """
    from etalon.commands.output import print_json
    from etalon.commands.preview import draw
    from etalon.commands.summary import as_content, describe
    from etalon.data.import_table import Request
    from etalon.data.raw_table import Layout
    from etalon.data.table_columns import Wishes
    from etalon.data.table_shape import axis_unit as unit_of
    from etalon.storage import replacing

    request = Request(
        dataset_id=dataset_id,
        axis_unit=None if axis_unit is None else unit_of(axis_unit) or axis_unit,
        modality=modality,
        representation=representation,
        family=family,
        sheet=sheet,
        delimiter=None if delimiter is None else DELIMITERS.get(delimiter, delimiter),
        decimal=decimal,
        layout=Layout(header_row, transpose),
        wishes=Wishes(
            sample=sample_column,
            specimen=specimen_column,
            scan_separator=scan_separator,
            split=split_column,
            label=label_column,
            targets=tuple(target or ()),
            unit=unit,
            no_targets=no_targets,
            beyond_limit=beyond_limit,
            file_in_id=file_in_id,
            average=average_duplicates,
        ),
    )
    if references_sheet is not None and references is None:
        raise BadInputError("command line", "--references-sheet", "--references FILE as well", "none")
    spectra, table, columns = read(files, request, references, references_sheet)
    _check_free(dataset_id)
    folder = place(out, spectra, overwrite)
    picture = None if no_preview else preview or folder / PREVIEW
    if picture is not None:
        with replacing(picture) as temporary:
            draw(spectra, temporary)
    if as_json:
        print_json(as_content(spectra, table, columns) | {"folder": str(folder), "preview": picture and str(picture)})
        return
    typer.echo(describe(spectra, table, columns))
    if average_duplicates and all(one.sel is None for one in spectra.metadata.laboratory):
        typer.echo("repeats      none: no sample has two determinations that were measured")
    typer.echo(f"written to {folder}" + (f", plot in {picture}" if picture else ""))


def read(
    files: list[Path], request: Request, references: Path | None = None, references_sheet: str | None = None
) -> tuple[SpectraSet, RawTable, Columns]:
    """Read tables with many spectra or files of spectra, and join a table of references to them.

    With `request.wishes.average` the metadata say what the repeated determinations tell of the laboratory.
    """
    from etalon.data.import_table import to_spectra

    table, request = _read_table(files, request, references, references_sheet)
    spectra, table, columns = to_spectra(table, request)
    if request.wishes.average:
        spectra = _with_sel(spectra, table, columns, request.wishes.beyond_limit)
    return spectra, table, columns


def _read_table(
    files: list[Path], request: Request, references: Path | None, references_sheet: str | None
) -> tuple[RawTable, Request]:
    """Return the table that `read` makes spectra of, and what then is to be said of it."""
    from etalon.commands.output import progress
    from etalon.data.gather import SAMPLE, gather, tables_of
    from etalon.data.import_table import check_request
    from etalon.data.raw_table import read_raw_table
    from etalon.data.references import JoinedTable, names_of
    from etalon.data.stacked import StackedTable
    from etalon.data.table_shape import part_units

    check_request(files[0], request)
    tables, wishes = tables_of(files, references), request.wishes
    known = None
    if references is not None:
        sheet = references_sheet or (None if tables else request.sheet)
        if tables and sheet is None and references.resolve() in [one.resolve() for one in tables]:
            raise BadInputError(references, "--references-sheet", "the sheet of laboratory values", "none")
        known = part_units(read_raw_table(references, sheet, None if tables else request.delimiter))
    if tables:
        parts = [part_units(read_raw_table(one, request.sheet, request.delimiter, request.layout)) for one in tables]
        table = parts[0] if len(parts) == 1 else StackedTable.of(parts, wishes, request.decimal, request.axis_unit)
        if known is None:
            return table, request
        names = names_of(table, wishes.sample, wishes.specimen, wishes.scan_separator)
        key = wishes.sample if wishes.sample in known.header else None
        return (
            JoinedTable.of(table, known, names, key, repeats=wishes.average, decimal=request.decimal),
            request,
        )
    gathered = gather(files, references, lambda steps, total: progress(steps, "reading", "file", total))
    if known is None:
        return gathered, request
    names = gathered.names(wishes.scan_separator)
    table = JoinedTable.of(
        gathered, known, names, wishes.sample, repeats=wishes.average, decimal=request.decimal, hidden=(SAMPLE,)
    )
    # The names of the files are those of the samples from here on.
    return table, replace(request, wishes=replace(wishes, sample=None))


def _with_sel(spectra: SpectraSet, table: RawTable, columns: Columns, beyond_limit: str | None) -> SpectraSet:
    """Return a dataset whose metadata say what repeated determinations tell of the laboratory."""
    import numpy as np

    from etalon.contracts import Laboratory
    from etalon.data.import_table import references
    from etalon.evaluate.metrics import sel

    said = {one.target: one for one in spectra.metadata.laboratory}
    for target, found in references(table, columns, beyond_limit).items():
        if repeats := found.duplicates(spectra.specimen):
            single = sel(repeats)
            share = np.mean([1 / len(numbers) for numbers in found.measured if numbers])
            said[target.name] = replace(
                said.get(target.name, Laboratory(target.name)),
                sel=single,
                degrees_of_freedom=sum(len(numbers) - 1 for numbers in repeats),
                sel_of_references=single * float(np.sqrt(share)),
            )
    in_order = tuple(said[target.name] for target in spectra.metadata.targets if target.name in said)
    return replace(spectra, metadata=replace(spectra.metadata, laboratory=in_order))


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
    with whole_folder(folder, METADATA, overwrite) as new:
        save_set(new, spectra)
    return folder
