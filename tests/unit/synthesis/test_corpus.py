"""The synthetic corpus: each set and specimen depends on its own numbers alone, and its truth explains it."""

import dataclasses

import numpy as np
import pytest

from etalon.contracts import Metadata, SpectraSet
from etalon.synthesis.corpus import CorpusSet, corpus_set

NUMBERS = range(40)


@pytest.fixture(scope="module")
def sets() -> list[CorpusSet]:
    return [corpus_set(7, number, 12) for number in NUMBERS]


def test_specimens_do_not_depend_on_how_many_there_are(sets):
    for number in NUMBERS:
        few, many = corpus_set(7, number, 5), sets[number]
        for field in ("intensities", "concentrations", "clean", "background"):
            np.testing.assert_array_equal(getattr(few, field), getattr(many, field)[:5], err_msg=few.name)
        np.testing.assert_array_equal(few.wavelengths, many.wavelengths)
        assert few.components == many.components


def test_seeds_numbers_and_specimens_matter(sets):
    other = corpus_set(8, 0, 12)
    assert other.intensities.shape != sets[0].intensities.shape or not np.allclose(
        other.intensities, sets[0].intensities
    )
    assert len({(one.wavelengths.tobytes(), one.components) for one in sets}) == len(sets)
    for one in sets:
        assert len(np.unique(one.intensities, axis=0)) == 12


def test_every_set_fulfils_the_data_contract(sets):
    for one in sets:
        described = {f.name: getattr(one, f.name) for f in dataclasses.fields(one)}
        metadata = Metadata(
            one.name, "corpus", one.name, *(described[k] for k in ("modality", "representation", "axis_unit"))
        )
        ids = np.arange(len(one.intensities)).astype(str)
        SpectraSet(metadata, one.intensities, one.wavelengths, sample_id=ids, specimen=ids)
        assert one.intensities.dtype == one.concentrations.dtype == np.float32
        assert one.wavelengths.dtype == np.float64
        assert one.clean.shape == one.background.shape == one.intensities.shape
        np.testing.assert_allclose(one.concentrations.sum(axis=1), 1, rtol=1e-5)
        assert one.concentrations.shape[1] == len(one.components)
