"""The parts that every stage shares: the clock, the learning rate, averaged weights, losses, checkpoints and logs."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from synthviz.devices import has_fast_bfloat16
from training.optimizers import MuonAndAdamW

Optimizer = torch.optim.Optimizer | MuonAndAdamW


class Clock:
    """The minutes that a stage has trained, over all its runs, against its budget.

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
        """Yield, endlessly, True each time another `minutes` have passed, and False otherwise."""
        due = self.spent + minutes
        while True:
            passed = self.spent >= due
            if passed:
                due = self.spent + minutes
            yield passed


def learning_rate(peak: float, step: int, progress: float, warmup: int = 200) -> float:
    """Return the rate of a schedule: linear warm-up over `warmup` steps, then constant, a cosine to 2% at the end.

    The decay takes the last quarter of the budget. Before it, a stage can be stopped and resumed with a larger budget.
    """
    decay = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * max(0.0, 4 * progress - 3)))
    return peak * min(1.0, (step + 1) / warmup) * decay


def set_learning_rate(optimizer: Optimizer, rate: float) -> None:
    """Give every parameter group this learning rate, times the group's "scale" if it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("scale", 1.0)


def autocast(device: torch.device) -> torch.autocast:
    """Return a context that computes in bfloat16, if the device is fast with it."""
    return torch.autocast(device.type, torch.bfloat16, enabled=has_fast_bfloat16(device))


class AveragedWeights:
    """An exponential moving average of a module's floating-point weights.

    The decay rises with the step, so that early averages forget the start quickly.
    """

    def __init__(self, module: nn.Module, decay: float = 0.999) -> None:
        self.decay = decay
        self.state = {name: value.detach().clone().float() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move the average one step towards the module's weights."""
        current = module.state_dict()
        names = [name for name in self.state if current[name].is_floating_point()]
        update = get_ema_multi_avg_fn(min(self.decay, (1 + step) / (10 + step)))  # type: ignore[no-untyped-call]
        update([self.state[name] for name in names], [current[name].float() for name in names], step)

    def on_cpu(self) -> dict[str, torch.Tensor]:
        """Return the averaged weights on the CPU, by name."""
        return {name: value.cpu() for name, value in self.state.items()}


class RecentLosses:
    """Running averages of losses.

    They stay on the device until they are read, because reading waits until a GPU has finished.
    """

    def __init__(self) -> None:
        self._averages: dict[str, torch.Tensor] = {}

    def update(self, **losses: torch.Tensor) -> None:
        """Add this step's losses, scalars, to the averages; the last fifty steps or so have most of the weight."""
        for name, loss in losses.items():
            self._averages.setdefault(name, loss.detach().clone()).lerp_(loss.detach(), 0.02)

    def read(self) -> dict[str, float]:
        """Return the averages as numbers, by name."""
        return {name: average.item() for name, average in self._averages.items()}


class Stateful(Protocol):
    """An object that a checkpoint can store, such as a module or an optimizer."""

    def state_dict(self) -> dict[str, Any]:
        """Return the state."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any:
        """Restore the state."""


class TrainingRun:
    """A module in training, with everything that is updated, stored and resumed together with it.

    Resumes from the checkpoint file if it exists.

    Attributes:
        module: the module in training.
        optimizer: the optimizer of its weights.
        average: its averaged weights.
        losses: running averages of the losses of this run.
        clock: the minutes spent, against the budget.
        step: the number of steps so far, over all runs.
    """

    def __init__(
        self,
        module: nn.Module,
        optimizer: Optimizer,
        checkpoint: Path,
        minutes: float,
        decay: float = 0.999,
        others: Mapping[str, Stateful] | None = None,
    ) -> None:
        self.module, self.optimizer = module, optimizer
        self.average = AveragedWeights(module, decay)
        self.losses = RecentLosses()
        self.step, spent = 0, 0.0
        self._checkpoint = checkpoint
        self._stored: dict[str, Stateful] = {"weights": module, "optimizer": optimizer, **(others or {})}
        if (state := load_checkpoint(checkpoint)) is not None:
            for name, each in self._stored.items():
                each.load_state_dict(state[name])
            for name, value in self.average.state.items():
                value.copy_(state["average"][name])
            self.step, spent = state["step"], state["spent"]
        self.clock = Clock(minutes, spent)

    def set_learning_rate(self, peak: float, warmup: int = 200) -> None:
        """Set this step's learning rate; see `learning_rate`."""
        set_learning_rate(self.optimizer, learning_rate(peak, self.step, self.clock.progress, warmup))

    def descend(self, loss: torch.Tensor, longest_gradient: float = 1.0) -> None:
        """Take one optimizer step along the gradient of a loss, clip it before, and update the average."""
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.module.parameters(), longest_gradient)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.average.update(self.module, self.step)
        self.step += 1

    def print_losses(self, every: int = 100) -> None:
        """Print the step, the minutes and the losses, if the step is a multiple of `every`."""
        if self.step % every == 0:
            losses = ", ".join(f"{name} {value:.4f}" for name, value in self.losses.read().items())
            print(f"step {self.step}, {self.clock.spent:.1f} min, {losses}", flush=True)

    def save(self) -> None:
        """Write the checkpoint."""
        state = {name: each.state_dict() for name, each in self._stored.items()}
        progress = {"average": self.average.state, "step": self.step, "spent": self.clock.spent}
        save_checkpoint(self._checkpoint, {**state, **progress})

    def write_log(self, path: Path, **values: float) -> None:
        """Append the step, the minutes, the losses and other values to a log and print them."""
        write_log(path, step=self.step, minutes=self.clock.spent, **self.losses.read(), **values)


def save_checkpoint(path: Path, state: Mapping[str, object]) -> None:
    """Write a training checkpoint completely or not at all. Checkpoints are for resuming only and never shipped."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.replace(path)


def load_checkpoint(path: Path) -> dict[str, Any] | None:
    """Read a checkpoint, tensors and plain values only; return None if the file does not exist."""
    return torch.load(path, map_location="cpu", weights_only=True) if path.exists() else None


def write_log(path: Path, **values: float) -> None:
    """Append one line of JSON to a log and print it."""
    line = json.dumps({name: round(value, 5) if isinstance(value, float) else value for name, value in values.items()})
    print(line, flush=True)
    with path.open("a") as file:
        file.write(line + "\n")
