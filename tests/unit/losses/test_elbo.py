"""The evidence lower bound against torch's distributions, and the schedules of its weights."""

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from etalon.losses.alignment import alignment
from etalon.losses.elbo import decaying, divergence, reconstruction, sample, warmed_up


def test_the_divergence_is_that_of_two_gaussians():
    generator = torch.Generator().manual_seed(0)
    mean, logvar = torch.randn(5, 3, generator=generator), torch.randn(5, 3, generator=generator)
    expected = kl_divergence(Normal(mean, (0.5 * logvar).exp()), Normal(0.0, 1.0)).sum(dim=1)
    torch.testing.assert_close(divergence(mean, logvar, n_channels=7) * 7, expected)
    assert divergence(torch.zeros(1, 4), torch.zeros(1, 4), 9).item() == 0.0


def test_differences_of_the_reconstruction_are_those_of_log_likelihoods():
    generator = torch.Generator().manual_seed(1)
    true, first, second = (torch.randn(4, 6, generator=generator) for _ in range(3))
    likelihood = [Normal(pred, 0.3).log_prob(true).sum(dim=1) for pred in (first, second)]
    found = [reconstruction(pred, true, 0.3) * 6 for pred in (first, second)]
    torch.testing.assert_close(found[0] - found[1], likelihood[1] - likelihood[0], rtol=1e-4, atol=1e-3)


def test_a_weight_of_one_everywhere_changes_nothing_and_zero_hides_a_channel():
    true, pred = torch.zeros(2, 4), torch.tensor([[1.0, 0, 0, 0], [0, 2.0, 0, 0]])
    plain = reconstruction(pred, true, 1.0)
    torch.testing.assert_close(reconstruction(pred, true, 1.0, torch.ones(4)), plain)
    hidden = reconstruction(pred, true, 1.0, torch.tensor([0.0, 1.0, 1.0, 2.0]))
    assert hidden[0].item() == 0.0 and hidden[1].item() == plain[1].item()


def test_schedules_start_and_end_where_they_say():
    assert [warmed_up(step, 10, 2.0) for step in (0, 5, 10, 99)] == [0.0, 1.0, 2.0, 2.0]
    assert warmed_up(0, 0, 2.0) == 2.0
    assert decaying(0, 101, 4.0) == 4.0
    assert decaying(100, 101, 4.0) == pytest.approx(0.04)
    assert decaying(50, 101, 4.0) == pytest.approx(0.4)


def test_samples_have_the_mean_and_variance_asked_for():
    mean, logvar = torch.full((20000, 1), 2.0), torch.full((20000, 1), -2.0)
    drawn = sample(mean, logvar, torch.Generator().manual_seed(0))
    # Four standard errors of mean and variance of 20,000 draws.
    assert abs(drawn.mean().item() - 2.0) < 4 * (0.1353 / 20000) ** 0.5
    assert abs(drawn.var().item() - 0.1353) < 4 * 0.1353 * (2 / 20000) ** 0.5


def test_alignment_is_the_mean_squared_distance_of_latents():
    found = alignment(torch.tensor([[1.0, 0.0], [3.0, 4.0]]), torch.zeros(2, 2))
    torch.testing.assert_close(found, torch.tensor([0.5, 12.5]))
