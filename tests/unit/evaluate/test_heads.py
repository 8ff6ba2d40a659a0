"""TabPFN and TabICL: found where their weights are, named as not run elsewhere; really run on random weights."""

from dataclasses import asdict

import numpy as np
import pytest

from etalon.errors import BadInputError, NotRunError
from etalon.evaluate.heads import pca_tabicl, pca_tabpfn, tabicl_checkpoint, tabpfn_checkpoint


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Checkpoints of tiny networks with random weights, made with the package's own classes."""
    import torch
    from tabpfn.architectures import ARCHITECTURES
    from tabpfn.architectures.shared.bar_distribution import FullSupportBarDistribution
    from tabpfn.constants import ModelVersion
    from tabpfn.inference_config import InferenceConfig

    folder = tmp_path_factory.mktemp("tabpfn")
    paths = {}
    for kind, n_classes, task in (("regression", 0, "regression"), ("classification", 10, "multiclass")):
        torch.manual_seed(0)
        module = ARCHITECTURES["tabpfn_v2"]
        config, _ = module.parse_config(
            {"max_num_classes": n_classes, "num_buckets": 100, "emsize": 32, "nlayers": 2, "nhead": 2}
        )
        model = module.get_architecture(config)
        for parameter in model.parameters():
            if parameter.dim() >= 2 and not parameter.any():  # zero output layers would make it constant
                torch.nn.init.normal_(parameter, std=0.05)
        state = dict(model.state_dict())
        if kind == "regression":
            bars = FullSupportBarDistribution(torch.linspace(-4, 4, config.num_buckets + 1), ignore_nan_targets=True)
            state |= {f"criterion.{name}": value for name, value in bars.state_dict().items()}
        content = {
            "state_dict": state,
            "config": asdict(config),
            "architecture_name": "tabpfn_v2",
            "inference_config": asdict(InferenceConfig.get_default(task, ModelVersion.V2)),
        }
        paths[kind] = folder / f"tiny-{kind}.ckpt"
        torch.save(content, paths[kind])
    return paths


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_a_checkpoint_given_by_path_is_loaded_and_predicts(checkpoints, kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 60))
    y = X[:, 0] if kind == "regression" else (X[:, 0] > 0).astype(float)
    path = tabpfn_checkpoint(kind, str(checkpoints[kind]))
    first, again = (
        pca_tabpfn(kind, str(path), n_pcs=5, n_estimators=2, seed=1).fit(X[:30], y[:30]).predict(X[30:])
        for _ in range(2)
    )
    assert first.shape == (10,)
    assert np.isfinite(first).all()
    np.testing.assert_array_equal(first, again)
    if kind == "regression":
        assert np.ptp(first) > 0
    else:
        assert set(first) <= {0.0, 1.0}


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_weights_in_the_packages_cache_are_found(tmp_path, monkeypatch, kind):
    from tabpfn.settings import settings

    monkeypatch.setattr(settings.tabpfn, "model_cache_dir", tmp_path)
    with pytest.raises(NotRunError, match="weights not available"):
        tabpfn_checkpoint(kind, None)
    from tabpfn.model_loading import resolve_model_path

    which = {"regression": "regressor", "classification": "classifier"}[kind]
    (expected,), *_ = resolve_model_path(None, which, settings.tabpfn.model_version.value)
    expected.touch()
    assert tabpfn_checkpoint(kind, None) == expected


def test_a_configured_path_that_is_not_there_is_an_error_not_a_gap(tmp_path):
    with pytest.raises(BadInputError, match="expected a file of TabPFN weights"):
        tabpfn_checkpoint("regression", str(tmp_path / "none.ckpt"))


@pytest.fixture(scope="module")
def tabicl_weights(tmp_path_factory):
    """A tiny TabICL with random weights, made with the package's own class."""
    import torch
    from tabicl._model.tabicl import TabICL

    config = {
        "max_classes": 0, "num_quantiles": 20, "embed_dim": 16, "col_num_blocks": 1, "col_nhead": 2, "col_num_inds": 8,
        "row_num_blocks": 1, "row_nhead": 2, "row_num_cls": 2, "icl_num_blocks": 1, "icl_nhead": 2,
    }  # fmt: skip
    torch.manual_seed(0)
    model = TabICL(**config)
    for parameter in model.parameters():
        if parameter.dim() >= 2 and not parameter.any():  # zero output layers would make it constant
            torch.nn.init.normal_(parameter, std=0.05)
    path = tmp_path_factory.mktemp("tabicl") / "tiny.ckpt"
    torch.save({"config": config, "state_dict": model.state_dict()}, path)
    return path


def test_tabicl_given_by_path_is_loaded_and_predicts(tabicl_weights):
    X = np.random.default_rng(0).normal(size=(40, 60))
    path = str(tabicl_checkpoint(str(tabicl_weights)))
    first, again = (pca_tabicl(path, 5, 2, seed=1).fit(X[:30], X[:30, 0]).predict(X[30:]) for _ in range(2))
    assert first.shape == (10,)
    assert np.isfinite(first).all()
    assert np.ptp(first) > 0
    np.testing.assert_array_equal(first, again)


def test_tabicl_without_weights_is_not_run_and_nothing_is_fetched(tmp_path, monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(NotRunError, match="TabICL weights not available"):
        tabicl_checkpoint(None)
    assert not list(tmp_path.iterdir())
    with pytest.raises(BadInputError, match="a file of TabICL weights"):
        tabicl_checkpoint(str(tmp_path / "none.ckpt"))
