"""What a calibration promises: nothing leaks, the file predicts as the fit did, intervals hold."""

import json
import warnings
from dataclasses import replace

import numpy as np
import pytest

from etalon.applied.assess import by_specimen
from etalon.applied.calibrate import calibrate
from etalon.applied.features import ChannelFeatures, Grid
from etalon.applied.judging import choose, error_ratio, outer_folds, predictions_of_choosing, split
from etalon.applied.methods import TITLES
from etalon.applied.model import Model
from etalon.applied.outcome import AUTO, Judged, Outcome, Wishes
from etalon.data.folds import group_specimens
from etalon.errors import BadInputError
from etalon.evaluate.views import Views
from etalon.preprocess.chain import PREPROCESSINGS
from etalon.preprocess.standard import SAVGOL
from etalon.reports.calibration import render
from etalon.weights import shipped

from .conftest import AXIS, PROTEIN, make_set


@pytest.fixture(scope="module")
def outcome(easy) -> Outcome:
    return calibrate(easy, PROTEIN, Wishes(folds=3, checkpoint=shipped()))


def test_an_easy_calibration_is_found(outcome):
    found = outcome.statistics()
    assert found["test"]["rmsep"] < 0.5
    assert found["cross_validation"]["r2"] > 0.98
    assert [one.name for one in outcome.judged] == list(TITLES)
    assert all(one.not_run is None and len(one.choices) == 3 for one in outcome.judged)


def test_no_specimen_is_in_two_parts(outcome):
    o = outcome
    assert not set(o.spectra.specimen[o.rows]) & set(o.spectra.specimen[o.test])
    for inside, out in outer_folds(o.spectra, o.groups, o.rows, Wishes(folds=3)):
        assert not set(o.groups[o.rows[inside]]) & set(o.groups[o.rows[out]])


def test_wrong_references_of_left_out_specimens_change_no_prediction(easy, outcome):
    """Nested: the predictions of a fold depend on the references of the other folds alone."""
    _, out = outer_folds(easy, outcome.groups, outcome.rows, Wishes(folds=3))[0]
    rows = outcome.rows[out]
    changed = easy.reference.copy()
    changed[rows] = changed[rows][::-1]
    again = calibrate(replace(easy, reference=changed), PROTEIN, Wishes(method="tuned_pls", folds=3))
    same = next(one for one in outcome.judged if one.name == "tuned_pls").predictions[out]
    np.testing.assert_allclose(again.chosen.predictions[out], same, rtol=1e-9)


@pytest.mark.parametrize("method", list(TITLES))
def test_the_file_predicts_as_the_fit_did(easy, tmp_path, method):
    o = calibrate(easy, PROTEIN, Wishes(method=method, folds=2, checkpoint=shipped()))
    o.model.save(tmp_path)
    loaded = Model.load(tmp_path)
    values, interpolated = loaded.on_grid(easy)
    found = loaded.predict(values)
    assert not interpolated
    np.testing.assert_allclose(found.values[o.rows], o.fitted, atol=2e-3)
    np.testing.assert_allclose(found.values[o.test], o.test_prediction, atol=1e-9)
    assert sorted(path.suffix for path in tmp_path.iterdir()) in (
        [".json", ".safetensors"],
        [".json", ".json", ".safetensors", ".safetensors"],  # with the weights of the embedding
    )


def test_a_spectrum_of_something_else_is_told_from_the_others(outcome):
    strange = np.exp(-0.5 * ((AXIS - 1700) / 20) ** 2)[None]
    found = outcome.model.predict(np.vstack([strange, outcome.spectra.intensities[outcome.test]]))
    assert found.unlike[0]
    assert found.unlike[1:].mean() < 0.2


def test_intervals_hold_on_new_samples(outcome):
    new = make_set("other", n_specimens=200, scans=1, seed=5)
    found = outcome.model.predict(new.intensities.astype(float))
    y = new.reference[:, 0]
    inside = (y >= found.lower[0.9]) & (y <= found.upper[0.9])
    # The largest error of two scans is taken for one: wide rather than narrow.
    assert 0.85 <= inside.mean() <= 1.0


