"""Pairs of instruments: matched by specimen, nothing of a tested specimen in training, bias from transfer specimens."""

from dataclasses import replace

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import Fold, make_folds
from etalon.errors import NotRunError
from etalon.evaluate.cross_instrument import CORRECTED, CROSS, SAME, Pair, enough_shared, find_pairs, hold_out, tasks_of
from etalon.evaluate.cross_instrument_methods import classical_across, common_views, heads_across
from etalon.evaluate.tasks import list_tasks
from etalon.storage import save_set, save_unavailable

N = 40
SETTINGS = {
    "repeats": 1, "transfer": 5, "max_rows": 100, "preprocessings": ["none", "snv"], "max_lv": 4, "inner_splits": 3,
    "savgol_window": 7, "savgol_order": 2,
}  # fmt: skip
PROTEIN, ASH = Target("protein", "protein", "%", "dry"), Target("ash", "ash", "%")


def measured(name, grid, specimens, offset=0.0, scans=1, targets=(PROTEIN,), **about):
    """A band on a sloping line; `offset` raises its height, and so the predictions of the other instrument."""
    rng = np.random.default_rng(len(name))
    specimen = np.repeat(specimens, scans)
    y = 1.0 + 2.0 * (specimen * 0.61803 % 1.0)
    band = np.exp(-0.5 * ((grid - 1500.0) / 60.0) ** 2)
    X = 0.2 + np.outer(y + offset, band) + 1e-4 * (grid - 1300.0) + 0.001 * rng.normal(size=(len(y), len(grid)))
    about = {"modality": "nir", "representation": "absorbance", "axis_unit": "nm"} | about
    partner = ("second",) if name == "first" else ("first",)
    metadata = Metadata(name, "toys", "Toy", targets=targets, paired_with=partner, **about)
    ids = np.array([f"{s}_{k}" for k, s in enumerate(specimen)])
    return SpectraSet(metadata, X, grid, ids, specimen.astype(str), np.column_stack([y] * len(targets)))


FINE, COARSE = np.arange(1100.0, 1900.0, 10.0), np.arange(1300.0, 1700.0, 16.0)


@pytest.fixture
def pair():
    source = measured("first", FINE, np.arange(N))
    return Pair(source, measured("second", COARSE, np.arange(5, N + 5), offset=0.3, scans=2))


def outcome(pair, kind):
    folds = make_folds(pair.source, n_splits=4, n_repeats=2, seed=1)
    tasks = list_tasks(pair.source)
    if kind == "classical":
        baselines = tuple(np.zeros_like(part.intensities) for part in (pair.source, pair.target))
        return classical_across(pair, baselines, tasks, folds, SETTINGS, 1)
    blocks = [{"learned": np.column_stack([np.interp(COARSE, s.wavelengths, x) for x in s.intensities]).T}
              for s in (pair.source, pair.target)]  # fmt: skip
    return heads_across([(pair, blocks[1])], blocks[0], tasks, folds, {"ridge": ["learned"]}, SETTINGS, 1)


def rmsep(rows, condition):
    own = rows[rows["condition"] == condition]
    return np.sqrt(np.mean((own["prediction"] - own["reference"]) ** 2))


@pytest.mark.parametrize("kind", ["classical", "heads"])
def test_what_the_other_instrument_adds_is_an_error_until_its_mean_is_removed(pair, kind):
    rows = outcome(pair, kind).predictions
    for _, own in rows.groupby("method" if kind == "classical" else "head"):
        assert rmsep(own, SAME) < 0.05
        assert rmsep(own, CROSS) == pytest.approx(0.3, abs=0.05)
        assert rmsep(own, CORRECTED) < 0.05
        # 35 specimens are shared, each scanned once here and twice there.
        assert own["condition"].value_counts().to_dict() == {SAME: 35, CROSS: 70, CORRECTED: 70}
    assert set(rows["pair"]) == {"first>second"}
    assert set(rows["repeat"]) == {0}
    corrected = rows["condition"] == CORRECTED
    assert set(rows.loc[corrected, "amplitude"]) == {5.0}
    assert rows.loc[~corrected, "amplitude"].isna().all()


def test_rows_are_those_of_the_set_that_is_tested(pair):
    rows = outcome(pair, "heads").predictions
    for condition, spectra in ((SAME, pair.source), (CROSS, pair.target)):
        own = rows[rows["condition"] == condition]
        np.testing.assert_array_equal(own["reference"], spectra.reference[own["row"], 0])


def test_tested_specimens_neither_train_nor_transfer(pair):
    (task,) = list_tasks(pair.source)
    test = np.arange(0, N, 4)
    train = np.setdiff1d(np.arange(N), test)
    held = hold_out(pair, task, Fold("cv", 0, 0, train, test), train, test, 5, seed=1)
    tested = set(pair.target.specimen[held.other])
    assert tested == set(pair.source.specimen[held.own]) <= set(pair.source.specimen[test])
    assert len(held.transfer) == 5
    for rows in held.transfer:
        assert len(rows) == 2
        assert set(pair.target.specimen[rows]) < set(pair.source.specimen[train])
    other = hold_out(pair, task, Fold("cv", 0, 1, train, test), train, test, 5, seed=1)
    assert {tuple(rows) for rows in held.transfer} != {tuple(rows) for rows in other.transfer}


