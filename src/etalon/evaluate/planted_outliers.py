"""Planted outliers: how often each limit flags spectra of a calibration's own kind, and how often spoiled ones.

A calibration of N specimens is drawn; the others of the set are tested as measured (what is flagged is a false alarm)
and spoiled in four ways, each of one size that a chemist would want to be told of.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from etalon.contracts import SpectraSet
from etalon.errors import NotRunError
from etalon.evaluate import tuning
from etalon.evaluate.outliers import LIMITS, OutlierLimits, fewest_samples
from etalon.evaluate.robustness import dropped_bands
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer import Row, not_run
from etalon.evaluate.views import Views
from etalon.seeds import derive_seed
from etalon.synthesis.bands import absorptivity
from etalon.synthesis.lines import spectrum
from etalon.synthesis.mid_infrared import LINES

FOREIGN = (
    "ethanol"  # a solvent in food, feed, soil or tablets; the height of its strongest band is a share of the range
)
FOREIGN_SHARE = 0.05
SPIKES, SPIKE_SHARE = 3, 0.1
DROPPED_SHARE = 0.05  # of the axis
SATURATED_SHARE = 0.1  # of the range, from the top
OWN = "own"

# Spoiled spectra, shape (n, L), of measured ones, the axis (nm) and a generator for each.
Spoil = Callable[[np.ndarray, SpectraSet, Sequence[np.random.Generator]], np.ndarray]


def foreign(spectra: np.ndarray, about: SpectraSet, generators: Sequence[np.random.Generator]) -> np.ndarray:
    """Add the bands of a substance that no specimen holds."""
    if about.metadata.modality == "raman":
        raise NotRunError("no Raman scattering of the foreign substance")
    axis = about.wavelengths
    own = spectrum(LINES[FOREIGN], 1e7 / axis) if about.metadata.modality == "mir" else absorptivity(FOREIGN, axis)
    return spectra + FOREIGN_SHARE * np.ptp(spectra, axis=1, keepdims=True) * own / own.max()


def spiked(spectra: np.ndarray, about: SpectraSet, generators: Sequence[np.random.Generator]) -> np.ndarray:
    """Raise three channels, as cosmic rays or sparks do."""
    result = spectra.copy()
    for row, generator in zip(result, generators, strict=True):
        row[generator.choice(len(row), SPIKES, replace=False)] += SPIKE_SHARE * np.ptp(row)
    return result


def dropped(spectra: np.ndarray, about: SpectraSet, generators: Sequence[np.random.Generator]) -> np.ndarray:
    """Bridge a window of the axis by a straight line, as a dead region of the detector."""
    axis = about.wavelengths
    return dropped_bands(spectra, axis, DROPPED_SHARE * (axis[-1] - axis[0]), list(generators))


def saturated(spectra: np.ndarray, about: SpectraSet, generators: Sequence[np.random.Generator]) -> np.ndarray:
    """Cut off the top of each spectrum."""
    top = spectra.max(axis=1, keepdims=True) - SATURATED_SHARE * np.ptp(spectra, axis=1, keepdims=True)
    return np.minimum(spectra, top)


SPOILED: dict[str, Spoil] = {"foreign": foreign, "spikes": spiked, "dropped_band": dropped, "saturation": saturated}


def outlier_rows(spectra: SpectraSet, tasks: Sequence[Task], settings: Mapping[str, Any], seed: int) -> list[Row]:
    """Return the share of flagged spectra by limit, number of specimens, draw and what was done to the spectra.

    Parameters
    ----------
    settings : "sizes" (specimens of a calibration), "draws", "max_test" (spectra), and of the choices "preprocessings",
        "max_lv", "inner_splits", "savgol_window", "savgol_order"; no preprocessing may need a baseline
    """
    known = [task for task in tasks if task.kind == "regression" and task.not_run is None]
    if not known:
        raise NotRunError("no target that can be judged")
    task = known[0]
    rows: list[Row] = []
    specimens = np.unique(task.groups[np.isfinite(task.y)])
    for size in settings["sizes"]:
        place: Row = {"target": task.target, "amplitude": float(size), "n_train": float(size)}
        if size > len(specimens) // 2:
            reason = f"{len(specimens)} specimens, fewer than twice {size}"
            rows += [place | {"method": limit, "condition": OWN, **not_run(reason)} for limit in LIMITS]
            continue
        for draw in range(settings["draws"]):
            rows += [
                place | {"draw": draw} | row for row in _drawn(spectra, task, specimens, size, draw, settings, seed)
            ]
    return rows


def _drawn(
    spectra: SpectraSet,
    task: Task,
    specimens: np.ndarray,
    size: int,
    draw: int,
    settings: Mapping[str, Any],
    seed: int,
) -> Iterator[Row]:
    """Yield the shares of one calibration."""
    rng = np.random.default_rng(derive_seed(seed, "outliers", task.dataset, size, draw))
    own = np.isin(task.groups, rng.permutation(specimens)[:size]) & np.isfinite(task.y)
    train, rest = np.flatnonzero(own), np.flatnonzero(~np.isin(task.groups, task.groups[own]))
    test = np.sort(rng.permutation(rest)[: settings["max_test"]])
    generators = [np.random.default_rng(derive_seed(seed, "spoiled", task.dataset, int(row))) for row in test]
    measured = spectra.intensities.astype(np.float64)
    asked = {OWN: measured[test]}
    unable: dict[str, str] = {}
    for name, spoil in SPOILED.items():
        try:
            asked[name] = spoil(measured[test], spectra, generators)
        except NotRunError as error:
            unable[name] = error.reason
    # No preprocessing of this study starts from a baseline.
    stacked = np.concatenate([measured, *asked.values()])
    window = {"savgol_window": settings["savgol_window"], "savgol_order": settings["savgol_order"]}
    views = Views(stacked, np.zeros_like(stacked), **window)
    inner = derive_seed(seed, "inner", task.dataset, size, draw)
    splits = {"n_splits": settings["inner_splits"], "seed": inner, "stratify": False}
    data = tuning.training(views, task.y, task.groups, train, **splits)
    found = [tuning.tune_pls(data, name, settings["max_lv"]) for name in settings["preprocessings"]]
    best = tuning.best_of(found).choice
    fitted = views.fit(best.preprocessing, train)

    def seen(rows: np.ndarray) -> np.ndarray:
        return views.transform(best.preprocessing, fitted, rows)

    limits = OutlierLimits(seen(train), task.y[train], best.settings["n_lv"], task.groups[train])
    for number, name in enumerate(asked):
        shown = seen(len(measured) + number * len(test) + np.arange(len(test)))
        for limit in LIMITS:
            yield {"method": limit, "condition": name} | _share(limits, shown, limit, len(train))
    for name, reason in unable.items():
        yield from ({"method": limit, "condition": name, **not_run(reason)} for limit in LIMITS)


def _share(limits: OutlierLimits, spectra: np.ndarray, limit: str, n: int) -> Row:
    if n < (fewest := fewest_samples(limit)):
        return {**not_run(f"{n} spectra, fewer than the {fewest} of this limit"), "metric": "flagged"}
    if np.isinf(limits.limit_.get(limit, 0.0)):
        return {**not_run("as many latent variables as specimens, or more"), "metric": "flagged"}
    return {"metric": "flagged", "value": float(limits.flagged(spectra, limit).mean()), "status": "ok"}
