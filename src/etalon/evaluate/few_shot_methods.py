"""What is fitted to a few specimens: classical pipelines with all their choices, and heads on embeddings."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from etalon.chemometrics.pooled_prior import PooledPrior
from etalon.evaluate import tuning
from etalon.evaluate.baselines import fit
from etalon.evaluate.embedding_heads import HEADS, RegressionHead, rows_of
from etalon.evaluate.few_shot import Draw, Predict
from etalon.evaluate.tasks import Task
from etalon.evaluate.views import Views
from etalon.seeds import derive_seed

CLASSICAL = ("tuned_pls", "tuned_ridge", "stacked_pls")


def classical(intensities: np.ndarray, baseline: np.ndarray, settings: Mapping[str, Any], seed: int) -> Predict:
    """Return what fits the `CLASSICAL` methods to a draw.

    Parameters
    ----------
    intensities, baseline : shape (n_samples, n_channels)
    settings : "preprocessings", "max_lv", "inner_splits", "savgol_window", "savgol_order"
    seed : the main seed, of the inner folds
    """
    window = {name: settings[name] for name in ("savgol_window", "savgol_order")}
    every = Views(intensities, baseline, **window)

    def predict(task: Task, draw: Draw) -> dict[str, np.ndarray]:
        # Choices are made on views of the few rows alone: scores of n rows have n dimensions, not those of the set.
        few = Views(intensities[draw.train], baseline[draw.train], **window)
        data = tuning.training(
            few,
            task.y[draw.train],
            task.groups[draw.train],
            np.arange(len(draw.train)),
            n_splits=settings["inner_splits"],
            seed=derive_seed(seed, "inner", task.dataset, task.target, draw.size, draw.number),
            stratify=False,
        )
        with warnings.catch_warnings():
            # PLS says so where the rows hold fewer latent variables than asked; it then carries the last ones forward.
            warnings.filterwarnings("ignore", message=".*[Cc]omponent.*", category=UserWarning, module="ikpls")
            pls = [tuning.tune_pls(data, name, settings["max_lv"]) for name in settings["preprocessings"]]
        ridge = [tuning.tune_ridge(data, name) for name in settings["preprocessings"]]
        chosen = (tuning.best_of(pls), tuning.best_of(ridge), tuning.stack_pls(data, pls))
        fitted = (fit(candidate.choice, every, task, draw.train) for candidate in chosen)
        return {name: model.predict(every, draw.test) for name, model in zip(CLASSICAL, fitted, strict=True)}

    return predict


def heads_on(
    blocks: Mapping[str, np.ndarray],
    heads: Mapping[str, Sequence[str]],
    max_rows: int,
    prior: PooledPrior | None = None,
) -> Predict:
    """Return what fits regression heads to a draw.

    Parameters
    ----------
    blocks : of the embedding, each of shape (n_samples, size)
    heads : names of heads, each with the names of its blocks
    max_rows : see `etalon.chemometrics.evidence.EvidenceRidge`
    prior : of the pretrained kernel head, if it is among the heads
    """

    def predict(task: Task, draw: Draw) -> dict[str, np.ndarray]:
        found = {}
        for name, names in heads.items():
            wanted = {block: blocks[block] for block in names}
            head = RegressionHead(HEADS[name], names, max_rows, {"prior": prior})
            head.fit(rows_of(wanted, draw.train), task.y[draw.train], task.groups[draw.train])
            found[name] = head.predict(rows_of(wanted, draw.test))[0]
        return found

    return predict
