"""The reader of synthetic soils: contract, pairs, laboratory values, refusals; and what the catalogue has of it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from etalon.catalogue import Convert, Expect, TargetSpec, load_catalogue
from etalon.data.readers.synthetic_soil import read
from etalon.errors import BadInputError
from etalon.seeds import derive_seed
from etalon.synthesis.soil_scans import scan_soils
from etalon.synthesis.soils import PROPERTIES

CATALOGUE = load_catalogue(Path(__file__).parents[3] / "config" / "datasets.yaml")
ENTRIES = {name: entry for name, entry in CATALOGUE.items() if entry.reader == "synthetic_soil"}
MIR = dataclasses.replace(
    ENTRIES["soil_synthetic_mir"],
    options=ENTRIES["soil_synthetic_mir"].options | {"specimens": 8},
    expect=Expect(16, 851),
)


def test_the_catalogue_has_both_populations_on_both_units():
    options = {(e.options["population"], e.options["instrument"], e.options["state"]) for e in ENTRIES.values()}
    assert len(options) == len(ENTRIES)
    for population in ("survey", "region"):
        for instrument in ("mir_bench", "nir_scanner"):
            assert {(population, instrument, "first"), (population, instrument, "second")} <= options
    assert all(entry.synthetic for entry in ENTRIES.values())


def test_no_pattern_of_other_studies_matches_them():
    assert not any(name.startswith("synthetic_") for name in ENTRIES)


def test_the_set_is_what_the_generator_gives():
    spectra = read(MIR, {}, seed=1)
    scans = scan_soils("survey", "mir_bench", "first", range(8), 2, derive_seed(1, "synthetic_soil"))
    np.testing.assert_array_equal(spectra.intensities, scans.spectra.astype(np.float32))
    np.testing.assert_array_equal(spectra.reference[::2], scans.soils.reference)
    np.testing.assert_array_equal(spectra.reference[1::2], scans.soils.reference)
    assert spectra.specimen[:4].tolist() == ["1", "1", "2", "2"]
    assert spectra.sample_id[:2].tolist() == ["1/1", "1/2"]
    assert [target.analyte for target in spectra.metadata.targets] == list(PROPERTIES)
    assert spectra.metadata.synthetic


@pytest.mark.parametrize("name", ENTRIES)
def test_every_entry_of_the_catalogue_reads_and_pairs_share_their_soils(name):
    spectra = read(ENTRIES[name], {}, seed=1)
    assert spectra.intensities.shape == (ENTRIES[name].expect.n_samples, ENTRIES[name].expect.n_channels)
    assert np.isfinite(spectra.reference).all()
    of = {"soil_synthetic_survey": "soil_synthetic_mir", "soil_synthetic_region": "soil_synthetic_region_mir"}
    pair = read(ENTRIES[of[ENTRIES[name].family]], {}, seed=1)
    once = [np.unique(one.specimen, return_index=True) for one in (spectra, pair)]
    np.testing.assert_array_equal(once[0][0], once[1][0])
    np.testing.assert_array_equal(spectra.reference[once[0][1]], pair.reference[once[1][1]])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"options": {key: value for key, value in MIR.options.items() if key != "state"}}, "options.state"),
        ({"options": MIR.options | {"colour": 1}}, "options.colour"),
        ({"options": MIR.options | {"population": "moon"}}, "options.population"),
        ({"options": MIR.options | {"instrument": "nose"}}, "options.instrument"),
        ({"options": MIR.options | {"scans": 0}}, "options.scans"),
        ({"options": MIR.options | {"specimens": True}}, "options.specimens"),
        ({"representation": "reflectance"}, "representation"),
        ({"expect": Expect(16, 850)}, "expect"),
        ({"targets": (TargetSpec("gold", "gold", "clay", "%", "dry", Convert()),)}, "targets.gold"),
    ],
)
def test_refusals_name_the_field(changes, field):
    with pytest.raises(BadInputError) as caught:
        read(dataclasses.replace(MIR, **changes), {}, 1)
    assert (caught.value.where, caught.value.field) == (MIR.id, field)
