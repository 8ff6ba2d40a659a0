"""What a calibration was asked to be, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from etalon.applied import laboratory
from etalon.applied.model import Model
from etalon.contracts import SpectraSet, Target
from etalon.evaluate import metrics

AUTO = "auto"
MERITS = ("bias", "sep", "r2", "rpd", "rpiq", "mae", "ccc")


@dataclass(frozen=True)
class Wishes:
    """What a user asks for.

    Attributes
    ----------
    method : a name in `etalon.applied.methods.TITLES`, or "auto"
    folds : of the outer cross-validation
    test_share : of the specimens, put aside before anything is chosen, where the set has no split of its own
    checkpoint : weights of the embedding; None leaves it out
    leave_out : ids of samples, or names of specimens with all their scans, that take no part
    """

    method: str = AUTO
    folds: int = 5
    test_share: float = 0.2
    seed: int = 1
    checkpoint: Path | None = None
    leave_out: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """A method under nested cross-validation.

    Attributes
    ----------
    predictions : shape (n_calibration,), each by a model whose choices and fit never saw the specimen
    ratio : RMSECV over that of `REFERENCE`, with the ends of its 95 % interval: bootstrap of specimens
    not_run : the reason, where it did not run; the rest is then empty
    """

    name: str
    predictions: np.ndarray = field(default_factory=lambda: np.empty(0))
    choices: tuple[dict[str, Any], ...] = ()
    rmsecv: float = float("nan")
    ratio: tuple[float, float, float] = (float("nan"),) * 3
    not_run: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What a calibration is and what it is worth. Arrays of shape (n_calibration,) follow `rows`, (n_test,) `test`.

    Attributes
    ----------
    rows, test : rows of the dataset; test_of : where the test rows come from, or why there are none
    judged : every method, in the order of `TITLES`; chosen : the kept one
    why : the reason for it, a sentence
    fitted : predictions of the calibration rows by the kept model
    t2, q : distances of the calibration rows, each by a model of the other folds
    test_prediction, test_t2, test_q : of the test rows by the kept model
    quantiles : half width of the conformal interval by level; covered : share of the calibration's references inside,
        with widths from the other folds
    flagged : reasons by row of the dataset
    curve : RMSECV inside the calibration rows by number of latent variables, under the preprocessing PLS chose
    """

    spectra: SpectraSet
    target: Target
    y: np.ndarray
    groups: np.ndarray
    rows: np.ndarray
    test: np.ndarray
    test_of: str
    judged: tuple[Judged, ...]
    chosen: Judged
    why: str
    model: Model
    fitted: np.ndarray
    t2: np.ndarray
    q: np.ndarray
    test_prediction: np.ndarray
    test_t2: np.ndarray
    test_q: np.ndarray
    quantiles: dict[float, float]
    covered: dict[float, float]
    flagged: dict[int, list[str]]
    curve: np.ndarray
    folds: int

    def statistics(self) -> dict[str, Any]:
        """Return the figures of merit, of calibration, cross-validation and test set, and what limits them in the
        references (`etalon.applied.laboratory`). NaN becomes None."""
        y = self.y[self.rows]
        found: dict[str, Any] = {
            "calibration": {"rmsec": metrics.rmsep(y, self.fitted), "r2": metrics.r2(y, self.fitted)},
            "cross_validation": _merits(y, self.chosen.predictions, "rmsecv"),
            "test": None,
        }
        if len(self.test):
            found["test"] = _merits(self.y[self.test], self.test_prediction, "rmsep")
        parts = {"rmsecv": (self.rows, y, self.chosen.predictions)}
        if len(self.test):
            parts["rmsep"] = (self.test, self.y[self.test], self.test_prediction)
        found["laboratory"] = laboratory.statistics(self.spectra, self.target, parts)
        return finite(found)


def _merits(y: np.ndarray, y_hat: np.ndarray, name: str) -> dict[str, float]:
    found = {name: metrics.rmsep(y, y_hat)}
    return found | {key: value(y, y_hat) for key, value in metrics.REGRESSION.items() if key in MERITS}


def finite(content: Any) -> Any:
    """Return content for JSON: numbers that are not finite become None."""
    if isinstance(content, dict):
        return {str(key): finite(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [finite(value) for value in content]
    if isinstance(content, np.generic):
        content = content.item()
    return None if isinstance(content, float) and not np.isfinite(content) else content


def choice_text(choice: dict[str, Any], features: dict[str, Any]) -> str:
    """Say what a method chose."""
    if features["kind"] == "channels":
        name = choice["preprocessing"]
        if "n_lv" in choice:
            return f"preprocessing {name}, {choice['n_lv']} latent variables"
        scaled = ", channels scaled" if choice.get("scale") else ""
        return f"preprocessing {name}, strength {choice['alpha']:.3g}{scaled}"
    if "alpha" in choice:
        return f"encoder {features['encoder']}, strength {choice['alpha']:.3g}"
    return f"encoder {features['encoder']}, noise {choice['noise']:.3g} of the references' variance"
