import pytest
import torch

from etalon.losses.masked import masked_error


def test_the_error_is_a_mean_a_spectrum():
    prediction = torch.tensor([[1.0, 2.0], [0.0, 0.0]])
    target = torch.tensor([[1.0, 0.0], [3.0, 1.0]])
    torch.testing.assert_close(masked_error(prediction, target), torch.tensor([2.0, 5.0]))


@pytest.mark.parametrize("shape", [(5,), (3, 5)])
def test_only_the_ratio_of_weights_counts_and_a_point_without_weight_does_not(shape):
    generator = torch.Generator().manual_seed(0)
    prediction, target = torch.randn(2, 3, 5, generator=generator)
    weight = torch.rand(shape, generator=generator)
    weight[..., 2] = 0.0
    error = masked_error(prediction, target, weight)
    prediction[:, 2] += 100.0
    torch.testing.assert_close(masked_error(prediction, target, 7 * weight), error)
    torch.testing.assert_close(masked_error(prediction, target, torch.ones(5)), masked_error(prediction, target))
