"""Stage verify: a recomputed run against the shipped one, number by number."""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from etalon.errors import BadInputError, EtalonError
from etalon.stages.arguments import parser, run
from etalon.storage import replacing

# What tells one number of a metrics table from another.
KEYS = [
    *("dataset", "task", "target", "method", "variant", "head", "heldout", "seed", "repeat", "fold", "draw", "pair"),
    *("condition", "amplitude", "metric"),
]
EMBEDDING = "embedding"
IN_ANALYTE_UNITS = ("rmsep", "bias", "sep", "mae", *(f"interval_width_{level}" for level in (50, 80, 90, 95)))
SHOWN = 20


def compare(found: pd.DataFrame, expected: pd.DataFrame, tolerances: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Return expected and found value, their difference, its tolerance and a verdict, one row a number.

    Parameters
    ----------
    found, expected : tables of metrics, see `etalon.records.METRIC_COLUMNS`
    tolerances : largest accepted difference of each metric, for errors in the analyte's unit as a fraction of the
        expected RMSEP, else of the expected value, or of 1 where that is smaller; under "tolerance" for classical
        methods, under "encoders" for what was trained

    Returns
    -------
    table with `KEYS`, `expected`, `found`, `difference` (a fraction, like the tolerance), `tolerance`, `verdict`: same,
    differs, missing (expected, not found), new (found, not expected)

    Raises
    ------
    BadInputError
        For a number that stands in a table twice, and a metric without a tolerance.
    """
    sides = {"expected": expected, "found": found}
    values = {name: _values(table, name) for name, table in sides.items()}
    both = pd.concat(values, axis=1, join="outer").reset_index()
    for kind, known in tolerances.items():
        if unknown := sorted(set(both["metric"]) - set(known)):
            raise BadInputError("config", f"verify.{kind}.{unknown[0]}", "a tolerance", "nothing")
    both["difference"] = (both["found"] - both["expected"]).abs() / _scale(both)
    of_encoders = both["metric"].map(tolerances["encoders"])
    both["tolerance"] = of_encoders.where(_learned(both), both["metric"].map(tolerances["tolerance"]))
    is_expected, is_found = both["expected"].notna(), both["found"].notna()
    within = both["difference"] <= both["tolerance"]
    cases = [is_expected & is_found & within, is_expected & is_found, is_expected]
    both["verdict"] = np.select(cases, ["same", "differs", "missing"], "new")
    return both


def _learned(numbers: pd.DataFrame) -> pd.Series:
    """Say which numbers rest on training by gradients: those of embeddings, and all with a variant or a seed of one."""
    return (numbers["method"] == EMBEDDING) | (numbers["variant"].astype(str) != "") | (numbers["seed"] >= 0)


def _values(table: pd.DataFrame, name: str) -> pd.Series:
    """Values by `KEYS`. Rows that did not run are left out; blank amplitudes get a number, since NaN equals nothing."""
    table = table.dropna(subset="value")
    keys = table[KEYS].astype({key: "object" for key in KEYS if key != "amplitude"}).fillna({"amplitude": -1.0})
    if (twice := keys.duplicated()).any():
        number = ", ".join(f"{key} {value}" for key, value in keys[twice].iloc[0].items() if value not in ("", -1))
        raise BadInputError(f"{name} metrics", "rows", "every number once", f"twice: {number}")
    return pd.Series(table["value"].to_numpy(float), index=pd.MultiIndex.from_frame(keys), name=name)


def _scale(numbers: pd.DataFrame) -> pd.Series:
    record = [key for key in KEYS if key != "metric"]
    rmsep = numbers.loc[numbers["metric"] == "rmsep", [*record, "expected"]].rename(columns={"expected": "rmsep"})
    rmsep_of_record = numbers[record].merge(rmsep, on=record, how="left")["rmsep"].to_numpy()
    of = numbers["metric"].astype(str).str.replace(r"_(low|high)$", "", regex=True)  # ends of intervals
    in_units = of.isin(IN_ANALYTE_UNITS)
    return numbers["expected"].abs().clip(lower=1.0).mask(in_units, rmsep_of_record)


def summarise(numbers: pd.DataFrame) -> str:
    """Return one line a metric, of embeddings and of the rest, and one for each of the first that differ or miss."""
    lines = [f"{'metric':34}{'numbers':>8}{'same':>8}{'largest difference':>20}{'tolerance':>12}"]
    for (learned, metric), group in numbers.groupby([_learned(numbers).rename("learned"), "metric"], sort=False):
        counts = f"{group['expected'].notna().sum():8d}{(group['verdict'] == 'same').sum():8d}"
        name = f"{metric}{' of trained models' if learned else ''}"
        lines.append(f"{name:34}{counts}{group['difference'].max():20.2g}{group['tolerance'].iloc[0]:12.2g}")
    bad = numbers[numbers["verdict"].isin(["differs", "missing"])]
    for number in bad.head(SHOWN).itertuples():
        method = f"{number.variant!s}/{number.head!s}" if number.method == EMBEDDING else str(number.method)
        what = f"{number.dataset} {number.target} {method} {number.condition} {number.metric}"
        lines.append(f"{number.verdict}: {what}: expected {number.expected:.6g}, found {number.found:.6g}")
    if len(bad) > SHOWN:
        lines.append(f"... and {len(bad) - SHOWN} more")
    return "\n".join(lines) + "\n"


def parse_args(argv: list[str] | None) -> argparse.Namespace:
    arguments = parser(__doc__)
    arguments.add_argument("--found", type=Path, nargs="+", required=True, help="recomputed metrics tables")
    arguments.add_argument("--expected", type=Path, nargs="+", required=True, help="the shipped ones, in that order")
    arguments.add_argument("--out", type=Path, required=True, help="CSV with every number, to write")
    return arguments.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    args = parse_args(argv)
    pairs = zip(args.found, args.expected, strict=True)
    tables = [compare(pd.read_parquet(f), pd.read_parquet(e), args.settings) for f, e in pairs]
    # The classical methods on spectra as measured stand in more than one table.
    numbers = pd.concat(tables, ignore_index=True).drop_duplicates()
    with replacing(args.out) as temporary:
        numbers.to_csv(temporary, index=False)
    print(summarise(numbers), end="")
    bad = int(numbers["verdict"].isin(["differs", "missing"]).sum())
    if bad:
        raise EtalonError(f"{bad} of {numbers['expected'].notna().sum()} numbers differ or are missing: see {args.out}")
    print(f"all {(numbers['verdict'] == 'same').sum()} numbers agree; each one: {args.out}")


if __name__ == "__main__":
    run(main)
