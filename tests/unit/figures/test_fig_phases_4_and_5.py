"""The figures on synthetic spectra and on metadata, on numbers that can be worked out by hand."""

import numpy as np
import pandas as pd
import pytest

from etalon.errors import BadInputError
from etalon.figures import fig_phase4_synthetic, fig_phase5_metadata
from etalon.figures.encoder_rows import named
from etalon.figures.paired_panels import compare
from etalon.figures.perturbation_panels import PANELS as PERTURBATIONS
from etalon.records import METRIC_COLUMNS, as_records

TASKS = {("corn_a", "oil"): 0.02, ("corn_b", "starch"): 4.0, ("soil_a", "clay"): 30.0, ("milk_a", "fat"): 0.5}
HEAD = {"ridge": 1.0, "evidence": 0.5}
SEED = {0: 0.5, 1: 2.0}  # the geometric mean of the seeds' factors is 1, their mean 1.25
# Error of a variant relative to tuned PLS, of which each condition has its own.
SHARE = {name: 0.9**k for variants, _ in fig_phase4_synthetic.ENCODERS.values() for k, name in enumerate(variants)}
SHARE |= {"random_init": 2.0, "fsnl_random_init": 3.0}
LEVEL = {"cv": 1.0, "zero_shot": 3.0, "spiked": 2.0}
METADATA = {"cv": 1.0, "metadata_never": 1.1, "metadata_missing": 2.0, "metadata_wrong": 4.0}


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """No test here looks at an interval."""
    monkeypatch.setattr("etalon.evaluate.compare.RESAMPLES", 50)


def table(rows):
    frame = pd.DataFrame(rows)
    common = {"run": "test", "fold": -1, "synthetic": False, "overlaps": "", "unit": "%", "repeat": 0}
    filled = {name: value for name, value in common.items() if name not in frame}
    return as_records(frame.assign(**filled, status=frame.get("status", "ok")), METRIC_COLUMNS)


def places(family_of=lambda name: name.split("_")[0]):
    for (dataset, target), level in TASKS.items():
        place = {"dataset": dataset, "family": family_of(dataset), "target": target, "task": "regression"}
        yield place | {"analyte": target, "metric": "rmsep", "status": "ok"}, level


def synthetic_conditions(level):
    yield {"condition": "cv", "value": level}
    yield {"condition": "zero_shot", "value": 3 * level, "amplitude": 0.0, "amplitude_unit": "samples"}
    for n in (5.0, 10.0):
        for draw in (0, 1):  # the draws lie 50 % below and above
            value = 2 * level * (0.5 + draw) * (1 if n == 10 else 100)
            yield {"condition": "spiked", "value": value, "amplitude": n, "amplitude_unit": "samples", "draw": draw}
    for name in PERTURBATIONS:
        for amplitude in (1.0, 2.0):
            value = level * amplitude * (1 if amplitude == 2 else 100)
            yield {"condition": name, "value": value, "amplitude": amplitude, "amplitude_unit": "nm"}


@pytest.fixture(scope="module")
def synthetic():
    rows = []
    for place, level in places():
        for condition in synthetic_conditions(level):
            rows.append(place | condition | {"method": "tuned_pls", "seed": 1})
            own = condition | {"method": "embedding"}
            fixed = {"variant": "fs", "head": "evidence", "seed": 0, "value": 0.7 * condition["value"]}
            rows.append(place | own | fixed)
            for variant, ratio in SHARE.items():
                for head, factor in HEAD.items():
                    rows += [
                        place | own | {"variant": variant, "head": head, "seed": s, "value": condition["value"] * r}
                        for s, r in ((s, ratio * factor * f) for s, f in SEED.items())
                    ]
    return table(rows)


@pytest.fixture(scope="module")
def metadata():
    rows = []
    for task, heads in fig_phase5_metadata.HEADS.items():
        for place, level in places():
            own = place | {"task": task, "repeat": 0}
            scale = {"metric": "rmsep"} if task == "regression" else {"metric": "balanced_accuracy"}
            base = level if task == "regression" else 0.6
            own |= scale
            reference = {"method": "tuned_pls" if task == "regression" else "tuned_plsda", "seed": 1}
            rows.append(own | reference | {"condition": "cv", "value": base})
            for variants, control in fig_phase5_metadata.ENCODERS.values():
                for variant in (*variants, control):
                    told = METADATA if "metadata" in variant else {"cv": 1.0}
                    for head in heads:
                        for condition, factor in told.items():
                            value = base * factor if task == "regression" else base + 0.1 - 0.05 * factor
                            more = {"method": "embedding", "variant": variant, "head": head, "seed": 0}
                            rows.append(own | more | {"condition": condition, "value": value})
    return table(rows)


def cells_of(metrics, encoder="Perceiver"):
    return fig_phase4_synthetic.cells(named(metrics.astype({"method": str, "variant": str, "head": str})), encoder)


@pytest.fixture
def one_head(synthetic):
    """What is enough where numbers do not matter."""
    variants, _ = fig_phase4_synthetic.ENCODERS["Perceiver"]
    return synthetic[synthetic["variant"].isin(["", *variants]) & synthetic["head"].isin(["", "ridge"])]


def below(figure):
    return " ".join(text.get_text() for text in figure.subfigs[-1].texts).replace("\n", " ")


def texts(figure):
    return [text.get_text() for axis in figure.subfigs[0].axes for text in axis.texts]


