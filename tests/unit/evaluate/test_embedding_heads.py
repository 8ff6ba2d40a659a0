"""Heads on embeddings: they find what is there, invent nothing, and see no test row."""

import json

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.evaluate.downstream_heads import MODELS
from etalon.evaluate.embedding_heads import FS, HEADS, BlockScaler, RegressionHead, applicable, by_kind, run_heads
from etalon.evaluate.tasks import Task

OWN, FIXED = ("learned", "stats"), ("raw", "snv")
N = 60


def blocks_of(y=None, n=N, seed=0):
    """Blocks of very different scales; with y, the learned one contains it."""
    rng = np.random.default_rng(seed)
    found = {
        "learned": rng.normal(size=(n, 8)),
        "stats": 100.0 + rng.normal(size=(n, 2)),
        FS + "raw": 1e4 * rng.normal(size=(n, 6)),
        FS + "snv": rng.normal(size=(n, 6)),
    }
    if y is not None:
        found["learned"] = 1e-3 * np.c_[found["learned"], 20.0 * y]
    return {name: block.astype(np.float32) for name, block in found.items()}


def folds_of(n=N, scheme="kfold", groups=None):
    groups = np.arange(n) if groups is None else groups
    parts = [
        pd.DataFrame({"scheme": scheme, "repeat": 0, "fold": k, "row": np.arange(n), "role": role}).loc[keep]
        for k in range(3)
        for role, keep in (("train", groups % 3 != k), ("test", groups % 3 == k))
    ]
    return pd.concat(parts, ignore_index=True)


def regression(y, groups=None):
    return Task("toy", "regression", "protein", y, np.arange(len(y)) if groups is None else groups)


def predict(blocks, tasks, folds, repeats=1):
    heads = applicable(["ridge", "evidence", "fs_evidence", "logistic", "fs_logistic"], OWN, FIXED)
    return run_heads(blocks, tasks, folds, heads, repeats=repeats, max_rows=300, inner_splits=3, seed=1)


def r2(rows):
    return (
        1
        - ((rows["prediction"] - rows["reference"]) ** 2).sum()
        / ((rows["reference"] - rows["reference"].mean()) ** 2).sum()
    )


@pytest.fixture
def y():
    return np.random.default_rng(5).uniform(-1, 1, N)


def test_what_the_embedding_holds_is_found_by_every_head(y):
    rows = predict(blocks_of(y), [regression(y)], folds_of()).predictions
    found = {head: r2(part) for head, part in rows.groupby("head")}
    assert set(found) == {"ridge", "evidence", "fs_evidence"}
    assert min(found.values()) > 0.98, found


def test_noise_predicts_nothing(y):
    rows = predict(blocks_of(), [regression(y)], folds_of()).predictions
    for head, part in rows.groupby("head"):
        assert r2(part) < 0.15, head


def test_classes_are_found_and_not_invented(y):
    task = Task("toy", "classification", "level", (y > 0).astype(float), np.arange(N), ("high", "low"))
    folds = folds_of(scheme="stratified")
    for blocks, low, high in ((blocks_of(y), 0.85, 1.0), (blocks_of(), 0.2, 0.7)):
        outcome = predict(blocks, [task], folds)
        rows = outcome.predictions
        assert set(rows["head"]) == {"logistic", "fs_logistic"}
        for _, part in rows.groupby("head"):
            assert low <= (part["prediction"] == part["reference"]).mean() <= high
        assert rows["probability"].between(0, 1).all()
        assert {c["choice"]["C"] for c in outcome.choices} <= {10.0**k for k in range(7)}


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_test_rows_neither_teach_nor_disturb_each_other(kind, y):
    def rows_for(y, blocks):
        if kind == "regression":
            task, scheme = regression(y), "kfold"
        else:
            task, scheme = Task("toy", kind, "level", (y > 0).astype(float), np.arange(N), ("a", "b")), "stratified"
        folds = folds_of(scheme=scheme)
        rows = predict(blocks, [task], folds[folds["fold"] == 0]).predictions
        return rows.set_index(["head", "row"])

    blocks, test = blocks_of(y), np.flatnonzero(np.arange(N) % 3 == 0)
    before = rows_for(y, blocks)

    relabelled = y.copy()
    relabelled[test] = np.random.default_rng(1).permutation(y[test])
    assert np.array_equal(rows_for(relabelled, blocks)["prediction"], before["prediction"])

    kept, changed = test[:5], test[5:]
    disturbed = {name: block.copy() for name, block in blocks.items()}
    for block in disturbed.values():
        block[changed] = block[changed][::-1] * 3 + 7
    after = rows_for(y, disturbed)
    column = "prediction" if kind == "regression" else "probability"
    same = [(head, row) for head in set(before.index.get_level_values(0)) for row in kept]
    np.testing.assert_allclose(after.loc[same, column], before.loc[same, column], rtol=1e-9)
    others = [(head, row) for head in set(before.index.get_level_values(0)) for row in changed]
    assert not np.allclose(after.loc[others, column], before.loc[others, column])


