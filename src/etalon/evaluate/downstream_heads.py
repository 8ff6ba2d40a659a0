"""More regression models for scaled blocks; what each chooses, it chooses inside the rows it is fitted to."""

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from ikpls.sklearn import PLS
from scipy.spatial.distance import cdist, pdist
from sklearn.decomposition import PCA, KernelPCA
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel
from sklearn.neural_network import MLPRegressor

from etalon.chemometrics.ridge import SCALE_FLOOR, LeaveSpecimenOutRidge
from etalon.data.folds import grouped_kfold
from etalon.errors import BadInputError
from etalon.evaluate.heads import pca_tabicl, pca_tabpfn, tabicl_checkpoint, tabpfn_checkpoint
from etalon.seeds import derive_seed

# Widths of the Gaussian kernel are tried at these multiples of the median distance between training rows.
WIDTHS = (0.5, 1.0, 2.0, 4.0, 8.0)
# Training rows at most, drawn by specimen: the eigenvectors of a larger kernel take seconds for each width.
KERNEL_ROWS, MLP_ROWS = 600, 2000
MLP_MEMBERS, MLP_HIDDEN, MLP_PCS, MLP_EPOCHS, MLP_PATIENCE = 3, 32, 64, 100, 10


class Model(Protocol):
    """A regression on rows of numbers; `groups` names each row's specimen."""

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> "Model": ...

    def predict_with_sd(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return predictions and the SD of the references to be expected, NaN where there is none; shape (n,)."""
        ...

    def choice(self) -> dict[str, Any]:
        """Return what was chosen inside the training rows."""
        ...


class GroupedPLS:
    """PLS, the number of latent variables by the pooled RMSECV of inner folds of whole specimens."""

    def __init__(self, max_lv: int, inner_splits: int, seed: int):
        self.max_lv, self.inner_splits, self.seed = max_lv, inner_splits, seed

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> "GroupedPLS":
        """Fit to X, shape (n, p), and y, shape (n,)."""
        inner = grouped_kfold(groups, self.inner_splits, self.seed)
        most = max(1, min(self.max_lv, min(len(fit) for fit, _ in inner) - 1, X.shape[1]))
        squared = np.zeros(most)
        for fit, validate in inner:
            y_hat = _pls(most).fit(X[fit], y[fit]).predict_all_components(X[validate])[..., 0]
            squared += ((y_hat - y[validate]) ** 2).sum(axis=1)
        best = int(squared.argmin())
        self.n_lv_, self.rmsecv_ = best + 1, float(np.sqrt(squared[best] / len(y)))
        self.model_ = _pls(self.n_lv_).fit(X, y)
        return self

    def predict_with_sd(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.ravel(self.model_.predict(X)), np.full(len(X), np.nan)

    def choice(self) -> dict[str, Any]:
        return {"n_lv": self.n_lv_, "rmsecv": self.rmsecv_}


class KernelRidgeHead:
    r"""Kernel ridge regression on a Gaussian and a linear kernel of equal weight.

    .. math:: k(x, x') = \exp(-\lVert x - x' \rVert^2 / 2 w^2) + x \cdot x' / \overline{\lVert x \rVert^2}

    The width w is a multiple of the median distance between training rows. Width and strength are those with the
    smallest leave-one-specimen-out residuals. Ridge regression on all kernel principal components is kernel ridge
    regression (Schölkopf, Smola and Müller 1998, doi:10.1162/089976698300017467), so that the closed form of
    `LeaveSpecimenOutRidge` serves here as well.
    """

    def __init__(self, max_rows: int, seed: int):
        self.max_rows, self.seed = max_rows, seed

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> "KernelRidgeHead":
        """Fit to X, shape (n, p), and y, shape (n,), of at most `max_rows` rows drawn by specimen."""
        rows = draw_rows(groups, self.max_rows, self.seed)
        self.X_, self.norm_ = X[rows], float((X[rows] ** 2).sum(axis=1).mean()) or 1.0
        median = float(np.median(pdist(self.X_))) or 1.0
        self.rmsecv_ = np.inf
        for width in WIDTHS:
            pca = KernelPCA(kernel="precomputed", eigen_solver="dense", remove_zero_eig=True)
            scores = pca.fit_transform(self._kernel(self.X_, width * median))
            ridge = LeaveSpecimenOutRidge().fit(scores, y[rows], groups[rows])
            if ridge.rmsecv_ < self.rmsecv_:
                self.rmsecv_, self.width_, self.pca_, self.ridge_ = ridge.rmsecv_, width * median, pca, ridge
                self.relative_width_ = width
        return self

    def _kernel(self, X: np.ndarray, width: float) -> np.ndarray:
        return np.exp(-cdist(X, self.X_, "sqeuclidean") / (2 * width**2)) + X @ self.X_.T / self.norm_

    def predict_with_sd(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scores = self.pca_.transform(self._kernel(X, self.width_))
        return self.ridge_.predict(scores), np.full(len(X), np.nan)

    def choice(self) -> dict[str, Any]:
        found = {"alpha": self.ridge_.alpha_, "relative_width": self.relative_width_, "rmsecv": self.rmsecv_}
        return found | {"n_fitted": len(self.X_)}


class GaussianProcessHead:
    """Gaussian process with a Gaussian, a linear and a noise kernel, strengths by marginal likelihood.

    Rasmussen and Williams 2006, Gaussian Processes for Machine Learning, chapter 5. The scans of a specimen enter as
    their mean: as rows of their own, their common laboratory value would make the noise look small.
    """

    def __init__(self, max_rows: int, seed: int):
        self.max_rows, self.seed = max_rows, seed

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> "GaussianProcessHead":
        """Fit to X, shape (n, p), and y, shape (n,), of at most `max_rows` specimens."""
        specimens, number = np.unique(groups, return_inverse=True)
        share = np.zeros((len(specimens), len(y)))
        share[number, np.arange(len(y))] = 1.0 / np.bincount(number)[number]
        kept = draw_rows(specimens, self.max_rows, self.seed)
        X, y = (share @ X)[kept], (share @ y)[kept]
        self._norm = float(np.sqrt((X**2).sum(axis=1).mean())) or 1.0
        width = (float(np.median(pdist(X))) if len(X) > 1 else 0.0) / self._norm or 1.0
        kernel = (
            ConstantKernel(0.5, (1e-4, 1e3)) * RBF(width, (0.1 * width, 30 * width))
            + ConstantKernel(0.5, (1e-4, 1e5)) * DotProduct(0.0, "fixed")
            + WhiteKernel(0.05, (1e-6, 2.0))
        )
        self.model_ = GaussianProcessRegressor(kernel, normalize_y=True, random_state=self.seed)
        with warnings.catch_warnings():
            # A strength of nought, such as that of a kernel of no use, is best at its bound.
            warnings.filterwarnings("ignore", message=".*close to the specified", category=ConvergenceWarning)
            self.model_.fit(X / self._norm, y)
        self.n_fitted_ = len(y)
        return self

    def predict_with_sd(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.model_.predict(X / self._norm, return_std=True)

    def choice(self) -> dict[str, Any]:
        kernel = self.model_.kernel_
        return {
            "gaussian": float(kernel.k1.k1.k1.constant_value),
            "width": float(kernel.k1.k1.k2.length_scale),
            "linear": float(kernel.k1.k2.k1.constant_value),
            "noise": float(kernel.k2.noise_level),
            "log_evidence": float(self.model_.log_marginal_likelihood_value_),
            "n_fitted": self.n_fitted_,
        }


class MLPHead:
    """Mean of neural networks of one hidden layer, each stopped early by a fold of specimens of its own.

    They are given standardised principal components: the columns of an embedding are many and alike.
    """

    def __init__(self, max_rows: int, inner_splits: int, seed: int):
        self.max_rows, self.inner_splits, self.seed = max_rows, inner_splits, seed

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> "MLPHead":
        """Fit to X, shape (n, p), and y, shape (n,), of at most `max_rows` rows drawn by specimen."""
        rows = draw_rows(groups, self.max_rows, self.seed)
        X, y, groups = X[rows], y[rows], groups[rows]
        self._pca = PCA(min(MLP_PCS, len(X) - 1, X.shape[1]), svd_solver="full").fit(X)
        spread = np.sqrt(self._pca.explained_variance_)
        # A component that hardly varies would be blown up by division through its standard deviation.
        self._spread = np.maximum(spread, SCALE_FLOOR * spread.max()) if spread.any() else np.ones_like(spread)
        self._y_mean, self._y_scale = float(y.mean()), float(y.std()) or 1.0
        Z, target = self._pca.transform(X) / self._spread, (y - self._y_mean) / self._y_scale
        inner = grouped_kfold(groups, self.inner_splits, self.seed)
        self.members_, self.epochs_ = [], []
        for number in range(MLP_MEMBERS):
            fit, validate = inner[number % len(inner)]
            network = MLPRegressor(
                hidden_layer_sizes=(MLP_HIDDEN,),
                alpha=1e-2,
                batch_size=min(32, len(fit)),
                learning_rate_init=5e-3,
                random_state=derive_seed(self.seed, "member", number),
            )
            member, epochs = _stop_early(network, Z[fit], target[fit], Z[validate], target[validate])
            self.members_.append(member)
            self.epochs_.append(epochs)
        self.n_fitted_ = len(rows)
        return self

    def predict_with_sd(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        Z = self._pca.transform(X) / self._spread
        y_hat = np.mean([member.predict(Z) for member in self.members_], axis=0)
        return self._y_mean + self._y_scale * y_hat, np.full(len(X), np.nan)

    def choice(self) -> dict[str, Any]:
        return {"epochs": self.epochs_, "n_fitted": self.n_fitted_}


def _stop_early(
    network: MLPRegressor, X: np.ndarray, y: np.ndarray, X_val: np.ndarray, y_val: np.ndarray
) -> tuple[MLPRegressor, int]:
    """Return the network after the epoch with the smallest error on validation rows, and that epoch."""
    best, error, stopped = network, np.inf, 0
    for epoch in range(1, MLP_EPOCHS + 1):
        network.partial_fit(X, y)
        found = float(np.mean((network.predict(X_val) - y_val) ** 2))
        if found < error:
            best, error, stopped = copy.deepcopy(network), found, epoch
        elif epoch - stopped >= MLP_PATIENCE:
            break
    return best, stopped


class InContextHead:
    """Principal components followed by a model that is given the training rows instead of being fitted to them.

    `pipeline` gets the number of components. Models of this kind were pretrained for a limited number of rows; their
    time grows with its square.
    """

    def __init__(self, pipeline: Callable[[int], Any], n_pcs: int, max_rows: int, seed: int):
        self.pipeline, self.n_pcs, self.max_rows, self.seed = pipeline, n_pcs, max_rows, seed

    def fit(self, X: np.ndarray, y: np.ndarray, groups: np.ndarray) -> "InContextHead":
        """Keep X, shape (n, p), and y, shape (n,), of at most `max_rows` rows drawn by specimen."""
        rows = draw_rows(groups, self.max_rows, self.seed)
        self.n_pcs_, self.n_fitted_ = min(self.n_pcs, len(rows) - 1, X.shape[1]), len(rows)
        self.model_ = self.pipeline(self.n_pcs_).fit(X[rows], y[rows])
        return self

    def predict_with_sd(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.asarray(self.model_.predict(X), dtype=float), np.full(len(X), np.nan)

    def choice(self) -> dict[str, Any]:
        return {"n_pcs": self.n_pcs_, "n_fitted": self.n_fitted_}


def draw_rows(groups: np.ndarray, most: int, seed: int) -> np.ndarray:
    """Return the rows of specimens drawn at random, as many as give at most `most` rows, at least two specimens."""
    if len(groups) <= most:
        return np.arange(len(groups))
    specimens, number = np.unique(groups, return_inverse=True)
    order = np.random.default_rng(seed).permutation(len(specimens))
    sizes = np.cumsum(np.bincount(number)[order])
    kept = order[: max(2, int(np.searchsorted(sizes, most, side="right")))]
    return np.flatnonzero(np.isin(number, kept))


def make_model(name: str, settings: Mapping[str, Any], seed: int) -> Model:
    """Return an unfitted model.

    Parameters
    ----------
    name : one of `MODELS`
    settings : "inner_splits", "max_lv" (pls), "gpr_rows" and "in_context_rows" (the most rows that the Gaussian process
        and the in-context models are fitted to), and for the latter "n_pcs", "n_estimators", "tabpfn" and "tabicl"
        (paths of weights, None for those in the packages' caches)

    Raises
    ------
    NotRunError : tabpfn or tabicl without weights
    """
    if name not in MODELS:
        raise BadInputError("settings", "heads", f"a model among {', '.join(MODELS)}", name)
    return MODELS[name](settings, seed)


def _tabpfn(settings: Mapping[str, Any], seed: int) -> InContextHead:
    path = str(tabpfn_checkpoint("regression", settings["tabpfn"]))

    def pipeline(n_pcs: int) -> Any:
        return pca_tabpfn("regression", path, n_pcs, settings["n_estimators"], seed)

    return InContextHead(pipeline, settings["n_pcs"], settings["in_context_rows"], seed)


def _tabicl(settings: Mapping[str, Any], seed: int) -> InContextHead:
    path = str(tabicl_checkpoint(settings["tabicl"]))

    def pipeline(n_pcs: int) -> Any:
        return pca_tabicl(path, n_pcs, settings["n_estimators"], seed)

    return InContextHead(pipeline, settings["n_pcs"], settings["in_context_rows"], seed)


MODELS: dict[str, Callable[[Mapping[str, Any], int], Model]] = {
    "pls": lambda s, seed: GroupedPLS(s["max_lv"], s["inner_splits"], seed),
    "gpr": lambda s, seed: GaussianProcessHead(s["gpr_rows"], seed),
    "kernel_ridge": lambda s, seed: KernelRidgeHead(KERNEL_ROWS, seed),
    "mlp": lambda s, seed: MLPHead(MLP_ROWS, s["inner_splits"], seed),
    "tabpfn": _tabpfn,
    "tabicl": _tabicl,
}


def _pls(n_lv: int) -> PLS:
    return PLS(n_components=n_lv, scale_X=False, scale_Y=False)
