"""A recomputed run is told from the shipped one where it differs, and only there."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from etalon.errors import BadInputError, EtalonError
from etalon.records import METRIC_COLUMNS, as_records
from etalon.stages.verify import compare, main

STRICT, LOOSE = {"rmsep": 1e-6, "bias": 1e-6, "r2": 1e-6}, {"rmsep": 1e-2, "bias": 1e-2, "r2": 1e-2}
TOLERANCE = {"tolerance": STRICT, "encoders": LOOSE}
SETTINGS = json.dumps(TOLERANCE)


@pytest.fixture
def expected() -> pd.DataFrame:
    rows = [
        {"dataset": "corn", "method": method, "condition": "cv", "metric": metric, "value": value, "status": "ok"}
        for method in ("tuned_pls", "tuned_ridge")
        for metric, value in (("rmsep", 0.02), ("bias", 1e-9), ("r2", 0.98))
    ]
    rows.append({**rows[0], "condition": "noise", "amplitude": 0.001, "value": 0.05})
    rows.append({**rows[0], "method": "pca_tabpfn", "value": np.nan, "status": "not run: no weights"})
    return as_records(pd.DataFrame(rows), METRIC_COLUMNS)


def verdicts(found: pd.DataFrame, expected: pd.DataFrame) -> list[str]:
    return compare(found, expected, TOLERANCE)["verdict"].tolist()


def test_equal_tables_agree_in_any_order(expected):
    shuffled = expected.sample(frac=1, random_state=0)
    assert sorted(verdicts(shuffled, expected)) == ["same"] * 7


@given(difference=st.floats(1e-12, 1e-2), metric=st.sampled_from(["rmsep", "bias", "r2"]))
def test_a_difference_counts_relative_to_the_rmsep_or_to_one(difference, metric):
    value = {"rmsep": 0.02, "bias": 1e-9, "r2": 0.98}
    table = as_records(
        pd.DataFrame({"dataset": "corn", "metric": list(value), "value": list(value.values())}), METRIC_COLUMNS
    )
    found = table.assign(value=table["value"] + np.where(table["metric"] == metric, difference, 0.0))
    relative = difference / (1.0 if metric == "r2" else 0.02)
    differing = compare(found, table, TOLERANCE).query("verdict == 'differs'")
    if abs(relative / 1e-6 - 1) > 1e-3:  # beside the rounding at the limit itself
        assert differing["metric"].tolist() == ([metric] if relative > 1e-6 else [])


def test_embeddings_have_tolerances_of_their_own(expected):
    learned = expected.assign(method="embedding", variant=["a", "a", "a", "b", "b", "b", "a", "a"])
    found = learned.assign(value=learned["value"] * 1.001)
    assert set(verdicts(found, learned)) == {"same"}
    assert "differs" in verdicts(expected.assign(value=expected["value"] * 1.001), expected)
    assert "differs" in verdicts(learned.assign(value=learned["value"] * 1.1), learned)


def test_what_names_the_seed_of_a_training_has_the_tolerances_of_trained_models(expected):
    trained = expected.assign(seed=np.int32(0))
    assert set(verdicts(trained.assign(value=trained["value"] * 1.001), trained)) == {"same"}


def test_ends_of_intervals_of_errors_count_relative_to_the_rmsep(expected):
    low = expected[expected["metric"] == "bias"].astype({"metric": str}).assign(metric="bias_low")
    both = as_records(pd.concat([expected.astype({"metric": str}), low]), METRIC_COLUMNS)
    tolerances = {kind: own | {"bias_low": own["bias"]} for kind, own in TOLERANCE.items()}
    shift = np.where(both["metric"] == "bias_low", 1e-3 * 0.02, 0.0)
    found = compare(both.assign(value=both["value"] + shift), both, tolerances)
    np.testing.assert_allclose(found.loc[found["metric"] == "bias_low", "difference"], 1e-3)


def test_a_number_that_no_longer_comes_out_is_missing(expected):
    absent = expected.iloc[1:]
    not_run = expected.assign(value=expected["value"].where(expected.index != 0))
    assert verdicts(absent, expected).count("missing") == verdicts(not_run, expected).count("missing") == 1


def test_a_method_that_did_not_run_for_us_may_run_elsewhere(expected):
    found = expected.assign(value=expected["value"].fillna(0.03))
    assert "new" in verdicts(found, expected)
    assert not {"differs", "missing"} & set(verdicts(found, expected))


def test_a_number_that_stands_twice_is_an_error(expected):
    with pytest.raises(BadInputError, match=r"every number once.*dataset corn.*metric rmsep"):
        compare(pd.concat([expected, expected.head(1)]), expected, TOLERANCE)


def test_every_number_is_written_and_a_difference_fails(expected, tmp_path, capsys):
    for name, table in (("expected", expected), ("found", expected.assign(value=expected["value"] * 1.001))):
        table.to_parquet(tmp_path / f"{name}.parquet")
    paths = {name: str(tmp_path / f"{name}.parquet") for name in ("expected", "found")}
    out = tmp_path / "numbers.csv"
    options = ["--settings", SETTINGS, "--out", str(out), "--expected", paths["expected"]]
    main(["--found", paths["expected"], *options])
    assert "all 7 numbers agree" in capsys.readouterr().out
    with pytest.raises(EtalonError, match="of 7 numbers differ"):
        main(["--found", paths["found"], *options])
    shown = capsys.readouterr().out
    assert "differs: corn" in shown and "expected 0.02, found 0.02002" in shown
    table = pd.read_csv(out)
    assert len(table) == expected["value"].notna().sum()
    assert {"expected", "found", "tolerance", "verdict"} <= set(table)
