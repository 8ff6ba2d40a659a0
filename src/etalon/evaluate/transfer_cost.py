"""What a calibration transfer costs: weights, seconds to fit and to predict, on one pair and its first fold."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from etalon.chemometrics.transfer_evidence import TwoInstruments
from etalon.chemometrics.transfer_samples import random_samples
from etalon.errors import NotRunError
from etalon.evaluate.cross_instrument import Pair, enough_shared
from etalon.evaluate.embed import open_encoder
from etalon.evaluate.evidence_transfer import TRANSFER, EmbeddedFold, embed_pair, named
from etalon.evaluate.learned_transfer import apply, limits_of, networks_of, place_of
from etalon.evaluate.tasks import Task
from etalon.evaluate.transfer import folds_of, wanted_tasks
from etalon.evaluate.transfer_methods import METHODS, Prepared, prepare, stack
from etalon.models.patch_transformer import PatchTransformer
from etalon.seeds import derive_seed
from etalon.train.learned_transfer import LearnedTransfer

# Whether a method needs laboratory values of the transfer samples; of networks the intervals do, predictions do not.
NEED_REFERENCES = ("sbc_reference", "spiking", "target_only", "di_pls", "mdi_pls")
# `weights` are all numbers of the networks, `fitted` those that transfer samples change; `pretraining_seconds` are
# spent once. The rest are the rates of the configuration, see transfer.cost there.
COST_COLUMNS = {
    **dict.fromkeys(("run", "pair", "target", "method", "variant"), "category"),
    "size": "int32",
    "n_channels": "int32",
    "weights": "float64",
    "fitted": "float64",
    "pretraining_seconds": "float64",
    "fit_seconds": "float64",
    "ms_per_spectrum": "float64",
    "needs_references": "bool",
    **dict.fromkeys(("analyst_minutes", "scan_minutes", "analyst_rate", "instrument_rate"), "float64"),
    **dict.fromkeys(("currency", "machine", "status"), "category"),
}
Row = dict[str, Any]
Result = TypeVar("Result")


def cost_rows(
    pair: Pair,
    baselines: Mapping[str, np.ndarray],
    tasks: Sequence[Task],
    folds: pd.DataFrame,
    settings: Mapping[str, Any],
    start: PatchTransformer,
    *,
    seed: int,
) -> list[Row]:
    """Return one row a method: the classical ones and the networks of the settings.

    Parameters
    ----------
    settings : those of `etalon.evaluate.learned_transfer.learned_rows`, "size" (transfer samples) and "repeats"
    start : the pretrained network

    Raises
    ------
    NotRunError : the pair has no task, or too few specimens
    """
    stacked = stack(pair, [], baselines, settings["savgol_window"], settings["savgol_order"])
    task = next(iter(wanted_tasks(pair, tasks, settings)), None)
    if task is None:
        raise NotRunError("no calibration target")
    enough_shared(pair, task)
    one = next(
        filter(None, (prepare(pair, stacked, task, *own, settings, seed) for own in folds_of(task, folds))), None
    )
    if one is None or len(one.y) < settings["size"]:
        raise NotRunError(f"no fold with {settings['size']} specimens to transfer and one to test")
    rows = random_samples(len(one.y), settings["size"], derive_seed(seed, "cost", pair.name, task.target))
    common = {"pair": pair.name, "target": task.target, "size": settings["size"], "n_channels": one.test.shape[1]}
    found = [common | _classical(one, rows, name, settings["repeats"]) for name in METHODS]
    found.append(common | _process(pair, task, one, baselines, rows, settings["repeats"]))
    place = place_of(pair, stacked.wavelengths, next(start.parameters()).device)
    limits = limits_of(one.calibration)
    networks = networks_of(place, start, settings["methods"], derive_seed(seed, "init", 0))
    for name, (network, plan) in networks.items():
        transfer = LearnedTransfer(one.calibration, place, network, start.points, plan, seed, one.specimens[rows])
        fit = partial(transfer.fit, one.source[rows], one.target[rows], one.y[rows])
        seconds, fitted = fastest(fit, settings["repeats"])
        predict, _ = fastest(partial(apply, fitted, one.test, settings["levels"], limits), settings["repeats"])
        counts = [(p.numel(), p.requires_grad) for p in network.parameters()]
        found.append(
            common
            | {
                "method": name,
                "fit_seconds": seconds,
                "ms_per_spectrum": 1000 * predict / len(one.test),
                "status": "ok",
            }
            | {"weights": plan.members * sum(n for n, _ in counts), "needs_references": False}
            | {"fitted": plan.members * sum(n for n, trained in counts if trained)}
        )
    return found


def _classical(one: Prepared, rows: np.ndarray, name: str, repeats: int) -> Row:
    row: Row = {"method": name, "weights": 0, "fitted": 0, "needs_references": name in NEED_REFERENCES}
    try:
        transfer = METHODS[name](one.calibration, [other[rows] for other in one.others])
        seconds, fitted = fastest(lambda: transfer.fit(one.source[rows], one.target[rows], one.y[rows]), repeats)
    except NotRunError as error:
        return row | {"status": f"not run: {error.reason}"}
    predict, _ = fastest(lambda: fitted.predict(one.test), repeats)
    return row | {"fit_seconds": seconds, "ms_per_spectrum": 1000 * predict / len(one.test), "status": "ok"}


def _process(
    pair: Pair, task: Task, one: Prepared, baselines: Mapping[str, np.ndarray], rows: np.ndarray, repeats: int
) -> Row:
    """Return the row of the process over both instruments on fs; spectra are embedded, as others are preprocessed."""
    row: Row = {"method": named(TRANSFER, "fs"), "weights": 0, "fitted": 0, "needs_references": True}
    try:
        embedded = embed_pair(open_encoder(None, "fs")[0], pair, baselines)
    except NotRunError as error:
        return row | {"status": f"not run: {error.reason}"}
    fold = EmbeddedFold.of(pair, task, one, embedded)
    fold.calibration.predict(fold.test[:1])  # the source calibration is there before any transfer
    process = TwoInstruments(fold.calibration, one.specimens[rows])
    seconds, fitted = fastest(lambda: process.fit(fold.source[rows], fold.target[rows], one.y[rows]), repeats)
    predict, _ = fastest(lambda: fitted.predict(fold.test), repeats)
    return row | {"fit_seconds": seconds, "ms_per_spectrum": 1000 * predict / len(fold.test), "status": "ok"}


def fastest(call: Callable[[], Result], repeats: int) -> tuple[float, Result]:
    """Return the seconds of the fastest of several calls, of the processor, and what the last one gave.

    Other work on the machine, which would make a clock run on, does not count.
    """
    best = np.inf
    for _ in range(repeats):
        started = time.process_time()
        result = call()
        best = min(best, time.process_time() - started)
    return float(best), result
