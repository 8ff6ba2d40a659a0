"""The reader of the Open Soil Spectral Library, on small files of its documented form, and pinning of its entries."""

import copy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from etalon.catalogue import load_catalogue
from etalon.data.pinning import load_templates, pin, write_catalogue
from etalon.data.readers.ossl import read
from etalon.errors import BadInputError
from etalon.synthesis.soils import PROPERTIES

REPOSITORY = Path(__file__).parents[3]
TEMPLATES = load_templates(REPOSITORY / "config" / "libraries.yaml")
LABORATORY = {
    "c.tot_usda.a622_w.pct": [3.2, 1.0, np.nan, 2.0],
    "oc_usda.c729_w.pct": [2.0, 1.0, 0.4, 2.0],
    "caco3_usda.a54_w.pct": [10.0, np.nan, 5.0, 0.0],
    "clay.tot_usda.a334_w.pct": [20.0, 30.0, 40.0, 10.0],
    "silt.tot_usda.c62_w.pct": [30.0, 30.0, 40.0, 10.0],
    "sand.tot_usda.c60_w.pct": [50.0, 40.0, 20.0, 80.0],
    "ph.h2o_usda.a268_index": [7.9, 6.0, 8.1, 5.0],
    "cec_usda.a723_cmolc.kg": [15.0, 12.0, np.nan, 4.0],
    "n.tot_usda.a623_w.pct": [0.2, 0.1, 0.03, 0.15],
    "efferv_usda.a479_class": ["strong", "none", "", "none"],
}


@pytest.fixture
def mirror(tmp_path):
    """Files of the published form: four soils, of which KSSL holds three, one scanned twice."""
    folder = tmp_path / "mirror" / "ossl"
    folder.mkdir(parents=True)
    uuid = [f"{n:032x}" for n in (11, 12, 13, 14)]
    about = pd.DataFrame({"dataset.code_ascii_txt": ["KSSL.SSL"] * 3 + ["LUCAS.SSL"], "id.layer_uuid_txt": uuid})
    pd.concat([about, pd.DataFrame(LABORATORY)], axis=1).to_csv(folder / "ossl_soillab_L0_v1.2.csv.gz", index=False)
    grid = np.arange(600, 4001, 2)
    rows = [0, 1, 1, 2, 3, 0]
    values = 1.2 + 0.2 * np.sin(grid / 300 + np.arange(6)[:, None])
    values[5, 7] = np.nan  # a scan with a channel that was not measured
    mir = pd.DataFrame(values, columns=[f"scan_mir.{n}_abs" for n in grid])
    extra = pd.DataFrame({"scan.mir.model.name_any_txt": ["Bruker Vertex 70 with HTS.XT accessory"] * 6})
    pd.concat([about.iloc[rows].reset_index(drop=True), extra, mir], axis=1).to_csv(
        folder / "ossl_mir_L0_v1.2.csv.gz", index=False
    )

    local = pd.DataFrame({"id.sample_local_c": [30747, 30748, 30749, 30750]})
    pd.concat([local, pd.DataFrame(LABORATORY)], axis=1).to_csv(folder / "neospectra_soillab_v1.2.csv.gz", index=False)
    nm = np.arange(1350, 2551, 2)
    nir = pd.DataFrame(0.4 + 0.1 * np.cos(nm / 200 + np.arange(8)[:, None]), columns=[f"scan_nir.{n}_ref" for n in nm])
    scanners = pd.DataFrame({"scan.nir.model.serial_any_int": [1, 2] * 4})
    twice = local.iloc[np.repeat(np.arange(4), 2)].reset_index(drop=True)
    pd.concat([twice, scanners, nir], axis=1).to_csv(folder / "neospectra_nir_v1.2.csv.gz", index=False)
    pd.concat([local, mir.iloc[:4]], axis=1).to_csv(folder / "neospectra_mir_v1.2.csv.gz", index=False)
    return tmp_path / "mirror"


@pytest.fixture
def catalogue(mirror, tmp_path):
    entries = [pin(template, tmp_path / "raw", mirror) for template in TEMPLATES.values()]
    base = tmp_path / "base.yaml"
    base.write_text(yaml.safe_dump({"datasets": [entries[0] | {"id": "something_else"}]}, sort_keys=False))
    write_catalogue(tmp_path / "pinned.yaml", base, entries)
    return load_catalogue(tmp_path / "pinned.yaml")


def loaded(catalogue, mirror, name):
    entry = catalogue[name]
    return read(entry, {file.path: mirror / file.path for file in entry.files}, seed=0)


