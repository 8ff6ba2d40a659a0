"""How the answers of study 3 are written: names of properties and sets, and which sets are shown together."""

import pandas as pd

from etalon.figures.soil_rows import PROPERTIES


def property_label(name: str) -> str:
    return PROPERTIES.get(name, name.replace("_", " "))


def set_label(name: str) -> str:
    """Return a set's name without what all soil sets share."""
    return name.removeprefix("soil_").replace("_", " ")


def real_first(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of real sets; of synthetic ones where there are no others."""
    real = table[~table["synthetic"].astype(bool)]
    return real if len(real) else table


def synthetic_note(table: pd.DataFrame) -> str:
    return "Synthetic soils" if table["synthetic"].astype(bool).any() else ""
