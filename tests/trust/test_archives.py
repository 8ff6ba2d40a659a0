"""Workbooks are zip archives of XML: neither may grow without bound, and nothing is unpacked to disk."""

import io
import zipfile
from pathlib import Path

import openpyxl
import pytest

from etalon.data import workbook as workbooks
from etalon.data.raw_table import read_raw_table
from etalon.errors import BadInputError


@pytest.fixture
def workbook(tmp_path: Path) -> Path:
    book = openpyxl.Workbook()
    for row in (["sample", 1100, 1102, 1104], ["a", 0.1, 0.2, 0.3], ["b", 0.1, 0.2, 0.3]):
        book.active.append(row)
    book.save(tmp_path / "mine.xlsx")
    return tmp_path / "mine.xlsx"


def replaced(path: Path, name: str, content: str) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {member: archive.read(member) for member in archive.namelist()} | {name: content.encode()}
    new = io.BytesIO()
    with zipfile.ZipFile(new, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, text in members.items():
            archive.writestr(member, text)
    path.write_bytes(new.getvalue())


def test_a_workbook_that_unpacks_beyond_all_reason_is_refused_unread(workbook, monkeypatch):
    monkeypatch.setattr(workbooks, "MOST_UNPACKED", 2**20)
    assert len(read_raw_table(workbook).rows) == 2
    replaced(workbook, "xl/media/zeros.bin", "\0" * (2 * 2**20))
    assert workbook.stat().st_size < 2**16
    with pytest.raises(BadInputError, match="2 MiB unpacked, more than 1"):
        read_raw_table(workbook)


def test_entities_that_multiply_are_refused(workbook):
    name = "xl/worksheets/sheet1.xml"
    with zipfile.ZipFile(workbook) as archive:
        sheet = archive.read(name).decode()
    entities = '<!ENTITY z0 "haha">' + "".join(f'<!ENTITY z{n} "{f"&z{n - 1};" * 20}">' for n in range(1, 10))
    head, body = sheet.split("<worksheet", 1)
    assert ">sample<" in body
    laughs = f"{head}<!DOCTYPE worksheet [{entities}]><worksheet" + body.replace(">sample<", ">&z9;<")
    replaced(workbook, name, laughs)
    with pytest.raises(BadInputError, match="a damaged one"):
        read_raw_table(workbook)


def test_members_with_the_names_of_other_places_are_not_written_there(workbook, tmp_path):
    replaced(workbook, "../../escaped.txt", "x")
    read_raw_table(workbook)
    assert not list(tmp_path.parent.parent.glob("**/escaped.txt"))
