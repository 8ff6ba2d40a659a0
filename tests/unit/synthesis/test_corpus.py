"""The synthetic corpus: each set and specimen depends on its own numbers alone, and its truth explains it."""

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet
from etalon.errors import BadInputError
from etalon.synthesis.corpus import CorpusSet, corpus_set

NUMBERS = range(40)


@pytest.fixture(scope="module")
def sets() -> list[CorpusSet]:
    return [corpus_set(7, number, 12) for number in NUMBERS]


@pytest.mark.parametrize("order", [range(40), range(39, -1, -1)])
def test_specimens_do_not_depend_on_how_many_there_are_nor_on_the_order(sets, order):
    for number in order:
        few, many = corpus_set(7, number, 5), sets[number]
        for field in ("intensities", "concentrations", "clean", "background"):
            np.testing.assert_array_equal(getattr(few, field), getattr(many, field)[:5], err_msg=few.name)
        np.testing.assert_array_equal(few.wavelengths, many.wavelengths)
        assert few.components == many.components


def test_a_set_had_in_parts_is_the_same_set(sets):
    for number in range(0, 40, 3):
        parts = [corpus_set(7, number, n, first=first) for first, n in ((0, 5), (5, 7))]
        for field in ("intensities", "concentrations", "clean", "background"):
            joined = np.concatenate([getattr(part, field) for part in parts])
            np.testing.assert_array_equal(joined, getattr(sets[number], field), err_msg=sets[number].name)


def test_seeds_numbers_and_specimens_matter(sets):
    again, other = corpus_set(7, 0, 12, "mir"), corpus_set(8, 0, 12, "mir")
    assert not np.array_equal(again.concentrations[:, :2], other.concentrations[:, :2])
    assert len({one.intensities.tobytes() for one in sets}) == len(sets)
    for one in sets:
        assert len(np.unique(one.intensities, axis=0)) == 12


def test_every_set_fulfils_the_data_contract(sets):
    for one in sets:
        metadata = Metadata(one.name, "corpus", one.name, one.modality, one.representation, one.axis_unit)
        ids = np.arange(len(one.intensities)).astype(str)
        SpectraSet(metadata, one.intensities, one.wavelengths, sample_id=ids, specimen=ids)
        assert one.intensities.dtype == one.concentrations.dtype == np.float32
        assert one.wavelengths.dtype == np.float64
        assert one.clean.shape == one.background.shape == one.intensities.shape
        np.testing.assert_allclose(one.concentrations.sum(axis=1), 1, rtol=1e-5)
        assert one.concentrations.shape[1] == len(one.components)


def test_one_product_in_three_kinds_of_spectra():
    nir, mir, raman = (corpus_set(3, 5, 20, kind) for kind in ("nir", "mir", "raman"))
    assert nir.modality in ("nir", "visnir")
    assert (mir.modality, raman.modality) == ("mir", "raman")
    assert nir.components == mir.components == raman.components
    np.testing.assert_array_equal(nir.concentrations, mir.concentrations)
    np.testing.assert_array_equal(nir.concentrations, raman.concentrations)
    assert mir.wavelengths[0] >= 2400
    assert mir.axis_unit == "nm"
    assert (raman.axis_unit, raman.representation) == ("cm-1", "counts")


def test_kinds_come_in_the_stated_shares():
    kinds = [corpus_set(1, number, 1).modality for number in range(300)]
    assert 0.05 < np.mean([kind == "mir" for kind in kinds]) < 0.16
    assert 0.015 < np.mean([kind == "raman" for kind in kinds]) < 0.10
    with pytest.raises(BadInputError, match="kind"):
        corpus_set(1, 0, 1, "x-ray")


def test_the_clean_spectrum_is_linear_in_the_concentrations():
    """At one temperature exactly (dry products); least squares on the fractions leaves nothing over."""
    dry = [one for one in (corpus_set(2, number, 40) for number in range(40)) if "water" not in one.components]
    assert len(dry) > 3
    for one in dry:
        clean = one.clean.astype(float)
        fitted = one.concentrations @ np.linalg.lstsq(one.concentrations, clean, rcond=None)[0]
        assert np.abs(fitted - clean).max() < 2e-3 * np.abs(clean).max()


def test_clean_and_background_explain_what_light_shows_that_passes_directly():
    """Beer-Lambert: their sum differs from the absorbance by a path length within 6 %, stray light and gain."""
    found = 0
    for number in range(200):
        one = corpus_set(4, number, 3, "nir")
        if one.representation != "transmittance" or one.clean.max() > 1.5:
            continue
        found += 1
        absorbance = -np.log10(one.intensities)
        for measured, truth in zip(absorbance, one.clean + one.background, strict=True):
            assert np.corrcoef(measured, truth)[0, 1] > 0.98
    assert found > 1
