"""A small ensemble of perceptrons for several properties, each member stopped on soils it does not train on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from etalon.chemometrics.ridge import SCALE_FLOOR
from etalon.data.folds import grouped_kfold
from etalon.models.heads import PropertyHeads

BATCH = 128


class PropertyPerceptrons:
    """Mean of perceptrons (`etalon.models.heads.PropertyHeads`), each trained on all inner folds of soils but one.

    A member keeps the weights with the smallest error on the fold it leaves out. Properties are standardised; where one
    was not measured it adds nothing to the loss.

    Parameters
    ----------
    settings : "members", "inner_splits", "width", "dropout", "epochs", "patience", "learning_rate", "weight_decay"
    """

    def __init__(self, settings: Mapping[str, Any], seed: int):
        self.settings, self.seed = settings, seed

    def fit(self, X: np.ndarray, Y: np.ndarray, groups: np.ndarray) -> "PropertyPerceptrons":
        """Fit to inputs, shape (n, p), and properties, shape (n, m), NaN where not measured; `groups` names soils."""
        self.mean_, self.scale_ = np.nanmean(Y, axis=0), np.nanstd(Y, axis=0)
        x = torch.as_tensor(X, dtype=torch.float32)
        y = torch.as_tensor((Y - self.mean_) / self.scale_, dtype=torch.float32)
        inner = grouped_kfold(groups, self.settings["inner_splits"], self.seed)[: self.settings["members"]]
        s = self.settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            self.heads_ = PropertyHeads(len(inner), x.shape[1], y.shape[1], s["width"], s["dropout"])
            self.heads_.fit_inputs(x, SCALE_FLOOR)
            self._train(x, y, inner)
        self.heads_.eval()
        return self

    @torch.no_grad()
    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictions, shape (n, m)."""
        found = self.heads_(torch.as_tensor(X, dtype=torch.float32)).mean(dim=0)
        return found.double().numpy() * self.scale_ + self.mean_

    def _train(self, x: Tensor, y: Tensor, inner: list[tuple[np.ndarray, np.ndarray]]) -> None:
        heads, patience = self.heads_, self.settings["patience"]
        optimiser = torch.optim.AdamW(_groups(heads, self.settings["weight_decay"]), lr=self.settings["learning_rate"])
        fit = [torch.as_tensor(rows) for rows, _ in inner]
        steps = -(-min(map(len, fit)) // BATCH)
        x_val, y_val = _validation(x, y, [rows for _, rows in inner])
        best, since = torch.full((len(inner),), torch.inf), torch.zeros(len(inner))
        kept = {name: parameter.detach().clone() for name, parameter in heads.named_parameters()}
        for _ in range(self.settings["epochs"]):
            heads.train()
            # Members have almost equal numbers of rows; a few of the larger ones wait for the next pass.
            orders = [rows[torch.randperm(len(rows))].tensor_split(steps) for rows in fit]
            for batches in zip(*orders, strict=True):
                size = min(map(len, batches))
                rows = torch.stack([batch[:size] for batch in batches])
                optimiser.zero_grad(set_to_none=True)
                _errors(heads(x[rows]), y[rows]).sum().backward()
                optimiser.step()
            heads.eval()
            with torch.no_grad():
                errors = _errors(heads(x_val), y_val)
                better = errors < best
                best = torch.where(better, errors, best)
                since = torch.where(better, 0.0, since + 1)
                for name, parameter in heads.named_parameters():
                    kept[name][better] = parameter[better]
            if bool((since >= patience).all()):
                break
        with torch.no_grad():
            for name, parameter in heads.named_parameters():
                parameter.copy_(kept[name])


def _groups(heads: PropertyHeads, weight_decay: float) -> list[dict[str, Any]]:
    """Return matrices, which decay, and biases, which do not."""
    named = dict(heads.named_parameters())
    matrices = [parameter for name, parameter in named.items() if "bias" not in name]
    biases = [parameter for name, parameter in named.items() if "bias" in name]
    return [{"params": matrices, "weight_decay": weight_decay}, {"params": biases, "weight_decay": 0.0}]


def _validation(x: Tensor, y: Tensor, rows: list[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Return the left-out rows of every member, filled up to equal numbers by rows without any property."""
    longest = max(map(len, rows))
    index = torch.stack([torch.as_tensor(np.resize(own, longest)) for own in rows])
    values = y[index]
    for member, own in enumerate(rows):
        values[member, len(own) :] = torch.nan
    return x[index], values


def _errors(pred: Tensor, true: Tensor) -> Tensor:
    """Return the mean squared error of each member over measured properties, shape (M,); 0 where none was."""
    known = true.isfinite()
    squared = (pred - torch.where(known, true, pred.detach())).square()
    return squared.sum(dim=(1, 2)) / known.sum(dim=(1, 2)).clamp_min(1)
