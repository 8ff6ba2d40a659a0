"""Do other losses of the autoencoder and the NIR encoder take away the bias of certain bands? Trained side by side.

Bias is the mean error of reconstructed or converted spectra over soils; published conversions have it at 3750-3000 cm-1
(O-H) and near 1200 cm-1 (the flank of Si-O stretching).
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import wilcoxon
from torch import Tensor

from etalon.evaluate.compare import holm
from etalon.evaluate.soil_heads import Trial
from etalon.losses.bands import ASSIGNED, area_error, band_weights
from etalon.losses.elbo import reconstruction
from etalon.seeds import derive_seed

BANDS = {"oh": (3000.0, 3750.0), "si_o_flank": (1150.0, 1250.0)}
PLAIN = "plain"
KEYS = ["dataset", "pair", "kind", "loss"]
LEVEL = 0.95

LossOf = Callable[[np.ndarray, float], Callable[[Tensor, Tensor], Tensor]]


def losses(settings: Mapping[str, Any]) -> dict[str, LossOf]:
    """Return the losses beside the plain one: functions of the grid, cm-1, and the decoder's noise.

    "weighted" counts channels of `BANDS` more, "areas" adds the error of the areas of assigned bands. An added term
    also makes the reconstruction weigh more beside the divergence, or the distance of latents: "doubled", the plain one
    twice, is the control for that.

    Parameters
    ----------
    settings : "weight", how much more a channel of `BANDS` counts; "area_weight", of the error of band areas beside
        that of channels
    """

    def weighted(grid: np.ndarray, noise_sd: float) -> Callable[[Tensor, Tensor], Tensor]:
        weight = band_weights(torch.as_tensor(grid), list(BANDS.values()), settings["weight"]).float()
        return lambda pred, true: reconstruction(pred, true, noise_sd, weight)

    def areas(grid: np.ndarray, noise_sd: float) -> Callable[[Tensor, Tensor], Tensor]:
        axis, share = torch.as_tensor(grid), settings["area_weight"] / (2 * noise_sd**2)
        bands = list(ASSIGNED.values())
        return lambda pred, true: reconstruction(pred, true, noise_sd) + share * area_error(pred, true, axis, bands)

    def doubled(grid: np.ndarray, noise_sd: float) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda pred, true: 2 * reconstruction(pred, true, noise_sd)

    return {"weighted": weighted, "areas": areas, "doubled": doubled}


def by_soil(
    trial: Trial, kind: str, loss: str, grid: np.ndarray, measured: np.ndarray, made: np.ndarray
) -> pd.DataFrame:
    """Return errors of tested soils, means over their scans, in SNV units.

    Columns: dataset, pair, kind, loss, soil, `error_<band>` (mean over the band, signed) for each of `BANDS`, and rmse
    over all channels.
    """
    error = made - measured
    columns = {
        f"error_{name}": error[:, (grid >= low) & (grid <= high)].mean(axis=1) for name, (low, high) in BANDS.items()
    }
    columns["squared"] = (error**2).mean(axis=1)
    table = pd.DataFrame({"soil": trial.test.groups[trial.test_rows]} | columns).groupby("soil").mean().reset_index()
    table["rmse"] = np.sqrt(table.pop("squared"))
    return table.assign(dataset=trial.test.name, pair=trial.pair, kind=kind, loss=loss)


def tests(soils: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """Compare each loss with the plain one on the same soils, by set and kind.

    Parameters
    ----------
    soils : output of `by_soil` of all folds with a column seed; seeds of a soil are averaged

    Returns
    -------
    table with dataset, pair, kind, loss, quantity, value, low, high, p, p_holm, n. Quantities: `bias_<band>` and
    `rmse`, and their change from the plain loss, `change_bias_<band>` (of the absolute bias) and `change_rmse`, with
    bootstrap intervals over soils. p: Wilcoxon's signed-rank test of the soils' absolute band errors, or RMSE; Holm's
    correction over all comparisons of a kind
    """
    errors = [f"error_{name}" for name in BANDS]
    mean = soils.groupby([*KEYS, "soil"], sort=False)[[*errors, "rmse"]].mean().reset_index()
    rows = []
    for (dataset, pair, kind), group in mean.groupby(["dataset", "pair", "kind"], sort=False):
        by_loss = {str(loss): own.set_index("soil").sort_index() for loss, own in group.groupby("loss", sort=False)}
        plain = by_loss[PLAIN]
        n = len(plain)
        drawn = np.random.default_rng(derive_seed(seed, "band_bias", dataset, pair, kind)).integers(
            0, n, (resamples, n)
        )
        for loss, own in by_loss.items():
            about = {"dataset": dataset, "pair": pair, "kind": kind, "loss": loss, "n": n}
            for name in [*errors, "rmse"]:
                rows += _compared(about, name, own.loc[plain.index, name].to_numpy(), plain[name].to_numpy(), drawn)
    table = pd.DataFrame(rows)
    table["p_holm"] = np.nan
    for _, own in table[table["p"].notna()].groupby("kind"):
        table.loc[own.index, "p_holm"] = holm(own["p"].to_numpy(float))
    return table


def _compared(
    about: dict[str, Any], name: str, own: np.ndarray, plain: np.ndarray, drawn: np.ndarray
) -> list[dict[str, Any]]:
    """Return the row of a quantity, and of its change where the loss is not the plain one."""
    quantity = name.replace("error_", "bias_")
    found = own[drawn].mean(axis=1)
    rows = [about | {"quantity": quantity, "value": own.mean(), "p": np.nan} | _interval(found)]
    if about["loss"] == PLAIN:
        return rows
    base = plain[drawn].mean(axis=1)
    signed = name == "rmse"
    change = own.mean() - plain.mean() if signed else abs(own.mean()) - abs(plain.mean())
    changes = found - base if signed else np.abs(found) - np.abs(base)
    difference = np.abs(own) - np.abs(plain)
    p = float(wilcoxon(difference).pvalue) if np.any(difference != 0) and len(own) > 5 else np.nan
    return [*rows, about | {"quantity": f"change_{quantity}", "value": change, "p": p} | _interval(changes)]


def _interval(values: np.ndarray) -> dict[str, float]:
    low, high = np.quantile(values, [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return {"low": float(low), "high": float(high)}
