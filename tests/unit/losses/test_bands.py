"""Weights and areas of bands: means, identities, what they see and what they do not."""

import pytest
import torch

from etalon.losses.bands import ASSIGNED, area_error, band_weights, within

GRID = torch.arange(620.0, 3781.0, 8.0)
TRUE = torch.randn(3, len(GRID), generator=torch.Generator().manual_seed(0))


def test_weights_have_mean_one_and_the_given_ratio():
    weight = band_weights(GRID, [(3000.0, 3750.0), (1150.0, 1250.0)], 5.0)
    assert weight.mean() == pytest.approx(1.0)
    inside = ((GRID >= 3000) & (GRID <= 3750)) | ((GRID >= 1150) & (GRID <= 1250))
    assert weight[inside].unique().numel() == weight[~inside].unique().numel() == 1
    assert weight[inside][0] / weight[~inside][0] == pytest.approx(5.0)


def test_the_error_of_areas_is_that_of_an_offset_and_ignores_what_cancels():
    bands = list(ASSIGNED.values())
    assert area_error(TRUE, TRUE, GRID, bands).abs().max() == 0
    torch.testing.assert_close(area_error(TRUE + 0.1, TRUE, GRID, bands), torch.full((3,), 0.01))
    # A ripple of two points cancels over a band of even width, and all but cancels over others.
    ripple = 0.1 * (-1.0) ** torch.arange(len(GRID))
    assert area_error(TRUE + ripple, TRUE, GRID, [(3000.0, 3750.0)]).max() < 1e-4
    assert area_error(TRUE + ripple, TRUE, GRID, bands).max() < 0.1**2 / 5


def test_only_errors_within_bands_count():
    outside = (GRID > 2100) & (GRID < 2400)
    assert not any(((GRID[outside] >= low) & (GRID[outside] <= high)).any() for low, high in ASSIGNED.values())
    moved = torch.where(outside, TRUE + 1, TRUE)
    assert area_error(moved, TRUE, GRID, list(ASSIGNED.values())).max() == 0


def test_bands_are_ranges_on_the_grid_of_the_study():
    for low, high in ASSIGNED.values():
        assert 600 <= low < high <= 4000
        assert within(GRID, (low, high)).sum() >= 4
