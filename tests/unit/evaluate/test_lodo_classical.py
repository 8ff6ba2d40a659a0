"""Classical methods across datasets."""

import numpy as np
import pytest

from etalon.data.folds import grouped_kfold
from etalon.evaluate import tuning
from etalon.evaluate.local_adaptation import adapt
from etalon.evaluate.lodo import load_members, local_draws, plan
from etalon.evaluate.lodo_classical import METHODS, ClassicalTransfer, classical_contest, tune_ridge_by_folds
from etalon.evaluate.lodo_tasks import run_tasks
from etalon.evaluate.views import Views


@pytest.fixture(scope="module")
def members(tmp_path_factory, toy):
    root = tmp_path_factory.mktemp("sets")
    toy(root / "one", "a", (1200, 2000, 8))
    toy(root / "two", "b", (1250, 2100, 11), "reflectance_percent")
    toy(root / "three", "c", (1100, 1950, 9))
    toy(root / "four", "d", (1100, 2000, 13))
    toy(root / "far", "e", (2200, 2500, 4))
    return load_members(sorted(root.iterdir()), {"one", "far"})[0]


def test_strength_by_folds_is_that_of_refits(members):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 12)).astype(np.float32)
    y = X @ rng.normal(size=12) + rng.normal(size=30)
    views = Views(X, np.zeros_like(X), savgol_window=5, savgol_order=2)
    inner = grouped_kfold(np.arange(30), 3, seed=0)
    data = tuning.Training(views, np.arange(30), y, np.arange(30), inner)
    found = tune_ridge_by_folds(data, "none")
    squared = []
    for fit, validate in inner:
        Z = X[fit].astype(float) - X[fit].mean(axis=0)
        V = X[validate].astype(float) - X[fit].mean(axis=0)
        if found.choice.settings["scale"]:
            Z, V = Z / X[fit].std(axis=0), V / X[fit].std(axis=0)
        penalty = found.choice.settings["alpha"] * (Z**2).sum() / len(fit)
        coef = np.linalg.solve(Z.T @ Z + penalty * np.eye(12), Z.T @ (y[fit] - y[fit].mean()))
        squared.append((V @ coef + y[fit].mean() - y[validate]) ** 2)
    assert found.error[0] == pytest.approx(np.sqrt(np.concatenate(squared).mean()), rel=1e-5)


def test_a_band_is_found_again_on_another_grid(members, lodo_settings):
    test = next(member for member in members if member.dataset == "one")
    transfer = plan(test, members, 400, seed=0)
    model = ClassicalTransfer(transfer, lodo_settings, seed=0)
    assert model.transfer.left_out.keys() == {"far"} and not model.not_run
    assert set(model.choices) == set(METHODS)
    draws, _ = local_draws(test, (10,), 2, seed=0)
    rows = adapt(model, test, model.transfer.y, draws)
    error = (rows["prediction"] - rows["reference"]).groupby([rows["condition"], rows["name"]]).std()
    spread = test.task.y[test.rows].std()
    for condition in ("zero_shot", "slope_bias", "spiked"):
        for method in ("tuned_pls", "stacked_pls", "tuned_ridge"):  # SNV takes the size of a lone band away
            assert error[condition, method] < 0.15 * spread, (condition, method)
        assert error[condition, "mean"] > 0.9 * spread
    assert set(rows.loc[rows["condition"] == "zero_shot", "amplitude"]) == {0.0}
    assert (rows.loc[rows["condition"] == "spiked", "draw"] >= 0).all()


def test_without_a_common_range_the_mean_and_local_calibrations_remain(members, lodo_settings):
    contest = classical_contest(lodo_settings, seed=0)
    outcome = run_tasks("far", members, contest, lodo_settings, seed=0)
    ran = outcome.predictions.groupby("condition")["method"].agg(set)
    assert ran["zero_shot"] == ran["spiked"] == ran["slope_bias"] == {"mean"}
    assert ran["local_only"] == {"mean", *METHODS}
    gaps = {(gap["method"], gap["condition"]) for gap in outcome.gaps if "pair" not in gap}
    assert gaps == {(method, of) for method in METHODS for of in ("zero_shot", "slope_bias", "spiked")}
    assert {gap["pair"] for gap in outcome.gaps if "pair" in gap} == {
        f"{n}>far" for n in ("one", "two", "three", "four")
    }
