import torch

from etalon.losses.baseline_consistency import consistency


def views() -> tuple[torch.Tensor, torch.Tensor]:
    return torch.randn(2, 40, 6, generator=torch.Generator().manual_seed(0)).unbind()


def test_equal_embeddings_cost_nothing():
    z, _ = views()
    assert consistency(z, z.clone()) == 0
    assert consistency(torch.ones(4, 3), torch.ones(4, 3)) == 0  # collapsed, and still a number


def test_embeddings_without_relation_cost_two():
    a, b = torch.randn(2, 5000, 6, generator=torch.Generator().manual_seed(0)).unbind()
    # The difference of two independent numbers of SD 1 has variance 2.
    torch.testing.assert_close(consistency(a, b), torch.tensor(2.0), rtol=0.02, atol=0)


def test_units_of_the_dimensions_do_not_count():
    a, b = views()
    units = torch.tensor([0.2, 0.5, 1.0, 2.0, 5.0, 9.0])
    torch.testing.assert_close(consistency(a * units + 3, b * units + 3), consistency(a, b))


def test_a_dimension_that_hardly_varies_does_not_rule():
    a, b = views()
    still = torch.full((40, 1), 1.0)
    assert consistency(torch.cat([a, still], 1), torch.cat([b, still + 1e-6], 1)) < consistency(a, b)


def test_shrinking_is_not_rewarded_by_the_gradient_of_the_scale():
    a, b = (z.requires_grad_() for z in views())
    consistency(a, b).backward()
    sd = torch.stack([a, b]).detach().var(dim=1).mean(dim=0).sqrt()
    torch.testing.assert_close(a.grad, 2 * (a - b).detach() / sd**2 / a.numel())
    torch.testing.assert_close(b.grad, -a.grad)
