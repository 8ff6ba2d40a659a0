"""Numbers and characters as LaTeX prints them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from etalon.figures.latex import escape, fixed, longtable, ratio, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.01234, "0.0123"), (1.2345, "1.23"), (12.345, "12.3"), (123.45, "123"), (12345.6, "12346"), (0.0, "0.00")],
)
def test_three_significant_digits(value, text):
    assert significant(value) == text


def test_a_spread_ends_at_the_decimal_of_its_value():
    assert significant(0.0456, like=1.23) == "0.05"
    assert significant(3.2, like=1234.0) == "3"


@given(st.floats(1e-6, 1e6))
def test_no_more_is_lost_than_three_digits_allow(value):
    assert float(significant(value)) == pytest.approx(value, rel=0.0051)


def test_what_is_not_a_number_is_an_empty_cell():
    assert significant(float("nan")) == fixed(float("nan"), 2) == ""


def test_a_large_ratio_keeps_three_digits():
    assert [ratio(value, 2) for value in (0.956, 12.34, 1095.87)] == ["0.96", "12.34", "1096"]


def test_negative_numbers_have_a_minus_sign():
    assert fixed(-0.5, 2) == "$-$0.50"
    assert fixed(0.5, 2, sign=True) == "+0.50"


def test_every_character_that_latex_interprets_is_escaped():
    assert escape(r"a_b & 50% #1 {x} ~ ^ \ $") == (
        r"a\_b \& 50\% \#1 \{x\} \textasciitilde{} \textasciicircum{} \textbackslash{} \$"
    )
    assert escape("cm⁻¹, g/m³") == r"cm\textsuperscript{--}\textsuperscript{1}, g/m\textsuperscript{3}"


def test_a_long_table_repeats_its_head():
    text = longtable("Caption", "tab:x", "lr", ["Name", "$n$"], [["corn", "80"]], ["A note."])
    assert text.count(r"Name & $n$ \\") == 2
    assert text.index(r"\endfirsthead") < text.index(r"\endhead") < text.index("corn & 80")
    assert text.index(r"\end{longtable}") < text.index("A note.")
