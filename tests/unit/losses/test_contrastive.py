import math

import torch

from etalon.losses.contrastive import info_nce


def embeddings(n: int = 16, d: int = 8) -> torch.Tensor:
    return torch.randn(n, d, generator=torch.Generator().manual_seed(0))


def test_aligned_pairs_cost_least():
    z = embeddings()
    noise = torch.randn(z.shape, generator=torch.Generator().manual_seed(1))
    costs = [float(info_nce(z, z + level * noise)) for level in (0.0, 0.3, 1.0)]
    assert costs == sorted(costs)
    assert costs[0] < 0.1 * float(info_nce(z, z.roll(1, dims=0)))


def test_it_is_the_cross_entropy_of_picking_the_partner():
    a, b = embeddings(), embeddings().flip(0) + 0.5
    cosine = torch.nn.functional.cosine_similarity(a[:, None], b[None], dim=2)
    odds = (cosine / 0.2).exp()
    own = odds.diagonal()
    expected = -0.5 * ((own / odds.sum(0)).log().mean() + (own / odds.sum(1)).log().mean())
    torch.testing.assert_close(info_nce(a, b, temperature=0.2), expected)
    torch.testing.assert_close(info_nce(b, a, temperature=0.2), expected)


def test_a_collapsed_embedding_costs_log_n_and_scale_nothing():
    z = embeddings()
    torch.testing.assert_close(info_nce(torch.ones(16, 8), torch.ones(16, 8)), torch.tensor(math.log(16)))
    torch.testing.assert_close(info_nce(9 * z, z.flip(1)), info_nce(z, z.flip(1)))
