"""Overtones of anharmonic oscillators lie where the tables of measured bands have them."""

import itertools

import pytest

from etalon.synthesis.bands import COMPONENTS
from etalon.synthesis.mid_infrared import LINES
from etalon.synthesis.vibrations import CH_BENDING, OH_BENDING, OSCILLATORS, Oscillator


def test_without_anharmonicity_overtones_are_multiples():
    harmonic = Oscillator(3000.0, 0.0, "")
    assert [harmonic.level(n) for n in (1, 2, 3)] == [3000, 6000, 9000]
    assert harmonic.combined(1, 1400, coupling=0) == 4400


@pytest.mark.parametrize("oscillator", OSCILLATORS.values(), ids=OSCILLATORS)
def test_levels_draw_together(oscillator):
    """Each quantum costs two anharmonicities less than the one before it (levels of a Morse oscillator)."""
    levels = [0.0, *(oscillator.level(n) for n in (1, 2, 3, 4))]
    steps = [upper - lower for lower, upper in itertools.pairwise(levels)]
    assert [a - b for a, b in itertools.pairwise(steps)] == pytest.approx([2 * oscillator.anharmonicity] * 3)


@pytest.mark.parametrize(
    ("oscillator", "quanta", "tabulated_nm"),
    [
        ("CH2", 2, (1725, 1765)),  # Osborne, Fearn and Hindle 1993; symmetric and asymmetric taken together
        ("CH2", 3, (1210,)),
        ("CH2", 4, (930,)),
        ("CH3", 2, (1695, 1705)),
        ("CH3", 3, (1195,)),
        ("CH3", 4, (913,)),
        ("aromatic", 2, (1685,)),
        ("aromatic", 3, (1143,)),
        ("aromatic", 4, (875,)),
        ("free OH", 2, (1410,)),
        ("free OH", 3, (963,)),
        ("water", 2, (1450,)),
        ("water", 3, (970,)),
        ("bonded OH", 2, (1540, 1580)),
        ("NH", 2, (1510,)),
        ("NH", 3, (1020,)),
    ],
)
def test_tabulated_overtones(oscillator, quanta, tabulated_nm):
    expected = sum(tabulated_nm) / len(tabulated_nm)
    assert OSCILLATORS[oscillator].level_nm(quanta) == pytest.approx(expected, rel=0.025)


@pytest.mark.parametrize(
    ("found", "tabulated_nm"),
    [
        (OSCILLATORS["CH2"].combined_nm(1, CH_BENDING), 2310),
        (OSCILLATORS["CH2"].combined_nm(2, CH_BENDING), 1415),
        (OSCILLATORS["CH3"].combined_nm(1, CH_BENDING), 2275),
        (OSCILLATORS["bonded OH"].combined_nm(1, OH_BENDING), 2100),
    ],
)
def test_tabulated_combinations(found, tabulated_nm):
    assert found == pytest.approx(tabulated_nm, rel=0.02)


@pytest.mark.parametrize(
    ("oscillator", "component", "group"),
    [
        ("CH2", "lipid", "CH2 symmetric stretching"),
        ("CH2", "lipid", "CH2 asymmetric stretching"),
        ("CH3", "alkane", "CH3 asymmetric stretching"),
        ("aromatic", "benzene", "C-H stretching"),
        ("water", "water", "v1 and v3: O-H stretching"),
        ("bonded OH", "ethanol", "O-H stretching, hydrogen bonded"),
        ("NH", "protein", "amide A: N-H stretching"),
    ],
)
def test_fundamentals_are_those_of_the_mid_infrared(oscillator, component, group):
    """One set of constants gives both ends. Hydrogen-bonded stretching is broad: 4 % is half its width."""
    line = next(line for line in LINES[component] if line.assignment == group)
    assert OSCILLATORS[oscillator].level(1) == pytest.approx(line.position, rel=0.04)


def test_alkanes_and_alcohols_are_built_from_them():
    centres = {name: [band.centre_nm for band in COMPONENTS[name]] for name in ("alkane", "ethanol", "benzene")}
    assert OSCILLATORS["CH2"].level_nm(3) in centres["alkane"]
    assert OSCILLATORS["bonded OH"].level_nm(2) in centres["ethanol"]
    assert OSCILLATORS["aromatic"].level_nm(2) in centres["benzene"]
