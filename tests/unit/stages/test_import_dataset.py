"""Stage import_dataset: every dataset of the catalogue in the data contract, and numbers known from elsewhere."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from etalon.catalogue import Entry, load_catalogue
from etalon.contracts import SpectraSet
from etalon.errors import BadInputError, NotRunError
from etalon.stages.import_dataset import main
from etalon.storage import load_set

CATALOGUE = Path(__file__).parents[3] / "config" / "datasets.yaml"
ENTRIES = load_catalogue(CATALOGUE)
NO_FILES = [id for id, entry in ENTRIES.items() if not entry.files]
# A list of a million R objects, one for each value of each spectrum.
SLOW = ["soil_yamsys_mir"]


def run(folder: Path, dataset: str, mirror: Path | None = None, status: dict[str, object] | None = None) -> Path:
    """Run the stage; return the dataset's folder."""
    record = folder / f"{dataset}.json"
    record.write_text(json.dumps({"dataset": dataset, "available": True, "reason": None} | (status or {})))
    out = folder / dataset / "metadata.json"
    options = ["--catalogue", CATALOGUE, "--dataset", dataset, "--raw", folder / "raw", "--status", record]
    options += ["--seed", 1, "--out", out] + (["--mirror", mirror] if mirror else [])
    main([str(option) for option in options])
    return out.parent


def check(spectra: SpectraSet, entry: Entry) -> None:
    """Compare a set with what its entry says of it."""
    assert spectra.intensities.shape == (entry.expect.n_samples, entry.expect.n_channels)
    assert spectra.metadata.dataset_id == entry.id
    raw_axis = entry.axis.unit == "index" or entry.modality == "raman"
    assert spectra.metadata.axis_unit == (entry.axis.unit if raw_axis else "nm")
    assert np.isfinite(spectra.reference).any(axis=0).all(), "a target without any value"
    assert (spectra.label is None) == (entry.label is None)
    published = entry.published_split or {}
    if "folds" in published:
        assert len(set(spectra.split)) > 1
    for part in ("train", "test"):
        assert set(published.get(part, ())) <= set([] if spectra.split is None else spectra.split)


@pytest.mark.mirror
@pytest.mark.parametrize(
    "dataset",
    [pytest.param(id, marks=pytest.mark.slow) if id in SLOW else id for id in ENTRIES if id not in NO_FILES],
)
def test_every_dataset_with_files_imports(dataset, mirror, tmp_path):
    check(load_set(run(tmp_path, dataset, mirror)), ENTRIES[dataset])


@pytest.mark.parametrize("dataset", NO_FILES)
def test_every_dataset_without_files_imports(dataset, tmp_path, monkeypatch):
    monkeypatch.delenv("ETALON_MIRROR", raising=False)
    check(load_set(run(tmp_path, dataset)), ENTRIES[dataset])


def test_a_dataset_that_could_not_be_fetched_is_recorded_as_not_run(tmp_path):
    folder = run(tmp_path, "corn_m5", status={"available": False, "reason": "no answer"})
    with pytest.raises(NotRunError, match="no answer"):
        load_set(folder)


def test_the_record_of_another_dataset_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="corn_m5"):
        run(tmp_path, "corn_m5", status={"dataset": "corn_mp5"})


def test_a_file_that_is_gone_is_an_error_and_leaves_no_dataset(tmp_path, monkeypatch):
    monkeypatch.delenv("ETALON_MIRROR", raising=False)
    with pytest.raises(BadInputError, match=r"corn/corn\.jld2"):
        run(tmp_path, "corn_m5")
    assert not (tmp_path / "corn_m5").exists()


def ranges(spectra: SpectraSet) -> dict[str, tuple[float, float]]:
    """Return the range of each target, rounded to 0.1."""
    bounds = np.nanmin(spectra.reference, axis=0), np.nanmax(spectra.reference, axis=0)
    names = [target.name for target in spectra.metadata.targets]
    return {name: (round(low, 1), round(high, 1)) for name, low, high in zip(names, *bounds, strict=True)}


# `mirrored` reads a dataset of the catalogue from the mirror, once a session.
Mirrored = Callable[[str], SpectraSet]


