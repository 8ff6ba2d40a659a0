"""The training loop: one process or several that share the groups of each step."""

import logging
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter
from tqdm import tqdm

from etalon.errors import EtalonError
from etalon.models.encoder import Encoder
from etalon.train.batches import Group, Sampler
from etalon.train.monitor import Monitor, should_stop
from etalon.train.optim import MovingAverage, learning_rate, parameter_groups
from etalon.train.state import TrainingState

AUTOCAST = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Schedule:
    """How a training goes.

    Attributes
    ----------
    spectra : seen in all; early stopping may end it before
    learning_rate, weight_decay, warm_up, clip : AdamW, its warm-up in steps, the largest norm of the gradient
    average_decay : of the moving average, whose weights are the result
    precision : "float32", or "bf16" or "fp16" in autocast
    measurements : how often the curves of `Monitor` are measured, evenly spread
    patience, still : see `etalon.train.monitor.should_stop`; a patience of 0 never stops
    save_every : seconds between two saved states
    """

    spectra: int
    learning_rate: float
    weight_decay: float
    warm_up: int
    clip: float
    average_decay: float
    precision: str
    measurements: int
    patience: int
    still: float
    save_every: float


class Objective(Protocol):
    """An `nn.Module` that makes what it needs of a group, and losses of what several groups made."""

    weights: dict[str, float]

    def prepare(self, group: Group) -> Any: ...

    def __call__(self, prepared: Sequence[Any]) -> dict[str, Tensor]: ...


