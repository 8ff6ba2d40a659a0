"""The latent space of an encoder, with two instruments in it, before and after the spectra of one are transferred."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from etalon.chemometrics.transfer_pds import PiecewiseDirectStandardisation
from etalon.chemometrics.transfer_samples import random_samples
from etalon.errors import NotRunError
from etalon.evaluate.cross_instrument import Pair, enough_shared, tasks_of
from etalon.evaluate.embed import embed_spectra_of
from etalon.evaluate.embedding_map import places
from etalon.evaluate.learned_transfer import networks_of, place_of
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.transfer import folds_of
from etalon.evaluate.transfer_methods import prepare, stack
from etalon.models.patch_transformer import PatchTransformer
from etalon.seeds import derive_seed
from etalon.train.learned_transfer import LearnedTransfer

# One row a spectrum and state. `pair_distance`: see `pair_distance`, one number a state.
LATENT_COLUMNS = {
    "run": "category",
    "pair": "category",
    "family": "category",
    "synthetic": "bool",
    "state": "category",
    "instrument": "category",  # source or target
    "specimen": "int32",
    "target": "category",
    "unit": "category",
    "value": "float64",
    "n_transfer": "int32",
    "x": "float64",
    "y": "float64",
    "pair_distance": "float64",
    "status": "category",
}
BEFORE, PDS = "before", "pds"
BLOCK = "learned"


def latent_table(
    pair: Pair,
    folds: pd.DataFrame,
    baselines: Mapping[str, np.ndarray],
    start: PatchTransformer,
    settings: Mapping[str, Any],
    seed: int,
    encoder_seed: int,
) -> pd.DataFrame:
    """Return places of specimens that no transfer was fitted to, measured on both instruments, in each state.

    Parameters
    ----------
    settings : "transfer" (samples), "max_shown" (specimens), "methods" (learned ones, see
        `etalon.evaluate.learned_transfer.learned_rows`) and what `etalon.evaluate.transfer_methods.prepare` takes
    start : the encoder, which the networks of the learned methods start from
    """
    about = pair.source.metadata
    stacked = stack(pair, [], baselines, settings["savgol_window"], settings["savgol_order"])
    tasks = tasks_of(pair, list_tasks(pair.source))
    if not tasks:
        raise NotRunError("no target in common that can be judged")
    task = tasks[0]
    enough_shared(pair, task)
    found = (prepare(pair, stacked, task, *fold, settings, seed) for fold in folds_of(task, folds))
    one = next((fold for fold in found if fold is not None), None)
    if one is None or len(one.y) < settings["transfer"]:
        raise NotRunError(f"no fold with {settings['transfer']} specimens to transfer")
    chosen = random_samples(
        len(one.y), settings["transfer"], derive_seed(seed, "transfer", pair.name, task.target, 0, 0)
    )
    rest = np.setdiff1d(np.arange(len(one.y)), chosen)
    source = np.concatenate([one.source[rest], one.test_source])
    shown = np.sort(
        random_samples(len(source), min(settings["max_shown"], len(source)), derive_seed(seed, "shown", pair.name))
    )
    source = source[shown]
    target = np.concatenate([one.target[rest], one.test])[shown]
    states = {BEFORE: target}
    samples = one.source[chosen], one.target[chosen], one.y[chosen]
    states[PDS] = PiecewiseDirectStandardisation(one.calibration).fit(*samples).transform(target)
    place = place_of(pair, stacked.wavelengths, next(start.parameters()).device)
    networks = networks_of(place, start, settings["methods"], derive_seed(seed, "init", encoder_seed))
    for name, (network, plan) in networks.items():
        own = derive_seed(seed, "fit", encoder_seed, name, 0, 0)
        fitted = LearnedTransfer(one.calibration, place, network, start.points, plan, own)
        states[name] = fitted.fit(*samples).transform(target)

    def latent(spectra: np.ndarray) -> np.ndarray:
        zero = np.zeros_like(spectra)  # the patch transformer reads no baseline
        return embed_spectra_of(start, about, spectra, stacked.wavelengths, zero)[BLOCK].astype(np.float64)

    of_source, y = latent(source), np.concatenate([one.y[rest], one.y_test])[shown]
    unit = next(t.unit for t in about.targets if t.name == task.target)
    known: dict[str, Any] = {"pair": pair.name, "family": about.family, "synthetic": about.synthetic}
    known |= {"target": task.target, "unit": unit, "n_transfer": settings["transfer"], "status": "ok"}
    tables = []
    for state, spectra in states.items():
        of_target = latent(spectra)
        xy = places(np.concatenate([of_source, of_target]), derive_seed(seed, "map", pair.name))
        table = pd.DataFrame({"x": xy[:, 0], "y": xy[:, 1], "value": np.r_[y, y], "specimen": [*range(len(y))] * 2})
        table["instrument"] = ["source"] * len(y) + ["target"] * len(y)
        number = pair_distance(of_source, of_target)
        tables.append(table.assign(state=state, pair_distance=number, **known))
    return pd.concat(tables, ignore_index=True)


def pair_distance(source: np.ndarray, target: np.ndarray) -> float:
    """Return how far the two measurements of a specimen lie apart, in units of how far specimens do.

    Root mean square of the distances between rows of one number, over that between all different rows of `source`; both
    of shape (n, size). 0: instruments cannot be told apart; 1: they differ as much as specimens.
    """
    own = np.square(source - target).sum(axis=1).mean()
    deviation = source - source.mean(axis=0)
    n = len(source)
    others = 2.0 * np.square(deviation).sum() / (n - 1)  # mean over all ordered pairs of different rows
    return float(np.sqrt(own / others))
