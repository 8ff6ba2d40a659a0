"""Scores of the soil study against direct computations."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chi2

from etalon.evaluate import metrics, soil_scores
from etalon.evaluate.soil_fidelity import channels


@pytest.fixture
def values():
    rng = np.random.default_rng(0)
    y = rng.gamma(2.0, 3.0, 40) + 100.0
    return y, y + rng.normal(0.4, 2.0, 40)


def test_resampled_scores_are_the_scores_of_resampled_soils(values):
    y, y_hat = values
    counts = np.random.default_rng(1).multinomial(40, np.full(40, 1 / 40), 25).astype(float)
    found = soil_scores.resampled(y, y_hat, counts)
    for number, own in enumerate(counts.astype(int)):
        rows = np.repeat(np.arange(40), own)
        for name in soil_scores.INTERVALS:
            assert found[name][number] == pytest.approx(metrics.REGRESSION[name](y[rows], y_hat[rows]), rel=1e-9)


def table_of(y, y_hat, **columns):
    common = {"dataset": "a", "pair": "", "condition": "cv", "method": "mir_plsr", "variant": "", "head": "plsr",
              "seed": -1, "target": "ph"}  # fmt: skip
    rows = {"row": np.arange(len(y)), "fold": np.arange(len(y)) % 4, "reference": y, "prediction": y_hat}
    return pd.DataFrame(rows | {name: [value] * len(y) for name, value in (common | columns).items()})


def test_folds_are_pooled_and_intervals_hold_the_value(values):
    rows = pd.DataFrame(soil_scores.property_rows(table_of(*values), 500, seed=0)).set_index("metric")["value"]
    for name in soil_scores.SCORES:
        assert rows[name] == pytest.approx(metrics.REGRESSION[name](*values))
    for name in soil_scores.INTERVALS:
        assert rows[f"{name}_low"] < rows[name] < rows[f"{name}_high"]


def test_intervals_of_two_models_rest_on_the_same_soils(values):
    y, y_hat = values
    both = pd.concat([table_of(y, y_hat), table_of(y, y_hat, method="mir_ridge")])
    rows = pd.DataFrame(soil_scores.property_rows(both, 200, seed=0)).pivot_table(
        index="metric", columns="method", values="value"
    )
    np.testing.assert_array_equal(rows["mir_plsr"], rows["mir_ridge"])


class Trial:
    """What `channels` asks of a trial."""

    pair = ""

    class test:  # noqa: N801
        name = "a"


def fidelity(measured, made):
    tables = [
        channels(Trial(), "converted", "frozen", np.arange(4.0), true, own, measured.mean(axis=0)).assign(seed=0)
        for true, own in zip(np.split(measured, 2), np.split(made, 2), strict=True)
    ]
    pooled = soil_scores.pooled(tables)
    rows = pd.DataFrame(soil_scores.fidelity_rows(pooled)).set_index("metric")["value"]
    return rows, pd.DataFrame(soil_scores.channel_rows(pooled))


def test_collapse_to_the_mean_spectrum_shows(values):
    measured = np.random.default_rng(2).normal(size=(20, 4))
    rows, _ = fidelity(measured, np.tile(measured.mean(axis=0), (20, 1)))
    assert rows["variance_ratio"] == pytest.approx(0.0, abs=1e-12)
    assert rows["spectrum_rmse"] == pytest.approx(rows["mean_spectrum_rmse"])
    rows, _ = fidelity(measured, measured)
    assert rows["variance_ratio"] == pytest.approx(1.0) and rows["spectrum_rmse"] == 0.0


def test_errors_by_wavenumber_are_pooled_over_folds():
    rng = np.random.default_rng(3)
    measured, made = rng.normal(size=(20, 4)), rng.normal(size=(20, 4))
    rows, by_channel = fidelity(measured, made)
    wide = by_channel.pivot_table(index="amplitude", columns="metric", values="value")
    np.testing.assert_allclose(wide["channel_rmse"], np.sqrt(((made - measured) ** 2).mean(axis=0)))
    np.testing.assert_allclose(wide["channel_bias"], (made - measured).mean(axis=0))
    np.testing.assert_allclose(wide["channel_sd"], measured.std(axis=0))
    assert rows["variance_ratio"] == pytest.approx(made.var(axis=0).sum() / measured.var(axis=0).sum())


def test_distances_meet_the_errors_of_the_model_that_read_the_latents(values):
    y, y_hat = values
    predictions = table_of(y, y_hat, method="mir_latent_ridge", variant="latent2", seed=1)
    latents = pd.DataFrame(
        {"dataset": "a", "pair": "", "source": "mir", "variant": "latent2", "seed": 1, "soil": np.arange(40),
         "row": np.arange(40), "distance2": np.abs(y_hat - y), "z000": 0.0, "z001": 1.0}
    )  # fmt: skip
    table = soil_scores.distances(latents, predictions)
    assert len(table) == 40 and (table["dof"] == 2).all()
    assert table["limit"].iloc[0] == pytest.approx(chi2.ppf(0.975, 2))
    np.testing.assert_allclose(table["scaled_error"], np.abs(y_hat - y) / np.std(y, ddof=1))
    rows = pd.DataFrame(soil_scores.distance_rows(table)).set_index("metric")["value"]
    assert rows["distance_rank_correlation"] == pytest.approx(1.0)
    assert rows["outlying"] == (np.abs(y_hat - y) > chi2.ppf(0.975, 2)).mean()
