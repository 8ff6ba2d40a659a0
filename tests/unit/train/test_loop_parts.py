"""Sampling, learning rate, moving average and the rule for stopping."""

import numpy as np
import pytest
import torch

from etalon.models.encoder import GridBatch
from etalon.train.batches import Sampler
from etalon.train.corpus import TrainingSet
from etalon.train.monitor import linear_cka, should_stop
from etalon.train.optim import MovingAverage, learning_rate


def make_source(name, n, synthetic=False):
    spectra = torch.arange(n).float()[:, None].expand(n, 5)  # each tells its row
    batch = GridBatch(spectra, torch.arange(5.0) + 1000, "nir", "nm")
    return TrainingSet(name, name, batch, torch.zeros(n, 2) if synthetic else None, None, None, {})


def rows_of(group):
    return group.batch.intensities[:, 0].int().tolist()


CORPUS = [make_source("small", 10), make_source("large", 5000), make_source("made", 30, synthetic=True)]


def test_datasets_are_drawn_equally_often_whatever_their_size():
    sampler = Sampler(CORPUS, 0.3, 4, 16, seed=1)
    names = [CORPUS[sampler.draw(step, group).number].name for step in range(400) for group in range(4)]
    share = {name: names.count(name) / len(names) for name in set(names)}
    assert share == pytest.approx({"small": 0.35, "large": 0.35, "made": 0.3}, abs=0.04)


def test_a_group_depends_on_seed_step_and_number_alone():
    sampler = Sampler(CORPUS, 0.3, 4, 16, seed=1)
    sampler.draw(5, 0)
    first, again = sampler.draw(7, 2), Sampler(CORPUS, 0.3, 4, 16, seed=1).draw(7, 2)
    assert first.number == again.number and rows_of(first) == rows_of(again)
    assert torch.equal(torch.rand(3, generator=first.generator), torch.rand(3, generator=again.generator))
    others = [rows_of(Sampler(CORPUS, 0.3, 4, 16, seed=2).draw(step, 2)) for step in range(5)]
    assert rows_of(first) not in others


def test_rows_repeat_only_where_a_set_is_too_small():
    sampler = Sampler(CORPUS, 0.0, 4, 16, seed=1)
    for step in range(50):
        group = sampler.draw(step, 0)
        assert len(set(rows_of(group))) == min(16, len(CORPUS[group.number].batch))


def test_a_corpus_of_one_kind_is_used_whatever_the_share():
    assert not CORPUS[Sampler(CORPUS[:2], 1.0, 1, 4, seed=0).draw(0, 0).number].synthetic


def test_the_learning_rate_warms_up_and_falls_to_a_hundredth():
    rates = [learning_rate(step, 200, 1e-3, 20) for step in range(201)]
    assert rates[0] == pytest.approx(5e-5) and rates[19] == pytest.approx(1e-3)
    assert np.all(np.diff(rates[20:]) <= 0) and rates[-1] == pytest.approx(1e-5)


def test_the_moving_average_starts_as_a_plain_mean():
    model = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(model.weight, 0.0)
    average = MovingAverage(model, 0.9)
    for step in range(200):
        torch.nn.init.constant_(model.weight, 1.0)
        average.update(model, step)
    assert average.weights["weight"].item() == pytest.approx(1.0, abs=1e-6)
    first = MovingAverage(torch.nn.Linear(1, 1, bias=False), 0.9)
    first.weights["weight"].fill_(0.0)
    first.update(model, 0)
    assert first.weights["weight"].item() == pytest.approx(0.9)


def test_alignment_does_not_see_rotation_and_scale():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 6))
    rotation, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    assert linear_cka(X, 3.0 * X @ rotation + 1.0) == pytest.approx(1.0)
    assert linear_cka(X, rng.normal(size=(40, 6))) < 0.5


def test_training_stops_when_no_proxy_gains_and_nothing_moves():
    def measured(proxy, change):
        return {"ridge_proxy:a": proxy, "ridge_proxy:b": proxy, "change": change}

    falling = [measured(1.0 - 0.1 * k, 0.0) for k in range(6)]
    stale = [measured(0.5, 0.0)] + [measured(0.6, 0.0)] * 3
    assert not should_stop(falling, 3, 0.01)
    assert should_stop(stale, 3, 0.01)
    assert not should_stop(stale, 0, 0.01), "a patience of 0 never stops"
    assert not should_stop([*stale[:-1], measured(0.6, 0.5)], 3, 0.01), "the embedding still moves"
    assert not should_stop(stale[:3], 3, 0.01)
