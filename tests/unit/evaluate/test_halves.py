from collections import Counter

from etalon.evaluate.halves import REPORT, SELECTION, half_of

FAMILIES = [f"family{number}" for number in range(400)]


def test_halves_are_even_but_for_chance():
    counts = Counter(half_of(family, 1) for family in FAMILIES)
    assert set(counts) == {SELECTION, REPORT}
    assert abs(counts[SELECTION] - 200) < 60  # three standard deviations (10 each) twice over: a fair coin stays within


def test_another_main_seed_gives_other_halves():
    same = sum(half_of(family, 1) == half_of(family, 2) for family in FAMILIES)
    assert abs(same - 200) < 60
