"""Learned transfer: equal instruments change nothing, simple differences are undone, adapters alone move."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from etalon.chemometrics.transfer import SlopeBias, SourceCalibration
from etalon.errors import BadInputError
from etalon.models.encoder import GridBatch
from etalon.models.patch_transformer import PatchTransformer
from etalon.train.learned_transfer import LearnedTransfer
from etalon.train.pair_fitting import Pairs, fit_networks
from etalon.train.pair_network import make_network
from etalon.train.transfer_member import Plan

N_PAIRS, GRID, POINTS = 12, np.arange(1100.0, 1700.0, 5.0), 256
BANDS = ((1200.0, 40.0), (1300.0, 55.0), (1450.0, 35.0), (1580.0, 60.0))
METHODS = ("lora", "full", "random_init", "cnn")
PLACE = GridBatch(torch.zeros(1, len(GRID)), torch.from_numpy(GRID), "nir", "nm")


def mixtures(n, seed, shift=0.0):
    """Noisy spectra of four broad bands and the amount of the first; `shift` in nm moves the axis."""
    rng = np.random.default_rng(seed)
    amounts = rng.uniform(0.2, 1.0, (n, len(BANDS)))
    bands = np.array([np.exp(-0.5 * ((GRID + shift - centre) / width) ** 2) for centre, width in BANDS])
    return 0.3 + amounts @ bands + 0.0005 * np.random.default_rng(seed + 99).normal(size=(n, len(GRID))), amounts[:, 0]


@pytest.fixture(scope="module")
def calibration():
    X, y = mixtures(60, seed=0)
    return SourceCalibration(X, y, n_lv=4)


@pytest.fixture(scope="module")
def start():
    torch.manual_seed(0)
    return PatchTransformer(points=POINTS, width=16, layers=1, heads=2).eval()


def plan(**changes):
    return replace(Plan("raw", ("raw",), members=3, steps=25, batch=16, learning_rate=5e-3), **changes)


def transfer(calibration, start, method="full", dropout=0.0, **changes):
    own = plan(**changes)
    torch.manual_seed(1)
    network = make_network(method, start, PLACE, n_inputs=len(own.inputs), rank=4, dropout=dropout)
    return LearnedTransfer(calibration, PLACE, network, POINTS, own, seed=5)


def rms(found, wanted):
    return float(np.sqrt(np.mean((found - wanted) ** 2)))


@pytest.mark.parametrize("base", ["raw", "pds"])
@pytest.mark.parametrize("method", METHODS)
def test_equal_instruments_change_nothing(calibration, start, method, base):
    X, y = mixtures(N_PAIRS, seed=2)
    test, _ = mixtures(20, seed=4)
    fitted = transfer(calibration, start, method, base=base, inputs=("pds", "raw", "sbc")).fit(X, X, y)
    np.testing.assert_allclose(fitted.transform(test), test, rtol=0, atol=1e-6)
    np.testing.assert_allclose(fitted.predict(test), calibration.predict(test), rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_gain_and_offset_are_undone(calibration, start, method):
    (X, y), (test, _) = mixtures(N_PAIRS, seed=2), mixtures(40, seed=4)
    wanted, before = calibration.predict(test), rms(calibration.predict(0.6 * test - 0.2), calibration.predict(test))
    offset = SlopeBias(calibration, slope=False).fit(X, 0.6 * X - 0.2, y).predict(0.6 * test - 0.2)
    fitted = transfer(calibration, start, method, steps=100).fit(X, 0.6 * X - 0.2, y)
    assert rms(fitted.predict(0.6 * test - 0.2), wanted) < 0.6 * rms(offset, wanted) < 0.3 * before
    assert rms(fitted.transform(0.6 * test - 0.2), test) < 0.2 * rms(0.6 * test - 0.2, test)
    # A line for each channel is all that is to be done: with it as the base little is left.
    lines = transfer(calibration, start, method, base="sbc", inputs=("sbc",), steps=1).fit(X, 0.6 * X - 0.2, y)
    assert rms(lines.predict(0.6 * test - 0.2), wanted) < 0.05 * before


def test_a_correction_that_does_not_help_is_not_believed(calibration, start):
    """Instruments that differ by noise alone: predictions stay close to those of the base."""
    X, y = mixtures(N_PAIRS, seed=2)
    rng = np.random.default_rng(3)
    target, (test, y_test) = X + 0.02 * rng.normal(size=X.shape), mixtures(60, seed=4)
    test = test + 0.02 * rng.normal(size=test.shape)
    base = rms(calibration.predict(test - (target - X).mean(axis=0)), y_test)
    fitted = transfer(calibration, start, steps=60).fit(X, target, y)
    assert 0.0 <= fitted.share_ < 1.0
    assert rms(fitted.predict(test), y_test) < 1.3 * base


def test_adapters_alone_move_and_the_start_stays_as_it_is(start):
    torch.manual_seed(0)
    pairs = Pairs(torch.randn(6, 1, POINTS), torch.randn(6, POINTS), torch.randn(POINTS), torch.randn(6))
    given = copy.deepcopy(start.state_dict())
    options = {"steps": 5, "batch": 8, "rate": 1e-2, "heteroscedastic": False}
    for method in ("lora", "full"):
        network = make_network(method, start, PLACE, n_inputs=1, rank=4, dropout=0.0)
        (trained,) = fit_networks(network, [pairs], [0], **options)
        network.load_state_dict(trained.weights, strict=False)
        own = {name.replace(".base_layer", ""): tensor for name, tensor in network.backbone.state_dict().items()}
        equal = {name: torch.equal(own[name], tensor) for name, tensor in given.items()}
        # The embedding's read-out and the reconstruction of pretraining take no part.
        assert all(equal.values()) if method == "lora" else not any(equal[n] for n in equal if n.startswith("layers"))
        adapters = [name for name, _ in network.named_parameters() if "lora_" in name]
        wanted = {"merge.query", "merge.key_value", "refine.up", "layers.0.qkv", "layers.0.up", "layers.0.down"}
        assert not adapters or all(any(f"backbone.{part}.lora_B" in name for name in adapters) for part in wanted)
        assert bool(adapters) == (method == "lora")
        if adapters:
            assert all(float(p.detach().abs().sum()) > 0 for n, p in network.named_parameters() if "lora_B" in n)
    assert all(torch.equal(tensor, given[name]) for name, tensor in start.state_dict().items())


def test_random_init_shares_the_architecture_and_no_weight(start):
    torch.manual_seed(3)
    network = make_network("random_init", start, PLACE, n_inputs=1, rank=4, dropout=0.0)
    for name, tensor in network.backbone.state_dict().items():
        if "weight" in name and tensor.ndim == 2 and not name.startswith("film"):
            assert not torch.equal(tensor, start.state_dict()[name]), name


@pytest.mark.parametrize("n", [3, 4, 7])
def test_few_samples_are_enough_and_a_second_fit_gives_the_same(calibration, start, n):
    X, y = mixtures(n, seed=2)
    target = 0.9 * X + 0.01
    for part in (X, target, y):
        part.setflags(write=False)
    fitted = transfer(calibration, start, "lora", base="pds", inputs=("pds", "raw", "sbc"), steps=4)
    first = fitted.fit(X, target, y).predict(target)
    np.testing.assert_array_equal(fitted.fit(X, target, y).predict(target), first)
    assert np.isfinite(first).all() and len(fitted.scores_) == n
    with pytest.raises(BadInputError, match="at least 3, found 2"):
        fitted.fit(X[:2], target[:2], y[:2])


@pytest.mark.parametrize("difficulty", ["members", "dropout", "head"])
def test_unlike_spectra_are_more_difficult(calibration, start, difficulty):
    """The difference of the instruments is different in every sample; spectra far from the pairs are less sure."""
    X, y = mixtures(20, seed=2)
    target = X * np.random.default_rng(0).uniform(0.7, 1.0, (20, 1))
    fitted = transfer(calibration, start, dropout=0.2, difficulty=difficulty, steps=40).fit(X, target, y)
    near, _ = mixtures(20, seed=6)
    own, channels = fitted.difficulty(fitted.transferred(near))
    assert own.shape == (20,) and channels.shape == near.shape
    assert bool((own >= 1.0).all()) and np.ptp(own) > 0
    far = near + 4.0 * (near - near.mean(axis=0))
    assert fitted.difficulty(fitted.transferred(far))[0].mean() > own.mean()


def test_copies_trained_together_are_those_trained_alone(start):
    """Tasks of unlike numbers of pairs: neither padding nor the other's gradient reaches a copy."""
    torch.manual_seed(0)
    tasks = [
        Pairs(torch.randn(n, 2, POINTS), torch.randn(n, POINTS), torch.randn(POINTS), torch.randn(n)) for n in (3, 9, 5)
    ]
    options = {"steps": 4, "batch": 6, "rate": 1e-2, "heteroscedastic": False}
    for method in ("lora", "full", "cnn"):
        network = make_network(method, start, PLACE, n_inputs=2, rank=4, dropout=0.0)
        given = copy.deepcopy(network.state_dict())
        together = fit_networks(network, tasks, [5, 6, 7], **options)
        for task, seed, found in zip(tasks, (5, 6, 7), together, strict=True):
            (alone,) = fit_networks(network, [task], [seed], **options)
            assert found.weights.keys() == alone.weights.keys()
            torch.testing.assert_close(found(task.inputs).added, alone(task.inputs).added, rtol=1e-3, atol=1e-4)
        assert all(torch.equal(tensor, given[name]) for name, tensor in network.state_dict().items())