@pytest.mark.mirror
@pytest.mark.parametrize("unit", [1, 2])
def test_the_columns_of_the_tablets_are_weight_hardness_and_assay(unit, mirrored: Mirrored):
    # Ranges given with the IDRC 2002 data; in some copies the columns are mislabelled.
    spectra = mirrored(f"pharma_idrc2002_inst{unit}")
    assert ranges(spectra) == {"weight": (363.9, 391.0), "hardness": (13.8, 23.5), "assay": (151.6, 239.1)}
    names, counts = np.unique(spectra.split, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"Test": 460, "Train": 155, "Validate": 40}


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("instrument", "first"), [("m5", [0.0444948, 0.0443834]), ("mp5", [-0.0124404]), ("mp6", [-0.0227014])]
)
def test_corn_has_its_ranges_and_every_instrument_its_own_spectra(instrument, first, mirrored: Mirrored):
    spectra = mirrored(f"corn_{instrument}")
    expected = {"moisture": (9.4, 11.0), "oil": (3.1, 3.8), "protein": (7.7, 9.7), "starch": (62.8, 66.5)}
    assert ranges(spectra) == expected
    np.testing.assert_allclose(spectra.intensities[0, : len(first)], first, rtol=1e-5)
    assert (spectra.wavelengths[0], spectra.wavelengths[-1]) == (1100.0, 2498.0)


@pytest.mark.mirror
def test_gasoline_is_that_of_the_r_package_pls(mirrored: Mirrored):
    spectra = mirrored("gasoline_kalivas")
    np.testing.assert_allclose(spectra.intensities[0, :3], [-0.050193, -0.045903, -0.042187], atol=1e-6)
    assert spectra.reference[:3, 0].tolist() == [85.3, 85.25, 88.45]
    assert (spectra.split[:50] == "train").all()
    assert (spectra.split[50:] == "test").all()


@pytest.mark.mirror
def test_the_classic_split_of_tecator_shares_specimens_and_the_clean_set_does_not(mirrored: Mirrored):
    classic = mirrored("meat_tecator_215")
    assert len(set(classic.specimen)) == 193
    train = set(classic.specimen[classic.split == "train"])
    assert sum(name in train for name in classic.specimen[classic.split == "test"]) == 7
    clean = mirrored("meat_tecator")
    assert len(np.unique(clean.intensities, axis=0)) == len(set(clean.specimen)) == 178


@pytest.mark.mirror
def test_dry_matter_comes_out_as_moisture(mirrored: Mirrored):
    assert ranges(mirrored("forages2_cirad"))["moisture"] == (3.7, 19.1)  # dry matter 80.9 to 96.27 %
    assert ranges(mirrored("cassava_c16_mashed66"))["moisture"] == (58.0, 79.9)  # 20.1 to 42.0 %


@pytest.mark.mirror
def test_mayonnaises_are_54_specimens_of_three_scans_on_one_side_of_the_split(mirrored: Mirrored):
    spectra = mirrored("mayonnaise_oil")
    specimens, counts = np.unique(spectra.specimen, return_counts=True)
    assert len(specimens) == 54
    assert (counts == 3).all()
    for specimen in specimens:
        assert len(set(spectra.split[spectra.specimen == specimen])) == 1
        assert len(set(spectra.label[spectra.specimen == specimen])) == 1


@pytest.mark.mirror
def test_the_layers_of_one_pig_are_one_specimen(mirrored: Mirrored):
    spectra = mirrored("raman_porkfat")
    assert spectra.specimen[:8].tolist() == ["P57"] * 7 + ["P59"]
    assert len(set(spectra.specimen)) == 16


@pytest.mark.mirror
@pytest.mark.parametrize(
    ("first", "second", "common"),
    [
        ("corn_m5", "corn_mp6", 80),
        ("pharma_idrc2002_inst1", "pharma_idrc2002_inst2", 655),
        ("sugarcane_f750", "sugarcane_micronir1700", 60),
        ("grain_nirs4all_micronir", "grain_nirs4all_flamenir", 207),
        ("tablets_dyrby_nir", "tablets_dyrby_raman", 120),
        ("forage_ibf_10mm", "forage_ibf_1mm", 73),
        ("soil_geeves_dry", "soil_geeves_wet", 100),
    ],
)
def test_paired_specimens_share_names_and_laboratory_values(first, second, common, mirrored: Mirrored):
    values = []
    for dataset in (first, second):
        spectra = mirrored(dataset)
        values.append(dict(zip(spectra.specimen.tolist(), spectra.reference, strict=True)))
    shared = values[0].keys() & values[1].keys()
    assert len(shared) == common
    assert all(np.array_equal(values[0][name], values[1][name], equal_nan=True) for name in shared)


@pytest.mark.mirror
def test_textiles_pair_by_blend_and_specimen(mirrored: Mirrored):
    shared = set(mirrored("textile_mir").specimen) & set(mirrored("textile_nir").specimen)
    assert len(shared) == 16
    assert "16_1" in shared
