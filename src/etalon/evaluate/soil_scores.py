"""Scores of study 3 from predictions, sums by wavenumber and latents; every number once, with intervals over soils."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, spearmanr

from etalon.contracts import Metadata
from etalon.evaluate import metrics
from etalon.evaluate.soil_sets import INDEPENDENT
from etalon.seeds import derive_seed

SCORES = ("ccc", "rpiq", "rmsep", "bias", "r2")
INTERVALS = ("ccc", "rpiq", "rmsep", "bias")
LEVEL = 0.95
LIMIT = 0.975  # of the chi-square distribution, beyond which a spectrum is called outlying
MODEL = ["dataset", "pair", "condition", "method", "variant", "head", "seed"]
# The model whose errors are held against the distances of the latents that it reads.
OF_DISTANCE = {"mir": "mir_latent_ridge", "nir_to_mir": "nir_to_mir_latent_ridge"}

Row = dict[str, Any]


def property_rows(predictions: pd.DataFrame, resamples: int, seed: int) -> Iterator[Row]:
    """Yield scores of every model and property, folds pooled, with bootstrap intervals over soils.

    Parameters
    ----------
    predictions : `etalon.records.PREDICTION_COLUMNS`, one row a soil; columns as text
    resamples : of soils; the same ones for every model of a set and property
    """
    for (dataset, pair, target), task in predictions.groupby(["dataset", "pair", "target"], sort=False):
        weights: dict[int, np.ndarray] = {}
        for model, rows in task.groupby(MODEL, sort=False):
            rows = rows.sort_values("row", kind="stable")
            y, y_hat = rows["reference"].to_numpy(float), rows["prediction"].to_numpy(float)
            common = dict(zip(MODEL, model, strict=True)) | {"target": target}
            for name in SCORES:
                yield common | _ok(name, metrics.REGRESSION[name](y, y_hat))
            if len(y) not in weights:
                weights[len(y)] = _counts(len(y), resamples, derive_seed(seed, "soil_bootstrap", dataset, pair, target))
            for name, values in resampled(y, y_hat, weights[len(y)]).items():
                low, high = np.nanquantile(values, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
                yield common | _ok(f"{name}_low", low)
                yield common | _ok(f"{name}_high", high)


def _counts(n: int, resamples: int, seed: int) -> np.ndarray:
    """Return how often each of n soils is drawn in every resample, shape (resamples, n)."""
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1.0 / n), resamples).astype(float)


def resampled(y: np.ndarray, y_hat: np.ndarray, counts: np.ndarray) -> dict[str, np.ndarray]:
    """Return `INTERVALS` of resampled soils, shape (resamples,) each, from weighted sums.

    Parameters
    ----------
    y, y_hat : shape (n,); counts : shape (resamples, n), see `_counts`
    """
    n, error = len(y), y_hat - y
    # About the mean, or squares of a large mean would swallow the variance.
    a, b = y - y.mean(), y_hat - y.mean()
    sums = counts @ np.column_stack([a, b, a * a, b * b, a * b, error, error**2]) / n
    mean_a, mean_b, aa, bb, ab, bias, squared = sums.T
    spread = aa - mean_a**2 + bb - mean_b**2 + (mean_a - mean_b) ** 2
    rmsep = np.sqrt(squared)
    quartiles = _quartiles(y, counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        ccc = np.where(spread > 0, 2 * (ab - mean_a * mean_b) / spread, np.nan)
        rpiq = np.where(rmsep > 0, (quartiles[1] - quartiles[0]) / rmsep, np.nan)
    return {"ccc": ccc, "rpiq": rpiq, "rmsep": rmsep, "bias": bias}


def _quartiles(y: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the quartiles of resamples, linear between order statistics as numpy does, shape (2, resamples)."""
    order = np.argsort(y, kind="stable")
    ordered, below = y[order], counts[:, order].cumsum(axis=1)
    found = []
    for share in (0.25, 0.75):
        place = share * (len(y) - 1)
        ends = [ordered[np.argmax(below > k, axis=1)] for k in (np.floor(place), np.ceil(place))]
        found.append(ends[0] + (place - np.floor(place)) * (ends[1] - ends[0]))
    return np.array(found)


def fidelity_rows(channels: pd.DataFrame) -> Iterator[Row]:
    """Yield how well whole spectra are reconstructed or converted, folds pooled.

    `spectrum_rmse` in units of SNV spectra; `mean_spectrum_rmse`, what the mean spectrum of the training soils gives;
    `variance_ratio`, the variance over soils of the spectra that were made over that of the measured ones, summed over
    wavenumbers: 0 is collapse to one spectrum.
    """
    for (kind, variant, dataset, pair, seed), rows in channels.groupby(
        ["kind", "variant", "dataset", "pair", "seed"], sort=False
    ):
        n = rows["n"].iloc[0]
        about = {"method": kind, "variant": variant, "dataset": dataset, "pair": pair, "seed": seed}
        about["condition"] = INDEPENDENT if pair else "cv"
        spread = {name: (rows[f"{name}2"] - rows[name] ** 2 / n).sum() for name in ("measured", "made")}
        yield about | _ok("spectrum_rmse", np.sqrt(rows["error2"].sum() / rows["n"].sum()))
        yield about | _ok("mean_spectrum_rmse", np.sqrt(rows["mean2"].sum() / rows["n"].sum()))
        yield about | _ok("variance_ratio", spread["made"] / spread["measured"])


