"""Benchmark pls_cv: nested cross-validation of PLS, against scikit-learn's PLSRegression with cross_val_predict.

CEC of soil_nirsoil as measured (700 channels), up to 30 latent variables, 5 outer folds with 5 inner folds each. The
dataset has to be imported: `etalon datasets fetch soil_nirsoil`, then `snakemake data/real/soil_nirsoil/metadata.json`.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import cross_val_predict
from threadpoolctl import threadpool_limits

from etalon.data.folds import group_specimens, grouped_kfold
from etalon.evaluate.calibration import Calibration
from etalon.evaluate.tuning import training, tune_pls
from etalon.evaluate.views import Views
from etalon.storage import load_set
from rounds import best_times, report

MAX_LV = 30
SPLITS = 5


def nested(choose_and_predict: Callable, groups: np.ndarray) -> np.ndarray:
    predictions = np.empty(len(groups))
    for train, test in grouped_kfold(groups, SPLITS, seed=1):
        predictions[test] = choose_and_predict(train, test)
    return predictions


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", type=Path, default=Path("data/real/soil_nirsoil"))
    arguments.add_argument("--rounds", type=int, default=5)
    args = arguments.parse_args()

    spectra = load_set(args.data)
    column = [target.name for target in spectra.metadata.targets].index("CEC")
    measured = np.isfinite(spectra.reference[:, column])
    X, y = spectra.intensities[measured].astype(float), spectra.reference[measured, column]
    groups = group_specimens(spectra)[measured]

    def ours() -> np.ndarray:
        views = Views(X, np.zeros_like(X), savgol_window=15, savgol_order=2)

        def choose_and_predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
            data = training(views, y, groups, train, n_splits=SPLITS, seed=2, stratify=False)
            choice = tune_pls(data, "none", MAX_LV).choice
            return Calibration(choice).fit(views, train, y[train]).model_.predict(X[test]).ravel()

        return nested(choose_and_predict, groups)

    def scikit_learn() -> np.ndarray:
        def choose_and_predict(train: np.ndarray, test: np.ndarray) -> np.ndarray:
            inner = grouped_kfold(groups[train], SPLITS, seed=2)
            errors = []
            for n_lv in range(1, MAX_LV + 1):
                model = PLSRegression(n_lv, scale=False)
                errors.append(np.mean((cross_val_predict(model, X[train], y[train], cv=inner).ravel() - y[train]) ** 2))
            best = PLSRegression(int(np.argmin(errors)) + 1, scale=False).fit(X[train], y[train])
            return best.predict(X[test]).ravel()

        return nested(choose_and_predict, groups)

    with threadpool_limits(1):
        times, results = best_times({"etalon": ours, "scikit_learn": scikit_learn}, args.rounds)
    report(
        "pls_cv",
        ratios={"scikit_learn": times["scikit_learn"] / times["etalon"]},
        figures={
            "samples": len(y),
            "seconds_etalon": times["etalon"],
            "seconds_scikit_learn": times["scikit_learn"],
            "largest_difference": float(np.abs(results["etalon"] - results["scikit_learn"]).max()),
        },
    )


if __name__ == "__main__":
    main()
