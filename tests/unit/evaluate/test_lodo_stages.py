"""The stages of leave-one-dataset-out on toy sets, from a checkpoint to metrics, table and figures."""

import json

import numpy as np
import pandas as pd
import pytest

from etalon.data.folds import make_folds
from etalon.errors import BadInputError, NotRunError
from etalon.evaluate import compare, downstream_heads
from etalon.evaluate.embedding_heads import applicable
from etalon.evaluate.lodo import load_members, plan
from etalon.evaluate.lodo_heads import Embedder, HeadTransfer, head_contest
from etalon.evaluate.lodo_tasks import run_tasks
from etalon.figures import fig_phase3_lodo_boxplots, fig_phase3_train_test_heatmap, tab_phase3_lodo
from etalon.figures.lodo_pairs import best_encoder, list_groups
from etalon.figures.lodo_rows import read, scores
from etalon.models.function_space import BLOCKS
from etalon.stages import classical_lodo, embedding_lodo, gather_metrics, score_predictions
from etalon.storage import load_json, load_set, save_table
from etalon.train.checkpoint import make_encoder, save_encoder
from etalon.train.corpus import spectra_digest

SIZE = {"encoder": "fsnl", "size": {"width": 16, "layers": 1, "heads": 2}}
SETS = {"one": "a", "two": "b", "three": "c", "far": "d"}


@pytest.fixture(scope="module")
def world(tmp_path_factory, toy):
    root = tmp_path_factory.mktemp("lodo")
    grids = {"one": (1200, 2000, 8), "two": (1250, 2100, 11), "three": (1100, 1950, 9), "far": (2200, 2450, 4)}
    for name, family in SETS.items():
        toy(root / name, family, grids[name], "reflectance_percent" if name == "two" else "absorbance")
        save_table(root / f"{name}.parquet", make_folds(load_set(root / name), n_splits=3, n_repeats=1, seed=0))
    seen = [{"dataset": "two", "family": "b", "sha256": spectra_digest(load_set(root / "two").intensities)}]
    save_encoder(root / "seed0.safetensors", make_encoder(SIZE).state_dict(), {"config": SIZE, "data": seen})
    return root


def arguments(world, data, settings, out):
    return [
        *("--data", *(str(world / name) for name in data), "--training", *(str(world / name) for name in SETS)),
        *("--settings", json.dumps(settings), "--seed", "1", "--out", f"{out}.parquet", "--record", f"{out}.json"),
    ]


def embed(world, data, settings, out, encoder="fsnl", checkpoint=None):
    checkpoint = checkpoint or (world / "seed0.safetensors" if encoder == "fsnl" else "none")
    variant = "fsnl_episodic_asls" if encoder == "fsnl" else "fs"
    embedding_lodo.main(
        [
            *arguments(world, data, settings, out),
            *("--folds", *(str(world / f"{name}.parquet") for name in data)),
            *("--encoder", encoder, "--checkpoint", str(checkpoint)),
            *("--variant", variant, "--heldout", "fold0", "--encoder-seed", "0"),
        ]
    )


def members_of(world):
    """Every member of the group of the set "one", and its own."""
    members, _ = load_members([world / name for name in SETS], {"one"})
    return members, next(member for member in members if member.dataset == "one")


def fs_heads(names, settings):
    encoder = make_encoder({"encoder": "fs"})
    heads = applicable(names, encoder.blocks, BLOCKS)
    return Embedder(encoder, {b for blocks in heads.values() for b in blocks}, settings["asls"]), heads


@pytest.fixture(scope="module")
def metrics(world, lodo_settings, tmp_path_factory):
    root = tmp_path_factory.mktemp("metrics")
    scores = []
    for name in SETS:
        out = root / name
        classical_lodo.main(arguments(world, [name], lodo_settings, out))
        score = [*("--run", "t", "--data", str(world / name), "--predictions", f"{out}.parquet")]
        score_predictions.main([*score, "--record", f"{out}.scores.json", "--out", f"{out}.scores"])
        scores.append(f"{out}.scores")
    for encoder, data in (("fsnl", ["one", "three", "far"]), ("fs", list(SETS))):
        out = root / f"embedding_{encoder}"
        embed(world, data, lodo_settings, out, encoder)
        score = [*("--run", "t", "--data", *(str(world / n) for n in data), "--predictions", f"{out}.parquet")]
        score_predictions.main([*score, "--record", f"{out}.scores.json", "--out", f"{out}.scores"])
        scores.append(f"{out}.scores")
    gather_metrics.main(["--scores", *scores, "--out", str(root / "metrics.parquet")])
    return root / "metrics.parquet"


def test_a_family_in_the_checkpoint_is_refused_under_any_name(world, lodo_settings, tmp_path):
    with pytest.raises(BadInputError, match="no spectra of family 'b'"):
        embed(world, ["two"], lodo_settings, tmp_path / "out")
    seen = [{"dataset": "x", "family": "x", "sha256": spectra_digest(load_set(world / "one").intensities)}]
    save_encoder(tmp_path / "renamed.safetensors", make_encoder(SIZE).state_dict(), {"config": SIZE, "data": seen})
    with pytest.raises(BadInputError, match="no spectra of one, found they are in x"):
        embed(world, ["one"], lodo_settings, tmp_path / "out", checkpoint=tmp_path / "renamed.safetensors")


