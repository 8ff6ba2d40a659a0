"""Pretraining of the kernel evidence head: its prior, pooled over regression tasks of other families."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from etalon.chemometrics.block_kernels import InnerProducts
from etalon.chemometrics.evidence_kernels import fit_kernels, kernels_on
from etalon.chemometrics.marginal_likelihood import specimen_counts, spread_rows
from etalon.chemometrics.pooled_prior import PooledPrior, PoolTask, pool, posterior
from etalon.errors import BadInputError
from etalon.evaluate.embedding_heads import BlockScaler
from etalon.evaluate.embeddings import read_embedding
from etalon.evaluate.tasks import Task, list_tasks
from etalon.seeds import derive_seed
from etalon.storage import load_json, load_set


def pool_tasks(folder: Path, index: Path, *, max_rows: int, max_targets: int) -> list[PoolTask]:
    """Return the first regression tasks of a dataset, of at most `max_rows` rows each; none of overlapping specimens.

    Parameters
    ----------
    folder : of the dataset; index : of the embeddings that hold it

    Raises
    ------
    NotRunError : it could not be had, or is recorded as not embedded
    """
    spectra = load_set(folder)
    tasks = [task for task in list_tasks(spectra) if task.kind == "regression" and task.not_run is None]
    if spectra.metadata.overlaps or not tasks:
        return []
    blocks = read_embedding(index, folder.name).named()
    return [pool_task(task, blocks, spectra.metadata.family, max_rows) for task in tasks[:max_targets]]


def pool_task(task: Task, blocks: Mapping[str, np.ndarray], family: str, max_rows: int) -> PoolTask:
    """Return one task with the kernels of its rows; `blocks` are those of the dataset, each of shape (n, size)."""
    rows = np.flatnonzero(np.isfinite(task.y))
    rows = rows[spread_rows(task.groups[rows], max_rows)]
    parts = [block[rows] for block in blocks.values()]
    side_by_side = BlockScaler().fit(parts).transform(parts)
    edges = np.cumsum([part.shape[1] for part in parts])[:-1]
    scaled = dict(zip(blocks, np.split(side_by_side, edges, axis=1), strict=True))
    kernels = fit_kernels(kernels_on([*blocks]), InnerProducts(scaled, scaled))
    y = task.y[rows]
    return PoolTask(family, kernels, (y - y.mean()) / (y.std() or 1.0), specimen_counts(task.groups[rows]))


def learning_curve(tasks: Sequence[PoolTask], seed: int) -> list[dict[str, Any]]:
    """Return how well priors pooled over ever more families foretell the tasks of others.

    Families are put into a random order. Priors are pooled over the first 1, 2, 4, ... of all but the last third; each
    is judged on this last third by the log marginal likelihood of a task, mean over tasks, families counting alike.

    Returns
    -------
    one entry a prior: families (0: the prior set by hand), tasks, log_marginal
    """
    families = sorted({task.family for task in tasks})
    order = np.random.default_rng(derive_seed(seed, "learning_curve")).permutation(families).tolist()
    known, judged = order[: len(order) - len(order) // 3], order[len(order) - len(order) // 3 :]
    if not judged:
        return []
    sizes = [0, *(2**power for power in range(len(known)) if 2**power < len(known)), len(known)]
    found = []
    for size in sizes:
        own = [task for task in tasks if task.family in known[:size]]
        names = list(dict.fromkeys(name for task in tasks for name in task.kernels))
        prior = pool(own) if own else PooledPrior.broad(names)
        means = [_mean_marginal([task for task in tasks if task.family == family], prior) for family in judged]
        found.append({"families": size, "tasks": len(own), "log_marginal": float(np.mean(means))})
    return found


def _mean_marginal(tasks: Sequence[PoolTask], prior: PooledPrior) -> float:
    """Return the mean log marginal likelihood of a task; kinds of kernels that the prior lacks are left out."""
    known = [task._replace(kernels=prior.among(task.kernels)) for task in tasks]
    return float(np.mean([posterior(task, prior).log_marginal for task in known]))


def read_prior(path: Path) -> PooledPrior | None:
    """Return the prior that stage pretrain_head wrote; None where it had no task to pool."""
    content = load_json(path)
    if not isinstance(content, dict) or "prior" not in content:
        raise BadInputError(path, "prior", "a prior of the kernel head", "none")
    return None if content["prior"] is None else PooledPrior.of(content["prior"])
