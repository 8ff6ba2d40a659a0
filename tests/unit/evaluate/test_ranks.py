"""Ranks over datasets: complete blocks, textbook ranks and tests."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from etalon.evaluate.ranks import complete_blocks, dataset_ranks, friedman, pairwise


def rows(table, repeat=0, seed=-1):
    """Scores from {(dataset, target): {method: value}}."""
    return pd.DataFrame(
        [
            {"family": d, "dataset": d, "target": t, "method": m, "repeat": repeat, "seed": seed, "value": v}
            for (d, t), own in table.items()
            for m, v in own.items()
        ]
    )


def random_rows(n_datasets=12, factors=(1.0, 0.8, 0.99)):
    rng = np.random.default_rng(0)
    table = {}
    for i in range(n_datasets):
        for target in "xy":
            level = rng.lognormal()
            table[f"d{i:02d}", target] = {
                m: level * f * rng.lognormal(sigma=0.1) for m, f in zip("abc", factors, strict=True)
            }
    return rows(table)


def test_only_what_every_method_has_counts():
    found = pd.concat(
        [
            rows({("d", "x"): {"a": 1.0, "b": 2.0}, ("e", "x"): {"a": 1.0}}),
            rows({("d", "x"): {"a": 9.0}}, repeat=1),
            rows({("d", "x"): {"b": 4.0}}, seed=1),
        ]
    )
    blocks = complete_blocks(found, ["a", "b"])
    assert blocks.index.tolist() == [("d", "d", "x")]
    assert blocks.to_numpy().tolist() == [[1.0, 3.0]]


def test_ranks_are_averaged_over_the_tasks_of_a_dataset():
    table = {("d", "x"): {"a": 1.0, "b": 2.0, "c": 2.0}, ("d", "y"): {"a": 3.0, "b": 2.0, "c": 1.0}}
    found = dataset_ranks(complete_blocks(rows(table), ["a", "b", "c"]))
    assert found.loc["d"].tolist() == [2.0, 2.25, 1.75]
    assert dataset_ranks(complete_blocks(rows(table), ["a", "b"]), smaller_is_better=False).loc["d"].tolist() == [
        1.5,
        1.5,
    ]


def test_friedman_of_single_tasks_is_that_of_the_scores():
    blocks = complete_blocks(random_rows(), ["a", "b", "c"]).xs("x", level="target", drop_level=False)
    expected = stats.friedmanchisquare(*(blocks[name] for name in blocks)).pvalue
    assert friedman(dataset_ranks(blocks)) == pytest.approx(expected)
    assert np.isnan(friedman(dataset_ranks(blocks[["a", "b"]])))


def test_pairs_are_tested_over_datasets_with_holm():
    blocks = complete_blocks(random_rows(), ["a", "b", "c"])
    found = pairwise(blocks)
    logs = np.log(blocks)
    p = {
        (a, b): stats.wilcoxon((logs[a] - logs[b]).groupby(level="dataset").median()).pvalue
        for a, b in (("a", "b"), ("a", "c"), ("b", "c"))
    }
    smallest = min(p, key=p.get)
    assert found.loc[smallest] == pytest.approx(3 * p[smallest])
    assert found.loc["a", "c"] == pytest.approx(p["a", "c"])  # the largest: not corrected
    pd.testing.assert_frame_equal(found, found.T)
    assert found.loc["a", "b"] < 0.05 < found.loc["a", "c"]
    assert pairwise(blocks.assign(c=blocks["a"])).loc["a", "c"] == 1.0