def test_methods_meet_on_equal_rows(metrics):
    """Equal draws: under each condition every method has the same references to predict."""
    folder = metrics.parent
    parts = [pd.read_parquet(folder / f"{name}.parquet") for name in ("one", "embedding_fsnl", "embedding_fs")]
    rows = pd.concat([part.astype({"dataset": str, "condition": str}) for part in parts])
    rows = rows[(rows["dataset"] == "one") & (rows["condition"] != "train_test")]
    place = ["condition", "amplitude", "draw"]
    asked = rows.groupby(["method", "variant", "head", *place], observed=True)["row"].agg(tuple)
    for found, own in asked.groupby(level=place):
        assert len(set(own)) == 1, found
    assert asked.index.get_level_values("condition").value_counts().to_dict() == {
        "zero_shot": 10,
        "slope_bias": 40,
        "spiked": 40,
        "local_only": 40,
    }


def test_records_say_what_trained(metrics):
    record = load_json(metrics.parent / "one.json")
    choice = next(c for c in record["choices"] if c["method"] == "tuned_pls")
    assert choice["training_sets"] == {"three": 26, "two": 26} and choice["representation"] == "absorbance"
    assert set(choice["left_out"]) == {"far"} and choice["n_train"] == 52
    entry = next(e for e in load_json(metrics.parent / "embedding_fs.json")["datasets"] if e["dataset"] == "one")
    assert set(entry["choices"][0]["training_sets"]) == {"two", "three", "far"}  # a grid of its own is no obstacle


def test_local_rows_change_nothing_where_they_say_what_was_known(world, lodo_settings):
    """A head shown its own predictions as references predicts as before."""
    members, test = members_of(world)
    embedder, heads = fs_heads(["evidence"], lodo_settings)
    model = HeadTransfer(plan(test, members, 400, 0), embedder, heads, 300, {}, 0)
    before = model.zero_shot(test.rows)["evidence"]
    assert np.isfinite(before.half).all()
    model._task = type(test.task)("one", "regression", "fat", before.y_hat, test.task.groups)
    local, rest = test.rows[:6], test.rows[6:]
    np.testing.assert_allclose(model.spiked(local, rest)["evidence"], before.y_hat[6:], rtol=1e-6)


def test_the_kernel_head_goes_through_every_condition(world, lodo_settings):
    members, test = members_of(world)
    embedder, heads = fs_heads(["kernels"], lodo_settings)
    model = HeadTransfer(plan(test, members, 400, 0), embedder, heads, 300, {}, 0)
    y, local, rest = test.task.y, test.rows[:12], test.rows[12:]
    before = model.zero_shot(test.rows)["kernels"]
    assert np.isfinite(before.half).all()
    spiked, alone = model.spiked(local, rest)["kernels"], model.local_only(local, rest)["kernels"]
    error = [np.sqrt(np.mean((y_hat - y[rest]) ** 2)) for y_hat in (before.y_hat[12:], spiked, alone)]
    assert error[1] < error[0] and error[1] < y[rest].std() / 2
    assert np.isfinite(error[2])
    found = run_tasks("one", members, head_contest(embedder, heads, 300, {}, 0), lodo_settings, 0)
    assert set(found.predictions["condition"]) == {"zero_shot", "slope_bias", "spiked", "local_only"}


def test_a_context_holds_as_many_local_rows_as_training_rows(world, lodo_settings, monkeypatch):
    contexts = []

    class Context:
        def fit(self, X, y):
            contexts.append(y)
            return self

        def predict(self, X):
            return np.full(len(X), contexts[-1].mean())

    monkeypatch.setattr(downstream_heads, "tabpfn_checkpoint", lambda *_: "weights")
    monkeypatch.setattr(downstream_heads, "pca_tabpfn", lambda *_: Context())
    members, test = members_of(world)
    embedder, heads = fs_heads(["tabpfn"], lodo_settings)
    settings = {"n_pcs": 4, "in_context_rows": 40, "n_estimators": 1, "tabpfn": None}
    transfer = plan(test, members, 400, 0)
    model = HeadTransfer(transfer, embedder, heads, 300, settings, 0)
    local, rest = test.rows[:6], test.rows[6:]
    assert model.spiked(local, rest)["tabpfn"].shape == (len(rest),)
    y = test.task.y[local]
    assert len(contexts[0]) <= 40 and np.isin(contexts[0], transfer.y).all()
    added = np.isin(contexts[1], y) & ~np.isin(contexts[1], transfer.y)
    assert len(contexts[1]) <= 40 and abs(added.sum() - (~added).sum()) < len(local)
    model.local_only(local, rest)
    assert sorted(contexts[2]) == sorted(y)