def test_a_spectrum_that_a_training_specimen_shares_is_not_tested(pair):
    (task,) = list_tasks(pair.source)
    test = np.arange(0, N, 4)
    train = np.setdiff1d(np.arange(N), test)
    fold = Fold("cv", 0, 0, train, test)
    before = hold_out(pair, task, fold, train, test, 5, seed=1)
    specimen = pair.target.specimen
    victim, trained = specimen[before.other[0]], str(train[10])
    X = pair.target.intensities.copy()
    X[np.flatnonzero(specimen == victim)[0]] = X[np.flatnonzero(specimen == trained)[0]]
    after = hold_out(Pair(pair.source, replace(pair.target, intensities=X)), task, fold, train, test, 5, seed=1)
    assert set(specimen[before.other]) - set(specimen[after.other]) == {victim}
    assert victim not in pair.source.specimen[after.own]


def test_the_calibration_sees_no_spectrum_of_the_other_instrument(pair):
    def same_and_cross(pair):
        rows = outcome(pair, "classical").predictions
        return rows[rows["condition"] == SAME]["prediction"].to_numpy()

    other = replace(pair.target, intensities=pair.target.intensities[::-1] * 3)
    np.testing.assert_allclose(same_and_cross(Pair(pair.source, other)), same_and_cross(pair), rtol=1e-9)


def test_spectra_are_compared_on_the_channels_that_both_cover(pair):
    zeros = tuple(np.zeros_like(part.intensities) for part in (pair.source, pair.target))
    views = common_views(pair, zeros, 7, 2)
    first, last = COARSE[[0, -1]]
    inside = (first <= FINE) & (last >= FINE)
    source, target = np.split(views.source("none"), [N])
    np.testing.assert_array_equal(source, pair.source.intensities[:, inside])
    on_grid = np.array([np.interp(FINE[inside], COARSE, x) for x in pair.target.intensities])
    np.testing.assert_allclose(target, on_grid, rtol=1e-6)
    assert views.source("asls_snv").shape == (3 * N, inside.sum())


def test_no_common_range_is_a_gap_for_classical_methods(pair):
    far = Pair(pair.source, measured("second", COARSE + 900.0, np.arange(N)))
    found = outcome(far, "classical")
    assert found.predictions.empty
    assert {gap["method"] for gap in found.gaps} == {"tuned_pls", "tuned_ridge", "stacked_pls"}
    assert {gap["reason"] for gap in found.gaps} == {"0 channels in the range that both cover, fewer than 20"}


def test_few_specimens_in_common_are_a_gap(pair):
    apart = Pair(pair.source, measured("second", COARSE, np.arange(30, 70)))
    for kind in ("classical", "heads"):
        found = outcome(apart, kind)
        assert found.predictions.empty
        assert {(gap["target"], gap["pair"]) for gap in found.gaps} == {("protein", "first>second")}
        assert {gap["reason"] for gap in found.gaps} == {"10 specimens in common, fewer than 20"}
    with pytest.raises(NotRunError):
        enough_shared(apart, list_tasks(pair.source)[0])


def test_only_equal_targets_are_shared(pair):
    both = measured("first", FINE, np.arange(N), targets=(PROTEIN, ASH))
    assert [task.target for task in tasks_of(Pair(both, pair.target), list_tasks(both))] == ["protein"]
    wet = measured("second", COARSE, np.arange(N), targets=(replace(PROTEIN, basis="as_is"),))
    assert tasks_of(Pair(both, wet), list_tasks(both)) == []


@pytest.mark.parametrize(
    ("about", "reason"),
    [
        ({"axis_unit": "index"}, "no wavelength axis"),
        ({"modality": "mir"}, "different modality: mir and nir"),
        ({"representation": "counts"}, "different representation: absorbance and counts"),
        ({"targets": (ASH,)}, "no target in common"),
    ],
)
def test_pairs_that_cannot_be_compared_are_named(tmp_path, about, reason):
    save_set(tmp_path / "second", measured("second", COARSE, np.arange(N), **about))
    assert find_pairs(measured("first", FINE, np.arange(N)), [tmp_path / "second"]) == ([], {"first>second": reason})


def test_absent_partners_are_named_and_visible_light_joins_the_near_infrared(tmp_path):
    first = measured("first", FINE, np.arange(N))
    assert find_pairs(first, [])[1] == {"first>second": "second is not among the datasets"}
    save_unavailable(tmp_path / "second", "second", "gone (404)")
    assert find_pairs(first, [tmp_path / "second"])[1] == {"first>second": "gone (404)"}
    save_set(tmp_path / "second", measured("second", COARSE, np.arange(N), modality="visnir"))
    pairs, missing = find_pairs(first, [tmp_path / "second"])
    assert [pair.name for pair in pairs] == ["first>second"]
    assert missing == {}


def test_choices_name_their_pair(pair):
    chosen = outcome(pair, "classical").chosen
    assert {choice.choice.settings["pair"] for choice in chosen} == {"first>second"}
    assert {choice.n_train for choice in chosen} == {30}
