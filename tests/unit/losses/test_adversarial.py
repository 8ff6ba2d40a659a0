import torch

from etalon.losses.adversarial import DatasetDiscriminator, reverse_gradient


def test_the_gradient_is_turned_round_and_scaled_and_the_value_left():
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    reversed_ = reverse_gradient(z, 0.3)
    assert torch.equal(reversed_, z)
    (reversed_**2).sum().backward()
    torch.testing.assert_close(z.grad, -0.3 * 2 * z.detach())


def test_discriminator_learns_what_the_embedding_then_hides():
    """One shared step: the discriminator's loss falls along its own gradient and rises along the embedding's."""
    torch.manual_seed(0)
    sets = torch.arange(60) % 3
    z = (torch.randn(60, 4) + 2.0 * torch.nn.functional.one_hot(sets, 4)).requires_grad_()
    discriminator = DatasetDiscriminator(4, 3)

    def loss() -> torch.Tensor:
        return torch.nn.functional.cross_entropy(discriminator(reverse_gradient(z, 1.0)), sets)

    before = loss()
    before.backward()
    with torch.no_grad():
        hidden = torch.nn.functional.cross_entropy(discriminator(z - 0.5 * z.grad), sets)
        for parameter in discriminator.parameters():
            parameter -= 0.05 * parameter.grad
        learned = torch.nn.functional.cross_entropy(discriminator(z), sets)
    assert learned < before < hidden


def test_the_discriminator_does_not_see_the_scale():
    torch.manual_seed(0)
    discriminator, z = DatasetDiscriminator(6, 2), torch.randn(8, 6)
    torch.testing.assert_close(discriminator(z), discriminator(100 * z), rtol=1e-3, atol=1e-4)