def test_scans_of_one_specimen_are_left_out_together(y):
    """Noise that the scans of a specimen share looks like signal as long as they are left out one by one."""
    rng = np.random.default_rng(2)
    y, groups = np.repeat(y[:30], 4), np.repeat(np.arange(30), 4)
    shared = np.repeat(rng.normal(size=(30, 40)), 4, axis=0)
    blocks = {"learned": shared + 0.1 * rng.normal(size=(120, 40)), "stats": np.ones((120, 2))}
    names = ["learned", "stats"]
    together = RegressionHead(HEADS["ridge"], names, 300).fit(blocks, y, groups)
    apart = RegressionHead(HEADS["ridge"], names, 300).fit(blocks, y, np.arange(120))
    assert apart.choice()["rmsecv"] < 0.1
    assert together.choice()["rmsecv"] > 0.5
    blocks |= {FS + name: shared for name in FIXED}
    outcome = predict(blocks, [regression(y, groups)], folds_of(120, groups=groups))
    assert min(c["choice"]["rmsecv"] for c in outcome.choices if c["head"] == "ridge") > 0.5


def test_intervals_hold_about_95_percent_and_predictions_stay_in_range():
    rng = np.random.default_rng(3)
    X = rng.normal(size=(400, 8))
    y = X[:, 0] + 0.3 * rng.normal(size=400)
    blocks = {"learned": X, "stats": np.zeros((400, 2)), FS + "raw": X, FS + "snv": X}
    rows = predict(blocks, [regression(y)], folds_of(400)).predictions
    evidence = rows[rows["head"] == "evidence"]
    inside = evidence["reference"].between(evidence["lower"], evidence["upper"]).mean()
    assert 0.91 < inside < 0.98
    assert rows.loc[rows["head"] == "ridge", "lower"].isna().all()

    blocks["learned"] = X.copy()
    blocks["learned"][0] *= 1e3
    wild = predict(blocks, [regression(y)], folds_of(400)).predictions
    margin = 0.25 * np.ptp(y)
    assert wild["prediction"].between(y.min() - margin, y.max() + margin).all()


def test_blocks_count_alike_and_a_constant_one_counts_nothing():
    rng = np.random.default_rng(4)
    constant = np.full((50, 3), 0.1, np.float32)
    constant[::2] += 1e-8
    blocks = [1e4 + 300 * rng.normal(size=(50, 6)), 1e-3 * rng.normal(size=(50, 2)), constant]
    X = BlockScaler().fit(blocks).transform(blocks)
    assert np.allclose([(X[:, :6] ** 2).sum(), (X[:, 6:8] ** 2).sum(), (X[:, 8:] ** 2).sum()], [50, 50, 0])
    assert np.abs(X.mean(axis=0)).max() < 1e-9


def test_a_head_is_given_the_blocks_it_names():
    perceiver = ("learned", "mean", "cls", "patches", "stats")
    heads = applicable(list(HEADS), perceiver, FIXED)
    assert heads["ridge"] == heads["evidence"] == heads["logistic"] == ["learned", "stats"]
    assert heads["fs_evidence"] == heads["fs_logistic"] == ["fs_raw", "fs_snv", "learned", "stats"]
    assert heads["ridge_cls"] == ["cls", "stats"]
    without = {"ridge_mean", "ridge_cls", "ridge_patches", "kernels", "pretrained_kernels"}
    assert set(applicable(list(HEADS), OWN, FIXED)) == set(HEADS) - without
    assert applicable(list(HEADS), FIXED, None) == {
        name: list(FIXED) for name in ("ridge", "evidence", "kernels", "pretrained_kernels", *MODELS, "logistic")
    }
    assert by_kind(["ridge", "logistic"]) == {"regression": ["ridge"], "classification": ["logistic"]}


def test_the_kernel_head_is_given_the_named_blocks_and_records_what_it_chose(y):
    blocks = {"raw": blocks_of()["learned"], "d1": np.c_[blocks_of(seed=2)["learned"], 5.0 * y]}
    heads = applicable(["kernels"], blocks, None)
    outcome = run_heads(blocks, [regression(y)], folds_of(), heads, repeats=1, max_rows=300, inner_splits=3, seed=1)
    assert r2(outcome.predictions) > 0.9
    assert (outcome.predictions["upper"] > outcome.predictions["prediction"]).all()
    chosen = outcome.choices[0]["choice"]
    assert {"linear raw", "window d1 0", "matern", "flattened d1"} <= set(chosen["strengths"])
    assert json.loads(json.dumps(chosen)) == chosen


def test_unknown_heads_and_missing_embeddings_of_fs_are_named():
    with pytest.raises(BadInputError, match="ridgee"):
        applicable(["ridgee"], OWN, FIXED)
    with pytest.raises(BadInputError, match="--fs-index"):
        applicable(["fs_evidence"], OWN, None)


def test_only_the_repeats_asked_for_and_the_published_split(y):
    again = folds_of().assign(repeat=1)
    published = folds_of(scheme="published").query("fold == 0")
    outcome = predict(blocks_of(y), [regression(y)], pd.concat([folds_of(), again, published]))
    counts = {(c["condition"], c["repeat"]) for c in outcome.choices}
    assert counts == {("cv", 0), ("published", 0)}
    assert {c["n_train"] for c in outcome.choices} == {40}
