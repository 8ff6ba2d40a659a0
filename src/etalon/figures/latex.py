"""LaTeX tables in the booktabs style, and numbers with as many digits as they deserve."""

import math
from collections.abc import Iterable, Sequence

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
