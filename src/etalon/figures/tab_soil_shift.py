"""tab_soil_shift: what another laboratory costs, and how much of it is the range of the property, how much the spectra.

One row a pair of sets, property and model. The steps from the error on the training set in cross-validation to that on
the other laboratory's soils add up: range, spectra, beyond (`etalon.evaluate.soil_shift`).
"""

import pandas as pd

from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, Notes, escape, fixed, longtable, write
from etalon.figures.soil_marks import property_label, set_label
from etalon.figures.soil_rows import PROPERTIES

COLUMNS = (
    *("pair", "train", "dataset", "target", "unit", "method", "variant", "n", "quantity", "value", "low", "high"),
    *("synthetic", "status"),
)
KEYS = ["synthetic", "train", "dataset", "target", "unit", "method", "n", "status"]
PARTS = ("range", "spectra", "beyond")
VALUES = ("rmse_train", *PARTS, "rmse_test", "offset", "matched", "rmse_own")
METHODS = {
    "mir_plsr": "MIR-PLSR",
    "mir_latent_ridge": "MIR-latent-ridge",
    "nir_plsr": "NIR-PLSR",
    "nir_to_mir_latent_ridge": "NIRtoMIR-latent-ridge",
}


def tabulate(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a pair, property and model: `KEYS`, `VALUES`, the ends of the intervals of `PARTS`."""
    rows = plain(table)
    wide = rows.pivot_table(
        index=KEYS, columns="quantity", values=["value", "low", "high"], dropna=False, observed=True
    )
    columns = [("value", name) for name in VALUES] + [(end, name) for name in PARTS for end in ("low", "high")]
    flat = wide.reindex(columns=pd.MultiIndex.from_tuples(columns))
    flat.columns = pd.Index([name if which == "value" else f"{name}_{which}" for which, name in columns])
    found = rows[KEYS].drop_duplicates().merge(flat.reset_index(), on=KEYS, how="left")
    rank = {name: number for number, name in enumerate(PROPERTIES)}
    found = found.assign(p=found["target"].map(rank), m=found["method"].map(list(METHODS).index))
    return found.sort_values(["synthetic", "train", "dataset", "p", "m"], kind="stable").drop(columns=["p", "m"])


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tabulate`."""
    notes = Notes()
    body = [_cells(row, notes) for _, row in table.iterrows()]
    caption = (
        "What another laboratory costs, in units of the property. RMSE of a model of the training set's soils in"
        " cross-validation, then the steps to its RMSE on the other laboratory's: range, soils of the training set with"
        " the properties of the other's; spectra, soils of equal property measured there instead; beyond, those of its"
        " soils that have none alike. Intervals of 95~\\% by bootstrap over the soils of both. Offset: what of the step"
        " of spectra a constant takes away. Matched: share of soils with one alike. Own: RMSE of a model trained there,"
        " in cross-validation."
    )
    header = ["Trained on", "Tested on", "Property", "Model", "RMSE", "Range", "Spectra", "Beyond", "RMSE there"]
    header += ["Offset", "Matched", "Own"]
    text = longtable(caption, "tab:soil-shift", "llllrrrrrrrr", header, body, notes.lines(body))
    return PREAMBLE + "\n".join([LAYOUT, text + r"\endgroup"]) + "\n"


def _cells(row: pd.Series, notes: Notes) -> list[str]:
    name = escape(set_label(row["dataset"])) + (SYNTHETIC if row["synthetic"] else "")
    unit = f" ({escape(row['unit'])})" if row["unit"] not in ("", "pH") else ""
    cells = [escape(set_label(row["train"])), name, property_label(row["target"]) + unit, METHODS[row["method"]]]
    if row["status"] != "ok":
        return [*cells, notes.mark(row["status"]), *[""] * 7]
    parts = [_part(row, part) for part in PARTS]
    return [
        *cells,
        fixed(row["rmse_train"], 2),
        *parts,
        fixed(row["rmse_test"], 2),
        fixed(row["offset"], 2, sign=True),
        rf"{fixed(100 * row['matched'], 0)}~\%",
        fixed(row["rmse_own"], 2),
    ]


def _part(row: pd.Series, name: str) -> str:
    value, low, high = (fixed(row[column], 2, sign=True) for column in (name, f"{name}_low", f"{name}_high"))
    return f"{value} [{low}, {high}]" if low else value


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = tabulate(load_table(args.metrics, COLUMNS))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
