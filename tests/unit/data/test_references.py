"""Laboratory values in a table of their own, joined to spectra by names."""

import numpy as np
import pytest

from etalon.data.gather import gather
from etalon.data.import_table import Request, to_spectra
from etalon.data.raw_table import read_raw_table
from etalon.data.references import JoinedTable, names_of
from etalon.data.table_columns import Wishes
from etalon.data.table_shape import part_units
from etalon.errors import BadInputError

SPECTRA = "sample,1100,1102,1104\na_1,0.1,0.2,0.3\na_2,0.1,0.2,0.4\nb_1,0.1,0.2,0.5\nc_1,0.1,0.2,0.6\n"
# Another program, another notation.
LAB = "Probe;Eiweiß;Fett (g/kg);Bemerkung\n;%;;\nb;12,5;1,5;\na;11,25;;trüb\nx;1;2;\n"


@pytest.fixture
def join(tmp_path):
    def join(spectra: str = SPECTRA, lab: str = LAB, separator: str | None = "_", key: str | None = None):
        (tmp_path / "spectra.csv").write_text(spectra)
        (tmp_path / "lab.csv").write_text(lab)
        table = part_units(read_raw_table(tmp_path / "spectra.csv"))
        known = part_units(read_raw_table(tmp_path / "lab.csv"))
        joined = JoinedTable.of(table, known, names_of(table, None, None, separator), key)
        return to_spectra(joined, Request("mine", "nm", wishes=Wishes(scan_separator=separator)))

    return join


def test_every_scan_gets_the_values_of_its_specimen(join):
    spectra, table, _ = join()
    assert spectra.sample_id.tolist() == ["a_1", "a_2", "b_1", "c_1"]
    assert spectra.specimen.tolist() == ["a", "a", "b", "c"]
    found = {target.name: spectra.reference[:, k] for k, target in enumerate(spectra.metadata.targets)}
    assert np.array_equal(found["Eiweiß"], [11.25, 11.25, 12.5, np.nan], equal_nan=True)
    assert np.array_equal(found["Fett"], [np.nan, np.nan, 1.5, np.nan], equal_nan=True)
    assert [target.unit for target in spectra.metadata.targets] == ["%", "g/kg"]
    assert (table.matches.without, table.matches.unmatched) == (1, 1)


def test_both_files_are_recorded_by_their_checksums(join):
    spectra, _, _ = join()
    assert [source.path for source in spectra.metadata.sources] == ["spectra.csv", "lab.csv"]


def test_a_name_of_its_own_counts_before_that_of_the_specimen(join):
    spectra, _, _ = join(lab="sample,fat (%)\na,1\na_2,2\nb,3\n")
    assert np.array_equal(spectra.reference[:, 0], [1, 2, 3, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("lab", "message"),
    [
        (
            LAB.replace("12,5", "<0,5"),
            "lab.csv, row 3, column B ('Eiweiß'): expected a number (or --beyond-limit missing",
        ),
        (LAB.replace("12,5", "12,5 a"), "lab.csv, row 3, column B ('Eiweiß'): expected a number, or an empty cell"),
        (
            LAB.replace("x;", "a;"),
            "lab.csv: row 5, column A ('Probe'): expected names that occur once (--average-duplicates",
        ),
        (LAB.replace("x;", ";"), "lab.csv: row 5, column A ('Probe'): expected a name, found an empty cell"),
        (
            "sample,fat (%)\nz,1\n",
            "lab.csv: column A ('sample'): expected names of the spectra, such as 'a_1', found 'z'",
        ),
        (LAB.replace("12,5", "1,250").replace("11,25", "1,500").replace("1,5;", "1;"), "commas that may be either"),
    ],
)
def test_what_is_wrong_is_named_by_its_place_in_its_own_file(join, lab, message):
    with pytest.raises(BadInputError) as caught:
        join(lab=lab)
    assert message in str(caught.value)


def test_files_of_scans_get_the_values_of_their_specimen(tmp_path):
    for name in ("w7_1", "w7_2", "w8_1"):
        (tmp_path / f"{name}.txt").write_text("".join(f"{1100 + 2 * k}\t0.{k + 1}\n" for k in range(5)))
    (tmp_path / "lab.csv").write_text("bag,fat (%)\nw7,1.5\nw8,2.5\n")
    table = gather([tmp_path], tmp_path / "lab.csv")
    table = JoinedTable.of(table, read_raw_table(tmp_path / "lab.csv"), table.names("_"), None)
    spectra, _, _ = to_spectra(table, Request("mine", "nm", wishes=Wishes(scan_separator="_")))
    assert spectra.reference[:, 0].tolist() == [1.5, 1.5, 2.5]
    assert spectra.specimen.tolist() == ["w7", "w7", "w8"]
    assert spectra.metadata.sources[-1].path == "lab.csv"


def test_a_table_of_references_alone_holds_no_spectra(tmp_path):
    (tmp_path / "lab.csv").write_text("bag,fat (%)\nw7,1.5\nw8,2.5\n")
    with pytest.raises(BadInputError, match="FILE: expected files of spectra beside the table of references"):
        gather([tmp_path], tmp_path / "lab.csv")
