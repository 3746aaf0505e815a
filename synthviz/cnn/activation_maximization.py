"""What a channel looks for: a picture grown from noise that makes it respond as strongly as possible.

The regularisers are those of Olah, Mordvintsev & Schubert (2017, "Feature Visualization", Distill): the picture is
parameterised by its frequencies, and it must work however it is shifted, scaled and turned a little.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from synthviz.cnn.features import evaluating, find_layers, run_until


@dataclass(frozen=True)
class MaximizedActivation:
    """A picture that a channel responds to.

    Attributes:
        image: (C, H, W) float32 in [0, 1] on the CPU.
        activations: the channel's mean response before each step, to the picture as it was then shifted and turned.
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
) -> MaximizedActivation:
    """Grow a picture by gradient ascent on the mean of one channel.

    A ReLU that is silent everywhere passes no gradient. Where that may happen ask for the convolution inside, such
    as "conv3.convolution" of `SceneCNN`.

    Args:
        model: any image model; it is run in eval mode, up to the layer.
        layer: dotted name of a layer that puts out (N, C, h, w) or (N, C).
        channel: which of its C channels.
        input_shape: (C, H, W) of what the model reads.
        steps: of Adam.
        rate: Adam's learning rate.
        seed: of the noise to begin with, and of the shifts and turns.
        on_step: called after each step with (steps done, steps in all).

    Raises:
        ValueError: if there is no such layer or channel, or steps is less than 1.
    """
    if steps < 1:
        raise ValueError(f"steps is {steps}; it must be at least 1")
    find_layers(model, [layer])
    weights = next(model.parameters(), torch.zeros(()))
    generator = torch.Generator().manual_seed(seed)
    spectrum = _first_spectrum(input_shape, generator).to(weights.device).requires_grad_()
    optimizer = torch.optim.Adam([spectrum], lr=rate)
    activations: list[float] = []
    with evaluating(model):
        for step in range(steps):
            picture = _to_picture(spectrum, input_shape)
            output = run_until(model, layer, _moved(picture, generator))
            if not 0 <= channel < output.shape[1]:
                raise ValueError(f"channel is {channel}; layer {layer!r} has channels 0 to {output.shape[1] - 1}")
            response = output[:, channel].mean()
            (spectrum.grad,) = torch.autograd.grad(-response, spectrum)
            optimizer.step()
            activations.append(response.item())
            if on_step is not None:
                on_step(step + 1, steps)
    with torch.no_grad():
        return MaximizedActivation(_to_picture(spectrum, input_shape)[0].cpu(), tuple(activations))


def _first_spectrum(shape: tuple[int, int, int], generator: torch.Generator) -> Tensor:
    channels, height, width = shape
    return torch.randn(1, channels, height, width // 2 + 1, 2, generator=generator) * 0.01


def _to_picture(spectrum: Tensor, shape: tuple[int, int, int]) -> Tensor:
    """(1, C, H, W) in [0, 1] from its frequencies, (1, C, H, W // 2 + 1, 2), each counted by 1 / frequency.

    So that a step changes coarse and fine structure alike; without it fine noise wins.
    """
    _, height, width = shape
    rows, columns = torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None]
    frequencies = (rows.square() + columns.square()).sqrt().clamp(min=1 / max(height, width))
    scale = (math.sqrt(height * width) / 4 / frequencies).to(spectrum.device)
    return torch.fft.irfft2(torch.view_as_complex(spectrum) * scale, s=(height, width)).sigmoid()


def _moved(picture: Tensor, generator: torch.Generator) -> Tensor:
    """The picture shifted by up to 8 pixels, scaled by up to 10% and turned by up to 8 degrees."""
    _, _, height, width = picture.shape
    shift_x, shift_y, scale, angle = (2 * torch.rand(4, generator=generator) - 1).tolist()
    angle, scale = math.radians(8 * angle), 1 + 0.1 * scale
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    motion = torch.tensor([[[cos, -sin, 16 * shift_x / width], [sin, cos, 16 * shift_y / height]]])
    grid = F.affine_grid(motion.to(picture.device), list(picture.shape), align_corners=False)
    return F.grid_sample(picture, grid, padding_mode="reflection", align_corners=False)