def test_a_head_without_its_weights_is_a_gap_under_every_condition(world, lodo_settings, monkeypatch):
    def absent(*_):
        raise NotRunError("no weights")

    monkeypatch.setattr(downstream_heads, "tabpfn_checkpoint", absent)
    members, _ = members_of(world)
    embedder, heads = fs_heads(["evidence", "tabpfn"], lodo_settings)
    contest = head_contest(embedder, heads, 300, {"tabpfn": None}, 0)
    found = run_tasks("one", members, contest, lodo_settings | {"sizes": [5], "draws": 1}, 0)
    assert set(found.predictions["head"]) == {"evidence"}
    gaps = [(gap["condition"], gap["amplitude"]) for gap in found.gaps if gap["head"] == "tabpfn"]
    assert gaps == [("zero_shot", 0.0), ("slope_bias", 5.0), ("spiked", 5.0), ("local_only", 5.0)]
    assert {gap["reason"] for gap in found.gaps if gap["head"] == "tabpfn"} == {"no weights"}


def test_the_table_holds_what_ran_and_what_did_not(metrics, tmp_path, monkeypatch):
    monkeypatch.setattr(compare, "RESAMPLES", 99)
    paths = [str(tmp_path / name) for name in ("t.csv", "t.tex")]
    given = ["--metrics", str(metrics)]
    tab_phase3_lodo.main([*given, "--out-csv", paths[0], "--out-tex", paths[1]])
    table = pd.read_csv(paths[0])
    summary = table[(table["block"] == "summary") & (table["condition"] == "spiked") & (table["n"] == 10)]
    summary = summary.set_index("method")
    assert summary.loc["tuned_pls", "mean"] == 1 and summary.loc["fs/evidence", "tasks"] == 3
    assert summary.loc["fsnl_episodic_asls/fs_evidence", "tasks"] == 2
    tasks = table[(table["block"] == "task") & (table["condition"] == "zero_shot") & (table["dataset"] == "far")]
    status = tasks.set_index("method")["status"]
    assert status["tuned_pls"] == "not run: no training set covers 50% of the range" and status["fs/ridge"] == "ok"
    row = table[(table["dataset"] == "one") & (table["condition"] == "spiked") & (table["method"] == "fs/evidence")]
    by_hand = pd.read_parquet(metrics)
    by_hand = by_hand[(by_hand["dataset"] == "one") & (by_hand["condition"] == "spiked") & (by_hand["amplitude"] == 5)]
    errors = by_hand[by_hand["metric"] == "rmsep"].astype({"variant": str, "head": str, "method": str})
    own = errors[(errors["variant"] == "fs") & (errors["head"] == "evidence")]["value"].mean()
    pls = errors[errors["method"] == "tuned_pls"]["value"].mean()
    np.testing.assert_allclose(row.loc[row["n"] == 5, "to_reference"], [own / pls], rtol=1e-4)
    text = (tmp_path / "t.tex").read_text()
    assert text.count(r"\begin{longtable}") == 4


def test_boxes_hold_one_point_a_task(metrics):
    figure = fig_phase3_lodo_boxplots.draw(read([metrics]))
    panels = [axis for area in figure.subfigs for axis in area.axes]
    assert [axis.get_title() for axis in panels] == 2 * ["n = 0 (zero-shot)", "n = 5", "n = 10"]
    assert [text.get_text() for axis in panels for text in axis.texts if "task" in text.get_text()] == 6 * [
        "3 tasks, 3 families"
    ]
    said = " ".join(text.get_text() for area in figure.subfigs for text in area.texts)
    assert "(1 task) not run: no training set covers 50% of the range" in said


def test_pairs_show_the_error_as_it_is_and_without_bias(metrics):
    group, *others = list_groups(read([metrics]))
    assert not others and group.title == "Fat, %" and set(group.datasets) == set(SETS)
    cells = group.cells["tuned_pls"]
    assert set(cells) == {(a, b) for a in ("one", "two", "three") for b in ("one", "two", "three") if a != b}
    rows = pd.read_parquet(metrics.parent / "one.parquet")
    own = rows[(rows["condition"] == "train_test") & (rows["pair"] == "three>one")]
    residual = own["prediction"] - own["reference"]
    expected = (
        np.sqrt((residual**2).mean()) / own["reference"].std(ddof=0),
        residual.std(ddof=0) / own["reference"].std(ddof=0),
    )
    np.testing.assert_allclose(cells["three", "one"], expected, rtol=1e-6)
    assert best_encoder([group]) is not None
    figure = fig_phase3_train_test_heatmap.draw(read([metrics]))
    assert figure.get_size_inches()[0] == pytest.approx(180 / 25.4)


def test_errors_alone_are_enough_for_the_scores(metrics):
    rows = read([metrics])
    found = scores(rows[rows["metric"] == "rmsep"])
    assert len(found) and found[["r2", "bias", "to_sd"]].isna().all(axis=None) and found["value"].notna().all()
