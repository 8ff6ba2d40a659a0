"""Few-shot draws: whole specimens, equal for every method, and judged on rows that were not fitted."""

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.errors import NotRunError
from etalon.evaluate.few_shot import METRICS, draws, few_shot
from etalon.evaluate.few_shot_methods import CLASSICAL, classical, heads_on
from etalon.evaluate.tasks import Task, list_tasks
from etalon.storage import save_set, save_unavailable

SETTINGS = {"sizes": [5, 40], "draws": 3, "max_targets": 1, "max_test": 30}
CHOICES = {
    "preprocessings": ["none", "snv", "emsc"],
    "max_lv": 4,
    "inner_splits": 3,
    "savgol_window": 7,
    "savgol_order": 2,
}


def spectra_of(name="toy", n=50, overlaps=None, scans=1):
    rng = np.random.default_rng(0)
    y = np.repeat(rng.uniform(1, 3, n), scans)
    band = np.exp(-0.5 * ((np.linspace(0, 1, 40) - 0.5) / 0.1) ** 2)
    X = 0.2 + np.outer(y, band) + 0.002 * rng.normal(size=(len(y), 40))
    targets = (Target("protein", "crude protein", "%"), Target("ash", "ash", "%"))
    metadata = Metadata(name, "toys", "Toy", "nir", "absorbance", "nm", targets=targets, overlaps=overlaps)
    specimen = np.repeat(np.arange(n), scans).astype(str)
    return SpectraSet(metadata, X, 1100.0 + 8 * np.arange(40), np.arange(len(y)).astype(str), specimen, np.c_[y, y])


def task_of(n=60, scans=2):
    y = np.repeat(np.random.default_rng(1).normal(size=n), scans)
    return Task("toy", "regression", "protein", y, np.repeat(np.arange(n), scans))


def test_draws_hold_whole_specimens_and_test_on_others():
    task = task_of()
    task.y[:4] = np.nan
    for draw in draws(task, 10, 5, max_test=30, seed=1):
        assert len(np.unique(task.groups[draw.train])) == 10
        assert len(draw.train) == 20
        assert len(draw.test) == 30
        assert not set(task.groups[draw.train]) & set(task.groups[draw.test])
        assert np.isfinite(task.y[np.r_[draw.train, draw.test]]).all()


def test_draws_differ_by_number_and_size_and_by_nothing_else():
    first, again = (draws(task_of(), 5, 4, 30, seed=1) for _ in range(2))
    assert all(
        np.array_equal(a.train, b.train) and np.array_equal(a.test, b.test) for a, b in zip(first, again, strict=True)
    )
    assert len({tuple(draw.train) for draw in first}) == 4
    assert not np.array_equal(first[0].train, draws(task_of(), 5, 4, 30, seed=2)[0].train)


def test_twenty_specimens_must_be_left():
    assert len(draws(task_of(25), 5, 1, 30, seed=1)) == 1
    with pytest.raises(NotRunError, match="25 specimens, fewer than 10 \\+ 20"):
        draws(task_of(25), 10, 1, 30, seed=1)


def test_references_that_are_nearly_all_equal_are_refused():
    y = np.zeros(60)
    y[0] = 1.0
    with pytest.raises(NotRunError, match="equal"):
        draws(Task("toy", "regression", "protein", y, np.arange(60)), 5, 1, 30, seed=1)


@pytest.fixture
def folder(tmp_path):
    save_set(tmp_path / "toy", spectra_of())
    return tmp_path / "toy"


def test_classical_methods_and_heads_meet_the_same_draws_and_find_the_band(folder):
    spectra = spectra_of()
    seen = {}

    def watched(name, predict):
        def record(task, draw):
            seen.setdefault(name, []).append((draw.size, draw.number, tuple(draw.train), tuple(draw.test)))
            return predict(task, draw)

        return lambda *_: record

    pipelines = classical(spectra.intensities, np.zeros_like(spectra.intensities), CHOICES, seed=1)
    table, entry = few_shot(folder, "method", CLASSICAL, watched("classical", pipelines), SETTINGS, 1)
    blocks = {"learned": spectra.intensities, "stats": np.ones((50, 2))}
    heads = {"ridge": ["learned", "stats"], "evidence": ["learned", "stats"]}
    own, _ = few_shot(folder, "head", list(heads), watched("heads", heads_on(blocks, heads, 300)), SETTINGS, 1)
    assert seen["classical"] == seen["heads"]
    assert entry["targets"] == ["protein"]
    for rows, column, names in ((table, "method", CLASSICAL), (own, "head", heads)):
        ok = rows[rows["status"] == "ok"]
        counts = ok.groupby([column, "amplitude", "draw", "metric"], observed=True).size()
        assert counts.eq(1).all()
        assert len(counts) == len(names) * 1 * 3 * len(METRICS), "40 + 20 specimens are more than there are"
        assert set(ok["amplitude_unit"]) == {"samples"}
        assert set(ok["n_train"]) == {5.0}
        assert set(ok["analyte"]) == {"crude protein"}
        assert (ok.loc[ok["metric"] == "r2", "value"] > 0.9).all()
        missing = rows[rows["status"] != "ok"]
        assert set(missing[column]) == set(names)
        assert set(missing["amplitude"]) == {40.0}
        assert set(missing["status"]) == {"not run: 50 specimens, fewer than 40 + 20"}


def test_scores_are_those_of_the_formulas(folder):
    table, _ = few_shot(folder, "method", ["zero"], lambda *_: lambda task, draw: {"zero": 0 * draw.test}, SETTINGS, 1)
    task = list_tasks(spectra_of())[0]
    for draw in draws(task, 5, 3, 30, 1):
        own = table[(table["draw"] == draw.number) & (table["status"] == "ok")].set_index("metric")["value"]
        y = task.y[draw.test]
        assert own["bias"] == pytest.approx(-y.mean())
        assert own["rmsep"] ** 2 == pytest.approx((y**2).mean())
        assert own["rmsep"] ** 2 == pytest.approx((1 - own["r2"]) * y.var())


def test_sets_that_cannot_be_drawn_from_are_rows_for_each_method(tmp_path):
    save_unavailable(tmp_path / "gone", "gone", "cannot be fetched (404)")
    save_set(tmp_path / "twin", spectra_of("twin", overlaps="toy"))
    for name, reason in (("gone", "cannot be fetched (404)"), ("twin", "the specimens are those of toy")):
        table, entry = few_shot(tmp_path / name, "method", CLASSICAL, None, SETTINGS, 1)
        assert list(table["method"]) == list(CLASSICAL)
        assert set(table["status"]) == {f"not run: {reason}"}
        assert set(table["dataset"]) == {name}
        assert entry["not_run"] == reason


def test_choices_are_made_without_the_test_rows(folder):
    spectra = spectra_of(scans=2)
    task = Task("toy", "regression", "protein", spectra.reference[:, 0], np.repeat(np.arange(50), 2))
    (draw,) = draws(task, 10, 1, 40, 1)
    baseline = np.zeros_like(spectra.intensities)
    before = classical(spectra.intensities, baseline, CHOICES, 1)(task, draw)
    other = spectra.intensities.copy()
    changed = np.setdiff1d(np.arange(100), np.r_[draw.train, draw.test[:5]])
    other[changed] = 7.0 + np.arange(40)
    task.y[changed] = 99.0
    after = classical(other, baseline, CHOICES, 1)(task, draw)
    for name in CLASSICAL:
        np.testing.assert_allclose(after[name][:5], before[name][:5], rtol=1e-6)
