"""What in a picture mattered for a class: Grad-CAM, and through Captum integrated gradients and occlusion.

All of them look at the class's logit, not at its probability: a probability also moves when other classes do, and
hardly at all once it is near 1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthviz.cnn.features import evaluating, find_layers, logits_of

BATCH = 4  # pictures at a time; with more, a CPU spends as long again on getting memory


@dataclass(frozen=True)
class Attribution:
    """How much each pixel of one picture speaks for or against a class.

    Attributes:
        method: "integrated gradients", "Grad-CAM" or "occlusion".
        target: index of the class.
        values: (H, W) float32 on the CPU, summed over colour channels: positive speaks for the class, negative
            against it. In units of the logit; Grad-CAM's are relative and never negative.
        error: integrated gradients only: by how much the values' sum misses the difference of the logits between the
            picture and the baseline, which it would equal with infinitely many steps; None for other methods.
    """

    method: str
    target: int
    values: Tensor
    error: float | None = None


def integrated_gradients(
    model: nn.Module, picture: Tensor, target: int | None = None, steps: int = 64, baseline: float = 0.0
) -> Attribution:
    """Gradients along the way from a plain picture to this one (Sundararajan et al. 2017).

    Args:
        model: any image classifier; `SceneCNN`'s logits are used, another model's output is taken as logits.
        picture: (1, C, H, W) float32.
        target: index of the class; None for the one with the highest logit.
        steps: points on the way; more of them make `error` smaller.
        baseline: brightness of the plain picture.

    Raises:
        ValueError: for another shape, a class that does not exist, or less than 2 steps.
    """
    from captum.attr import IntegratedGradients

    if steps < 2:
        raise ValueError(f"steps is {steps}; it must be at least 2")
    with _logits_of(model, picture, target) as (scores, target):
        plain = torch.full_like(picture, baseline)
        values, error = IntegratedGradients(scores).attribute(
            picture, plain, target=target, n_steps=steps, internal_batch_size=BATCH, return_convergence_delta=True
        )
    return Attribution("integrated gradients", target, _flat(values), abs(error.item()))


def grad_cam(model: nn.Module, picture: Tensor, layer: str, target: int | None = None) -> Attribution:
    """Where a convolution's channels that speak for the class respond (Selvaraju et al. 2017).

    Args:
        model: as for `integrated_gradients`.
        picture: (1, C, H, W) float32.
        layer: dotted name of a layer that puts out (1, C, h, w); its map is enlarged to the picture.
        target: index of the class; None for the one with the highest logit.

    Raises:
        ValueError: for another shape, a class or layer that does not exist, or a layer that the model does not run.
    """
    (module,) = find_layers(model, [layer]).values()
    _check_picture(picture)
    maps: list[Tensor] = []

    def start_gradient(module: nn.Module, inputs: Any, output: Any) -> Tensor:
        if not isinstance(output, Tensor) or output.dim() != 4:
            found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
            raise ValueError(f"layer {layer!r} puts out {found}; Grad-CAM needs maps, (1, C, h, w)")
        maps[:] = [output.detach().requires_grad_()]
        return maps[0].clone()  # what follows may write into it

    with evaluating(model), torch.enable_grad(), module.register_forward_hook(start_gradient):
        row = logits_of(model)(picture)[0]
        if not maps:
            raise ValueError(f"{type(model).__name__} does not run its layer {layer!r}")
        target = _class(row, target)
        (gradient,) = torch.autograd.grad(row[target], maps)
    weights = gradient.mean(dim=(2, 3), keepdim=True)
    small = (weights * maps[0].detach()).sum(dim=1, keepdim=True).relu()
    return Attribution("Grad-CAM", target, _flat(F.interpolate(small, picture.shape[2:], mode="bilinear")))


def occlusion(
    model: nn.Module,
    picture: Tensor,
    target: int | None = None,
    window: int = 32,
    stride: int = 16,
    baseline: float = 0.5,
) -> Attribution:
    """How much the logit falls when a square is covered (Zeiler & Fergus 2014).

    Args:
        model: as for `integrated_gradients`.
        picture: (1, C, H, W) float32.
        target: index of the class; None for the one with the highest logit.
        window: side of the square in pixels.
        stride: how far it moves, in pixels.
        baseline: brightness of the square.

    Raises:
        ValueError: for another shape, a class that does not exist, or a window or stride that does not fit.
    """
    from captum.attr import Occlusion

    if not 1 <= window <= min(picture.shape[2:]):
        raise ValueError(f"window is {window}; it must be from 1 to {min(picture.shape[2:])}, the picture's side")
    if not 1 <= stride <= window:
        raise ValueError(f"stride is {stride}; it must be from 1 to the window, {window}, or pixels are left out")
    with _logits_of(model, picture, target) as (scores, target), torch.no_grad():
        values = Occlusion(scores).attribute(
            picture,
            sliding_window_shapes=(picture.shape[1], window, window),
            strides=(picture.shape[1], stride, stride),
            baselines=baseline,
            target=target,
            perturbations_per_eval=BATCH,
        )
    return Attribution("occlusion", target, values[0, 0].detach().to("cpu", torch.float32))


@contextmanager
def _logits_of(
    model: nn.Module, picture: Tensor, target: int | None
) -> Iterator[tuple[Callable[[Tensor], Tensor], int]]:
    """The model's logits as a function, in eval mode, and the class; every submodule's mode comes back."""
    _check_picture(picture)
    logits = logits_of(model)
    with evaluating(model):
        with torch.no_grad():
            row = logits(picture)[0]
        yield logits, _class(row, target)


def _check_picture(picture: Tensor) -> None:
    if picture.dim() != 4 or len(picture) != 1:
        raise ValueError(f"the picture has shape {tuple(picture.shape)}; it must be (1, C, H, W)")


def _class(row: Tensor, target: int | None) -> int:
    """The class to explain: the one asked for, if it exists, or the one with the highest of these logits."""
    if target is None:
        return int(row.argmax())
    if not 0 <= target < len(row):
        raise ValueError(f"target is {target}; this model has classes 0 to {len(row) - 1}")
    return target


def _flat(values: Tensor) -> Tensor:
    return values.detach().sum(dim=1)[0].to("cpu", torch.float32)
