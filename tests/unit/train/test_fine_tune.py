"""Fine-tuning: where it starts, what it may move, and what it learns."""

import numpy as np
import pytest
import torch
from tests.unit.train.conftest import SIZES, make_set

from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.models.encoder import Encoder, GridBatch, embed_grid
from etalon.train.checkpoint import make_encoder
from etalon.train.fine_tune import FineTuning, Plan

N, STEPS = 50, 12


@pytest.fixture(params=["perceiver", "fsnl"])
def encoder(request) -> Encoder:
    torch.manual_seed(0)
    return make_encoder({"encoder": request.param, "size": SIZES[request.param]})


@pytest.fixture(scope="module")
def data() -> tuple[GridBatch, np.ndarray]:
    """A set of more points than the perceiver reads in a step, and two quantities, one of them not always measured."""
    spectra = make_set("a", "a", 1100, 2500, 150, seed=0)
    batch = GridBatch(
        torch.tensor(spectra.intensities).float(), torch.tensor(spectra.wavelengths).double(), "nir", "nm"
    )
    y = spectra.reference[:, 0]
    y = (y - y.mean()) / y.std()
    return batch, np.column_stack([y, np.where(np.arange(N) % 3 == 0, np.nan, y**2)])


def start(encoder, data, method="full", seed=0, groups=None, **changes):
    batch, y = data
    plan = Plan(**{"method": method, "rank": 4, "steps": STEPS, "batch": 40, "learning_rate": 3e-3} | changes)
    groups = np.arange(N) if groups is None else groups
    return FineTuning(encoder, batch, y, groups, np.array([1e-3, 1e-3]), plan, seed)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_without_a_step_nothing_has_changed(encoder, data, method):
    frozen, tuned = embed_grid(encoder, data[0]), embed_grid(start(encoder, data, method).advance(0), data[0])
    for name, block in frozen.items():
        np.testing.assert_array_equal(tuned[name], block, err_msg=name)


def test_lora_moves_embeddings_but_no_weight_of_the_encoder(encoder, data):
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    tuned = start(encoder, data, "lora").advance(STEPS)
    after = {name.replace(".base_layer", ""): tensor for name, tensor in tuned.state_dict().items()}
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())
    added = {name for name in after if name not in before}
    assert added
    assert all("lora_A" in name or "lora_B" in name for name in added)
    assert not np.allclose(embed_grid(tuned, data[0])["learned"], embed_grid(encoder, data[0])["learned"], atol=1e-3)


def test_lora_is_added_to_every_attention_and_mlp_and_not_to_what_reads_them_out(encoder, data):
    tuned = start(encoder, data, "lora").encoder
    adapted = {name.removesuffix(".base_layer") for name, _ in tuned.named_modules() if name.endswith("base_layer")}
    block = {"qkv", "output", "up", "down"}
    stack = "layers.0." if hasattr(encoder, "read") and hasattr(encoder, "latent_array") else "transformer.0."
    expected = {stack + part for part in block} | ({"read.queries", "read.output"} if stack == "layers.0." else set())
    assert adapted == expected


def test_the_encoder_given_is_left_alone(encoder, data):
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    start(encoder, data).advance(3)
    assert all(torch.equal(tensor, encoder.state_dict()[name]) for name, tensor in before.items())


@pytest.mark.parametrize("method", ["full", "lora"])
def test_the_seed_decides_the_result_whatever_was_drawn_before(encoder, data, method):
    first = embed_grid(start(encoder, data, method).advance(4), data[0])["learned"]
    torch.rand(3)
    np.testing.assert_array_equal(embed_grid(start(encoder, data, method).advance(4), data[0])["learned"], first)
    other = embed_grid(start(encoder, data, method, seed=1).advance(4), data[0])["learned"]
    assert np.abs(other - first).max() > 0


def test_in_parts_or_at_once_is_the_same(encoder, data):
    at_once, in_parts = start(encoder, data).advance(4), start(encoder, data)
    in_parts.advance(2)
    embed_grid(in_parts.encoder, data[0])
    np.testing.assert_array_equal(
        embed_grid(in_parts.advance(4), data[0])["learned"], embed_grid(at_once, data[0])["learned"]
    )


def test_a_quantity_that_is_not_linear_in_the_embedding_becomes_more_so(encoder, data):
    batch, y = data
    bent = np.sin(3 * y[:, :1])
    tuned = start(encoder, (batch, bent), steps=80, batch=N, learning_rate=1e-2).advance(80)
    before, after = (
        LeaveSpecimenOutRidge().fit(embed_grid(of, batch)["learned"], bent[:, 0]).rmsecv_ for of in (encoder, tuned)
    )
    assert after < 0.8 * before, (after, before)


def test_scans_of_a_specimen_are_solved_on_or_scored_together(encoder, data):
    groups = np.arange(N) // 4
    training = start(encoder, data, groups=groups, batch=30)
    for _ in range(20):
        rows, query = training._draw()
        assert len(rows) == len(set(rows.tolist())) == 30
        scored = {int(groups[row]) for row in rows[query]}
        solved = {int(groups[row]) for row in rows[~query]}
        assert scored
        assert not scored & solved


def test_a_quantity_that_is_hardly_measured_takes_no_part(encoder, data):
    batch, y = data
    sparse = np.where(np.arange(N) < 3, y[:, 0], np.nan)
    both = start(encoder, (batch, np.column_stack([y[:, 0], sparse]))).advance(3)
    # Its only trace would be in the loss: without it, the same embedding.
    alone = FineTuning(encoder, batch, y[:, :1], np.arange(N), np.array([1e-3]), start(encoder, data).plan, 0).advance(
        3
    )
    np.testing.assert_array_equal(embed_grid(both, batch)["learned"], embed_grid(alone, batch)["learned"])
