"""Text files of one spectrum each: two columns, axis and intensity."""

import re
from pathlib import Path

import numpy as np

from etalon.data.scans import MIN_CHANNELS, Scans, checked
from etalon.errors import BadInputError

NUMBER = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")
UNIT = {"nm": "nm", "nanometer": "nm", "nanometers": "nm", "cm-1": "cm-1", "cm^-1": "cm-1", "1/cm": "cm-1"}
UNIT_TEXT = re.compile(r"\b(nm|nanometers?|cm-1|cm\^-1|1/cm)(?![\w^])", re.IGNORECASE)
SHOWN = 60
PEEK = 1 << 16


def read(path: Path) -> Scans:
    """Read lines of two numbers, parted by tab, semicolon, comma or blanks; lines above them are a heading.

    A unit that stands in the heading (nm, cm-1) is that of the axis.
    """
    content = path.read_bytes()
    if b"\x00" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInputError(path, "file", "two columns of text", "a binary file")
    text = _decode(content)
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    start = next((i for i, (_, line) in enumerate(lines) if _numbers(line)), len(lines))
    pairs = []
    for number, line in lines[start:]:
        pair = _numbers(line)
        if pair is None:
            raise BadInputError(path, f"line {number}", "two numbers, axis and intensity", repr(line[:SHOWN]))
        pairs.append(pair)
    if len(pairs) < MIN_CHANNELS:
        first = repr(lines[0][1][:SHOWN]) if lines else "an empty file"
        if lines and max(lines[0][1].count(sign) for sign in "\t;,") > 1:
            first += " (tables of many spectra are not read beside files of single ones)"
        raise BadInputError(path, "file", f"at least {MIN_CHANNELS} lines of two numbers", first)
    axis, intensities = np.array(pairs).T
    heading = " ".join(line for _, line in lines[:start])
    units = {UNIT[found.casefold()] for found in UNIT_TEXT.findall(heading)}
    return checked(path, Scans(axis, units.pop() if len(units) == 1 else None, intensities[None]))


def is_spectrum(path: Path) -> bool:
    """Say whether a text file holds lines of two numbers below its heading, and nothing else: one spectrum."""
    with path.open("rb") as file:
        lines = [line for line in _decode(file.read(PEEK)).splitlines()[:-1] if line.strip()]
    pairs = [_numbers(line) is not None for line in lines]
    start = pairs.index(True) if True in pairs else len(pairs)
    return len(pairs) - start >= MIN_CHANNELS and all(pairs[start:])


def _decode(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    return content.decode("utf-8-sig", "replace")


def _numbers(line: str) -> tuple[float, float] | None:
    """Return the two numbers of a line; None where it holds anything else."""
    for delimiter in ("\t", ";", None, ","):
        cells = [cell.strip() for cell in line.split(delimiter) if cell.strip()]
        if len(cells) == 2 and all(NUMBER.fullmatch(cell) for cell in cells):
            first, second = (float(cell.replace(",", ".")) for cell in cells)
            return first, second
    return None
