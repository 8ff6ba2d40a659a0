"""Heads trained on MIR latents alone, applied to latents that NIR spectra were mapped to; and which latents survive.

A set measured in the near-infrared alone so gets predictions of properties that were never determined there. Where they
were, the predictions are judged; where they were not, only what can be said without references is.
"""

from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.evaluate.soil_heads import Columnwise, Trial
from etalon.evaluate.soil_responses import Responses, comparable
from etalon.evaluate.soil_sets import INDEPENDENT, snv
from etalon.evaluate.uncertainty import squared_mahalanobis
from etalon.models.nir_to_mir import NIRToMIR
from etalon.models.vae import VAE
from etalon.train.vae import latents_of

LIMIT = 0.975  # of the chi-square distribution of distances in latent space
ON_MIR, ON_NIR = "mir_latent", "nir_mapped_latent"  # what the head of MIR latents reads


class MappedHead:
    """A ridge head on the MIR latents of a trial's training soils.

    Attributes
    ----------
    responses_ : how properties are modelled; latents_ : of the training scans, shape (n, K)
    range_ : by property, smallest and largest training value
    """

    def fit(self, trial: Trial, vae: VAE) -> "MappedHead":
        known = {name: values[trial.train_rows] for name, values in trial.train.properties.items()}
        self.latents_ = latents_of(vae, snv(trial.train.spectra["mir"][trial.train_rows]))
        self.responses_ = Responses().fit(known)
        groups = trial.train.groups[trial.train_rows]
        self._model = Columnwise(LeaveSpecimenOutRidge).fit(self.latents_, self.responses_.transform(known), groups)
        self.range_ = {name: (np.nanmin(known[name]), np.nanmax(known[name])) for name in self.responses_.names_}
        return self

    def predict(self, latents: np.ndarray) -> dict[str, np.ndarray]:
        """Return predictions by property, shape (n,) each."""
        return self.responses_.inverse(self._model.predict(latents))


def predictions(trial: Trial, head: MappedHead, vae: VAE, bridge: NIRToMIR) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Apply the head to both kinds of latents of the tested soils.

    Returns
    -------
    predictions : one row a soil, property and source (`ON_MIR` where MIR was measured, `ON_NIR`): dataset, pair,
        condition, fold, source, target (analyte), row, reference (NaN where not determined), prediction (means over the
        scans of the soil), low and high (the training range), inside (whether the latents lie within the chi-square
        limit), status (why a reference cannot be compared)
    survival : one row a property and latent, where MIR was measured: `share` of the variance of the head's predictions
        that the latent carries (they add up to 1), `survives`, the squared correlation of the latent from NIR with that
        from MIR over the tested scans
    """
    sources = {ON_NIR: latents_of(bridge, snv(trial.test.spectra["nir"][trial.test_rows]))}
    if "mir" in trial.test.spectra:
        sources[ON_MIR] = latents_of(vae, snv(trial.test.spectra["mir"][trial.test_rows]))
    limit = chi2.ppf(LIMIT, head.latents_.shape[1])
    tables = []
    for source, latents in sources.items():
        inside = squared_mahalanobis(head.latents_, latents) <= limit
        for name, values in head.predict(latents).items():
            about: dict[str, Any] = _about(trial) | {"source": source, "target": name, "status": _status(trial, name)}
            about |= dict(zip(("low", "high"), head.range_[name], strict=True))
            tables.append(_by_soil(trial, name, values, inside).assign(**about))
    return pd.concat(tables, ignore_index=True), _survival(trial, head, sources)


def _about(trial: Trial) -> dict[str, Any]:
    apart = trial.split == INDEPENDENT
    fold = 0 if apart else int(trial.split.removeprefix("fold"))
    return {"dataset": trial.test.name, "pair": trial.pair, "condition": INDEPENDENT if apart else "cv", "fold": fold}


def _status(trial: Trial, name: str) -> str:
    """Say whether the tested set has a reference to compare with: "ok", "not measured", or why not."""
    if name not in trial.test.properties:
        return "not measured"
    return comparable(trial.train.units[name], trial.test.units[name]) or "ok"


def _by_soil(trial: Trial, name: str, predicted: np.ndarray, inside: np.ndarray) -> pd.DataFrame:
    rows = trial.test_rows
    known = trial.test.properties.get(name)
    reference = np.full(len(rows), np.nan) if known is None else known[rows]
    table = pd.DataFrame({"group": trial.test.groups[rows], "row": rows, "reference": reference})
    table = table.assign(prediction=predicted, inside=inside.astype(float))
    ways = {"row": "first", "reference": "mean", "prediction": "mean", "inside": "mean"}
    return table.groupby("group", sort=True).agg(ways).reset_index(drop=True)


def _survival(trial: Trial, head: MappedHead, sources: dict[str, np.ndarray]) -> pd.DataFrame:
    if ON_MIR not in sources:
        return pd.DataFrame()
    survives = [_cor2(a, b) for a, b in zip(sources[ON_MIR].T, sources[ON_NIR].T, strict=True)]
    parts = []
    for name, values in head.predict(head.latents_).items():
        table = pd.DataFrame({"latent": np.arange(len(survives)), "share": shares(head.latents_, values)})
        parts.append(table.assign(survives=survives, target=name, **_about(trial)))
    return pd.concat(parts, ignore_index=True)


def shares(latents: np.ndarray, values: np.ndarray) -> np.ndarray:
    r"""Return the share of the variance of `values` that each latent carries in a linear fit, shape (K,); the sum is 1.

    .. math:: s_k = b_k \, \mathrm{cov}(z_k, \hat v) / \mathrm{var}(\hat v), \qquad \hat v = a + \sum_k b_k z_k

    Pratt's measure (Pratt 1987, Proc. 2nd Int. Tampere Conf. Statistics, 245). A latent that only corrects others may
    have a share a little below zero.

    Parameters
    ----------
    latents : shape (n, K); values : shape (n,)
    """
    centred = latents - latents.mean(axis=0)
    slopes = np.linalg.lstsq(centred, values - values.mean(), rcond=None)[0]
    fitted = centred @ slopes
    variance = fitted @ fitted
    return slopes * (centred.T @ fitted) / variance if variance > 0 else np.full(latents.shape[1], np.nan)


def _cor2(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    spread = (a @ a) * (b @ b)
    return float((a @ b) ** 2 / spread) if spread > 0 else float("nan")
