"""Which format a file of an instrument has: by its first bytes, and by its name where these say nothing."""

from pathlib import Path

from etalon.errors import BadInputError

# Beginnings of files.
MAGIC = {
    b"\x0a\x0a\xfe\xfe": "opus",
    b"MATLAB": "matlab",
    b"\x89HDF\r\n\x1a\n": "matlab",
    **dict.fromkeys((b"ASD", b"asd", b"as6", b"as7", b"as8"), "asd"),
}
SUFFIXES = {
    **dict.fromkeys((".jdx", ".dx", ".jcamp", ".jcm"), "jcamp_dx"),
    ".spc": "spc",
    ".asd": "asd",
    ".mat": "matlab",
    **dict.fromkeys((".txt", ".csv", ".dpt", ".asc", ".dat", ".tsv", ".prn", ".xy"), "two_columns"),
}
TITLES = {
    "jcamp_dx": "JCAMP-DX",
    "spc": "SPC",
    "opus": "Bruker OPUS",
    "asd": "ASD",
    "matlab": "MATLAB",
    "two_columns": "two columns of text",
}
JCAMP_TITLE = b"##TITLE"


def format_of(path: Path) -> str | None:
    """Return the name of the module that reads `path`; None where neither its bytes nor its name say.

    OPUS files have a number for a suffix, ASD files often as well: bytes come first.
    """
    try:
        with path.open("rb") as file:
            start = file.read(512)
    except FileNotFoundError as error:
        raise BadInputError(path, "file", "a file of spectra", "no such file") from error
    except IsADirectoryError as error:
        raise BadInputError(path, "file", "a file of spectra", "a folder") from error
    except OSError as error:
        raise BadInputError(path, "file", "a readable file", error.strerror) from error
    for magic, name in MAGIC.items():
        if start.startswith(magic):
            return name
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").upper().startswith(JCAMP_TITLE):
        return "jcamp_dx"
    return SUFFIXES.get(path.suffix.lower())
