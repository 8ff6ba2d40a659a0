"""Losses of the patch transformer: zero where nothing differs, gradients that lower them, masks that are kept to."""

import math

import pytest
import torch

from etalon.losses.byol import TargetNetwork, byol, mlp
from etalon.losses.spectral import SPECTRAL, prominence, spectral_angle


def example():
    t = torch.linspace(0, 1, 128)
    target = torch.stack([torch.exp(-(((t - c) / 0.05) ** 2)) + 0.3 * t for c in (0.3, 0.6)])
    mask = torch.zeros_like(target, dtype=torch.bool)
    mask[:, 30:90] = True
    return target, mask


@pytest.mark.parametrize("name", SPECTRAL)
def test_a_loss_is_zero_at_the_truth_and_its_gradient_leads_there(name):
    target, mask = example()
    assert float(SPECTRAL[name](target, target, mask)) == pytest.approx(0.0, abs=1e-6)
    found = (target + 0.1 * torch.randn(target.shape, generator=torch.Generator().manual_seed(0))).requires_grad_()
    before = SPECTRAL[name](found, target, mask)
    before.backward()
    gradient = found.grad
    assert bool(gradient.isfinite().all()) and float(gradient.abs().sum()) > 0
    after = SPECTRAL[name](found.detach() - 1e-3 * gradient / gradient.norm(), target, mask)
    assert float(after) < float(before.detach())
    # What is not masked counts for nothing; second differences over four points reach eight beyond.
    far = ~torch.nn.functional.max_pool1d(mask.float()[:, None], 17, 1, 8)[:, 0].bool()
    assert float((gradient * far).abs().max()) == 0.0


def test_the_angle_is_that_of_two_vectors():
    u, v = torch.tensor([[3.0, 0.0]]), torch.tensor([[1.0, math.sqrt(3.0)]])
    everywhere = torch.ones(1, 2, dtype=torch.bool)
    assert float(spectral_angle(5.0 * v, u, everywhere)) == pytest.approx(math.pi / 3, rel=1e-5)


def test_bands_are_prominent_and_straight_lines_are_not():
    target, _ = example()
    weight = prominence(target)
    assert int(weight[0].argmax()) in range(33, 44)
    assert float(weight[0, 100:].max()) < 0.01 * float(weight[0].max())


def test_byol_ignores_scale_and_sends_no_gradient_to_the_target():
    online, wanted = torch.randn(4, 8, requires_grad=True), torch.randn(4, 8, requires_grad=True)
    loss = byol(online, wanted)
    torch.testing.assert_close(byol(3.0 * online, 0.2 * wanted), loss)
    loss.backward()
    assert wanted.grad is None and float(online.grad.abs().sum()) > 0
    assert float(byol(wanted.detach(), wanted)) == pytest.approx(0.0, abs=1e-6)
    assert float(byol(-wanted.detach(), wanted)) == pytest.approx(4.0, abs=1e-5)


def test_the_target_network_follows_by_its_moving_average_alone():
    torch.manual_seed(0)
    online = mlp(4, 8, 4)
    target = TargetNetwork(online)
    first = target.network[0].weight.clone()
    with torch.no_grad():
        online[0].weight.add_(1.0)
    target.follow(online, 0.9)
    torch.testing.assert_close(target.network[0].weight, first + 0.1)
    assert not any(parameter.requires_grad for parameter in target.parameters())


def test_a_flat_target_gives_a_finite_error():
    """Equal spectra of a group, shown as deviations from their mean, are 0 everywhere: any unit of theirs would be."""
    target, mask = torch.zeros(2, 64), torch.ones(2, 64, dtype=torch.bool)
    prediction = torch.linspace(-1.0, 1.0, 64).repeat(2, 1).requires_grad_()
    error = SPECTRAL["derivative"](prediction, target, mask)
    error.backward()
    assert 0 < float(error) < 1 and bool(prediction.grad.isfinite().all())
