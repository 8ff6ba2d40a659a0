"""`etalon predict`: a model and new spectra to predictions with intervals, and which spectra it does not know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from etalon.commands.importing import HeaderRow, Transpose
from etalon.commands.own import DATA, Data, Json, open_dataset
from etalon.errors import BadInputError

if TYPE_CHECKING:
    import pandas as pd

    from etalon.applied.model import Model
    from etalon.contracts import SpectraSet
    from etalon.data.import_table import Request

LEVEL = 0.9


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a model, as `etalon calibrate` writes it.")],
    spectra: Annotated[
        str, typer.Argument(metavar="SPECTRA", help="New spectra: a table, a folder of files, or an imported dataset.")
    ],
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Table to write, .csv or .parquet. Left out: standard output.")
    ] = None,
    axis_unit: Annotated[
        str | None,
        typer.Option(metavar="nm|cm-1", help="Unit of the channels. Left out: as the file says, or what fits."),
    ] = None,
    sample_column: Annotated[str | None, typer.Option(metavar="NAME", help="Column of sample ids.")] = None,
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Excel sheet. Default: the first.")] = None,
    header_row: HeaderRow = None,
    transpose: Transpose = False,
    data: Data = DATA,
    as_json: Json = False,
) -> None:
    """Predict new spectra: value, conformal interval, and whether the spectrum is like those of the calibration.

    \b
    etalon predict models/mine_protein new.csv
    etalon predict models/mine_protein scans/ --out today.csv
    etalon predict models/mine_protein other_dataset --json

    Columns: sample_id, prediction, lower and upper (90 %), t2 and q (distances over their 99 % limits), unlike (one of
    them above 1), beyond (outside the range of the calibration's references). A spectrum on other channels is
    interpolated where it covers the calibration's; another instrument wants `etalon transfer`.
    """
    from etalon.applied.model import Model
    from etalon.commands.output import print_json
    from etalon.data.import_table import Request
    from etalon.data.raw_table import Layout
    from etalon.data.table_columns import Wishes
    from etalon.storage import replacing

    if out is not None and out.suffix.lower() not in (".csv", ".parquet"):
        raise BadInputError("command line", "--out", "a file that ends in .csv or .parquet", repr(out.name))
    kept = Model.load(model)
    request = Request(
        dataset_id="new",
        axis_unit=axis_unit,
        modality=kept.about["modality"],
        sheet=sheet,
        layout=Layout(header_row, transpose),
        wishes=Wishes(sample=sample_column, no_targets=True),
    )
    found = _read(spectra, data, kept, request)
    try:
        table, interpolated = predict_table(kept, found)
    except BadInputError as error:  # of spectra that are no dataset: named after their file
        where = spectra if error.where == request.dataset_id else error.where
        raise BadInputError(where, error.field, error.expected, error.found) from error
    about = kept.about
    notes = [f"{int(table[name].sum())} of {len(table)} {name}" for name in ("unlike", "beyond") if table[name].any()]
    if interpolated:
        notes.append("interpolated onto the channels of the calibration")
    if as_json:
        head = {"model": str(model), "target": about["target"], "unit": about["unit"], "level": LEVEL}
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        print_json(head | {"interpolated": interpolated, "predictions": rows})
        return
    if out is None:
        typer.echo(table.to_csv(index=False, float_format="%.6g"), nl=False)
    else:
        with replacing(out) as temporary:
            if out.suffix.lower() == ".csv":
                table.to_csv(temporary, index=False, float_format="%.6g")
            else:
                table.to_parquet(temporary, index=False)
    said = f"{len(table)} predictions of {about['target']} ({about['unit']})" + (f" in {out}" if out else "")
    typer.echo("; ".join([said, *notes]), err=out is None)


def predict_table(model: Model, spectra: SpectraSet) -> tuple[pd.DataFrame, bool]:
    """Return the predictions of a dataset as the command writes them, and whether its spectra were interpolated."""
    import numpy as np
    import pandas as pd

    values, interpolated = model.on_grid(spectra)
    found = model.predict(values)
    lower, upper = found.lower[LEVEL], found.upper[LEVEL]
    table: dict[str, Any] = {
        "sample_id": spectra.sample_id,
        "prediction": found.values,
        "lower": np.where(np.isfinite(lower), lower, np.nan),
        "upper": np.where(np.isfinite(upper), upper, np.nan),
        "t2": found.t2,
        "q": found.q,
        "unlike": found.unlike,
        "beyond": found.beyond,
    }
    return pd.DataFrame(table), interpolated


def _read(name: str, data: Path, model: Model, request: Request) -> SpectraSet:
    """Return new spectra from an imported dataset, a table or files; their quantity is taken for the calibration's."""
    from etalon.commands.importing import read
    from etalon.storage import METADATA

    path = Path(name)
    if (path / METADATA).is_file() or (not path.exists() and not path.suffix and "*" not in name):
        return open_dataset(name, data)
    try:
        return read([path], request)[0]
    except BadInputError as error:
        if error.field != "--axis-unit" or request.axis_unit is not None:
            raise
    # Where the file does not say, the unit in which its channels cover those of the calibration.
    refused: dict[str, BadInputError] = {}
    for unit in ("nm", "cm-1"):
        try:
            spectra = read([path], replace(request, axis_unit=unit))[0]
            model.on_grid(spectra)
        except BadInputError as error:
            refused[unit] = error
            continue
        return spectra
    raise _plainest(path, refused)


def _plainest(path: Path, refused: dict[str, BadInputError]) -> BadInputError:
    """Return the error that says most of a file whose channels fit in neither unit.

    That the axis is none of such an instrument, as it is in the wrong unit, says least.
    """
    possible = {unit: error for unit, error in refused.items() if error.field != "header"}
    if len(possible) != 1:
        found = "; ".join(f"in {unit} {error.field}: {error.found}" for unit, error in refused.items())
        return BadInputError(path, "--axis-unit", "nm or cm-1, such that the channels are the calibration's", found)
    ((unit, error),) = possible.items()
    if error.field == "axis":
        return BadInputError(path, "axis", f"{error.expected}, as the calibration's", f"{error.found} {unit}")
    return error
