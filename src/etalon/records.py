"""The columns in which predictions and metrics travel between stages."""

import pandas as pd

from etalon.errors import BadInputError

# One row a predicted sample. For a classification task `reference` and `prediction` are class numbers (order of
# the sorted class names) and `probability` is the one given to the true class; NaN in a regression.
# `condition` is "cv" or "published" on spectra as measured, else a perturbation, with its `amplitude` in
# `amplitude_unit`: AU, SD, 1, nm or cm-1 (`etalon.evaluate.robustness.amplitude_unit`); where local samples take part,
# it is their number, in "samples", and `draw` says which were drawn. `pair` is "A>B" where A trains and B is tested.
PREDICTION_COLUMNS = {
    "dataset": "category",
    "task": "category",  # regression, classification
    "target": "category",
    "method": "category",
    "variant": "category",
    "head": "category",
    "heldout": "category",
    "seed": "int32",
    "condition": "category",
    "amplitude": "float64",
    "amplitude_unit": "category",
    "pair": "category",
    "repeat": "int32",
    "fold": "int32",
    "draw": "int32",
    "row": "int32",
    "reference": "float64",
    "prediction": "float64",
    "lower": "float64",
    "upper": "float64",
    "probability": "float64",
}

# One row a number. `status` is "ok" or "not run: reason", with `value` NaN. `fold` is -1 where the errors of all
# folds of a repeat are pooled. `n_train` is the mean number of training rows.
METRIC_COLUMNS = {
    "run": "category",
    "dataset": "category",
    "family": "category",
    "task": "category",
    "target": "category",
    "analyte": "category",
    "unit": "category",
    "synthetic": "bool",
    "overlaps": "category",  # the dataset that stands for the same specimens in summaries; "" for none
    "method": "category",
    "variant": "category",
    "head": "category",
    "heldout": "category",
    "seed": "int32",
    "repeat": "int32",
    "fold": "int32",
    "draw": "int32",
    "pair": "category",
    "condition": "category",
    "amplitude": "float64",
    "amplitude_unit": "category",
    "n_train": "float64",
    "metric": "category",
    "value": "float64",
    "status": "category",
}

_BLANK = {"category": "", "int32": -1, "float64": float("nan"), "bool": False}


def as_records(rows: pd.DataFrame, columns: dict[str, str], where: object = "records") -> pd.DataFrame:
    """Return `rows` with exactly `columns`, in their order and types; absent ones blank ("", -1, NaN, False)."""
    if unknown := sorted({str(name) for name in rows} - set(columns)):
        raise BadInputError(where, unknown[0], f"one of {', '.join(columns)}", "an unknown column")
    complete = {}
    for name, dtype in columns.items():
        blank = _BLANK[dtype]
        complete[name] = rows[name].astype(object).where(rows[name].notna(), blank) if name in rows else blank
    return pd.DataFrame(complete, index=rows.index).astype(columns).reset_index(drop=True)


def concatenate(tables: list[pd.DataFrame], columns: dict[str, str]) -> pd.DataFrame:
    """Return the rows of all `tables`; categories of the parts are united."""
    texts = {name: "object" for name, dtype in columns.items() if dtype == "category"}
    parts = [table.astype(texts) for table in tables if len(table)]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
    return as_records(rows, columns)