def test_templates_state_nothing_that_was_not_measured():
    for template in TEMPLATES.values():
        assert "n_samples" not in template["expect"]
        for file in template["files"]:
            assert set(file) == {"path", "url"}
    assert set(TEMPLATES) == {"ossl_kssl_mir", "neospectra_nir", "neospectra_mir"}


def test_a_collection_of_the_library(catalogue, mirror):
    spectra = loaded(catalogue, mirror, "ossl_kssl_mir")
    assert spectra.intensities.shape == (4, 1701)  # the LUCAS soil and the incomplete scan are left out
    np.testing.assert_allclose(1e7 / spectra.wavelengths[[0, -1]], [4000, 600])
    assert spectra.specimen.tolist() == [f"{n:032x}" for n in (11, 12, 12, 13)]
    # The second scan, at 600 cm-1, the last channel in nm.
    assert spectra.intensities[1, -1] == pytest.approx(1.2 + 0.2 * np.sin(600 / 300 + 1))
    analytes = [target.analyte for target in spectra.metadata.targets]
    assert analytes == list(PROPERTIES)
    reference = dict(zip(analytes, spectra.reference.T, strict=True))
    np.testing.assert_allclose(reference["organic_carbon"], [2.0, 1.0, 1.0, 0.4])
    np.testing.assert_allclose(reference["inorganic_carbon"], [1.2, np.nan, np.nan, 0.6])
    np.testing.assert_allclose(reference["total_carbon"], [3.2, 1.0, 1.0, np.nan])


def test_near_and_mid_infrared_of_the_same_soils(catalogue, mirror):
    nir, mir = (loaded(catalogue, mirror, f"neospectra_{kind}") for kind in ("nir", "mir"))
    assert nir.intensities.shape == (8, 601)
    assert nir.metadata.representation == "reflectance"
    assert nir.wavelengths[[0, -1]].tolist() == [1350.0, 2550.0]
    assert nir.specimen.tolist() == np.repeat(mir.specimen, 2).tolist()
    np.testing.assert_allclose(nir.reference[::2], mir.reference)
    assert nir.metadata.paired_with == ("neospectra_mir",)
    assert catalogue["neospectra_nir"].family == catalogue["ossl_kssl_mir"].family


def test_pinned_entries_know_their_files(catalogue, mirror, tmp_path):
    file = catalogue["neospectra_mir"].files[0]
    assert file.bytes == (mirror / file.path).stat().st_size
    assert catalogue["neospectra_nir"].expect.n_samples == 8
    assert "something_else" in catalogue
    assert not (tmp_path / "raw").exists()  # a mirror is read in place


def test_a_library_of_another_form_is_refused(mirror, tmp_path):
    template = copy.deepcopy(TEMPLATES["ossl_kssl_mir"])
    template["options"]["keep"] = {"dataset.code_ascii_txt": ["NOWHERE.SSL"]}
    with pytest.raises(BadInputError, match=r"complete scan with dataset\.code_ascii_txt NOWHERE\.SSL"):
        pin(template, tmp_path, mirror)
    with pytest.raises(BadInputError, match=r"expect\.n_channels: expected 1702, found 1701"):
        pin(TEMPLATES["ossl_kssl_mir"] | {"expect": {"n_channels": 1702}}, tmp_path, mirror)
    table = pd.read_csv(mirror / "ossl/ossl_soillab_L0_v1.2.csv.gz").drop(columns="id.layer_uuid_txt")
    table.to_csv(mirror / "ossl/ossl_soillab_L0_v1.2.csv.gz", index=False)
    with pytest.raises(BadInputError, match=r"column id\.layer_uuid_txt"):
        pin(TEMPLATES["ossl_kssl_mir"], tmp_path, mirror)


def test_the_script_pins_into_the_whole_catalogue(mirror, tmp_path):
    script = REPOSITORY / "workflow/scripts/pin_libraries.py"
    out = REPOSITORY / "config" / f"pinned_{tmp_path.name}.yaml"  # manifests lie beside the catalogue
    command = [sys.executable, script, "neospectra_nir", "neospectra_mir", "--mirror", mirror, "--out", out]
    try:
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert "neospectra_nir: 8 spectra of 601 channels" in done.stdout
        assert {"corn_m5", "neospectra_nir", "neospectra_mir"} <= set(load_catalogue(out))
    finally:
        out.unlink(missing_ok=True)
    refused = subprocess.run([sys.executable, script, "moon"], cwd=REPOSITORY, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "expected one of ossl_kssl_mir" in refused.stderr
