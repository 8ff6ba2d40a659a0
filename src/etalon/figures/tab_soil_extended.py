"""tab_soil_extended: properties given to NIR spectra by heads that were trained on MIR latents alone.

Where the laboratory determined the property, the predictions are judged against it, although the head never saw it with
a NIR spectrum; where it did not, the table says what can be said: range, and whether the latents lie where heads were
trained (`etalon.evaluate.soil_extended`).
"""

import pandas as pd

from etalon.figures.command import load_table, parse_args, plain, run
from etalon.figures.latex import LAYOUT, PREAMBLE, SYNTHETIC, escape, fixed, longtable, write
from etalon.figures.soil_marks import property_label, set_label
from etalon.figures.soil_rows import PROPERTIES

COLUMNS = (
    *("condition", "dataset", "pair", "target", "unit", "status", "n", "quantity", "value", "low", "high", "synthetic"),
)
KEYS = ["synthetic", "condition", "dataset", "pair", "target", "unit", "status", "n"]
SCORES = ("ccc", "rmsep", "bias")
VALUES = (*SCORES, "low_5", "median", "high_95", "in_range", "inside")


def tabulate(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row a set, pair and property: `KEYS`, `VALUES` and the ends of the intervals of `SCORES`."""
    rows = plain(table)
    keys = [name for name in KEYS if name != "n"]
    found = rows.groupby(keys, sort=False)["n"].min().reset_index()
    for column in ("value", "low", "high"):
        wide = rows.pivot_table(index=keys, columns="quantity", values=column, dropna=True, observed=True)
        names = VALUES if column == "value" else SCORES
        wide = wide.reindex(columns=list(names)).rename(columns={} if column == "value" else _ends(column))
        found = found.merge(wide.reset_index(), on=keys, how="left")
    rank = {name: number for number, name in enumerate(PROPERTIES)}
    found = found.assign(p=found["target"].map(rank), unknown=found["ccc"].isna())
    order = ["synthetic", "condition", "dataset", "pair", "unknown", "p"]
    return found.sort_values(order, kind="stable").drop(columns=["p", "unknown"]).reset_index(drop=True)


def _ends(column: str) -> dict[str, str]:
    return {name: f"{name}_{column}" for name in SCORES}


def typeset(table: pd.DataFrame) -> str:
    """Return LaTeX for the output of `tabulate`."""
    body = [_cells(row) for _, row in table.iterrows()]
    caption = (
        "Properties predicted from NIR spectra by heads that were trained on MIR latents alone, through the mapping of"
        " NIR spectra to these latents. CCC, RMSE and bias where the laboratory determined the property, with 95~\\%"
        " bootstrap intervals over soils; else the reason why there is nothing to compare with. Predicted: median, 5th"
        " to 95th percentile. In range: share of predictions within the training range. Inside: share of soils whose"
        " latents lie within the chi-square limit (97.5~\\%) of the MIR latents that trained the head."
    )
    header = ["Set", "Trained on", "Property", "$n$", "CCC", "RMSE", "Bias", "Predicted", "In range", "Inside"]
    text = longtable(caption, "tab:soil-extended", "lllrrrrrrr", header, body, [])
    return PREAMBLE + "\n".join([LAYOUT, text + r"\endgroup"]) + "\n"


def _cells(row: pd.Series) -> list[str]:
    name = escape(set_label(row["dataset"])) + (SYNTHETIC if row["synthetic"] else "")
    trained = escape(set_label(row["pair"].split(">")[0])) if row["pair"] else "itself, other folds"
    unit = f" ({escape(row['unit'])})" if row["unit"] not in ("", "pH") else ""
    ranges = f"{fixed(row['median'], 2)} [{fixed(row['low_5'], 2)}, {fixed(row['high_95'], 2)}]"
    shares = [rf"{fixed(100 * row[column], 0)}~\%" for column in ("in_range", "inside")]
    if pd.isna(row["ccc"]):
        scores = [escape(row["status"]), "", ""]
    else:
        ccc = f"{fixed(row['ccc'], 2)} [{fixed(row['ccc_low'], 2)}, {fixed(row['ccc_high'], 2)}]"
        scores = [ccc, fixed(row["rmsep"], 2), fixed(row["bias"], 2, sign=True)]
    return [name, trained, property_label(row["target"]) + unit, fixed(row["n"], 0), *scores, ranges, *shares]


def main(argv: list[str] | None = None) -> None:
    args = parse_args(__doc__, ("out_csv", "out_tex"), argv)
    table = tabulate(load_table(args.metrics, COLUMNS))
    write(table, typeset(table), args.out_csv, args.out_tex)


if __name__ == "__main__":
    run(main)
