"""Attributions, the parts of a picture that matter for a class: Grad-CAM, integrated gradients and occlusion.

Integrated gradients and occlusion are Captum's. All three methods explain the class's logit, not its probability. A
probability also changes when the logits of other classes change, and it hardly changes once it is near 1.

Models may be wrapped, compiled, in half precision or on another device, and may return their logits in a tuple or a
dictionary; `model_calls` states the rules. The picture is moved to the model's device and type.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthviz.cnn.features import find_layers
from synthviz.cnn.layouts import check_layout, to_feature_maps
from synthviz.cnn.model_calls import (
    evaluating,
    gradients_allowed,
    like_weights,
    logits_of,
    only_tensor,
    uncompiled,
    with_tensor,
)

BATCH = 4  # pictures per forward pass; with more, a CPU spends as much time again on allocating memory


@dataclass(frozen=True)
class Attribution:
    """How much each pixel of one picture speaks for or against a class.

    Attributes:
        method: "integrated gradients", "Grad-CAM" or "occlusion".
        target: index of the class.
        values: (H, W) float32 on the CPU, summed over colour channels: positive values speak for the class, negative
            values against it. The unit is that of the logit; Grad-CAM's values are relative and never negative.
        error: the convergence error of integrated gradients, None for the other methods. With infinitely many steps,
            the sum of the values equals the picture's logit minus the baseline's logit; the error is the absolute
            difference between the two.
    """

    method: str
    target: int
    values: Tensor
    error: float | None = None


def integrated_gradients(
    model: nn.Module, picture: Tensor, target: int | None = None, steps: int = 64, baseline: float = 0.0
) -> Attribution:
    """Integrate the gradients along a straight line from a plain picture to this one (Sundararajan et al. 2017).

    Args:
        model: any image classifier; if it has a method `logits`, as `SceneCNN` has, the function explains its result,
            otherwise the model's output.
        picture: (1, C, H, W) float32.
        target: index of the class; None for the class with the highest logit.
        steps: number of points on the line; more points make `error` smaller.
        baseline: brightness of the plain picture.

    Raises:
        ValueError: if the picture has another shape, the class does not exist, or steps is less than 2.
    """
    from captum.attr import IntegratedGradients

    if steps < 2:
        raise ValueError(f"steps is {steps}; it must be at least 2")
    with _logits_and_target(model, picture, target) as (logits, picture, target):
        plain = torch.full_like(picture, baseline)
        values, error = IntegratedGradients(logits).attribute(
            picture, plain, target=target, n_steps=steps, internal_batch_size=BATCH, return_convergence_delta=True
        )
    return Attribution("integrated gradients", target, _sum_colours(values), abs(error.item()))


def grad_cam(
    model: nn.Module, picture: Tensor, layer: str, target: int | None = None, layout: str = "auto"
) -> Attribution:
    """Show where the channels that speak for the class respond in one layer (Selvaraju et al. 2017).

    Args:
        model: as for `integrated_gradients`.
        picture: (1, C, H, W) float32.
        layer: dotted name of a layer whose output is (1, C, h, w), (1, h, w, C), (1, T, C) or (T, 1, C); its map is
            enlarged to the picture's size. For a vision transformer take a layer before the last attention.
        target: index of the class; None for the class with the highest logit.
        layout: "auto", or one of `layouts.LAYOUTS` where "auto" does not find it.

    Raises:
        ValueError: if the picture has another shape, the class or layer does not exist, the layer returns no feature
            maps, the class does not depend on its maps, or the model does not run the layer.
    """
    (module,) = find_layers(model, [layer]).values()
    _check_picture(picture)
    check_layout(layout)
    size = (picture.shape[2], picture.shape[3])
    captured: list[Tensor] = []

    def start_gradient(module: nn.Module, inputs: object, output: object) -> object:
        received = only_tensor(layer, output)
        captured[:] = [received.detach().requires_grad_()]
        return with_tensor(output, received, captured[0].clone())  # a later layer may change it in place

    with evaluating(model), gradients_allowed(), uncompiled(), module.register_forward_hook(start_gradient):
        row = logits_of(model)(like_weights(model, picture))[0]
        if not captured:
            raise ValueError(f"{type(model).__name__} does not run its layer {layer!r}")
        maps = to_feature_maps(captured[0].detach(), layout, size, f"layer {layer!r}", module)
        if len(maps) != 1:
            raise ValueError(f"layer {layer!r} returns {tuple(captured[0].shape)}; Grad-CAM needs one picture's maps")
        target = _resolve_target(row, target)
        gradient = _gradient(row[target], captured[0], layer)
    gradient = to_feature_maps(gradient, layout, size, f"layer {layer!r}", module).float()
    if not gradient.any():
        raise ValueError(
            f"the class {target} does not depend on the feature maps of layer {layer!r}; choose an earlier layer"
        )
    small = (gradient.mean(dim=(2, 3), keepdim=True) * maps.float()).sum(dim=1, keepdim=True).relu()
    return Attribution("Grad-CAM", target, _sum_colours(F.interpolate(small, size, mode="bilinear")))


def _gradient(logit: Tensor, maps: Tensor, layer: str) -> Tensor:
    """Return the gradient of a logit by a layer's output.

    Raises:
        ValueError: if nothing leads from the layer to the logit, such as behind `detach()`.
    """
    (gradient,) = torch.autograd.grad(logit, maps, allow_unused=True) if logit.requires_grad else (None,)
    if gradient is None:
        raise ValueError(f"no gradient leads from the logits back to layer {layer!r}")
    return gradient


def occlusion(
    model: nn.Module,
    picture: Tensor,
    target: int | None = None,
    window: int = 32,
    stride: int = 16,
    baseline: float = 0.5,
) -> Attribution:
    """Measure how much the logit falls when a square covers a part of the picture (Zeiler & Fergus 2014).

    Args:
        model: as for `integrated_gradients`.
        picture: (1, C, H, W) float32.
        target: index of the class; None for the class with the highest logit.
        window: side of the square in pixels.
        stride: distance between two positions of the square, in pixels.
        baseline: brightness of the square.

    Raises:
        ValueError: if the picture has another shape, the class does not exist, or the window or stride does not fit.
    """
    from captum.attr import Occlusion

    _check_picture(picture)
    if not 1 <= window <= min(picture.shape[2:]):
        raise ValueError(f"window is {window}; it must be from 1 to {min(picture.shape[2:])}, the picture's side")
    if not 1 <= stride <= window:
        raise ValueError(f"stride is {stride}; it must be from 1 to {window}, the window, or it skips pixels")
    with _logits_and_target(model, picture, target) as (logits, picture, target), torch.no_grad():
        values = Occlusion(logits).attribute(
            picture,
            sliding_window_shapes=(picture.shape[1], window, window),
            strides=(picture.shape[1], stride, stride),
            baselines=baseline,
            target=target,
            perturbations_per_eval=BATCH,
        )
    # The square covers all colours at once, so that every colour channel holds the same values.
    return Attribution("occlusion", target, values[0, 0].detach().to("cpu", torch.float32))


@contextmanager
def _logits_and_target(
    model: nn.Module, picture: Tensor, target: int | None
) -> Iterator[tuple[Callable[[Tensor], Tensor], Tensor, int]]:
    """Put the model into eval mode and yield its logits as a function, the picture for it, and the class.

    The modes are restored at the end.
    """
    _check_picture(picture)
    logits = logits_of(model)
    with evaluating(model), gradients_allowed(), uncompiled():
        picture = like_weights(model, picture)
        with torch.no_grad():
            row = logits(picture)[0]
        yield logits, picture, _resolve_target(row, target)


def _check_picture(picture: Tensor) -> None:
    if picture.dim() != 4 or len(picture) != 1:
        raise ValueError(f"the picture has shape {tuple(picture.shape)}; it must be (1, C, H, W)")


def _resolve_target(row: Tensor, target: int | None) -> int:
    """Return the class to explain: the target if that class exists, or the class with the highest logit for None."""
    if target is None:
        return int(row.argmax())
    if not 0 <= target < len(row):
        raise ValueError(f"target is {target}; this model has classes 0 to {len(row) - 1}")
    return target


def _sum_colours(values: Tensor) -> Tensor:
    """Return (H, W) float32 values on the CPU from (1, C, H, W)."""
    return values.detach().sum(dim=1)[0].to("cpu", torch.float32)
