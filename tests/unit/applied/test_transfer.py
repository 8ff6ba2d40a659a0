"""A calibration carried to another instrument: what is recommended, and that the model says the same."""

from dataclasses import replace

import numpy as np
import pytest

from etalon.applied.bridge import Bridge
from etalon.applied.transfer import NONE, PROCESS, Candidate, _choosing, compare, settle, transferred
from etalon.applied.transfer_model import transfer_model
from etalon.errors import BadInputError
from etalon.evaluate.uncertainty import conformal_quantile

from .conftest import PROTEIN, make_set

NAMES = (NONE, "bias", "sbc", "ds", "target_only", PROCESS)


@pytest.fixture(scope="module")
def bridge() -> Bridge:
    other = make_set("other", n_specimens=40, scans=1, gain=1.0)
    # An instrument with an offset and a slope over the wavelengths.
    tilted = other.intensities * np.linspace(1.0, 1.4, 60) + 0.2
    other = replace(
        other, intensities=tilted, reference=np.empty((40, 0)), metadata=replace(other.metadata, targets=())
    )
    return Bridge.build(make_set("easy", n_specimens=60, scans=1), other, PROTEIN)


@pytest.fixture(scope="module")
def found(bridge):
    return compare(bridge, 1, names=NAMES)


def test_a_correction_is_recommended_where_the_instruments_differ(found):
    by_name = {one.name: one for one in found.candidates}
    assert found.recommended.name != NONE
    assert found.recommended.ratio[2] < 1
    assert found.recommended.rmse == min(one.rmse for one in found.candidates)
    assert found.honest >= found.recommended.rmse
    assert by_name[NONE].ratio == (1.0, 1.0, 1.0)


def test_intervals_hold_although_the_method_was_chosen():
    """Ten methods that are equal but for chance: the smallest errors of 20 samples are too small for new ones."""
    rng = np.random.default_rng(0)
    specimens = np.arange(20)
    inside: dict[str, list[float]] = {"its own": [], "of choosing": []}
    for _ in range(200):
        errors = np.sqrt(0.5) * (rng.normal(size=20) + rng.normal(size=(10, 20)))
        errors[0] *= 3.0  # without a correction
        candidates = [Candidate(NONE if k == 0 else str(k), e, 0.0, (1.0,) * 3) for k, e in enumerate(errors)]
        best = errors[(errors**2).sum(axis=1).argmin()]
        new = rng.normal(size=500)
        for name, found in (("its own", best), ("of choosing", _choosing(candidates, specimens, specimens % 5, 1))):
            inside[name].append((np.abs(new) <= conformal_quantile(np.abs(found), 0.9)).mean())
    # 200 sets: a standard error of 0.005.
    assert np.mean(inside["its own"]) < 0.85
    assert np.mean(inside["of choosing"]) == pytest.approx(0.9, abs=0.02)


def test_the_interval_of_a_recommended_method_is_by_errors_that_did_not_choose_it(bridge, found):
    setting = settle(bridge, bridge.shared, bridge.shared[:0], 1)
    chosen = transfer_model(setting, found, found.recommended, PROTEIN, 1).about["quantiles"]
    asked = next(one for one in found.candidates if one.name != found.recommended.name)
    own = transfer_model(setting, found, asked, PROTEIN, 1).about["quantiles"]
    assert chosen["0.8"] == pytest.approx(conformal_quantile(np.abs(found.choosing), 0.8))
    assert own["0.8"] == pytest.approx(conformal_quantile(np.abs(asked.errors), 0.8))
    assert found.honest == pytest.approx(np.sqrt((found.choosing**2).mean()))


def test_equal_instruments_need_none():
    one = make_set("easy", n_specimens=40, scans=1)
    same = replace(one, metadata=replace(one.metadata, dataset_id="same"))
    result = compare(Bridge.build(one, same, PROTEIN), 1, names=(NONE, "bias", "ds"))
    assert result.recommended.name == NONE


@pytest.mark.parametrize("name", [*NAMES, "pds", "spiking"])
def test_the_model_predicts_as_the_method_does(bridge, found, name):
    setting = settle(bridge, bridge.shared, bridge.shared[:0], 1)
    kept = replace(found.recommended, name=name)
    model = transfer_model(setting, found, kept, PROTEIN, 1)
    rows = np.arange(len(bridge.source), len(bridge.values))
    values, interpolated = model.on_grid(bridge.target)
    assert not interpolated
    np.testing.assert_allclose(model.predict(values).values, setting.predict(name, rows), atol=1e-4)
    assert model.about["transferred_from"] == "easy"


def test_single_scans_of_other_specimens_are_not_called_unlike():
    """Limits of means of four scans called nine in ten of the scans unlike that these were means of."""
    other = make_set("other", n_specimens=60, scans=4, gain=1.0)
    noisy = other.intensities + 0.01 * np.random.default_rng(0).normal(size=other.intensities.shape)
    first = np.arange(len(other)) < 80
    shared = replace(
        other,
        intensities=noisy[first],
        **{name: getattr(other, name)[first] for name in ("sample_id", "specimen", "reference")},
    )
    bridge = Bridge.build(make_set("easy", n_specimens=60, scans=1), shared, PROTEIN)
    found = compare(bridge, 1, names=(NONE, "bias"))
    setting = settle(bridge, bridge.shared, bridge.shared[:0], 1)
    model = transfer_model(setting, found, found.recommended, PROTEIN, 1)
    for part in (noisy[first], noisy[~first]):
        assert model.predict(part.astype(np.float64)).unlike.mean() < 0.1


def test_transferred_spectra_are_nearer_to_those_of_the_source(bridge):
    setting = settle(bridge, bridge.shared, bridge.shared[:0], 1)
    spectra = transferred(setting, "ds")
    source = bridge.source.intensities[np.searchsorted(bridge.source.specimen, spectra.specimen)]
    before = np.abs(bridge.target.intensities - source).mean()
    assert np.abs(spectra.intensities - source).mean() < 0.2 * before
    assert spectra.metadata.dataset_id == "other_as_easy"


def test_too_few_samples_in_common_are_refused():
    one, other = make_set("easy", scans=1), make_set("other", scans=1)
    renamed = replace(other, specimen=np.char.add("x", other.specimen))
    with pytest.raises(BadInputError, match="at least 6 specimens of one name in both, with a reference, found 0"):
        Bridge.build(one, renamed, PROTEIN)


def test_other_quantities_are_refused():
    one, other = make_set("easy", scans=1), make_set("other", scans=1)
    metadata = replace(other.metadata, representation="counts")
    with pytest.raises(BadInputError, match="representation: expected absorbance"):
        Bridge.build(one, replace(other, metadata=metadata), PROTEIN)
