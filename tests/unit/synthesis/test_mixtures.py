"""Compositions add up, vary as their recipe says, and are analysed with the stated error."""

import numpy as np
import pytest

from etalon.synthesis.bands import COMPONENTS
from etalon.synthesis.mixtures import RECIPES

N = 4000


@pytest.fixture(scope="module", params=RECIPES)
def recipe(request):
    return RECIPES[request.param]


@pytest.fixture(scope="module")
def draws(recipe):
    rng = np.random.default_rng(0)
    kinds, fractions = zip(*(recipe.draw(rng) for _ in range(N)), strict=True)
    return np.array(kinds), np.array(fractions)


def test_a_recipe_is_complete(recipe):
    n = len(recipe.components)
    assert set(recipe.components) <= set(COMPONENTS)
    assert len(recipe.log_sd) == len(recipe.laboratory_sd) == n
    for fractions in recipe.kinds.values():
        assert len(fractions) == n
        assert sum(fractions) == pytest.approx(1)


def test_fractions_are_positive_and_sum_to_one(draws):
    _, fractions = draws
    assert (fractions > 0).all()
    np.testing.assert_allclose(fractions.sum(axis=1), 1)


def test_log_ratios_vary_as_the_recipe_says(recipe, draws):
    """Var log(a / b) = s_a² + s_b² - 2 r s_a s_b within a kind; its standard error is a factor of (2 / N)^(1/2)."""
    kinds, fractions = draws
    logs = np.log(fractions)
    for i, first in enumerate(recipe.components):
        for j, second in enumerate(recipe.components[:i]):
            r = recipe.correlations.get((first, second), recipe.correlations.get((second, first), 0.0))
            s_i, s_j = recipe.log_sd[i], recipe.log_sd[j]
            ratio = logs[:, i] - logs[:, j]
            within = np.mean([ratio[kinds == kind].var() for kind in recipe.kinds])
            assert within == pytest.approx(s_i**2 + s_j**2 - 2 * r * s_i * s_j, rel=5 * np.sqrt(2 / N))


def test_kinds_are_equally_frequent_and_differ_as_stated(recipe, draws):
    kinds, fractions = draws
    expected = N / len(recipe.kinds)
    for kind, typical in recipe.kinds.items():
        of_kind = fractions[kinds == kind]
        assert abs(len(of_kind) - expected) <= 5 * np.sqrt(expected)
        np.testing.assert_allclose(np.median(of_kind, axis=0), typical, rtol=0.06)


def test_what_grows_does_so_at_the_cost_of_the_rest(draws):
    """Closure makes the largest share fall where the sum of all others rises: no correlation need be given for it."""
    _, fractions = draws
    largest = fractions.mean(axis=0).argmax()
    others = np.delete(fractions, largest, axis=1)
    assert np.corrcoef(fractions[:, largest], others.sum(axis=1))[0, 1] < -0.99


def test_laboratory_error_has_the_stated_size_and_no_bias(recipe):
    rng = np.random.default_rng(1)
    fractions = np.array(next(iter(recipe.kinds.values())))
    errors = np.array([recipe.analyse(fractions, rng) for _ in range(N)]) - 100 * fractions
    np.testing.assert_allclose(errors.std(axis=0), recipe.laboratory_sd, rtol=5 / np.sqrt(2 * N))
    assert (np.abs(errors.mean(axis=0)) < 5 * np.array(recipe.laboratory_sd) / np.sqrt(N)).all()