def channel_rows(channels: pd.DataFrame) -> Iterator[Row]:
    """Yield by wavenumber (`amplitude`, cm-1): `channel_rmse`, `channel_bias`, and `channel_sd` of measured spectra."""
    for row in channels.to_dict("records"):
        about = {key: row[key] for key in ("variant", "dataset", "pair", "seed")} | {"method": row["kind"]}
        about |= {"condition": INDEPENDENT if row["pair"] else "cv", "amplitude": row["wavenumber"]}
        variance = max(row["measured2"] / row["n"] - (row["measured"] / row["n"]) ** 2, 0.0)
        yield about | _ok("channel_rmse", np.sqrt(row["error2"] / row["n"]))
        yield about | _ok("channel_bias", row["error"] / row["n"])
        yield about | _ok("channel_sd", np.sqrt(variance))


def pooled(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return sums by wavenumber over folds; `tables` as `etalon.evaluate.soil_fidelity.channels` with a column seed."""
    keys = ["dataset", "pair", "kind", "variant", "seed", "wavenumber"]
    return pd.concat(tables, ignore_index=True).groupby(keys, sort=False).sum().reset_index()


def distances(latents: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """Return one row a soil, property and source of latents: its distance and the error of the model that read them.

    Parameters
    ----------
    latents : `etalon.evaluate.soil_fidelity.latent_table` with a column seed; scans of a soil are averaged
    predictions : those of the models of `OF_DISTANCE`

    Returns
    -------
    table with dataset, pair, condition, source, variant, seed, target, row, distance2, dof, limit (chi-square quantile
        of `LIMIT`), reference, prediction, scaled_error (absolute, over the SD of the set's references)
    """
    n_latents = latents.filter(regex=r"^z\d+$").notna().sum(axis=1)
    about = latents[["dataset", "pair", "source", "variant", "seed", "soil", "row", "distance2"]].assign(dof=n_latents)
    keys = ["dataset", "pair", "source", "variant", "seed", "soil"]
    by_soil = about.groupby(keys, sort=False).agg({"row": "first", "distance2": "mean", "dof": "first"}).reset_index()
    by_soil["method"] = by_soil["source"].map(OF_DISTANCE)
    shared = ["dataset", "pair", "method", "variant", "seed", "row"]
    columns = [*shared, "condition", "target", "reference", "prediction"]
    table = by_soil.merge(predictions[columns], on=shared)
    spread = table.groupby(["dataset", "target"], sort=False)["reference"].transform("std")
    table["limit"] = chi2.ppf(LIMIT, table["dof"])
    table["scaled_error"] = (table["prediction"] - table["reference"]).abs() / spread
    return table.drop(columns=["method", "soil"])


def distance_rows(table: pd.DataFrame) -> Iterator[Row]:
    """Yield what distances say of errors, by set, property, source and seed.

    `distance_rank_correlation` (Spearman) of distance and absolute error; `outlying`, the share beyond the limit (2.5 %
    where latents are normal and their covariance known); `rmsep_inside`, `rmsep_outside` of the soils on either side,
    over the SD of the references, where each side has five.
    """
    keys = ["dataset", "pair", "condition", "source", "variant", "seed", "target"]
    for (dataset, pair, condition, source, variant, seed, target), rows in table.groupby(keys, sort=False):
        about = {"dataset": dataset, "pair": pair, "condition": condition, "variant": variant, "seed": seed}
        about |= {"target": target, "method": OF_DISTANCE[str(source)], "head": "ridge"}
        outlying = (rows["distance2"] > rows["limit"]).to_numpy()
        yield about | _ok("outlying", outlying.mean())
        if rows["distance2"].nunique() > 2:
            yield about | _ok("distance_rank_correlation", spearmanr(rows["distance2"], rows["scaled_error"])[0])
        for name, own in (("rmsep_inside", rows[~outlying]), ("rmsep_outside", rows[outlying])):
            if len(own) >= 5:
                yield about | _ok(name, np.sqrt((own["scaled_error"] ** 2).mean()))


def _ok(metric: str, value: float) -> Row:
    return {"metric": metric, "value": float(value), "status": "ok"}


def with_names(rows: Sequence[Row], known: Mapping[str, Metadata], run: str) -> pd.DataFrame:
    """Return rows with what metadata say of each dataset; `target`, until here an analyte, is the set's name for it."""
    complete = []
    for row in rows:
        about = known[row["dataset"]]
        names = {target.analyte: target for target in reversed(about.targets)}
        target = names.get(row.get("target", ""))
        own: Row = {"run": run, "task": "regression", "family": about.family, "synthetic": about.synthetic}
        own |= {"overlaps": about.overlaps or "", "repeat": 0}
        if target is not None:
            own |= {"target": target.name, "analyte": target.analyte, "unit": target.unit}
        complete.append(row | own)
    return pd.DataFrame(complete)
