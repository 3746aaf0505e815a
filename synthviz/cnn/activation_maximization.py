"""Activation maximization: grow a picture from noise so that one channel responds to it as strongly as possible.

The regularisers are those of Olah, Mordvintsev & Schubert (2017, "Feature Visualization", Distill): the optimiser
changes the picture's spectrum instead of its pixels, and each step shifts, scales and rotates the picture a little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthviz.cnn.features import find_layers, run_until
from synthviz.cnn.layouts import check_layout, to_feature_maps
from synthviz.cnn.model_calls import evaluating, gradients_allowed, like_weights


@dataclass(frozen=True)
class MaximizedActivation:
    """A picture that a channel responds to.

    Attributes:
        image: (C, H, W) float32 in [0, 1] on the CPU.
        activations: the channel's mean response before each step, measured on the transformed picture of that step.
    """

    image: Tensor
    activations: tuple[float, ...]


def maximize_activation(
    model: nn.Module,
    layer: str,
    channel: int,
    input_shape: tuple[int, int, int] = (1, 224, 224),
    steps: int = 128,
    rate: float = 0.05,
    seed: int = 0,
    on_step: Callable[[int, int], None] | None = None,
    layout: str = "auto",
    on_picture: Callable[[int, Tensor], None] | None = None,
) -> MaximizedActivation:
    """Grow a picture by gradient ascent on the mean of one channel.

    A ReLU whose output is 0 everywhere passes no gradient. If that can happen, choose the convolution before the ReLU,
    such as "conv3.convolution" of `SceneCNN`.

    Args:
        model: any image model; the function runs it in eval mode, up to the layer.
        layer: dotted name of a layer whose output is (1, C), (1, C, h, w), (1, h, w, C), (1, T, C) or (T, 1, C).
        channel: index of one of its C channels.
        input_shape: (C, H, W) of the model's input.
        steps: number of Adam's steps.
        rate: Adam's learning rate.
        seed: seed of the initial noise and of the random transformations.
        on_step: the function calls it after each step with (steps done, total steps).
        layout: "auto", or one of `layouts.LAYOUTS` where "auto" does not find it.
        on_picture: the function calls it after each step with (steps done, the picture so far as in the result).

    Raises:
        ValueError: if the model has no such layer or channel, the layer returns no feature maps, no gradient leads
            from them to the picture, or steps is less than 1.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1")
    check_layout(layout)
    (module,) = find_layers(model, [layer]).values()
    size = (input_shape[1], input_shape[2])
    generator = torch.Generator().manual_seed(seed)
    activations: list[float] = []
    with evaluating(model), gradients_allowed():
        weights = like_weights(model, torch.zeros(()))
        spectrum = _initial_spectrum(input_shape, generator).to(weights.device).requires_grad_()
        optimizer = torch.optim.Adam([spectrum], lr=rate)
        for step in range(steps):
            picture = _transform_randomly(_to_picture(spectrum, input_shape), generator)
            output = run_until(model, layer, picture.to(weights.dtype))
            if output.dim() == 2:
                output = output[:, :, None, None]
            maps = to_feature_maps(output, layout, size, f"layer {layer!r}", module)
            if not 0 <= channel < maps.shape[1]:
                raise ValueError(f"channel is {channel}; layer {layer!r} has channels 0 to {maps.shape[1] - 1}")
            response = maps[:, channel].float().mean()
            if not response.requires_grad:
                raise ValueError(f"no gradient leads from layer {layer!r} back to the picture")
            (spectrum.grad,) = torch.autograd.grad(-response, spectrum)
            optimizer.step()
            activations.append(response.item())
            if on_step is not None:
                on_step(step + 1, steps)
            if on_picture is not None:
                on_picture(step + 1, _to_picture(spectrum.detach(), input_shape)[0].cpu())
    with torch.no_grad():
        return MaximizedActivation(_to_picture(spectrum, input_shape)[0].cpu(), tuple(activations))


def _initial_spectrum(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    channels, height, width = shape
    return torch.randn(1, channels, height, width // 2 + 1, 2, generator=generator) * 0.01


def _to_picture(spectrum: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """Return a (1, C, H, W) picture in [0, 1] from its spectrum, (1, C, H, W // 2 + 1, 2).

    Each component is weighted by 1 / frequency, so that a step changes coarse and fine structure equally. Without the
    weights, fine noise dominates the picture.
    """
    _, height, width = shape
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequencies = (rows.square() + columns.square()).sqrt().clamp(min=1 / max(height, width))
    scale = (math.sqrt(height * width) / 4 / frequencies).to(spectrum.device)
    picture: Tensor = torch.fft.irfft2(torch.view_as_complex(spectrum) * scale, s=(height, width))
    return picture.sigmoid()


def _transform_randomly(picture: Tensor, generator: torch.Generator) -> Tensor:
    """Shift the picture by up to 8 pixels, scale it by up to 10% and rotate it by up to 8 degrees."""
    _, _, height, width = picture.shape
    shift_x, shift_y, scale, angle = (2 * torch.rand(4, generator=generator) - 1).tolist()
    angle, scale = math.radians(8 * angle), 1 + 0.1 * scale
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    matrix = torch.tensor([[[cos, -sin, 16 * shift_x / width], [sin, cos, 16 * shift_y / height]]])
    grid = F.affine_grid(matrix.to(picture.device), list(picture.shape), align_corners=False)
    return F.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)
