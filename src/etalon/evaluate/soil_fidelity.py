"""How faithfully spectra are reconstructed and converted, and how far their latents lie from those that trained."""

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge

from etalon.evaluate.soil_heads import Trial
from etalon.evaluate.uncertainty import squared_mahalanobis

STRENGTHS = tuple(np.logspace(-4, 4, 17))


def channels(
    trial: Trial, kind: str, variant: str, grid: np.ndarray, measured: np.ndarray, made: np.ndarray, mean: np.ndarray
) -> pd.DataFrame:
    """Return sums over the tested scans by wavenumber, from which errors and variances of several folds are pooled.

    Parameters
    ----------
    kind : "reconstructed" (MIR from MIR), "converted" (MIR from NIR)
    measured, made : shape (n, len(grid)), MIR spectra after SNV
    mean : shape (len(grid),), the mean MIR spectrum of the training soils, what a collapsed model gives for all

    Returns
    -------
    table with dataset, pair, kind, variant, wavenumber, n, and sums of: error, error2 (squared), mean2 (squared error
    of the mean spectrum), measured, measured2, made, made2
    """
    error = made - measured
    return pd.DataFrame(
        {
            "dataset": trial.test.name,
            "pair": trial.pair,
            "kind": kind,
            "variant": variant,
            "wavenumber": grid,
            "n": len(measured),
            "error": error.sum(axis=0),
            "error2": (error**2).sum(axis=0),
            "mean2": ((mean - measured) ** 2).sum(axis=0),
            "measured": measured.sum(axis=0),
            "measured2": (measured**2).sum(axis=0),
            "made": made.sum(axis=0),
            "made2": (made**2).sum(axis=0),
        }
    )


def example(
    trial: Trial, kind: str, variant: str, grid: np.ndarray, measured: np.ndarray, made: np.ndarray
) -> pd.DataFrame:
    """Return the tested spectrum whose error is the median one: wavenumber, row, error, measured, made."""
    error = np.sqrt(((made - measured) ** 2).mean(axis=1))
    row = int(np.argsort(error)[len(error) // 2])
    values = {"wavenumber": grid, "row": trial.test_rows[row], "rmse": error[row]}
    spectra = {"example_measured": measured[row], "example_made": made[row]}
    return pd.DataFrame({"dataset": trial.test.name, "pair": trial.pair, "kind": kind, "variant": variant}
                        | values | spectra)  # fmt: skip


def linear_conversion(nir: np.ndarray, mir: np.ndarray, soils: np.ndarray, tested: np.ndarray) -> np.ndarray:
    """Return MIR spectra of tested NIR spectra by ridge regression of every channel.

    One strength for all channels, by leaving out one soil at a time in closed form, as
    `etalon.chemometrics.ridge.LeaveSpecimenOutRidge` does: among replicate scans, leaving out a single one would choose
    far too small a strength.

    Parameters
    ----------
    nir, mir : of the training scans, shapes (n, P) and (n, C); soils : the soil of each, shape (n,)
    tested : shape (m, P)
    """
    U, singular, _ = np.linalg.svd(nir - nir.mean(axis=0), full_matrices=False)
    centred, own = mir - mir.mean(axis=0), [np.flatnonzero(soils == soil) for soil in np.unique(soils)]
    errors = []
    for strength in STRENGTHS:
        hat = 1.0 / len(nir) + (U * (singular**2 / (singular**2 + strength))) @ U.T
        rest = centred - hat @ centred
        left_out = [np.linalg.solve(np.eye(len(rows)) - hat[np.ix_(rows, rows)], rest[rows]) for rows in own]
        errors.append(sum(float((error**2).sum()) for error in left_out))
    return Ridge(STRENGTHS[int(np.argmin(errors))]).fit(nir, mir).predict(tested)


def latent_table(trial: Trial, source: str, variant: str, trained: np.ndarray, tested: np.ndarray) -> pd.DataFrame:
    """Return latents of tested scans with their squared Mahalanobis distance from those of the trial's training scans.

    Columns: dataset, pair, row, soil, source ("mir", "nir_to_mir"), variant, distance2, z000, z001, ...
    """
    distance = squared_mahalanobis(trained, tested)
    names = [f"z{k:03d}" for k in range(tested.shape[1])]
    about = {"dataset": trial.test.name, "pair": trial.pair, "row": trial.test_rows}
    about |= {"soil": trial.test.groups[trial.test_rows], "source": source, "variant": variant, "distance2": distance}
    latents = pd.DataFrame(tested.astype(np.float32), columns=names)
    return pd.concat([pd.DataFrame(about), latents], axis=1)
