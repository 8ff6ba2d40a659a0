"""The kernel evidence head: a Gaussian process over named blocks, its kernels weighed by marginal likelihood."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from etalon.chemometrics.block_kernels import N_WINDOWS, Flattened, InnerProducts, Kernel, Linear, Matern, Window
from etalon.chemometrics.evidence import EvidenceRidge
from etalon.chemometrics.marginal_likelihood import (
    MEAN_VARIANCE,
    StrengthPrior,
    choose_strengths,
    log_evidence,
    specimen_counts,
    spread_rows,
)
from etalon.chemometrics.pooled_prior import PooledPrior

WINDOWED = ("d1",)  # blocks that are weighed by wavelength
FLATTENED = ("raw", "snv", "d1", "asls")
JOINT = "matern"


def kernels_on(names: list[str], curved: bool = True) -> dict[str, Kernel]:
    """Return the kernels on blocks of some names, by name.

    Each block has a linear one; the blocks of `fs` named in `WINDOWED` and `FLATTENED` have others as well; one Matérn
    kernel, where functions may be `curved`, is of all of them.
    """
    found: dict[str, Kernel] = {f"linear {name}": Linear(name) for name in names}
    for name in WINDOWED:
        if name in names:
            found |= {f"window {name} {number}": Window(name, number) for number in range(N_WINDOWS)}
    if curved:
        found[JOINT] = Matern(names)
    return found | {f"flattened {name}": Flattened(name) for name in FLATTENED if name in names}


def fit_kernels(kernels: Mapping[str, Kernel], inner: InnerProducts) -> dict[str, np.ndarray]:
    """Return the kernels of training rows, each of shape (n, n), without those that have nothing to be weighed.

    That are those of blocks that do not vary, and windows without a column; the first is kept if there is no other.
    """
    fitted = {name: kernel.fit(inner) for name, kernel in kernels.items()}
    return {name: K for name, K in fitted.items() if np.any(K)} or dict([next(iter(fitted.items()))])


class EvidenceKernels(RegressorMixin, BaseEstimator):
    r"""Gaussian process with one strength a kernel.

    As `etalon.chemometrics.evidence.EvidenceRidge`, whose evidence, priors and treatment of replicates it shares, with
    the kernels of `kernels_on` for those of the blocks alone: y standardised, every kernel centred on the training rows
    and its diagonal there of mean 1,

    .. math:: y \sim N(0, C), \qquad C = \sum_k w_k K_k + s D + 100 \, 1 1'

    Parameters
    ----------
    blocks : number of columns of each block of X by name, in order; None for one block
    max_rows : the strengths are chosen on at most so many rows (whole specimens, evenly spread); the fit uses all
    prior : of the strengths, pooled over other datasets; None for the one set by hand
    curved : without the Matérn kernel predictions are linear in X

    Attributes
    ----------
    strengths_ : dict of kernels by name, w: shares of the variance of y that they explain a priori
    noise_ : s
    log_evidence_ : at the strengths chosen, without the priors
    """

    def __init__(
        self,
        blocks: Mapping[str, int] | None = None,
        max_rows: int = 600,
        prior: PooledPrior | None = None,
        curved: bool = True,
    ):
        self.blocks = blocks
        self.max_rows = max_rows
        self.prior = prior
        self.curved = curved

    def fit(self, X: np.ndarray, y: np.ndarray, groups: ArrayLike | None = None) -> "EvidenceKernels":
        """Fit to X, shape (n, p), and y, shape (n,). `groups`, shape (n,), names each row's specimen."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        sizes = self.blocks if self.blocks is not None else {"x": X.shape[1]}
        if sum(sizes.values()) != X.shape[1]:
            raise ValueError(f"blocks: expected {X.shape[1]} columns in all, found {sum(sizes.values())}")
        groups = np.arange(len(y)) if groups is None else np.asarray(groups)
        counts = specimen_counts(groups)
        self._edges = np.cumsum([0, *sizes.values()])
        self._mean, self._y_mean, self._y_scale = X.mean(axis=0), float(y.mean()), float(y.std()) or 1.0
        target = (y - self._y_mean) / self._y_scale
        parts = np.split(X - self._mean, self._edges[1:-1], axis=1)
        self._scales = [np.sqrt((part**2).sum() / len(part)) or 1.0 for part in parts]
        self._training = self._blocks(X)
        inner = InnerProducts(self._training, self._training)
        self._kernels = kernels_on([*sizes], self.curved)
        fitted = fit_kernels(self._kernels, inner)
        few = spread_rows(groups, self.max_rows)
        chosen = [K[np.ix_(few, few)] for K in fitted.values()]
        prior = StrengthPrior.broad(len(chosen)) if self.prior is None else self.prior.on([*fitted])
        logs = choose_strengths(chosen, target[few], counts[few], prior)
        self.strengths_ = dict(zip(fitted, np.exp(logs[:-1]).tolist(), strict=True))
        self.noise_ = float(np.exp(logs[-1]))
        C = np.full((len(y), len(y)), MEAN_VARIANCE)
        for name, K in fitted.items():
            C += self.strengths_[name] * K
        C.flat[:: len(C) + 1] += self.noise_ * counts
        self._factor = cho_factor(C, lower=True, overwrite_a=True)
        self.dual_coef_ = cho_solve(self._factor, target)
        self.log_evidence_ = log_evidence(np.diag(self._factor[0]), self.dual_coef_, target, counts, logs[-1])
        return self

    def predict(self, X: np.ndarray, return_std: bool = False) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Return predictions, shape (n,), and with `return_std` the SD of the reference values to be expected."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        inner = InnerProducts(self._blocks(X), self._training)
        cross = np.full((len(X), len(self.dual_coef_)), MEAN_VARIANCE)
        own = np.full(len(X), MEAN_VARIANCE + self.noise_)
        for name, strength in self.strengths_.items():
            K, diagonal = self._kernels[name].cross(inner)
            cross += strength * K
            own += strength * diagonal
        y_hat = self._y_mean + self._y_scale * (cross @ self.dual_coef_)
        if not return_std:
            return y_hat
        explained = np.einsum("ij,ji->i", cross, cho_solve(self._factor, cross.T))
        return y_hat, self._y_scale * np.sqrt(np.maximum(own - explained, self.noise_))

    def covariances(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the covariances of noiseless values of new rows a priori, of y standardised.

        Returns
        -------
        those with the references of the training rows, shape (m, n), and with each other, (m, m)
        """
        check_is_fitted(self)
        rows = self._blocks(validate_data(self, X, dtype=np.float64, reset=False))
        inner, new = InnerProducts(rows, self._training), InnerProducts(rows, rows)
        cross = np.full((len(X), len(self.dual_coef_)), MEAN_VARIANCE)
        own = np.full((len(X), len(X)), MEAN_VARIANCE)
        for name, strength in self.strengths_.items():
            cross += strength * self._kernels[name].cross(inner)[0]
            own += strength * self._kernels[name].among(inner, new)
        return cross, own

    def posterior(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return mean, shape (m,), and covariance, (m, m), of the noiseless values of new rows, of y standardised."""
        cross, own = self.covariances(X)
        half = solve_triangular(self._factor[0], cross.T, lower=True)
        return cross @ self.dual_coef_, own - half.T @ half

    def precision(self) -> np.ndarray:
        """Return the inverse covariance of the training rows' references, shape (n, n), of y standardised."""
        check_is_fitted(self)
        return cho_solve(self._factor, np.eye(len(self.dual_coef_)))

    def _blocks(self, X: np.ndarray) -> dict[str, np.ndarray]:
        names = self.blocks if self.blocks is not None else ["x"]
        parts = np.split(X - self._mean, self._edges[1:-1], axis=1)
        return {name: part / scale for name, part, scale in zip(names, parts, self._scales, strict=True)}


class AveragedEvidence(RegressorMixin, BaseEstimator):
    """Mean of the linear and the kernel evidence head.

    The kernels follow curvature, the linear head goes on where test samples lie beyond the training rows: their mean
    is seldom much worse than the better of them. Its SD is the mean of theirs, as their errors are nearly the same.

    Parameters and attributes of its members, `linear_` and `kernels_`: see `EvidenceKernels`.
    """

    def __init__(self, blocks: Mapping[str, int] | None = None, max_rows: int = 600, prior: PooledPrior | None = None):
        self.blocks = blocks
        self.max_rows = max_rows
        self.prior = prior

    def fit(self, X: np.ndarray, y: np.ndarray, groups: ArrayLike | None = None) -> "AveragedEvidence":
        """Fit to X, shape (n, p), and y, shape (n,). `groups`, shape (n,), names each row's specimen."""
        X, y = validate_data(self, X, y, dtype=np.float64, y_numeric=True, ensure_min_samples=2)
        sizes = None if self.blocks is None else [*self.blocks.values()]
        self.linear_ = EvidenceRidge(sizes, self.max_rows).fit(X, y, groups)
        self.kernels_ = EvidenceKernels(self.blocks, self.max_rows, self.prior).fit(X, y, groups)
        return self

    def predict(self, X: np.ndarray, return_std: bool = False) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
        """Return predictions, shape (n,), and with `return_std` the SD of the reference values to be expected."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        if not return_std:
            return np.mean([member.predict(X) for member in (self.linear_, self.kernels_)], axis=0)
        (linear, linear_sd), (kernels, kernels_sd) = (
            m.predict(X, return_std=True) for m in (self.linear_, self.kernels_)
        )
        return 0.5 * (linear + kernels), 0.5 * (linear_sd + kernels_sd)
