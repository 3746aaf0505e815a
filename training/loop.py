"""What every stage shares: the clock, the learning rate, averaged weights, checkpoints, a log."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import nn


class Clock:
    """Counts the minutes a stage has trained, over all its runs, against its budget.

    Args:
        minutes: the budget.
        spent: minutes already spent in earlier runs.
    """

    def __init__(self, minutes: float, spent: float = 0.0) -> None:
        self.minutes = minutes
        self._started = time.monotonic() - 60 * spent

    @property
    def spent(self) -> float:
        """Minutes trained so far."""
        return (time.monotonic() - self._started) / 60

    @property
    def progress(self) -> float:
        """Share of the budget used, 0 to 1."""
        return min(1.0, self.spent / self.minutes)

    def every(self, minutes: float) -> Iterator[bool]:
        """Endless: True each time another `minutes` have passed, False otherwise."""
        due = self.spent + minutes
        while True:
            passed = self.spent >= due
            if passed:
                due = self.spent + minutes
            yield passed


def learning_rate(peak: float, step: int, progress: float, warmup: int = 200) -> float:
    """Linear warm-up over `warmup` steps, constant for half of the budget, then cosine decay to 2%.

    The constant half lets a run be stopped and go on with a larger budget without a jump.
    """
    decay = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * max(0.0, 2 * progress - 1)))
    return peak * min(1.0, (step + 1) / warmup) * decay


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give every parameter group this learning rate, times the group's own "scale" where it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


class AveragedWeights:
    """An exponential moving average of a module's floating-point weights.

    The decay rises with the step, so that early averages forget the start quickly.
    """

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone().float() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move the average a step towards the module's weights."""
        decay = min(self.decay, (1 + step) / (10 + step))
        names = list(self.state)
        current = module.state_dict()
        floating = [name for name in names if current[name].is_floating_point()]
        torch._foreach_lerp_(
            [self.state[name] for name in floating], [current[name].float() for name in floating], 1 - decay
        )


class RecentLosses:
    """Running averages of losses. They stay on the device until they are read: reading waits for a GPU to catch up."""

    def __init__(self) -> None:
        self._averages: dict[str, torch.Tensor] = {}

    def update(self, **losses: torch.Tensor) -> None:
        """Count this step's losses, scalars, in; the last fifty or so weigh most."""
        for name, loss in losses.items():
            self._averages.setdefault(name, loss.detach().clone()).lerp_(loss.detach(), 0.02)

    def read(self) -> dict[str, float]:
        """The averages as numbers, by name."""
        return {name: average.item() for name, average in self._averages.items()}


def save_checkpoint(path: Path, state: dict[str, object]) -> None:
    """Write a training checkpoint whole or not at all. Checkpoints are for resuming here, never shipped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.replace(path)


def load_checkpoint(path: Path) -> dict | None:
    """Read a checkpoint, tensors and plain values only; None where there is none."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def resume(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, average: AveragedWeights, device: torch.device
) -> tuple[int, float]:
    """Go on from a checkpoint where there is one; returns the steps and the minutes already spent, else zeros."""
    checkpoint = load_checkpoint(path)
    if checkpoint is None:
        return 0, 0.0
    module.load_state_dict(checkpoint["weights"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    average.state = {name: value.to(device) for name, value in checkpoint["average"].items()}
    return checkpoint["step"], checkpoint["spent"]


def write_log(path: Path, **values: float) -> None:
    """Append one line of JSON to a log and print it."""
    line = json.dumps({name: round(value, 5) if isinstance(value, float) else value for name, value in values.items()})
    print(line, flush=True)
    with path.open("a") as file:
        file.write(line + "\n")