@dataclass
class Curves:
    """Numbers measured in the course of a training, a row each: step, spectra seen, quantity, value."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    writer: SummaryWriter | None = None

    def add(self, step: int, spectra: int, values: dict[str, float]) -> None:
        for quantity, value in values.items():
            self.rows.append({"step": step, "spectra": spectra, "quantity": quantity, "value": value})
            if self.writer is not None:
                self.writer.add_scalar(quantity, value, step)


@dataclass(frozen=True)
class Result:
    """Averaged weights of the encoder, its curves, and how far the training went."""

    weights: dict[str, Tensor]
    curves: list[dict[str, Any]]
    steps: int
    spectra: int
    stopped_early: bool
    seconds: float


def train(
    objective: Objective,
    encoder: Encoder,
    sampler: Sampler,
    monitor: Monitor,
    schedule: Schedule,
    *,
    state_path: Path,
    tensorboard: Path | None = None,
) -> Result:
    """Train `encoder`, which `objective` holds, and return its averaged weights.

    Where `state_path` holds the state of an interrupted training, that one is continued. In a process group each rank
    works on its share of the groups and gradients are averaged, so that the number of ranks changes the result by
    rounding alone.

    Raises
    ------
    EtalonError : a loss that is not finite
    """
    assert isinstance(objective, nn.Module)
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if sampler.groups % world:
        raise ValueError(f"groups: expected a multiple of the {world} processes, found {sampler.groups}")
    device = next(objective.parameters()).device
    steps = max(1, round(schedule.spectra / sampler.spectra_per_step))
    optimiser = torch.optim.AdamW(parameter_groups(objective, schedule.weight_decay), lr=schedule.learning_rate)
    scaler = torch.amp.GradScaler(device.type, enabled=schedule.precision == "fp16")
    average = MovingAverage(encoder, schedule.average_decay)
    state = TrainingState(objective, optimiser, average, monitor, scaler)
    curves, history, start, seconds, stopped = Curves(), [], 0, 0.0, False
    if state_path.exists():
        content = state.load(state_path)
        curves.rows, history = content["curves"], content["history"]
        start, seconds, stopped = content["step"], content["seconds"], content["stopped"]
        logging.info("continued from step %d of %d", start, steps)
    if tensorboard is not None and rank == 0:
        curves.writer = SummaryWriter(str(tensorboard), purge_step=start)
    measured_at = {round((k + 1) * steps / schedule.measurements) for k in range(schedule.measurements)}
    started = saved = time.monotonic()
    done = start
    # Killed after an early stop and before the checkpoint was written, a run has nothing left to train.
    remaining = range(start, start if stopped else steps)
    bar = tqdm(remaining, desc="training", unit="step", initial=start, total=steps, disable=rank > 0)
    for step in bar:
        values = _step(objective, optimiser, scaler, sampler, step, steps, schedule, rank, world)
        average.update(encoder, step)
        done = step + 1
        spectra = done * sampler.spectra_per_step
        elapsed = time.monotonic() - started
        bar.set_postfix_str(f"{(done - start) * sampler.spectra_per_step / elapsed:.0f} spectra/s", refresh=False)
        curves.add(done, spectra, values)
        if done in measured_at:
            measured = _measure(encoder, average, monitor)
            history.append(measured)
            curves.add(done, spectra, measured)
            stopped = should_stop(history, schedule.patience, schedule.still)
        if rank == 0 and (stopped or time.monotonic() - saved > schedule.save_every):
            content = {"step": done, "curves": curves.rows, "history": history, "stopped": stopped}
            state.save(state_path, content | {"seconds": seconds + elapsed})
            saved = time.monotonic()
        if stopped:
            break
    if curves.writer is not None:
        curves.writer.close()
    seconds += time.monotonic() - started
    return Result(average.weights, curves.rows, done, done * sampler.spectra_per_step, stopped, seconds)


def _step(
    objective: Any,
    optimiser: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    sampler: Sampler,
    step: int,
    steps: int,
    schedule: Schedule,
    rank: int,
    world: int,
) -> dict[str, float]:
    """Take one step; return the losses over all groups and the learning rate."""
    device = next(objective.parameters()).device
    rate = learning_rate(step, steps, schedule.learning_rate, schedule.warm_up)
    for parameters in optimiser.param_groups:
        parameters["lr"] = rate
    objective.train()
    with torch.no_grad():
        prepared = [objective.prepare(sampler.draw(step, number)) for number in range(rank, sampler.groups, world)]
    autocast = schedule.precision in AUTOCAST
    with torch.autocast(device.type, AUTOCAST.get(schedule.precision), enabled=autocast):
        losses = objective(prepared)
        total = sum(objective.weights[name] * loss for name, loss in losses.items() if name in objective.weights)
    optimiser.zero_grad(set_to_none=True)
    scaler.scale(total).backward()
    if world > 1:
        _share_gradients(objective, world)
    scaler.unscale_(optimiser)
    nn.utils.clip_grad_norm_(objective.parameters(), schedule.clip)
    scaler.step(optimiser)
    scaler.update()
    names = sorted(losses)
    values = torch.stack([total.detach().float(), *(losses[name].detach().float() for name in names)])
    if world > 1:
        dist.all_reduce(values)
        values /= world
    found = dict(zip(["loss", *(f"loss_{name}" for name in names)], values.tolist(), strict=True))
    if not math.isfinite(found["loss"]):
        parts = ", ".join(f"{name} {value:g}" for name, value in found.items())
        raise EtalonError(f"training: expected a finite loss, found {parts} in step {step + 1}")
    return found | {"learning_rate": rate}


def _share_gradients(objective: nn.Module, world: int) -> None:
    """Average the gradients over the processes. A parameter that no group of a rank used has a gradient of zero."""
    gradients = []
    for parameter in objective.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        gradients.append(parameter.grad)
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    dist.all_reduce(flat)
    flat /= world
    start = 0
    for gradient in gradients:
        gradient.copy_(flat[start : start + gradient.numel()].view_as(gradient))
        start += gradient.numel()


def _measure(encoder: Encoder, average: MovingAverage, monitor: Monitor) -> dict[str, float]:
    """Measure the averaged weights, which are the result, and put those in training back."""
    trained = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    encoder.load_state_dict(average.weights)
    measured = monitor.measure(encoder)
    encoder.load_state_dict(trained)
    return measured
