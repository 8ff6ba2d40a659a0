"""A pretrained prior of the kernel evidence head: strengths of kernels pooled over the tasks of many datasets."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from etalon.chemometrics.marginal_likelihood import (
    MEAN_VARIANCE,
    NOISE_MEAN,
    NOISE_SD,
    StrengthPrior,
    choose_strengths,
    log_evidence,
)
from etalon.errors import BadInputError

SD_FLOOR = 0.3
ROUNDS = 3


def kind_of(kernel: str) -> str:
    """Return what the kernels that share a prior have in common: "window d1" of "window d1 3"."""
    return " ".join(part for part in kernel.split() if not part.isdigit())


@dataclass(frozen=True)
class PooledPrior:
    """Gaussians on the logarithms of strengths, one a kind of kernel; that of the noise is the one set by hand.

    Noise has no pooled prior because tasks differ in it by nature: references of one laboratory method are a thousand
    times finer than those of another.
    """

    mean: Mapping[str, float]
    sd: Mapping[str, float]

    def on(self, kernels: Sequence[str]) -> StrengthPrior:
        """Return the prior of some kernels by name, and of the noise."""
        kinds = [kind_of(name) for name in kernels]
        if unknown := sorted(set(kinds) - set(self.mean)):
            raise BadInputError("prior", "kernels", f"some of {', '.join(self.mean)}", unknown[0])
        mean = np.array([*(self.mean[kind] for kind in kinds), np.log(NOISE_MEAN)])
        return StrengthPrior(mean, np.array([*(self.sd[kind] for kind in kinds), NOISE_SD]))

    @classmethod
    def broad(cls, kernels: Sequence[str]) -> "PooledPrior":
        """Return the prior set by hand, for all kinds among some kernels."""
        by_hand = StrengthPrior.broad(len(kernels))
        kinds = [kind_of(name) for name in kernels]
        return cls(
            dict(zip(kinds, by_hand.mean.tolist(), strict=False)), dict(zip(kinds, by_hand.sd.tolist(), strict=False))
        )

    def among(self, kernels: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Return the kernels whose kind it knows."""
        return {name: K for name, K in kernels.items() if kind_of(name) in self.mean}

    def as_dict(self) -> dict[str, dict[str, float]]:
        return {"mean": dict(self.mean), "sd": dict(self.sd)}

    @classmethod
    def of(cls, content: Any) -> "PooledPrior":
        """Return what `as_dict` gave."""
        if not isinstance(content, Mapping) or set(content.get("mean", ())) != set(content.get("sd", (0,))):
            raise BadInputError("prior", "mean, sd", "numbers of the same kinds of kernels", type(content).__name__)
        return cls(dict(content["mean"]), dict(content["sd"]))


class PoolTask(NamedTuple):
    """One task that a prior is fitted to.

    Attributes
    ----------
    kernels : by name, each of shape (n, n), as `etalon.chemometrics.evidence_kernels` fits them
    y : shape (n,), standardised; counts : shape (n,), rows of each row's specimen
    """

    family: str
    kernels: Mapping[str, np.ndarray]
    y: np.ndarray
    counts: np.ndarray


class Posterior(NamedTuple):
    """Laplace's approximation of the posterior of the logarithms of a task's strengths, noise last.

    Attributes
    ----------
    mode, variance : shape (n_kernels + 1,)
    log_marginal : of y, the strengths integrated out
    """

    mode: np.ndarray
    variance: np.ndarray
    log_marginal: float


def posterior(task: PoolTask, prior: PooledPrior) -> Posterior:
    r"""Return the posterior of a task's strengths; its precision is the expected information plus that of the prior.

    .. math:: I_{ij} = \tfrac12 w_i w_j \, tr(C^{-1} K_i C^{-1} K_j)
    """
    of = prior.on([*task.kernels])
    mode = choose_strengths([*task.kernels.values()], task.y, task.counts, of)
    strengths = np.exp(mode)
    parts = [*task.kernels.values(), np.diag(task.counts)]
    C = MEAN_VARIANCE + np.tensordot(strengths, parts, axes=1)
    factor = cho_factor(C, lower=True)
    dual = cho_solve(factor, task.y)
    weighed = np.array([cho_solve(factor, K) for K in parts])
    information = weighed.reshape(len(parts), -1) @ weighed.transpose(0, 2, 1).reshape(len(parts), -1).T
    precision = 0.5 * np.outer(strengths, strengths) * information + np.diag(of.sd**-2)
    slack = (mode - of.mean) / of.sd
    evidence = log_evidence(np.diag(factor[0]), dual, task.y, task.counts, mode[-1])
    # (2 pi)^(d/2) of Laplace's integral cancels that of the prior's normalisation.
    volume = -0.5 * np.linalg.slogdet(precision)[1] - np.log(of.sd).sum()
    return Posterior(mode, np.diag(np.linalg.inv(precision)), float(evidence - 0.5 * slack @ slack + volume))


def pool(tasks: Sequence[PoolTask], rounds: int = ROUNDS) -> PooledPrior:
    """Return the prior fitted to tasks by expectation maximisation, from the one set by hand; families count alike.

    Each round takes the mean of the posteriors' modes of a kind of kernel for its mean, and their scatter about it plus
    their variances for its variance (empirical Bayes; MacKay 1992, doi:10.1162/neco.1992.4.3.415).
    """
    names = list(dict.fromkeys(name for task in tasks for name in task.kernels))
    prior = PooledPrior.broad(names)
    for _ in range(rounds):
        prior = _maximise(tasks, [posterior(task, prior) for task in tasks])
    return prior


def _maximise(tasks: Sequence[PoolTask], found: Iterable[Posterior]) -> PooledPrior:
    sizes = Counter(task.family for task in tasks)
    collected: dict[str, list[tuple[float, float, float]]] = {}
    for task, of in zip(tasks, found, strict=True):
        share = 1.0 / sizes[task.family]
        for name, mode, variance in zip(task.kernels, of.mode[:-1], of.variance[:-1], strict=True):
            collected.setdefault(kind_of(name), []).append((share, float(mode), float(variance)))
    mean, sd = {}, {}
    for kind, rows in collected.items():
        weights, modes, variances = np.array(rows).T
        mean[kind] = float(np.average(modes, weights=weights))
        scatter = np.average((modes - mean[kind]) ** 2 + variances, weights=weights)
        sd[kind] = float(max(np.sqrt(scatter), SD_FLOOR))
    return PooledPrior(mean, sd)
