"""Which latents carry which property, which of them survive the mapping from NIR, and what that does to predictions.

Four numbers explain each other. `carried`: R² of a head of MIR latents on MIR latents, what they know of a property.
`survives`: squared correlation of that head's predictions from NIR-mapped latents with those from MIR latents of the
same soils, how much of the property's own direction in latent space the NIR spectrum tells. `nir`: R² of a linear model
of NIR spectra. `gain`: R² of a head of NIR-mapped latents less that.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from etalon.evaluate.soil_mapped import ON_MIR, ON_NIR
from etalon.seeds import derive_seed

DIRECT, THROUGH = "nir_ridge", "nir_to_mir_latent_ridge"  # models of NIR spectra, and of NIR-mapped latents
LEVEL = 0.95
Columns = Mapping[str, np.ndarray]


def r2(y: np.ndarray, y_hat: np.ndarray) -> float:
    return float(1 - ((y_hat - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def cor2(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a, b)[0, 1] ** 2)


QUANTITIES: dict[str, Callable[[Columns], float]] = {
    "carried": lambda c: r2(c["reference"], c[ON_MIR]),
    "survives": lambda c: cor2(c[ON_MIR], c[ON_NIR]),
    "mapped": lambda c: r2(c["reference"], c[ON_NIR]),
    "nir": lambda c: r2(c["reference"], c[DIRECT]),
    "gain": lambda c: r2(c["reference"], c[THROUGH]) - r2(c["reference"], c[DIRECT]),
}


def property_rows(mapped: pd.DataFrame, models: pd.DataFrame, resamples: int, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one row a set, property and quantity, with intervals over soils; folds pooled, seeds of a soil averaged.

    Parameters
    ----------
    mapped : predictions of `etalon.evaluate.soil_mapped.predictions` in cross-validation, with a column seed
    models : `etalon.records.PREDICTION_COLUMNS` of `DIRECT` and `THROUGH` in cross-validation
    """
    key = ["dataset", "target", "row"]
    own = mapped[(mapped["condition"] == "cv") & (mapped["status"] == "ok")].dropna(subset="reference")
    wide = own.pivot_table(index=key, columns="source", values="prediction", aggfunc="mean", sort=False)
    wide["reference"] = own.groupby(key, sort=False)["reference"].first()
    others = models[(models["condition"] == "cv") & models["method"].isin([DIRECT, THROUGH])]
    others = others.pivot_table(index=key, columns="method", values="prediction", aggfunc="mean", sort=False)
    table = wide.join(others, how="inner").dropna().reset_index()
    for (dataset, target), soils in table.groupby(["dataset", "target"], sort=False):
        columns = {name: soils[name].to_numpy(float) for name in ("reference", ON_MIR, ON_NIR, DIRECT, THROUGH)}
        n = len(soils)
        rng = np.random.default_rng(derive_seed(seed, "soil_sensitivity", dataset, target))
        drawn = rng.integers(0, n, (resamples, n))
        for name, quantity in QUANTITIES.items():
            found = [quantity({key: values[take] for key, values in columns.items()}) for take in drawn]
            low, high = np.quantile(found, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
            about = {"dataset": dataset, "target": target, "quantity": name, "latent": -1, "n": n}
            yield about | {"value": quantity(columns), "low": low, "high": high}


def latent_rows(survival: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield what each latent carries of each property, and how much of it survives: means over folds and seeds.

    Parameters
    ----------
    survival : the second output of `etalon.evaluate.soil_mapped.predictions`, cross-validation
    """
    own = survival[survival["condition"] == "cv"]
    for (dataset, target, latent), part in own.groupby(["dataset", "target", "latent"], sort=False):
        about = {"dataset": dataset, "latent": int(latent), "n": len(part), "low": np.nan, "high": np.nan}
        yield about | {"target": target, "quantity": "share", "value": part["share"].mean()}
    for (dataset, latent), part in own.groupby(["dataset", "latent"], sort=False):
        about = {"dataset": dataset, "latent": int(latent), "n": len(part), "low": np.nan, "high": np.nan}
        yield about | {"target": "", "quantity": "latent_survives", "value": part["survives"].mean()}
