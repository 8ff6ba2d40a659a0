"""The embedding of a spectrum is its own: it depends on no order, batch or neighbour."""

import numpy as np
import pytest
import torch

from etalon.models.encoder import Encoder, GridBatch, embed_grid, embed_spectra
from etalon.models.perceiver import Perceiver


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    torch.manual_seed(0)
    return Perceiver(width=32, latents=12, layers=2)


def mixed(n: int = 9) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """Spectra on three grids, in turn."""
    generator = torch.Generator().manual_seed(1)
    grids = [
        torch.linspace(first, 2500, size, dtype=torch.float64) for first, size in ((900, 60), (1100, 80), (400, 60))
    ]
    axes = [grids[number % 3] for number in range(n)]
    return [torch.rand(len(axis), generator=generator).cumsum(0) for axis in axes], axes


def embed(encoder: Encoder, spectra, axes) -> dict[str, np.ndarray]:
    return embed_spectra(encoder, spectra, axes, modality="nir", axis_unit="nm")


def assert_same(blocks: dict[str, np.ndarray], others: dict[str, np.ndarray], rows=slice(None)) -> None:
    for name, block in blocks.items():
        np.testing.assert_allclose(block[rows], others[name], rtol=0, atol=1e-5, err_msg=name)


def test_the_order_of_points_changes_nothing(encoder):
    spectra, axes = mixed()
    orders = [torch.randperm(len(axis), generator=torch.Generator().manual_seed(i)) for i, axis in enumerate(axes)]
    shuffled = [x[order] for x, order in zip(spectra, orders, strict=True)]
    blocks = embed(encoder, shuffled, [axis[order] for axis, order in zip(axes, orders, strict=True)])
    assert_same(embed(encoder, spectra, axes), blocks)


def test_latents_do_not_know_the_order_of_points(encoder):
    """The set of points is all that counts, in the encoder too."""
    spectra, axes = mixed(1)
    batch = GridBatch(spectra[0][None], axes[0], "nir", "nm")
    values, coordinates, log_weights = encoder.normalise(batch)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    modality = torch.zeros(1, dtype=torch.int64)
    torch.testing.assert_close(
        encoder.latents(values[:, order], coordinates[order], log_weights[order], modality),
        encoder.latents(values, coordinates, log_weights, modality),
        rtol=0,
        atol=1e-5,
    )


def test_batch_mates_and_their_number_change_nothing(encoder):
    spectra, axes = mixed()
    together = embed(encoder, spectra, axes)
    for row in range(3):
        assert_same(together, embed(encoder, [spectra[row]], [axes[row]]), [row])
    strangers = [x + 100 * (i != 4) for i, x in enumerate(spectra)]
    assert_same(together, {k: v[[4]] for k, v in embed(encoder, strangers, axes).items()}, [4])


@pytest.mark.parametrize("chunk", [1, 7, 300])
def test_splitting_a_batch_changes_nothing(encoder, chunk):
    intensities = torch.rand(20, 60, generator=torch.Generator().manual_seed(2)).cumsum(1)
    batch = GridBatch(intensities, mixed()[1][0], "nir", "nm")
    assert_same(embed_grid(encoder, batch), embed_grid(encoder, batch, chunk))


def test_rows_keep_what_belongs_to_them():
    x = torch.arange(12.0).view(4, 3)
    batch = GridBatch(x, torch.arange(1.0, 4.0), "nir", "nm", baseline=x / 2, categories=torch.arange(8).view(4, 2))
    rows = batch.rows(torch.tensor([2, 0]))
    assert len(rows) == 2
    assert rows.baseline.equal(rows.intensities / 2) and rows.categories.tolist() == [[4, 5], [0, 1]]
    assert batch.rows(slice(1, 2)).intensities.tolist() == [[3.0, 4.0, 5.0]]


def test_baselines_travel_with_their_points():
    class Corrected(Encoder):
        blocks = {"corrected": 1}  # noqa: RUF012

        def forward(self, batch: GridBatch) -> dict[str, torch.Tensor]:
            steps = batch.wavelengths.diff()
            return {"corrected": ((batch.intensities - batch.baseline)[:, 1:] * steps).sum(1, keepdim=True).float()}

    axis = torch.tensor([3.0, 1.0, 7.0])
    spectra, baselines = [torch.tensor([5.0, 4.0, 9.0])], [torch.tensor([1.0, 1.0, 2.0])]
    blocks = embed_spectra(Corrected(), spectra, [axis], modality="nir", axis_unit="nm", baselines=baselines)
    assert blocks["corrected"].item() == 4 * 2 + 7 * 4


def test_arrays_are_as_good_as_tensors(encoder):
    spectra, axes = mixed()
    as_arrays = embed(encoder, [x.numpy() for x in spectra], [axis.numpy() for axis in axes])
    assert_same(embed(encoder, spectra, axes), as_arrays)
