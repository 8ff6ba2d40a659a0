"""Training of the MIR autoencoder and of the NIR encoder in front of its decoder, on arrays."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from etalon.errors import EtalonError
from etalon.losses.alignment import alignment
from etalon.losses.elbo import decaying, divergence, reconstruction, sample, warmed_up
from etalon.models.nir_to_mir import NIRToMIR
from etalon.models.vae import VAE
from etalon.train.optim import learning_rate, parameter_groups

# Loss of each of B spectra, shape (B,), of predicted and measured ones, shape (B, C).
SpectrumLoss = Callable[[Tensor, Tensor], Tensor]
MEASUREMENTS = 20  # of the losses along a training


@dataclass
class Curve:
    """What the losses were along a training: mean over the steps since the last measurement."""

    rows: list[dict[str, float]] = field(default_factory=list)
    _sums: dict[str, float] = field(default_factory=dict)
    _count: int = 0

    def add(self, step: int, steps: int, **losses: float) -> None:
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._count += 1
        if self._count >= max(1, steps // MEASUREMENTS) or step == steps - 1:
            self.rows.append({"step": step + 1} | {name: value / self._count for name, value in self._sums.items()})
            self._sums, self._count = {}, 0


def train_vae(
    spectra: np.ndarray, settings: Mapping[str, Any], seed: int, *, loss: SpectrumLoss | None = None
) -> tuple[VAE, Curve]:
    """Return an autoencoder trained on MIR spectra, and its losses.

    Parameters
    ----------
    spectra : shape (n, C), after SNV on the fixed grid; replicate scans are rows like any other
    settings : "latents", "width", "layers" of `VAE`; "start", "linear" (`VAE.start_linear`) or "random"; "steps" (0
        gives what it starts from), "batch", "learning_rate", "weight_decay", "noise_sd" (of the decoder, in SNV
        units), "kl_weight" and "kl_warm_up", the share of the steps in which it rises
    seed : of the initial weights, the batches and the latents drawn
    loss : of the reconstruction, in place of `etalon.losses.elbo.reconstruction`
    """
    data = torch.as_tensor(np.asarray(spectra, dtype=np.float32))
    steps = settings["steps"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = VAE(data.shape[1], settings["latents"], settings["width"], settings["layers"])
    if settings["start"] == "linear":
        model.start_linear(data, settings["noise_sd"])
    else:
        model.fit_centre(data)
    generator = torch.Generator().manual_seed(seed)
    of_spectra = loss or _gaussian(settings["noise_sd"])
    warm_up = round(settings["kl_warm_up"] * steps)

    def step_loss(rows: Tensor, step: int) -> dict[str, Tensor]:
        x = data[rows]
        mean, logvar = model.encode(x)
        weight = warmed_up(step, warm_up, settings["kl_weight"])
        found = of_spectra(model.decode(sample(mean, logvar, generator)), x).mean()
        kl = divergence(mean, logvar, model.n_channels).mean()
        return {"loss": found + weight * kl, "reconstruction": found, "divergence": kl}

    curve = _optimise(model, step_loss, len(data), settings, generator)
    return model.eval(), curve


def train_bridge(
    nir: np.ndarray,
    mir: np.ndarray,
    vae: VAE,
    settings: Mapping[str, Any],
    seed: int,
    *,
    loss: SpectrumLoss | None = None,
) -> tuple[NIRToMIR, Curve]:
    """Return an encoder of NIR spectra through the decoder of `vae`, and its losses.

    The objective is the reconstruction of the MIR spectrum of the same specimen, plus the distance of the latents from
    that spectrum's (`etalon.losses.alignment`) with a weight that decays to a hundredth.

    Parameters
    ----------
    nir, mir : shapes (n, P) and (n, C), after SNV, row by row of the same specimens
    settings : "width", "layers", "dropout", "unfrozen" of `NIRToMIR`; "steps", "batch", "learning_rate",
        "weight_decay", "noise_sd" as in `train_vae`; "regularisation", the first weight of the distance of latents;
        "jitter", SD of white noise added to NIR spectra in training, in SNV units
    """
    x, y = (torch.as_tensor(np.asarray(part, dtype=np.float32)) for part in (nir, mir))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        shape = {name: settings[name] for name in ("width", "layers", "dropout", "unfrozen")}
        model = NIRToMIR(x.shape[1], vae, **shape)
    model.fit_centre(x)
    generator = torch.Generator().manual_seed(seed)
    of_spectra = loss or _gaussian(settings["noise_sd"])
    with torch.no_grad():
        aim = vae.encode(y)[0]

    def step_loss(rows: Tensor, step: int) -> dict[str, Tensor]:
        noise = settings["jitter"] * torch.randn(x[rows].shape, generator=generator)
        z = model.encode(x[rows] + noise)
        found = of_spectra(model.mir.decode(z), y[rows]).mean()
        distance = alignment(z, aim[rows]).mean()
        weight = decaying(step, settings["steps"], settings["regularisation"])
        return {"loss": found + weight * distance, "reconstruction": found, "alignment": distance}

    with torch.random.fork_rng(devices=[]):  # dropout draws from the global generator
        torch.manual_seed(seed)
        curve = _optimise(model, step_loss, len(x), settings, generator)
    return model.eval(), curve


def _gaussian(noise_sd: float) -> SpectrumLoss:
    return lambda pred, true: reconstruction(pred, true, noise_sd)


def _optimise(
    model: nn.Module,
    step_loss: Callable[[Tensor, int], dict[str, Tensor]],
    n_rows: int,
    settings: Mapping[str, Any],
    generator: torch.Generator,
) -> Curve:
    """Minimise `step_loss` of batches of row numbers by AdamW with warm-up and cosine."""
    steps, size, curve = settings["steps"], min(settings["batch"], n_rows), Curve()
    optimiser = torch.optim.AdamW(parameter_groups(model, settings["weight_decay"]), lr=settings["learning_rate"])
    order = torch.empty(0, dtype=torch.long)
    model.train()
    for step in range(steps):
        if len(order) < size:  # the next pass over all rows begins
            order = torch.cat([order, torch.randperm(n_rows, generator=generator)])
        rows, order = order[:size], order[size:]
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, settings["learning_rate"], max(1, steps // 20))
        losses = step_loss(rows, step)
        if not math.isfinite(losses["loss"].item()):
            raise EtalonError(f"training: expected a finite loss, found {losses['loss'].item()} in step {step + 1}")
        optimiser.zero_grad(set_to_none=True)
        losses["loss"].backward()
        optimiser.step()
        curve.add(step, steps, **{name: value.item() for name, value in losses.items()})
    return curve


@torch.no_grad()
def latents_of(model: VAE | NIRToMIR, spectra: np.ndarray) -> np.ndarray:
    """Return the (mean) latents of spectra, shape (n, K), float64: of MIR by a `VAE`, of NIR by a `NIRToMIR`."""
    found = model.encode(torch.as_tensor(np.asarray(spectra, dtype=np.float32)))
    return (found[0] if isinstance(found, Sequence) else found).double().numpy()


@torch.no_grad()
def decoded(model: VAE | NIRToMIR, latents: np.ndarray) -> np.ndarray:
    """Return the MIR spectra of latents, shape (n, C), float64."""
    vae = model.mir if isinstance(model, NIRToMIR) else model
    return vae.decode(torch.as_tensor(np.asarray(latents, dtype=np.float32))).double().numpy()
