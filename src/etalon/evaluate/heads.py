"""In-context heads: models that are given the training rows instead of being fitted to them."""

import os
from pathlib import Path
from typing import Any

from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline

from etalon.errors import BadInputError, NotRunError


def tabpfn_checkpoint(kind: str, configured: str | None) -> Path:
    """Return the file of TabPFN weights for `kind`, "regression" or "classification".

    That is the configured path or, without one, the default checkpoint in the package's own cache. Nothing is
    downloaded: the weights' licence is the user's to accept.

    Raises
    ------
    BadInputError : a path is configured and there is no such file
    NotRunError : none is configured and the cache has none, or the package is not installed
    """
    if configured is not None:
        if not Path(configured).is_file():
            raise BadInputError("config", f"phase_0.tabpfn ({kind})", "a file of TabPFN weights", configured)
        return Path(configured)
    try:
        from tabpfn.model_loading import resolve_model_path
        from tabpfn.settings import settings
    except ImportError:
        raise NotRunError("the package tabpfn is not installed") from None
    which = {"regression": "regressor", "classification": "classifier"}[kind]
    paths, *_ = resolve_model_path(None, which, settings.tabpfn.model_version.value)
    if not paths[0].is_file():
        raise NotRunError("TabPFN weights not available (set phase_0.tabpfn or fill the package's cache)")
    return paths[0]


def pca_tabpfn(kind: str, checkpoint: str, n_pcs: int, n_estimators: int, seed: int) -> Any:
    """Return principal components followed by TabPFN (Hollmann et al. 2025, doi:10.1038/s41586-024-08328-6)."""
    os.environ.setdefault("TABPFN_DISABLE_TELEMETRY", "1")
    from tabpfn import TabPFNClassifier, TabPFNRegressor

    model = {"regression": TabPFNRegressor, "classification": TabPFNClassifier}[kind]
    head = model(
        model_path=checkpoint,
        n_estimators=n_estimators,
        random_state=seed,
        # It warns above the sizes it was pretrained for, which a few sets exceed; it is judged all the same.
        ignore_pretraining_limits=True,
    )
    return make_pipeline(PCA(n_pcs, svd_solver="full"), head)


def tabicl_checkpoint(configured: str | None) -> Path:
    """Return the file of TabICL weights for regression: the configured path, else the one in the package's cache.

    Nothing is downloaded.

    Raises
    ------
    BadInputError : a path is configured and there is no such file
    NotRunError : none is configured and the cache has none, or the package is not installed
    """
    if configured is not None:
        if not Path(configured).is_file():
            raise BadInputError("config", "tabicl", "a file of TabICL weights", configured)
        return Path(configured)
    try:
        from huggingface_hub import try_to_load_from_cache
        from tabicl import TabICLRegressor
    except ImportError:
        raise NotRunError("the package tabicl is not installed") from None
    found = try_to_load_from_cache("jingang/TabICL", TabICLRegressor().checkpoint_version)
    if not isinstance(found, str):
        raise NotRunError("TabICL weights not available (configure their path or fill the package's cache)")
    return Path(found)


def pca_tabicl(checkpoint: str, n_pcs: int, n_estimators: int, seed: int) -> Any:
    """Return principal components followed by TabICL for regression (Qu et al. 2025, arXiv:2502.05564)."""
    from tabicl import TabICLRegressor

    head = TabICLRegressor(
        model_path=checkpoint, allow_auto_download=False, n_estimators=n_estimators, random_state=seed
    )
    return make_pipeline(PCA(n_pcs, svd_solver="full"), head)
