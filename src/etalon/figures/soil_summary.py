"""Short tables of study 3 for documents: models, fidelity of spectra, distances."""

import pandas as pd

from etalon.figures.soil_rows import CV, INDEPENDENT, MODELS, Main, compared, read

CONVERTED, RECONSTRUCTED = "converted", "reconstructed"
__all__ = ["MODELS", "distances", "fidelity", "models"]
FIDELITY = ["spectrum_rmse", "mean_spectrum_rmse", "variance_ratio"]
DISTANCES = ["outlying", "distance_rank_correlation", "rmsep_inside", "rmsep_outside"]


def models(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return what `etalon.figures.soil_rows.compared` finds in both conditions, with `label`; controls included."""
    rows = read(metrics)
    main = Main.of(rows)
    table = pd.concat([compared(rows, condition) for condition in (CV, INDEPENDENT)], ignore_index=True)
    names = zip(table["method"], table["variant"], strict=True)
    return table.assign(label=[main.look(*name).label for name in names])


def fidelity(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return means over seeds of `FIDELITY`, in cross-validation, and `relative`, the first of them over the second.

    One row a set, kind ("reconstructed" or "converted") and variant.
    """
    rows = read(metrics)
    own = rows[rows["metric"].isin(FIDELITY) & (rows["condition"] == CV)]
    table = own.pivot_table(index=["dataset", "method", "variant"], columns="metric", values="value", sort=False)
    table = table.reset_index().rename(columns={"method": "kind"})
    return table.assign(relative=table["spectrum_rmse"] / table["mean_spectrum_rmse"])


def distances(metrics: pd.DataFrame) -> pd.DataFrame:
    """Return one row a condition and model that reads latents: medians of `DISTANCES` over sets and properties."""
    rows = read(metrics)
    own = rows[rows["metric"].isin(DISTANCES)]
    keys = ["condition", "method", "dataset", "pair", "target", "metric"]
    by_task = own.groupby(keys, sort=False)["value"].mean().reset_index()
    table = by_task.pivot_table(index=["condition", "method"], columns="metric", values="value", aggfunc="median")
    tasks = by_task[by_task["metric"] == "outlying"].groupby(["condition", "method"]).size().rename("tasks")
    return table.join(tasks).reset_index()
