"""The state of a training between two steps, as safetensors: a killed run goes on from it to the same result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from etalon.storage import load_json, replacing, save_json
from etalon.train.monitor import Monitor
from etalon.train.optim import MovingAverage


@dataclass(frozen=True)
class TrainingState:
    """What changes from step to step. Random numbers are no part of it: those of a step derive from its number."""

    objective: nn.Module
    optimiser: torch.optim.Optimizer
    average: MovingAverage
    monitor: Monitor
    scaler: torch.amp.GradScaler

    def save(self, path: Path, content: dict[str, Any]) -> None:
        """Write the tensors to `path`, and `content` (the step, the curves) with them as one unit."""
        tensors = {f"objective.{name}": tensor for name, tensor in self.objective.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.weights.items()}
        tensors |= {f"monitor.{name}": tensor for name, tensor in self.monitor.state.items()}
        for number, state in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": tensor for name, tensor in state.items()}
        # The step stands in both files: a kill between the two writes must not join what does not belong together.
        tensors["step"] = torch.tensor(content["step"])
        save_json(_record(path, content["step"]), content | {"scaler": self.scaler.state_dict()})
        with replacing(path) as temporary:
            save_file({name: tensor.detach().cpu().clone() for name, tensor in tensors.items()}, temporary)
        for old in path.parent.glob(f"{path.stem}.step*.json"):
            if old != _record(path, content["step"]):
                old.unlink()

    def load(self, path: Path) -> dict[str, Any]:
        """Take over the state in `path`; return the content that was saved with it."""
        tensors = load_file(path)
        content = load_json(_record(path, int(tensors["step"])))
        self.objective.load_state_dict(_under("objective", tensors))
        for name, tensor in _under("average", tensors).items():
            self.average.weights[name].copy_(tensor)
        self.monitor.state = _under("monitor", tensors)
        state: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in _under("optimiser", tensors).items():
            number, key = name.split(".", 1)
            state.setdefault(int(number), {})[key] = tensor
        self.optimiser.load_state_dict(self.optimiser.state_dict() | {"state": state})
        self.scaler.load_state_dict(content.pop("scaler"))
        return content


def remove_states(checkpoint: Path) -> None:
    """Delete every saved state of the trainings of a checkpoint, and what a kill left of one half-written."""
    for pattern in (f"{checkpoint.stem}.state-*", f".{checkpoint.stem}.state-*"):
        for path in checkpoint.parent.glob(pattern):
            path.unlink()


def _record(path: Path, step: int) -> Path:
    return path.with_name(f"{path.stem}.step{step}.json")


def _under(prefix: str, tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name[len(prefix) + 1 :]: tensor for name, tensor in tensors.items() if name.startswith(f"{prefix}.")}