def test_every_way_of_testing_is_compared_with_tuned_pls_under_it(synthetic):
    """The ratio of a variant is the same in all panels: errors of condition, draw and amplitude cancel."""
    for encoder, (variants, control) in fig_phase4_synthetic.ENCODERS.items():
        for cell in cells_of(synthetic, encoder):
            assert cell.size == "4 tasks, 3 families"
            for head, factor in HEAD.items():
                for variant in (*variants, control):
                    expected = SHARE[variant] * factor * 1.25  # errors of seeds are averaged before the ratio
                    assert cell.spread(f"{variant}/{head}")[0] == pytest.approx(expected)
                    np.testing.assert_allclose(cell.seeds[f"{variant}/{head}"], np.array([0.5, 2.0]) * expected / 1.25)
            assert cell.spread("fs/evidence")[0] == pytest.approx(0.7)


def test_robustness_counts_the_largest_amplitude_and_common_perturbations_alone(synthetic):
    gone = (synthetic["condition"] == "noise") & (synthetic["variant"] == "masked_aug_baseline")
    gone &= (synthetic["dataset"] == "soil_a").to_numpy()
    spoiled = synthetic.copy()
    one = (spoiled["condition"] == "noise") & (spoiled["variant"] == "random_init") & (spoiled["dataset"] == "soil_a")
    spoiled.loc[one, "value"] *= 1e6  # a perturbation that another method lacks on this task counts for none
    cell = cells_of(spoiled[~gone])[3]
    assert cell.spread("random_init/ridge")[0] == pytest.approx(2.0 * 1.25)
    assert cell.size == "4 tasks, 3 families"


def test_all_points_of_a_panel_stand_on_the_same_tasks(one_head):
    lost = (one_head["dataset"] == "soil_a") & (one_head["condition"] == "cv")
    lost &= one_head["variant"] == "masked_aug_baseline_synthetic_high"
    sizes = [cell.size for cell in cells_of(one_head[~lost])]
    assert sizes == ["3 tasks, 2 families", *["4 tasks, 3 families"] * 3]


def test_what_did_not_run_is_said(one_head):
    rows = one_head[one_head["condition"] != "zero_shot"].copy()
    lost = rows["variant"] == "masked_aug_baseline_synthetic_low"
    rows["status"] = rows["status"].astype(str).where(~lost, "not run: no wavelength axis")
    figure = fig_phase4_synthetic.draw(rows)
    assert "fsnl, episodic + AsLS, synthetic only + ridge" in below(figure)
    assert "not run: no such row in the metrics table" in below(figure)
    assert "not run: no wavelength axis" in below(figure)
    assert texts(figure) == [*["4 tasks, 3 families", "not run", *["4 tasks, 3 families"] * 2], *["not run"] * 4]


def test_few_real_tasks_are_joined_by_synthetic_ones_and_it_is_said(one_head):
    rows = one_head.assign(synthetic=one_head["dataset"] != "corn_a")
    figure = fig_phase4_synthetic.draw(rows)
    assert "synthetic or overlapping sets included" in figure.subfigs[1].legends[0].get_title().get_text()
    assert texts(figure)[0] == "4 tasks, 3 families"
    assert not any(cell.extended for cell in cells_of(one_head))


def test_metadata_are_told_apart_by_condition(metadata):
    rows = named(metadata.astype({"method": str, "variant": str, "head": str}))
    for encoder, (variants, control) in fig_phase5_metadata.ENCODERS.items():
        found = fig_phase5_metadata.cells(rows, encoder)
        for head in ("ridge", "evidence"):
            for condition, factor in METADATA.items():
                name = fig_phase5_metadata.under(f"{variants[2]}/{head}", condition)
                assert found[head].spread(name)[0] == pytest.approx(factor)
            assert found[head].names.count(f"{control}/{head}") == 1
            # An encoder without metadata is compared under the cross-validation alone.
            assert not [name for name in found[head].names if name.startswith(f"{variants[0]}/{head}|")]
        gain = found["logistic"].spread(f"{variants[1]}/logistic|metadata_wrong")[0]
        assert gain == pytest.approx(0.1 - 0.05 * 4)


def test_the_metadata_figure_says_what_is_missing(metadata):
    figure = fig_phase5_metadata.draw(metadata[metadata["variant"] != "fsnl_episodic_asls_metadata"])
    assert "fsnl, episodic + AsLS, metadata + ridge" in below(figure)
    assert texts(figure).count("4 tasks, 3 families") == 6


@pytest.mark.parametrize(("module", "rows"), [(fig_phase4_synthetic, "one_head"), (fig_phase5_metadata, "metadata")])
def test_the_command_writes_both_files(module, rows, tmp_path, request):
    metrics = request.getfixturevalue(rows)
    metrics.to_parquet(tmp_path / "metrics.parquet")
    paths = ["--out-pdf", str(tmp_path / "f.pdf"), "--out-png", str(tmp_path / "f.png")]
    module.main(["--metrics", str(tmp_path / "metrics.parquet"), *paths])
    assert (tmp_path / "f.pdf").stat().st_size > 5000 and (tmp_path / "f.png").stat().st_size > 5000
    with pytest.raises(BadInputError, match="tuned PLS on one task"):
        module.draw(metrics[metrics["method"] == "embedding"])


def test_nothing_shared_is_not_run():
    rows = table([{"dataset": "a", "family": "a", "target": "t", "task": "regression", "method": "tuned_pls",
                   "metric": "rmsep", "value": 1.0, "condition": "cv"}])  # fmt: skip
    assert compare(rows, ["fs/evidence"], "tuned_pls", "ratio").size == "not run"
