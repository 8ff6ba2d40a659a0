"""Curves that say whether a training still changes the embedding, and whether a calibration gains by it."""

from collections.abc import Sequence

import numpy as np
import torch

from etalon.chemometrics.ridge import LeaveSpecimenOutRidge
from etalon.models.encoder import Encoder, embed_grid
from etalon.train.corpus import TrainingSet

N_PROBES = 3
PROBE_ROWS = 120
SMALLEST_PROBE = 40


class Monitor:
    """Embeds a few training sets again and again.

    The labels of these sets tell when to stop; no gradient ever sees them, and a held-out family is not among them.
    """

    def __init__(self, corpus: Sequence[TrainingSet]):
        by_family = {source.family: source for source in corpus if _labelled(source)}
        families = sorted(by_family)
        chosen = np.unique(np.linspace(0, len(families) - 1, min(N_PROBES, len(families))).astype(int))
        self.probes = [by_family[families[number]] for number in chosen]
        self._last: dict[str, np.ndarray] = {}

    def measure(self, encoder: Encoder) -> dict[str, float]:
        """Return the proxies and the change since the last call.

        ``ridge_proxy:<dataset>`` is the leave-one-specimen-out RMSE of ridge on the learned block, over the standard
        deviation of the references. ``change`` is one minus the linear CKA of the embeddings now and at the last call
        (Kornblith et al. 2019, arXiv:1905.00414): 0 where they differ by rotation and scale alone, which no ridge head
        notices; absent at the first call.
        """
        found, moved = {}, []
        for probe in self.probes:
            rows = _rows(probe)
            batch = probe.batch.rows(torch.from_numpy(rows).to(probe.batch.intensities.device))
            learned = embed_grid(encoder, batch)["learned"].astype(np.float64)
            assert probe.reference is not None and probe.groups is not None
            y = probe.reference[rows]
            found[f"ridge_proxy:{probe.name}"] = LeaveSpecimenOutRidge().fit(learned, y, probe.groups[rows]).rmsecv_ / (
                float(y.std()) or 1.0
            )
            if probe.name in self._last:
                moved.append(1.0 - linear_cka(learned, self._last[probe.name]))
            self._last[probe.name] = learned
        if moved:
            found["change"] = float(np.mean(moved))
        return found

    @property
    def state(self) -> dict[str, torch.Tensor]:
        """The last embeddings, for a training that is resumed."""
        return {name: torch.from_numpy(embedding) for name, embedding in self._last.items()}

    @state.setter
    def state(self, tensors: dict[str, torch.Tensor]) -> None:
        self._last = {name: tensor.numpy() for name, tensor in tensors.items()}


def linear_cka(X: np.ndarray, Y: np.ndarray) -> float:
    """Return the linear centred kernel alignment of two embeddings of the same spectra, shape (n, p) and (n, q)."""
    X, Y = X - X.mean(axis=0), Y - Y.mean(axis=0)
    norms = np.linalg.norm(X @ X.T) * np.linalg.norm(Y @ Y.T)
    return float(np.square(X.T @ Y).sum() / norms) if norms > 0 else 1.0


def _labelled(source: TrainingSet) -> bool:
    if source.reference is None:
        return False
    y = source.reference[np.isfinite(source.reference)]
    return len(y) >= SMALLEST_PROBE and bool(np.ptp(y) > 0)


def _rows(source: TrainingSet) -> np.ndarray:
    assert source.reference is not None
    measured = np.flatnonzero(np.isfinite(source.reference))
    return measured[np.unique(np.linspace(0, len(measured) - 1, min(PROBE_ROWS, len(measured))).astype(int))]


def should_stop(history: Sequence[dict[str, float]], patience: int, still: float) -> bool:
    """Return whether a calibration has not gained for `patience` measurements and the embedding stands still."""
    proxies = [
        float(np.mean([value for name, value in measured.items() if name.startswith("ridge_proxy")]))
        for measured in history
        if any(name.startswith("ridge_proxy") for name in measured)
    ]
    if patience < 1 or len(proxies) <= patience:
        return False
    stale = min(proxies[-patience:]) >= min(proxies[:-patience])
    return stale and history[-1].get("change", np.inf) < still
