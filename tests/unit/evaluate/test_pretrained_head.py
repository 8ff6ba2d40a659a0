"""Pretraining of the kernel head: which tasks are pooled, and how the curve over families is drawn."""

import numpy as np
import pytest

from etalon.chemometrics.pooled_prior import PooledPrior
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.embedding_heads import HEADS, PRETRAINED, RegressionHead
from etalon.evaluate.pretrained_head import learning_curve, pool_task, read_prior
from etalon.evaluate.tasks import Task
from etalon.storage import save_json

BLOCKS = ("raw", "d1")


def make(seed, n=40):
    rng = np.random.default_rng(seed)
    y = rng.normal(size=n)
    blocks = {"raw": rng.normal(size=(n, 6)), "d1": np.c_[y + 0.1 * rng.normal(size=n), rng.normal(size=(n, 19))]}
    y[:5] = np.nan
    return Task(f"set{seed}", "regression", "protein", y, np.arange(n) // 2), blocks


def test_a_task_is_pooled_by_its_measured_rows_and_kernels_of_mean_diagonal_one():
    task, blocks = make(1)
    pooled = pool_task(task, blocks, "a family", max_rows=20)
    assert len(pooled.y) <= 20 and np.isfinite(pooled.y).all()
    assert pooled.y.mean() == pytest.approx(0.0, abs=1e-12) and pooled.y.std() == pytest.approx(1.0)
    assert {"linear raw", "linear d1", "matern", "flattened d1"} <= set(pooled.kernels)
    for K in pooled.kernels.values():
        assert np.trace(K) == pytest.approx(len(pooled.y), rel=1e-6)
    assert set(pooled.counts) <= {1.0, 2.0}


def test_the_learning_curve_judges_families_that_no_prior_saw():
    tasks = [pool_task(*make(seed), f"family{seed}", 40) for seed in range(6)]
    curve = learning_curve(tasks, seed=1)
    assert [point["families"] for point in curve] == [0, 1, 2, 4]
    assert [point["tasks"] for point in curve] == [0, 1, 2, 4]
    assert all(np.isfinite(point["log_marginal"]) for point in curve)
    assert curve == learning_curve(tasks, seed=1)


def test_a_prior_without_tasks_is_not_run_and_a_file_without_one_is_refused(tmp_path):
    save_json(tmp_path / "none.json", {"prior": None})
    assert read_prior(tmp_path / "none.json") is None
    task, blocks = make(1)
    rows = np.arange(5, 40)
    known = {name: block[rows] for name, block in blocks.items()}
    head = RegressionHead(HEADS[PRETRAINED], BLOCKS, 300, {"prior": None})
    with pytest.raises(NotRunError, match="other families"):
        head.fit(known, task.y[rows], task.groups[rows])
    save_json(tmp_path / "other.json", {"weights": 1})
    with pytest.raises(BadInputError, match=r"other\.json"):
        read_prior(tmp_path / "other.json")


def test_the_pretrained_head_follows_its_prior():
    task, blocks = make(2)
    rows = np.arange(5, 40)
    known = {name: block[rows] for name, block in blocks.items()}
    kinds = ("linear raw", "linear d1", "window d1", "matern", "flattened raw", "flattened d1")

    def chosen(favoured):
        prior = PooledPrior({k: 0.0 if k == favoured else -8.0 for k in kinds}, dict.fromkeys(kinds, 0.3))
        head = RegressionHead(HEADS[PRETRAINED], BLOCKS, 300, {"prior": prior})
        return head.fit(known, task.y[rows], task.groups[rows]).choice()["strengths"]

    for favoured in ("matern", "linear d1"):
        strengths = chosen(favoured)
        assert max(strengths, key=strengths.get) == favoured
