"""A small entry of the catalogue for tests, which say what theirs has instead."""

from dataclasses import replace
from typing import Any

from etalon.catalogue import Axis, Entry, Expect

_PLAIN = Entry(
    id="apples",
    family="apples",
    title="Apples",
    product="fruit (apple)",
    modality="nir",
    representation="absorbance",
    instrument="UNKNOWN",
    manufacturer="UNKNOWN",
    instrument_type="UNKNOWN",
    mode="UNKNOWN",
    reader="",
    options={},
    files=(),
    axis=Axis("nm"),
    targets=(),
    label=None,
    published_split=None,
    expect=Expect(5, 4),
    overlaps=None,
    paired_with=(),
    licence="CC0",
    weights=True,
    weights_reason="CC0",
    citation="Nobody (2020)",
    caveats="",
    synthetic=False,
)


def plain_entry(**changes: Any) -> Entry:
    """Return a set of five apple spectra with four channels in nm, no targets and no files, but for `changes`."""
    return replace(_PLAIN, **changes)
