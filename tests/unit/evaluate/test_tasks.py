"""Tasks: what is judged, and what is not and why."""

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.evaluate.tasks import list_tasks


def make(reference, *, specimen=None, label=None):
    n = len(reference)
    rng = np.random.default_rng(0)
    ids = np.arange(n).astype(str)
    metadata = Metadata(
        "x", "x", "X", "nir", "absorbance", "nm", targets=(Target("fat", "fat", "%"),), label="kind" if label else None
    )
    return SpectraSet(
        metadata, rng.normal(size=(n, 4)), np.arange(4.0), ids, ids if specimen is None else specimen,
        np.array(reference, dtype=float)[:, None], label=label,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "specimen", "reason"),
    [
        (np.arange(30), None, None),
        (np.arange(19), None, "19 measured samples, fewer than 20"),
        (np.r_[np.arange(19), np.full(11, np.nan)], None, "19 measured samples, fewer than 20"),
        (np.arange(30), ["a"] * 15 + ["b"] * 15, "2 specimens, fewer than 3"),
        (np.full(30, 4.2), None, "all reference values are equal"),
    ],
)
def test_too_little_to_judge_is_said(reference, specimen, reason):
    (task,) = list_tasks(make(reference, specimen=specimen))
    assert task.not_run == reason


def test_a_class_counts_by_its_specimens():
    label = ["a"] * 20 + ["b"] * 20
    specimen = [str(i) for i in range(20)] + [str(20 + i // 4) for i in range(20)]
    _, task = list_tasks(make(np.arange(40), specimen=specimen, label=label))
    assert task.kind == "classification"
    assert task.not_run == "class 'b' has 5 specimens, fewer than 10"
    assert task.classes == ("a", "b")
    np.testing.assert_array_equal(task.y, [0] * 20 + [1] * 20)
