"""The reader of synthetic sets: contract, pairs, replicate scans, refusals."""

import dataclasses

import numpy as np
import pytest

from entries import plain_entry
from etalon.catalogue import Convert, Expect, TargetSpec
from etalon.data.readers.synthetic import read
from etalon.errors import BadInputError
from etalon.seeds import derive_seed
from etalon.synthesis.generator import Generator
from etalon.synthesis.instruments import INSTRUMENTS
from etalon.synthesis.mixtures import RECIPES

GRAIN = plain_entry(
    id="grain_benchtop",
    family="grain",
    options={"recipe": "grain", "instrument": "benchtop", "specimens": 12, "scans": 1},
    targets=(
        TargetSpec("moisture", "water", "moisture", "%", "as_is", Convert()),
        TargetSpec("dry matter", "water", "dry_matter", "g/kg", "as_is", Convert(1000.0, -10.0)),
    ),
    expect=Expect(12, 700),
    synthetic=True,
)
HANDHELD = dataclasses.replace(
    GRAIN,
    id="grain_handheld",
    options=GRAIN.options | {"instrument": "handheld"},
    label="cereal",
    expect=Expect(12, 125),
)


def test_the_set_is_what_the_generator_gives():
    spectra = read(GRAIN, {}, seed=1)
    scans = Generator(RECIPES["grain"], INSTRUMENTS["benchtop"], derive_seed(1, "synthetic", "grain")).scans(range(12))
    np.testing.assert_array_equal(spectra.intensities, scans.spectra.astype(np.float32))
    np.testing.assert_array_equal(spectra.wavelengths, INSTRUMENTS["benchtop"].wavelengths)
    np.testing.assert_allclose(spectra.reference[:, 0], scans.reference[:, 0])
    np.testing.assert_allclose(spectra.reference[:, 1], 1000 - 10 * scans.reference[:, 0])
    assert spectra.metadata.synthetic
    assert spectra.metadata.axis_unit == "nm"
    assert spectra.label is None


def test_a_second_import_gives_the_same_numbers_and_another_seed_others():
    first, again, other = read(GRAIN, {}, seed=1), read(GRAIN, {}, seed=1), read(GRAIN, {}, seed=2)
    assert np.array_equal(first.intensities, again.intensities)
    assert not np.isclose(first.intensities, other.intensities).any(axis=1).all()


def test_more_specimens_leave_the_first_ones_as_they_were():
    more = dataclasses.replace(GRAIN, options=GRAIN.options | {"specimens": 20}, expect=Expect(20, 700))
    assert np.array_equal(read(more, {}, 1).intensities[:12], read(GRAIN, {}, 1).intensities)


def test_sets_of_one_family_are_pairs_and_sets_of_two_are_not():
    benchtop, handheld = read(GRAIN, {}, 1), read(HANDHELD, {}, 1)
    assert np.array_equal(benchtop.specimen, handheld.specimen)
    assert np.array_equal(benchtop.reference, handheld.reference)
    assert set(handheld.label) <= {"wheat", "barley", "maize"}
    stranger = read(dataclasses.replace(GRAIN, family="grain2"), {}, 1)
    assert not np.isclose(stranger.reference, benchtop.reference).any()


def test_replicate_scans_share_specimen_and_laboratory_value():
    entry = dataclasses.replace(GRAIN, options=GRAIN.options | {"specimens": 4, "scans": 3})
    spectra = read(entry, {}, 1)
    assert spectra.specimen.tolist() == ["1"] * 3 + ["2"] * 3 + ["3"] * 3 + ["4"] * 3
    assert spectra.sample_id[:4].tolist() == ["1/1", "1/2", "1/3", "2/1"]
    assert (spectra.reference.reshape(4, 3, -1) == spectra.reference.reshape(4, 3, -1)[:, :1]).all()
    assert len(np.unique(spectra.intensities, axis=0)) == 12


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"options": {"recipe": "grain", "instrument": "benchtop", "specimens": 12}}, "options.scans"),
        ({"options": GRAIN.options | {"colour": 1}}, "options.colour"),
        ({"options": GRAIN.options | {"recipe": "cheese"}}, "options.recipe"),
        ({"options": GRAIN.options | {"instrument": "nose"}}, "options.instrument"),
        ({"options": GRAIN.options | {"specimens": 0}}, "options.specimens"),
        ({"options": GRAIN.options | {"scans": "3"}}, "options.scans"),
        ({"representation": "reflectance"}, "representation"),
        ({"expect": Expect(12, 701)}, "expect"),
        ({"targets": (TargetSpec("oil", "oil", "fat", "%", "as_is", Convert()),)}, "targets.oil"),
    ],
)
def test_refusals_name_the_field(changes, field):
    with pytest.raises(BadInputError) as caught:
        read(dataclasses.replace(GRAIN, **changes), {}, 1)
    assert caught.value.where == GRAIN.id
    assert caught.value.field == field
