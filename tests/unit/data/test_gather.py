"""Files of single spectra and a table of references as one dataset."""

import numpy as np
import pytest

from etalon.data.gather import SAMPLE, gather, tables_of
from etalon.data.import_table import Request, to_spectra
from etalon.data.raw_table import read_raw_table
from etalon.data.references import JoinedTable
from etalon.data.table_columns import Wishes
from etalon.errors import BadInputError

AXIS = np.linspace(10000, 4000, 60)


@pytest.fixture
def scans(tmp_path):
    """Folder of four text files of one spectrum each, in falling wavenumbers."""
    folder = tmp_path / "scans"
    folder.mkdir()
    for number in range(4):
        write(folder / f"s{number}.dpt", AXIS, number + np.sin(AXIS / 500))
    return folder


def write(path, axis, values):
    path.write_text("\n".join(f"{a:.4f},{y:.6f}" for a, y in zip(axis, values, strict=True)))


def joined(paths, lab):
    table = gather(paths, lab)
    return JoinedTable.of(table, read_raw_table(lab), table.names(), None, hidden=(SAMPLE,))


def make(table, **choices):
    return to_spectra(table, Request("mine", **choices))[0]


def test_references_are_joined_by_the_name_of_the_file(scans, tmp_path):
    (tmp_path / "lab.csv").write_text("file;protein;bottle\ns2;2,5;b\ns0.dpt;1,5;a\nlost;9,5;c\ns1;0,5;a\n")
    table = joined([scans], tmp_path / "lab.csv")
    assert (table.matches.unmatched, table.matches.without) == (1, 1)
    wishes = Wishes(targets=("protein:%",))
    spectra = make(table, axis_unit="cm-1", wishes=wishes)
    assert spectra.sample_id.tolist() == ["s0", "s1", "s2", "s3"]
    np.testing.assert_equal(spectra.reference[:, 0], [1.5, 0.5, 2.5, np.nan])
    np.testing.assert_allclose(spectra.wavelengths, 1e7 / AXIS)
    np.testing.assert_allclose(spectra.intensities[2], 2 + np.sin(AXIS / 500), atol=1e-5)
    assert [source.path for source in spectra.metadata.sources] == ["s0.dpt", "s1.dpt", "s2.dpt", "s3.dpt", "lab.csv"]


def test_replicates_are_named_by_a_column_of_the_references(scans, tmp_path):
    (tmp_path / "lab.csv").write_text("file;bottle\n" + "".join(f"s{i};b{i // 2}\n" for i in range(4)))
    wishes = Wishes(specimen="bottle", no_targets=True)
    spectra = make(joined([scans], tmp_path / "lab.csv"), axis_unit="cm-1", wishes=wishes)
    assert spectra.specimen.tolist() == ["b0", "b0", "b1", "b1"]


def test_the_unit_is_asked_for_with_a_hint(scans):
    with pytest.raises(BadInputError) as caught:
        make(gather([scans]), wishes=Wishes(no_targets=True))
    assert caught.value.field == "--axis-unit"
    assert caught.value.found == "none, and channels from 4000 to 10000; cm-1 would be near infrared"


def test_a_slightly_shifted_axis_is_brought_onto_the_first(scans):
    write(scans / "s9.dpt", AXIS + 20, np.sin((AXIS + 20) / 500))
    table = gather([scans])
    assert table.shifted == 1
    spectra = make(table, axis_unit="cm-1", wishes=Wishes(no_targets=True))
    np.testing.assert_allclose(spectra.intensities[4][5:-5], np.sin(AXIS / 500)[5:-5], atol=0.01)


def test_another_range_is_refused_by_name(scans):
    write(scans / "s9.dpt", AXIS / 2, AXIS)
    with pytest.raises(BadInputError, match=r"s9\.dpt: axis: expected scans that cover 4000 to 10000"):
        gather([scans])


def test_references_that_fit_no_file_are_refused(scans, tmp_path):
    (tmp_path / "lab.csv").write_text("file;protein\nx;1\ny;2\n")
    with pytest.raises(BadInputError, match=r"expected names of the spectra, such as 's0', found 'x'"):
        joined([scans], tmp_path / "lab.csv")


def test_a_name_twice_in_the_references_is_refused(scans, tmp_path):
    (tmp_path / "lab.csv").write_text("file;protein\ns0;1\ns0;2\n")
    with pytest.raises(BadInputError, match="names that occur once"):
        joined([scans], tmp_path / "lab.csv")


def test_files_of_one_stem_keep_their_suffix_as_name(tmp_path):
    for suffix in (".0.txt", ".1.txt"):
        write(tmp_path / f"a{suffix}", AXIS, AXIS)
    (tmp_path / "b.dpt").write_text((tmp_path / "a.0.txt").read_text())
    (tmp_path / "b.txt").write_text((tmp_path / "a.0.txt").read_text())
    spectra = make(gather([tmp_path]), axis_unit="cm-1", wishes=Wishes(no_targets=True))
    assert spectra.sample_id.tolist() == ["a.0.txt", "a.1.txt", "b.dpt", "b.txt"]


def test_tables_are_told_from_files_of_single_spectra(scans, tmp_path):
    for name in ("mine.csv", "next.csv", "lab.csv"):
        (tmp_path / name).write_text("a")
    mine, following, lab = (tmp_path / name for name in ("mine.csv", "next.csv", "lab.csv"))
    assert tables_of([mine]) == [mine]
    assert tables_of([tmp_path / "absent.xlsx"]) == [tmp_path / "absent.xlsx"]
    assert tables_of([tmp_path / "*.csv"], lab) == [mine, following]
    assert tables_of([tmp_path], lab) == [mine, following]
    assert tables_of([lab], lab) == [lab]  # two sheets of one workbook
    assert tables_of([scans]) == tables_of([tmp_path / "*.dpt"]) == tables_of([mine, scans]) == []


def test_what_is_passed_over_is_known(scans):
    (scans / "notes.md").write_text("lamp changed")
    assert [path.name for path in gather([scans]).passed_over] == ["notes.md"]
