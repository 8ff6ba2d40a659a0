"""Choices: against exhaustive search with scikit-learn, and blind to everything outside the training rows."""

import functools

import numpy as np
import pandas as pd
import pytest
from sklearn.cross_decomposition import PLSRegression
from sklearn.model_selection import cross_val_predict

from etalon.contracts import Metadata, SpectraSet, Target
from etalon.data.folds import make_folds
from etalon.evaluate import tuning
from etalon.evaluate.baselines import choose_classical, run_baselines
from etalon.evaluate.calibration import Choice, calibration
from etalon.evaluate.tasks import list_tasks
from etalon.evaluate.views import Views

CHOOSER = functools.partial(choose_classical, preprocessings=["none", "snv", "emsc"], max_lv=8, max_pcs=16)


def make_views(X):
    return Views(X, np.zeros_like(X), savgol_window=7, savgol_order=2)


def make_set(n=60, seed=0, scatter=0.0):
    """Two bands on a sloping baseline; the analyte is the height of the first."""
    rng = np.random.default_rng(seed)
    channel = np.linspace(0, 1, 90)
    y, other = rng.uniform(1, 3, n), rng.uniform(1, 3, n)
    X = np.outer(y, np.exp(-0.5 * ((channel - 0.3) / 0.05) ** 2)) + np.outer(
        other, np.exp(-0.5 * ((channel - 0.6) / 0.1) ** 2)
    )
    X = (X + 1 + channel) * np.exp(scatter * rng.normal(size=(n, 1))) + 0.005 * rng.normal(size=(n, 90))
    targets = (Target("protein", "protein", "%"), Target("sparse", "fat", "%"))
    reference = np.column_stack([y, np.where(np.arange(n) % 2, other, np.nan)])
    label = np.where(y > 2, "high", "low")
    metadata = Metadata("toy", "toy", "Toy", "nir", "absorbance", "nm", targets=targets, label="level")
    ids = np.arange(n).astype(str)
    return SpectraSet(metadata, X, 1000.0 + np.arange(90), ids, ids, reference, label=label)


def test_latent_variables_are_those_of_an_exhaustive_search():
    spectra = make_set()
    views, y = make_views(spectra.intensities), spectra.reference[:, 0]
    rows, groups = np.arange(5, 60), np.arange(60)
    data = tuning.training(views, y, groups, rows, n_splits=5, seed=3, stratify=False)
    found = tuning.tune_pls(data, "snv", max_lv=8)
    X = views.transform("snv", views.fit("snv", rows), rows)
    errors = [
        np.sqrt(
            np.mean(
                (cross_val_predict(PLSRegression(a, scale=False), X, y[rows], cv=data.inner).ravel() - y[rows]) ** 2
            )
        )
        for a in range(1, 9)
    ]
    assert found.choice.settings["n_lv"] == int(np.argmin(errors)) + 1
    assert found.error[0] == pytest.approx(min(errors), rel=1e-6)


@pytest.mark.parametrize(("scatter", "expected"), [(0.0, "none"), (0.5, "snv")])
def test_the_preprocessing_that_the_data_ask_for_is_chosen(scatter, expected):
    spectra = make_set(scatter=scatter)
    views = make_views(spectra.intensities)
    # Of a first band that varies alone SNV would lose the scale; with strong scatter it is the cure.
    y = spectra.reference[:, 0]
    data = tuning.training(views, y, np.arange(60), np.arange(60), n_splits=5, seed=0, stratify=False)
    best = tuning.best_of([tuning.tune_ridge(data, name) for name in ("none", "snv")])
    assert best.choice.preprocessing == expected


def run(spectra, views=None, seed=1):
    folds = make_folds(spectra, n_splits=3, n_repeats=1, seed=seed)
    views = views or make_views(spectra.intensities)
    return run_baselines(list_tasks(spectra), folds, views, CHOOSER, inner_splits=3, seed=seed), folds


