"""A small ensemble of perceptrons for several properties, each member stopped on soils it does not train on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from etalon.chemometrics.ridge import SCALE_FLOOR
from etalon.data.folds import grouped_kfold
from etalon.models.heads import PropertyHead
from etalon.train.optim import parameter_groups

BATCH = 64


class PropertyPerceptrons:
    """Mean of perceptrons (`etalon.models.heads.PropertyHead`), each trained on all inner folds of soils but one.

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
        inner = grouped_kfold(groups, self.settings["inner_splits"], self.seed)
        chosen = inner[: self.settings["members"]]
        self.members_ = [self._member(x, y, *rows, self.seed + k) for k, rows in enumerate(chosen)]
        return self

    @torch.no_grad()
    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictions, shape (n, m)."""
        x = torch.as_tensor(X, dtype=torch.float32)
        mean = torch.stack([member(x) for member in self.members_]).mean(dim=0)
        return mean.double().numpy() * self.scale_ + self.mean_

    def _member(self, x: Tensor, y: Tensor, fit: np.ndarray, validate: np.ndarray, seed: int) -> PropertyHead:
        s = self.settings
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            head = PropertyHead(x.shape[1], y.shape[1], s["width"], s["dropout"])
            head.fit_inputs(x[fit], SCALE_FLOOR)
            optimiser = torch.optim.AdamW(parameter_groups(head, s["weight_decay"]), lr=s["learning_rate"])
            best, kept, since = float("inf"), head.state_dict(), 0
            x_val, y_val = x[validate], y[validate]
            for _ in range(s["epochs"]):
                head.train()
                for rows in torch.as_tensor(fit)[torch.randperm(len(fit))].split(BATCH):
                    optimiser.zero_grad(set_to_none=True)
                    _error(head(x[rows]), y[rows]).backward()
                    optimiser.step()
                head.eval()
                with torch.no_grad():
                    error = float(_error(head(x_val), y_val))
                since += 1
                if error < best:
                    best, since = error, 0
                    kept = {name: tensor.clone() for name, tensor in head.state_dict().items()}
                if since >= s["patience"]:
                    break
            head.load_state_dict(kept)
        return head.eval()


def _error(pred: Tensor, true: Tensor) -> Tensor:
    """Return the mean squared error over measured properties; 0 where nothing was measured."""
    known = true.isfinite()
    squared = (pred - torch.where(known, true, pred.detach())).square()
    return squared.sum() / known.sum().clamp_min(1)
