"""LaTeX tables in the booktabs style, numbers with as many digits as they deserve, and the files of a table."""

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from string import ascii_lowercase

import pandas as pd

from etalon.storage import replacing

PREAMBLE = "% Needs the packages booktabs and longtable; the wide tables want a landscape page.\n"
LAYOUT = (
    r"\begingroup\scriptsize\setlength{\tabcolsep}{3pt}"
    r"\setlength{\LTcapwidth}{\linewidth}\setlength{\LTpost}{2pt}"
)
SYNTHETIC, OVERLAP = r"\textsuperscript{\dag}", r"\textsuperscript{\ddag}"
LEGEND = {
    SYNTHETIC: "synthetic spectra, in no summary",
    OVERLAP: "specimens of another set in this table, in no summary",
}

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "²": r"\textsuperscript{2}",
    "³": r"\textsuperscript{3}",
    "⁻": r"\textsuperscript{--}",
    "¹": r"\textsuperscript{1}",
    "µ": r"\textmu{}",
    "°": r"\textdegree{}",
} | {character: rf"\{character}" for character in "&%$#_{}"}


def escape(text: object) -> str:
    """Return `text` with every character that LaTeX would interpret, or lacks, written out."""
    return "".join(_SPECIAL.get(character, character) for character in str(text))


def significant(value: float, digits: int = 3, like: float | None = None) -> str:
    """Return `value` with the decimals at which `like` (itself, unless given) has `digits` significant digits.

    An error and its spread so end at the same decimal. NaN is an empty string.
    """
    if math.isnan(value):
        return ""
    scale = value if like is None else like
    decimals = max(digits - 1 - math.floor(math.log10(abs(scale))), 0) if scale else digits - 1
    return f"{value:.{decimals}f}".replace("-", "$-$")


def fixed(value: float, decimals: int, sign: bool = False) -> str:
    """Return `value` with `decimals` decimals; NaN is an empty string."""
    return "" if math.isnan(value) else f"{value:{'+' if sign else ''}.{decimals}f}".replace("-", "$-$")


def ratio(value: float, decimals: int) -> str:
    """Return a ratio with `decimals` decimals, or three significant digits from 100 on."""
    return significant(value) if value >= 100 else fixed(value, decimals)


def interval(row: pd.Series, name: str, ratios: bool) -> str:
    """Return column `name` of a summary with its interval, if it has one: a ratio or a signed difference."""
    found = (row[column] for column in (name, f"{name}_low", f"{name}_high"))
    value, low, high = (ratio(v, 3) if ratios else fixed(v, 3, sign=True) for v in found)
    return f"{value} [{low}, {high}]" if low else value


def p_value(p: float) -> str:
    return "$<$ 0.001" if p < 0.001 else fixed(p, 3)


class Notes:
    """Collects reasons and hands out one letter for each."""

    def __init__(self) -> None:
        self.reasons: list[str] = []

    def mark(self, status: str) -> str:
        return f"n.r.{self.letter(status)}"

    def letter(self, reason: str) -> str:
        if reason not in self.reasons:
            self.reasons.append(reason)
        return rf"\textsuperscript{{{self._letter(self.reasons.index(reason))}}}"

    def lines(self, body: list[list[str]]) -> list[str]:
        """Return the notes below a table with rows `body`: the marks that occur in its names, then the reasons."""
        marks = [f"{mark} {text}" for mark, text in LEGEND.items() if any(mark in cells[0] for cells in body)]
        reasons = [rf"\textsuperscript{{{self._letter(i)}}} {escape(status)}" for i, status in enumerate(self.reasons)]
        return [f"{line}." for line in (*marks, *reasons)]

    @staticmethod
    def _letter(number: int) -> str:
        repeats, letter = divmod(number, len(ascii_lowercase))
        return ascii_lowercase[letter] * (repeats + 1)


def longtable(
    caption: str, label: str, columns: str, header: Sequence[str], rows: Iterable[Sequence[str]], notes: Sequence[str]
) -> str:
    r"""Return a `longtable` whose head is repeated on every page, with `notes` below it.

    Parameters
    ----------
    columns : column specification, one letter a column
    header, rows, notes : LaTeX, already escaped
    """
    head = " & ".join(header) + r" \\"
    lines = [
        rf"\begin{{longtable}}{{@{{}}{columns}@{{}}}}",
        rf"\caption{{{caption}}}\label{{{label}}}\\",
        *(r"\toprule", head, r"\midrule", r"\endfirsthead"),
        *(r"\toprule", head, r"\midrule", r"\endhead"),
        *(r"\bottomrule", r"\endfoot"),
        *(" & ".join(row) + r" \\" for row in rows),
        r"\end{longtable}",
        *([rf"{{\centering {' '.join(notes)}\par}}\bigskip"] if notes else []),
    ]
    return "\n".join(lines) + "\n"


def write(table: pd.DataFrame, latex: str, out_csv: Path, out_tex: Path) -> None:
    """Write the table as CSV and its LaTeX."""
    for path, text in ((out_csv, table.to_csv(index=False, float_format="%.6g")), (out_tex, latex)):
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