def test_predictions_do_not_depend_on_other_test_rows_or_test_labels():
    spectra = make_set()
    (rows, chosen), folds = run(spectra)
    test = folds.query("scheme == 'kfold' and fold == 0 and role == 'test'")["row"].to_numpy()
    keep, changed = test[0], test[1:]
    X, y = spectra.intensities.copy(), spectra.reference.copy()
    X[changed] *= 2.0
    y[test] += 5.0
    tampered = SpectraSet(
        spectra.metadata, X, spectra.wavelengths, spectra.sample_id, spectra.specimen, y, label=spectra.label
    )
    rows_t, chosen_t = run_baselines(list_tasks(tampered), folds, make_views(X), CHOOSER, inner_splits=3, seed=1)

    def of_first_fold(rows):
        return rows.query(f"task == 'regression' and fold == 0 and row == {keep}")["prediction"].to_numpy()

    np.testing.assert_allclose(of_first_fold(rows_t), of_first_fold(rows), rtol=1e-9)
    for before, after in zip(chosen, chosen_t, strict=True):
        if before.task == "regression" and before.fold == 0:
            assert before.choice == after.choice


def test_every_method_predicts_every_measured_row_once():
    spectra = make_set()
    (rows, chosen), _ = run(spectra)
    protein = rows.query("target == 'protein'")
    assert set(protein["method"]) == {
        "asls_snv_pls",
        "asls_snv_ridge",
        "pca_ridge",
        "tuned_pls",
        "tuned_ridge",
        "stacked_pls",
    }
    for _, of_method in protein.groupby("method"):
        assert sorted(of_method["row"]) == list(range(60))
    assert set(rows.query("target == 'sparse'")["row"]) == set(range(1, 60, 2))
    level = rows.query("target == 'level'")
    assert set(level["method"]) == {"asls_snv_plsda", "pca_logistic", "ridge_logistic", "tuned_plsda"}
    assert level["probability"].between(0, 1).all()
    assert {c.choice.preprocessing for c in chosen if c.method == "asls_snv_pls"} == {"asls_snv"}


def test_the_stack_weighs_what_predicts_left_out_rows_and_nothing_else():
    spectra = make_set(scatter=0.3)
    views, y = make_views(spectra.intensities), spectra.reference[:, 0]
    data = tuning.training(views, y, np.arange(60), np.arange(60), n_splits=5, seed=0, stratify=False)
    members = [tuning.tune_pls(data, name, 8) for name in ("none", "snv", "savgol1")]
    useless = tuning.Candidate((9.0,), Choice("emsc", "pls", {"n_lv": 1}), np.full(60, y.mean()))
    stack = tuning.stack_pls(data, [*members, useless])
    assert stack.error[0] <= min(member.error[0] for member in members) + 1e-9
    assert "emsc" not in {member["preprocessing"] for member in stack.choice.settings["members"]}
    assert all(member["weight"] > 0 for member in stack.choice.settings["members"])
    alone = Choice("stack", "stacked_pls", {"members": [{"preprocessing": "snv", "n_lv": 3, "weight": 1.0}]})
    rows = np.arange(40)
    np.testing.assert_allclose(
        calibration(alone).fit(views, rows, y[rows]).predict(views, np.arange(40, 60)),
        calibration(Choice("snv", "pls", {"n_lv": 3})).fit(views, rows, y[rows]).predict(views, np.arange(40, 60)),
    )


def test_predictions_are_clipped_to_the_training_range():
    spectra = make_set()
    (rows, _), folds = run(spectra)
    y = spectra.reference[:, 0]
    X = spectra.intensities.copy()
    test = folds.query("scheme == 'kfold' and fold == 0 and role == 'test'")["row"].to_numpy()
    X[test[0]] *= 1e3  # an outlier that a linear model follows anywhere
    (wild, _) = run_baselines(list_tasks(spectra), folds, make_views(X), CHOOSER, inner_splits=3, seed=1)
    train = np.setdiff1d(np.arange(60), test)
    margin = 0.25 * np.ptp(y[train])
    first = wild.query("target == 'protein' and fold == 0")
    assert first["prediction"].between(y[train].min() - margin - 1e-9, y[train].max() + margin + 1e-9).all()
    assert rows.query("target == 'protein'")["prediction"].notna().all()


def test_same_seed_same_predictions():
    (first, _), _ = run(make_set())
    (second, _), _ = run(make_set())
    pd.testing.assert_frame_equal(first, second)


def test_a_class_missing_from_training_gets_no_probability():
    given = tuning.truth_probability(np.array([[0.3, 0.7], [0.6, 0.4]]), np.array([0.0, 2.0]), np.array([2.0, 1.0]))
    np.testing.assert_allclose(given, [0.7, 0.0])