def test_the_head_learns_where_the_noise_is():
    torch.manual_seed(0)
    noise = torch.where(torch.arange(POINTS) < POINTS // 2, 0.1, 1.5)
    pairs = Pairs(torch.randn(40, 1, POINTS), torch.randn(40, POINTS) * noise, torch.zeros(POINTS), torch.zeros(40))
    start = PatchTransformer(points=POINTS, width=16, layers=1, heads=2)
    network = make_network("full", start, PLACE, n_inputs=1, rank=4, dropout=0.0)
    (trained,) = fit_networks(network, [pairs], [0], steps=120, batch=32, rate=1e-2, heteroscedastic=True)
    said = trained(pairs.inputs).log_variance.detach().mean(dim=0)
    assert float(said[POINTS // 2 + 16 :].mean() - said[: POINTS // 2 - 16].mean()) > 1.0


def test_wrong_settings_are_named(start):
    for wrong in ({"base": "ds"}, {"inputs": ["raw", "snv"]}, {"inputs": []}, {"difficulty": "guess"}):
        with pytest.raises(BadInputError, match=f"learned transfer: {next(iter(wrong))}: expected one of"):
            plan(**wrong)
    with pytest.raises(BadInputError, match="network: expected one of lora, full, random_init, cnn, found qlora"):
        make_network("qlora", start, PLACE, n_inputs=1, rank=4, dropout=0.0)
