"""What a calibration costs: seconds from the files of a dataset to predictions, and choices."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.cost_routes import Clock, Given, Problem, Route, routes

STEPS = ("load", "baseline", "embed", "fit", "predict")
TOTAL = "total"
# One row a step of a route on a dataset. `searched`, `optimised`, `by_hand`, `needs`: see
# `etalon.evaluate.cost_routes.Route`; `by_hand` is their number, `settings` their names.
COST_COLUMNS = {
    "run": "category",
    "method": "category",
    "variant": "category",
    "head": "category",
    "dataset": "category",
    "n_train": "int32",
    "n_channels": "int32",
    "step": "category",
    "seconds": "float64",
    "searched": "int32",
    "optimised": "int32",
    "by_hand": "int32",
    "settings": "category",
    "needs": "category",
    "threads": "int32",
    "machine": "category",
    "status": "category",
}


def measure(
    data: Sequence[Path], folds: Mapping[str, Path], given: Sequence[Given], settings: Mapping[str, Any], seed: int
) -> pd.DataFrame:
    """Return the seconds of every step of every route on each dataset: those of the round with the smallest total.

    One quantity of the dataset is calibrated, on the first fold of the cross-validation. Rounds are interleaved, so
    that a busy minute of the machine meets all routes. Not counted are the start of Python and imports; what depends on
    a grid alone is computed in the first round.

    Parameters
    ----------
    data : folders of the datasets; folds : theirs, by name
    given : encoders. Times do not depend on what weights were trained on: one checkpoint serves all datasets.
    settings : "repeats" (rounds), "heads" (of `etalon.evaluate.embedding_heads.HEADS`), and the blocks of the
        configuration that the routes read: "phase_0", "asls", "embedding", "downstream", "fine_tuning"
    """
    known = routes(settings, given)
    for route in known:
        _refuse_unknown(route, settings)
    parts = [_measure_set(folder, folds[folder.name], known, settings, seed) for folder in data]
    return pd.DataFrame([row for rows in parts for row in rows])


def _measure_set(
    folder: Path, folds: Path, known: Sequence[Route], settings: Mapping[str, Any], seed: int
) -> list[dict[str, Any]]:
    problem = Problem(folder, folds, settings, seed)
    best: dict[int, dict[str, float]] = {}
    reasons: dict[int, str] = {}
    n_train = n_channels = 0
    try:
        spectra, task, fold = problem.load()
        n_train, n_channels = len(task.restrict(fold)[0]), spectra.intensities.shape[1]
    except NotRunError as error:
        reasons = dict.fromkeys(range(len(known)), error.reason)
    for _ in range(settings["repeats"]):
        for number, route in enumerate(tqdm(known, desc=folder.name, unit="route", leave=False)):
            if number in reasons:
                continue
            try:
                seconds = _once(route, problem)
            except NotRunError as error:
                reasons[number] = error.reason
                continue
            if number not in best or sum(seconds.values()) < sum(best[number].values()):
                best[number] = seconds
    size = {"dataset": folder.name, "n_train": n_train, "n_channels": n_channels}
    rows = []
    for number, route in enumerate(known):
        common = size | _describe(route)
        if number in reasons:
            rows.append(common | {"step": TOTAL, "seconds": np.nan, "status": f"not run: {reasons[number]}"})
            continue
        seconds = best[number] | {TOTAL: sum(best[number].values())}
        rows += [common | {"step": step, "seconds": value, "status": "ok"} for step, value in seconds.items()]
    return rows


def _once(route: Route, problem: Problem) -> dict[str, float]:
    clock = Clock()
    predictions = route.run(problem, clock)
    if not np.isfinite(predictions).all():
        name = "/".join(filter(None, (route.method, route.variant, route.head)))
        raise BadInputError(problem.folder, f"predictions of {name}", "finite numbers", "others")
    logging.info("%s %s %s: %.2f s", route.method, route.variant, route.head, sum(clock.seconds.values()))
    return {step: clock.seconds[step] for step in STEPS if step in clock.seconds}


def _describe(route: Route) -> dict[str, Any]:
    names = ("method", "variant", "head", "searched", "optimised", "needs")
    return {name: getattr(route, name) for name in names} | {
        "by_hand": len(route.by_hand),
        "settings": " ".join(route.by_hand),
    }


def _refuse_unknown(route: Route, settings: Mapping[str, Any]) -> None:
    """Raise BadInputError if a choice that a route claims to ask for is no setting."""
    for name in route.by_hand:
        found: Any = settings
        for key in name.split("."):
            if not isinstance(found, Mapping) or key not in found:
                raise BadInputError("settings", name, "a setting", "none")
            found = found[key]
