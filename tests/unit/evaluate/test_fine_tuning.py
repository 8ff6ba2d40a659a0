"""Fine-tuned encoders in the folds of a dataset: what they start from, what they see, what is left out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.embedding_heads import run_heads
from etalon.evaluate.fine_tuning import batch_of, fine_tune_set
from etalon.evaluate.tasks import list_tasks
from etalon.models.encoder import embed_grid
from etalon.train.checkpoint import make_encoder

SETTINGS = {"methods": ["full", "lora"], "rank": 4, "steps": 10, "batch": 32, "learning_rate": 3e-3} | {
    "max_spectra": 100,
    "repeats": 1,
}
PLACE = ["target", "fold", "row"]


@pytest.fixture(scope="module")
def spectra() -> SpectraSet:
    """Quantities that bend against their bands, one not always measured, and one that is too rare to be judged."""
    rng = np.random.default_rng(0)
    axis, n = np.linspace(1100, 2500, 120), 40
    amounts = rng.uniform(1, 2, (n, 2))
    bands = np.exp(-0.5 * ((axis - np.array([[1500.0], [2000.0]])) / 90) ** 2)
    X = 0.3 + amounts @ bands + 0.002 * rng.normal(size=(n, 120))
    bent = np.sin(2 * amounts)
    reference = np.c_[bent[:, 0], np.where(np.arange(n) % 4 == 0, np.nan, bent[:, 1]), np.full(n, np.nan)]
    targets = tuple(Target(name, name, "%") for name in ("fat", "ash", "rare"))
    metadata = Metadata("toy", "toy", "Toy", "nir", "absorbance", "nm", targets=targets)
    ids = np.arange(n).astype(str)
    return SpectraSet(metadata, X, axis, ids, ids, reference)


@pytest.fixture(scope="module")
def folds(spectra) -> pd.DataFrame:
    return make_folds(spectra, n_splits=3, n_repeats=2, seed=1)


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return make_encoder({"encoder": "fsnl", "size": {"width": 16, "layers": 1, "heads": 2}}).eval()


def tune(encoder, spectra, folds, encoder_seed=0, **changes):
    settings = SETTINGS | changes
    return fine_tune_set(encoder, spectra, list_tasks(spectra), folds, settings, seed=1, encoder_seed=encoder_seed)


@pytest.fixture(scope="module")
def outcome(encoder, spectra, folds):
    return tune(encoder, spectra, folds)


def by_place(predictions, head):
    return predictions[predictions["head"] == head].set_index(PLACE)["prediction"].sort_index()


def test_without_a_step_it_is_the_ridge_on_the_frozen_embedding(encoder, spectra, folds):
    predictions = tune(encoder, spectra, folds, steps=0).predictions
    heads = {"ridge": ["learned", "stats"]}
    blocks = embed_grid(encoder, batch_of(spectra))
    cv = folds[folds["scheme"] == "kfold"]
    limits = {"repeats": 1, "max_rows": 100, "inner_splits": 3, "seed": 1}
    ridge = by_place(run_heads(blocks, list_tasks(spectra), cv, heads, **limits).predictions, "ridge")
    for head in ("full_fine_tuning", "lora_fine_tuning"):
        pd.testing.assert_series_equal(by_place(predictions, head), ridge, rtol=1e-4)


def test_every_measured_row_is_predicted_once_by_both_methods(outcome, spectra):
    rows = outcome.predictions
    assert set(rows["condition"]) == {"cv"}
    assert set(rows["repeat"]) == {0}
    for (_, target), group in rows.groupby(["head", "target"]):
        column = ["fat", "ash"].index(target)
        assert sorted(group["row"]) == np.flatnonzero(np.isfinite(spectra.reference[:, column])).tolist()
    assert set(rows["head"]) == {"full_fine_tuning", "lora_fine_tuning"}


def test_references_of_test_rows_decide_nothing(encoder, spectra, folds, outcome):
    test = folds[(folds["scheme"] == "kfold") & (folds["repeat"] == 0) & (folds["fold"] == 1)]
    test = test.loc[test["role"] == "test", "row"]
    reference = spectra.reference.copy()
    reference[test] *= -7
    predictions = tune(encoder, replace(spectra, reference=reference), folds).predictions
    for head in ("full_fine_tuning", "lora_fine_tuning"):
        found, expected = (by_place(p, head).xs(1, level="fold") for p in (predictions, outcome.predictions))
        pd.testing.assert_series_equal(found, expected)
        others, before = (by_place(p, head).drop(1, level="fold") for p in (predictions, outcome.predictions))
        assert not np.allclose(others, before)


def test_the_choice_of_steps_is_recorded_and_is_that_of_the_smallest_error(outcome):
    assert {(c["head"], c["target"]) for c in outcome.choices} == {
        (head, target) for head in ("full_fine_tuning", "lora_fine_tuning") for target in ("fat", "ash")
    }
    for choice in (c["choice"] for c in outcome.choices):
        assert choice["steps"] == 2 * int(np.argmin(choice["validation"]))
        assert len(choice["validation"]) == 6
    assert any(c["choice"]["steps"] > 0 for c in outcome.choices)


def test_equal_seeds_give_equal_predictions(encoder, spectra, folds, outcome):
    pd.testing.assert_frame_equal(tune(encoder, spectra, folds).predictions, outcome.predictions)
    other = tune(encoder, spectra, folds, encoder_seed=1).predictions
    assert not np.allclose(other["prediction"], outcome.predictions["prediction"])


def test_larger_sets_are_left_out_with_the_reason(encoder, spectra, folds):
    with pytest.raises(NotRunError, match="more than 39 spectra"):
        tune(encoder, spectra, folds, max_spectra=39)
    assert len(tune(encoder, spectra, folds, max_spectra=40, steps=0).predictions)


def test_an_encoder_without_weights_is_refused(spectra, folds):
    with pytest.raises(BadInputError, match="FunctionSpace"):
        tune(make_encoder({"encoder": "fs"}), spectra, folds)