def test_another_grid_is_interpolated_or_refused(outcome):
    fine = np.linspace(1090.0, 2410.0, 200)
    spectra = outcome.spectra
    values = np.array([np.interp(fine, AXIS, row) for row in spectra.intensities])
    other = replace(spectra, intensities=values, wavelengths=fine)
    on_grid, interpolated = outcome.model.on_grid(other)
    assert interpolated
    np.testing.assert_allclose(on_grid, spectra.intensities, atol=0.01)
    with pytest.raises(BadInputError, match="scans that cover 1100 to 2400"):
        outcome.model.on_grid(replace(spectra, intensities=values[:, :90], wavelengths=fine[:90]))
    metadata = replace(spectra.metadata, representation="reflectance")
    with pytest.raises(BadInputError, match="representation: expected absorbance"):
        outcome.model.on_grid(replace(spectra, metadata=metadata, intensities=spectra.intensities / 10))


@pytest.mark.parametrize("name", PREPROCESSINGS)
def test_kept_preprocessings_are_those_of_the_studies(easy, name):
    from etalon.applied.features import baselines

    grid = Grid(AXIS, "nm", "nir")
    spectra = easy.intensities.astype(float)
    views = Views(spectra, baselines(spectra, grid), **SAVGOL)
    rows = np.arange(40)
    expected = views.transform(name, views.fit(name, rows), np.arange(len(spectra)))
    features = ChannelFeatures.fit(name, grid, views.source(name)[rows])
    np.testing.assert_allclose(features.transform(spectra), expected, atol=1e-5)


def test_the_published_split_is_the_test_set(easy):
    split_names = np.where(np.char.endswith(easy.specimen, "3"), "val", "cal")
    metadata = replace(easy.metadata, published_split={"train": ["cal"], "test": ["val"]})
    spectra = replace(easy, metadata=metadata, split=split_names)
    groups, y = group_specimens(spectra), spectra.reference[:, 0]
    rows, test, said = split(spectra, y, groups, np.arange(len(y)), Wishes())
    assert set(split_names[test]) == {"val"} and set(split_names[rows]) == {"cal"}
    assert said == "the set's own split"


def test_few_specimens_are_not_parted():
    few = make_set("few", n_specimens=20)
    groups, y = group_specimens(few), few.reference[:, 0]
    rows, test, said = split(few, y, groups, np.arange(len(y)), Wishes())
    assert (len(rows), len(test)) == (40, 0)
    assert said == "none: 20 specimens, fewer than 50"


def test_the_ratio_of_equal_errors_is_one_and_its_interval_holds_it():
    rng = np.random.default_rng(0)
    y, groups = rng.normal(size=100), np.arange(100)
    own, base = y + rng.normal(size=100), y + rng.normal(size=100)
    ratio, low, high = error_ratio(y, own, base, groups, 1)
    assert low < 1 < high
    assert ratio == pytest.approx(np.sqrt(((own - y) ** 2).mean() / ((base - y) ** 2).mean()))
    assert error_ratio(y, base, base, groups, 1) == (1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("wishes", "field"),
    [
        ({"method": "magic"}, "--method"),
        ({"method": "embedding_ridge"}, "--method"),
        ({"folds": 1}, "--folds"),
        ({"test_share": 1.0}, "--test-share"),
    ],
)
def test_wishes_that_cannot_be_met(easy, wishes, field):
    with pytest.raises(BadInputError) as caught:
        calibrate(easy, PROTEIN, Wishes(**wishes))
    assert caught.value.field == field


def test_too_little_is_refused(easy):
    rows = slice(0, 18)
    small = replace(
        easy,
        intensities=easy.intensities[rows],
        reference=easy.reference[rows],
        sample_id=easy.sample_id[rows],
        specimen=easy.specimen[rows],
    )
    with pytest.raises(BadInputError, match="at least 20 measured samples, found 18"):
        calibrate(small, PROTEIN, Wishes())


