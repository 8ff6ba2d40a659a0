"""Embeddings of disturbed spectra: disturbed as for the classical methods, predicted by heads fitted to clean ones."""

import numpy as np
import pytest
from torch import nn

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.errors import NotRunError
from etalon.evaluate.embedding_heads import applicable, run_heads
from etalon.evaluate.embedding_robustness import disturb, retest_heads
from etalon.evaluate.perturbed import run_perturbed
from etalon.evaluate.robustness import PERTURBATIONS
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.views import Views
from etalon.models.encoder import Encoder
from etalon.models.function_space import BLOCKS

ASLS = {"lam": 1e5, "p": 0.01, "reference_step_nm": 2.0, "reference_step_cm1": 4.0, "max_iter": 20, "tol": 1e-3}
UNITS = ("AU", "SD", "1", "nm", "cm-1")
HEADS = applicable(["ridge", "evidence", "fs_evidence"], ("learned", "stats"), BLOCKS)


class Pooled(Encoder):
    """An encoder without training: means of neighbouring channels, and mean and SD of the spectrum."""

    def __init__(self):
        super().__init__()
        self.blocks = {"learned": 10, "stats": 2}

    def forward(self, batch):
        x = batch.intensities
        stats = nn.functional.pad(x.mean(dim=1, keepdim=True), (0, 1)) + nn.functional.pad(
            x.std(dim=1, keepdim=True), (1, 0)
        )
        return {"learned": x.unflatten(1, (10, -1)).mean(dim=2), "stats": stats}


@pytest.fixture(scope="module")
def spectra():
    rng = np.random.default_rng(0)
    n, channel = 36, np.linspace(0, 1, 60)
    y = rng.uniform(1, 3, n)
    X = 0.2 + np.outer(y, np.exp(-0.5 * ((channel - 0.5) / 0.1) ** 2)) + 0.002 * rng.normal(size=(n, 60))
    reference = np.c_[y, y**2]
    reference[:6] = np.nan
    reference[6:9, 1] = np.nan
    targets = (Target("protein", "protein", "%"), Target("oil", "oil", "%"))
    metadata = Metadata("toy", "toy", "Toy", "nir", "absorbance", "nm", targets=targets)
    ids = np.arange(n).astype(str)
    return SpectraSet(metadata, X, 1100.0 + 2 * np.arange(60), ids, ids, reference)


@pytest.fixture(scope="module")
def folds(spectra):
    return make_folds(spectra, n_splits=3, n_repeats=2, seed=1)


def amplitudes(*values):
    return {name: dict.fromkeys(UNITS, values) for name in PERTURBATIONS}


def settings(*values, **changes):
    return {"amplitudes": amplitudes(*values), "asls": ASLS, "max_spectra": 400, "max_rows": 300} | changes


def test_the_classical_methods_meet_the_same_disturbed_spectra(spectra, folds):
    met = []

    def views_of(X):
        met.append(X)
        return Views(X, np.zeros_like(X), savgol_window=5, savgol_order=2)

    sweep = amplitudes(0.01, 2.0)
    run_perturbed(spectra, list_tasks(spectra), folds, [], views_of, amplitudes=sweep, repeats=1, seed=7)
    rows = np.array([3, 8, 20])
    disturbed, not_run = disturb(spectra, rows, lambda X: {"x": X}, sweep, seed=7)
    assert not not_run
    assert len(disturbed.conditions["condition"]) == len(met) - 1 == 14  # the first are the clean spectra
    assert np.array_equal(disturbed.blocks["x"], np.stack(met[1:])[:, rows])


def test_undisturbed_spectra_are_predicted_as_they_were(spectra, folds):
    tasks = list_tasks(spectra)
    outcome = retest_heads(Pooled(), spectra, tasks, folds, HEADS, settings(0.0), seed=7)
    rows = outcome.predictions
    assert set(rows["condition"]) == set(PERTURBATIONS)
    assert set(rows["repeat"]) == {0}
    noise = rows[rows["condition"] == "noise"]
    assert noise.groupby(["target", "head"]).size().to_dict() == {
        (target, head): n for target, n in (("protein", 30), ("oil", 27)) for head in HEADS
    }

    blocks = {"learned": spectra.intensities.reshape(36, 10, 6).mean(axis=2)}
    blocks["stats"] = np.c_[spectra.intensities.mean(axis=1), spectra.intensities.std(axis=1, ddof=1)]
    own = {head: HEADS[head] for head in ("ridge", "evidence")}
    clean = run_heads(blocks, tasks, folds, own, repeats=1, max_rows=300, inner_splits=3, seed=7).predictions
    keys = ["target", "head", "fold", "row"]
    both = clean.merge(noise, on=keys, suffixes=("", "_noise"))
    assert len(both) == len(clean) == 114
    np.testing.assert_allclose(both["prediction"], both["prediction_noise"], atol=1e-4)
    assert (both["reference"] == both["reference_noise"]).all()


def test_more_noise_means_more_error(spectra, folds):
    rows = retest_heads(Pooled(), spectra, list_tasks(spectra), folds, HEADS, settings(0.001, 0.5), seed=7).predictions
    noise = rows[rows["condition"] == "noise"]
    squared = ((noise["prediction"] - noise["reference"]) ** 2).groupby([noise["head"], noise["amplitude"]]).mean()
    for head in HEADS:
        assert squared[head, 0.001] < 0.2 * squared[head, 0.5]


def test_too_many_spectra_are_not_run(spectra, folds):
    with pytest.raises(NotRunError, match="more than 20 spectra"):
        retest_heads(Pooled(), spectra, list_tasks(spectra), folds, HEADS, settings(0.1, max_spectra=20), seed=7)


def test_a_disturbance_that_does_not_apply_is_named(spectra, folds):
    wide = settings(0.01)
    wide["amplitudes"]["dropped_bands"] = dict.fromkeys(UNITS, (1000.0,))
    outcome = retest_heads(Pooled(), spectra, list_tasks(spectra), folds, HEADS, wide, seed=7)
    assert list(outcome.conditions_not_run) == ["dropped_bands"]
    assert set(outcome.predictions["condition"]) == set(PERTURBATIONS) - {"dropped_bands"}