def test_too_little_beside_the_test_set_is_refused(easy):
    with pytest.raises(BadInputError, match="at least 20 calibration samples, found 12"):
        calibrate(easy, PROTEIN, Wishes(test_share=0.9))
    with pytest.raises(BadInputError, match="at least 20 calibration samples, found 0"):
        calibrate(easy, PROTEIN, Wishes(test_share=0.999))
    split_names = np.where(easy.specimen < "s009", "cal", "val")
    published = replace(easy.metadata, published_split={"train": ["cal"], "test": ["val"]})
    thrice = {name: np.repeat(getattr(easy, name), 3, axis=0) for name in ("intensities", "reference", "specimen")}
    ids = np.array([f"{name} {k}" for name in easy.sample_id for k in range(3)])
    one = replace(easy, metadata=published, split=np.repeat(split_names, 3), sample_id=ids, **thrice)
    with pytest.raises(BadInputError, match="at least 10 calibration specimens, found 9"):
        calibrate(one, PROTEIN, Wishes())


def test_folds_of_the_set_that_hold_all_measured_samples_in_one_are_not_taken(easy):
    metadata = replace(easy.metadata, published_split={"folds": True})
    spectra = replace(easy, metadata=metadata, split=np.where(easy.specimen < "s040", "a", "b"))
    rows = np.flatnonzero(spectra.split == "a")
    groups = group_specimens(spectra)
    assert len(outer_folds(spectra, groups, np.arange(len(spectra)), Wishes(folds=4))) == 2
    folds = outer_folds(spectra, groups, rows, Wishes(folds=4))
    assert len(folds) == 4 and all(len(inside) and len(out) for inside, out in folds)


def judged_of(y, errors):
    names = list(TITLES)[: len(errors)]
    return [Judged(name, y + e, (), float(np.sqrt((e**2).mean()))) for name, e in zip(names, errors, strict=True)]


def test_a_fold_has_no_say_in_the_method_that_predicts_it():
    rng = np.random.default_rng(0)
    y, groups = rng.normal(size=60), np.arange(60)
    pls, ridge = rng.normal(size=(2, 60))
    folds = [(np.flatnonzero(groups % 3 != k), np.flatnonzero(groups % 3 == k)) for k in range(3)]
    ridge[folds[0][1]] *= 1e-3  # ridge is better in the first fold, and nowhere else
    for _, out in folds[1:]:
        ridge[out] = 2 * pls[out]
    judged = judged_of(y, [pls, ridge])
    found = predictions_of_choosing(judged, y, groups, folds, AUTO, 1)
    np.testing.assert_array_equal(found, y + pls)
    ridge[folds[1][1]] *= 1e-3  # in the second as well: of the third it knows nothing good
    judged = judged_of(y, [pls, ridge])
    found = predictions_of_choosing(judged, y, groups, folds, AUTO, 1)
    by_ridge = found == y + ridge
    assert by_ridge[folds[2][1]].all() and not by_ridge[folds[0][1]].any() and not by_ridge[folds[1][1]].any()
    np.testing.assert_array_equal(predictions_of_choosing(judged, y, groups, folds, "tuned_ridge", 1), y + ridge)


def test_the_reason_counts_the_methods_that_are_better():
    ratios = [(1.0, 1.0, 1.0), (0.8, 0.7, 0.9), (1.0, 0.9, 1.1), (0.7, 0.6, 0.8)]
    judged = [Judged(name, rmsecv=ratio[0], ratio=ratio) for name, ratio in zip(list(TITLES)[:4], ratios, strict=True)]
    kept, why = choose([*judged, Judged("embedding_ridge", not_run="no weights")], AUTO)
    assert kept.name == list(TITLES)[3]
    assert why.endswith(
        "0.70 times that of tuned PLS (95 % interval 0.60 to 0.80), the smallest of 2 whose interval lies below 1."
    )


def test_limits_of_distances_count_specimens(outcome):
    """Left-out scans of a specimen are no further evidence: one in twenty specimens may lie beyond a limit of 95 %."""
    groups = outcome.groups[outcome.rows]
    for values, limits in ((outcome.t2, "t2_limits"), (outcome.q, "q_limits")):
        beyond = by_specimen(values, groups) > outcome.model.about[limits]["0.95"]
        assert beyond.mean() <= 0.05


def test_a_damaged_model_is_refused(outcome, tmp_path):
    outcome.model.save(tmp_path)
    tensors = (tmp_path / "model.safetensors").read_bytes()
    for damaged in (b"nothing", tensors[:-8], tensors[:-40] + b"\xff" * 8 + tensors[-32:]):
        (tmp_path / "model.safetensors").write_bytes(damaged)
        with pytest.raises(BadInputError, match=r"model.safetensors: SHA-256: expected .* found .*damaged"):
            Model.load(tmp_path)
    (tmp_path / "model.safetensors").unlink()
    with pytest.raises(BadInputError, match="a part of the model, found no such file"):
        Model.load(tmp_path)
    (tmp_path / "model.json").write_text('{"format": 99}')
    with pytest.raises(BadInputError, match="format: expected 2, found 99"):
        Model.load(tmp_path)
    with pytest.raises(BadInputError, match="no such file"):
        Model.load(tmp_path / "none")


@pytest.mark.parametrize(
    ("key", "value"),
    [("intercept", 3.0), ("intercept", None), ("limits", [1]), ("t2_limits", {}), ("quantiles", {"a": 1})],
)
def test_an_edited_model_is_refused(outcome, tmp_path, key, value):
    outcome.model.save(tmp_path)
    about = json.loads((tmp_path / "model.json").read_text())
    (tmp_path / "model.json").write_text(json.dumps(about | {key: value}))
    with pytest.raises(BadInputError, match=r"model.json: content: expected what was written, found another"):
        Model.load(tmp_path)
    # Its layout is nobody's concern.
    (tmp_path / "model.json").write_text(json.dumps(about, indent=7, sort_keys=True))
    assert Model.load(tmp_path).about == outcome.model.about


def test_a_model_is_found_by_its_folder_or_its_json(outcome, tmp_path):
    outcome.model.save(tmp_path)
    assert Model.load(tmp_path / "model.json").about == outcome.model.about
    with pytest.raises(BadInputError, match=r"MODEL: expected the folder of a model, with model.json, found a file"):
        Model.load(tmp_path / "model.safetensors")


QUICK = Wishes(method="tuned_pls", folds=2)


def test_what_is_left_out_takes_no_part_and_is_recorded(easy):
    whole = calibrate(easy, PROTEIN, QUICK)
    name = easy.specimen[whole.rows[0]].item()
    spoiled = easy.reference.copy()
    gone = easy.specimen == name
    spoiled[gone] = 1e6
    asked = replace(QUICK, leave_out=(name,))
    outcomes = [calibrate(replace(easy, reference=y), PROTEIN, asked) for y in (easy.reference, spoiled)]
    for outcome in outcomes:
        assert name not in outcome.spectra.specimen
        assert outcome.model.about["left_out"] == easy.sample_id[gone].tolist()
        # The test set is that of the whole set: figures before and after can be compared.
        ids = [one.spectra.sample_id[one.test].tolist() for one in (outcome, whole)]
        assert ids[0] == ids[1]
    np.testing.assert_array_equal(outcomes[0].model.coefficients, outcomes[1].model.coefficients)
    assert f"Left out, as asked: <code>{easy.sample_id[gone][0]}</code>" in render(outcomes[0])
    assert "Left out" not in render(whole)


def test_a_sample_that_is_not_there_cannot_be_left_out(easy):
    with pytest.raises(
        BadInputError, match=r"--leave-out: expected a sample or specimen, such as 's000.*, found 's000-9'"
    ):
        calibrate(easy, PROTEIN, replace(QUICK, leave_out=("s000-9",)))


def test_a_spectrum_without_a_signal_is_refused_by_name_and_unlike_all_others(easy, outcome):
    dead = easy.intensities.copy()
    dead[4] = 0.5
    name = easy.sample_id[4].item()
    with pytest.raises(BadInputError, match=f"one value in all channels of '{name}' .--leave-out '{name}'."):
        calibrate(replace(easy, intensities=dead), PROTEIN, QUICK)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        calibrate(replace(easy, intensities=dead), PROTEIN, replace(QUICK, leave_out=(name,)))
        of_snv = ChannelFeatures("snv", outcome.model.grid, np.empty(0))
        model = Model(outcome.model.about, of_snv, outcome.model.coefficients, outcome.model.subspace)
        assert model.predict(dead[4:6]).unlike[0]
