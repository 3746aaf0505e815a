"""Exposure: from linear light to the picture on a screen, as a photographer would expose it."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.filters import box_blur, enlarge, halve
from synthviz.world.light import to_screen
from synthviz.world.sky import paint_color

OVERSAMPLING = 2  # pixels are painted at twice the size and averaged
# The mean brightness of an hour's pictures, in linear light.
BRIGHTNESS = {"sunrise": 0.48, "day": 0.50, "golden hour": 0.46, "sunset": 0.34, "dusk": 0.28, "night": 0.20}
# How much of a tint over the whole picture the camera takes away; less where the tint makes the hour.
BALANCE = {"sunrise": 0.38, "day": 0.4, "golden hour": 0.36, "sunset": 0.32, "dusk": 0.25, "night": 0.1}
# Brightness on the screen to which the darkest, the middle and the lightest parts of a dull picture are moved, in part.
BLACK = 0.03
MIDDLE = {"sunrise": 0.5, "day": 0.5, "golden hour": 0.5, "sunset": 0.42, "dusk": 0.38, "night": 0.31}
WHITE = {"sunrise": 0.95, "day": 0.95, "golden hour": 0.95, "sunset": 0.92, "dusk": 0.9, "night": 0.8}
STRETCH, LIFT = 0.6, 0.6  # which part of the way; the duller, the more of it
DULL, FULL = 0.4, 0.85  # contrasts of pictures that are stretched all of that, and not at all
VIVID = 0.25  # by how much colours become stronger where they are pale
SHARPENING = 0.7  # of the finest detail, against the softness of what was painted at half the size
DIMMED = {"rain": 0.62, "thunderstorm": 0.36, "snowfall": 0.9, "fog": 0.85}  # relative to clear weather


def usual_brightness(time: str, weather: str) -> float:
    """Return the mean brightness of pictures of an hour and a weather; weather does not darken a night."""
    dimmed = DIMMED.get(weather, 1.0)
    return BRIGHTNESS[time] * float(dimmed ** {"night": 0.0, "dusk": 0.5}.get(time, 1.0))


def expose(color: Tensor, brightness: float, balance: float = 0.0) -> tuple[Tensor, float]:
    """Turn linear light into screen colours with a little bloom.

    The exposure follows the light half of the way, as a photographer does: a picture that is darker than others of
    its hour and weather becomes brighter, a brighter one darker. The white balance follows it by a share, too.

    Args:
        color: (3, H, W) linear light.
        brightness: the usual mean of such pictures, in linear light.
        balance: by how much the mean colour moves towards grey, 0 to 1.

    Returns:
        (3, H, W) screen colours in [0, 1], and the factor by which the light was multiplied.
    """
    color = color.clamp(0, 12)
    small = halve(color)
    found = float(torch.log(small + 0.02).mean().exp())
    exposure = (brightness / found) ** 0.5
    mean = small.clamp(max=2).mean((1, 2))
    gain = paint_color(exposure * (mean.mean() / mean) ** balance)
    light = small * gain
    # Only what is bright as a whole glows: a blue sky that is bright in blue alone would colour what stands before it.
    share = (1 - 0.9 / light.mean(0, keepdim=True).clamp(min=1e-3)).clamp(min=0)
    bright = F.avg_pool2d((light * share)[None], 4)  # a blur of a small picture is fast
    for reach in (1, 2):
        bright = box_blur(bright[0], reach)[None]
    bloom = enlarge(F.interpolate(bright, size=small.shape[-2:], mode="bilinear", align_corners=False)[0])
    return to_screen(color.mul_(gain).add_(bloom, alpha=0.5)), exposure


def develop(picture: Tensor, time: str) -> Tensor:
    """Give a dull picture more contrast, light and colour, as one does with photographs of fog, rain or a night.

    Args:
        picture: (3, H, W) screen colours.
        time: the hour, which tells how light the picture may become.

    Returns:
        (3, H, W) screen colours in [0, 1].
    """
    grey = picture.mean(0)
    small = F.avg_pool2d(grey[None], 8).flatten()
    low, high = torch.quantile(small, torch.tensor([0.01, 0.985])).tolist()
    share = STRETCH * min(max((FULL - (high - low)) / (FULL - DULL), 0.0), 1.0)
    darkest, lightest = low + share * min(BLACK - low, 0.0), high + share * max(WHITE[time] - high, 0.0)
    contrast = min((lightest - darkest) / max(high - low, 0.05), 2.0)

    def stretch(values: Tensor) -> Tensor:
        above = (1 - lightest) / (1 - high + 1e-4)  # the sun and the moon keep their drawing
        values = (values - low).clamp(max=high - low) * contrast + darkest + (values - high).clamp(min=0) * above
        return values.clamp(1e-4, 1)

    middle = float(stretch(small).mean())
    power = 1 + LIFT * min(math.log(MIDDLE[time]) / math.log(middle) - 1, 0.0)
    stretched = stretch(grey) ** power
    pale = 1 - (picture.amax(0) - picture.amin(0))
    stronger = contrast**0.5 * (1 + VIVID * pale)
    developed: Tensor = stretched + (picture - grey) * stronger
    return developed.clamp(0, 1)


def to_bytes(picture: Tensor, sharpening: float = 0.0) -> np.ndarray:
    """Average a picture down to its final size, and sharpen it if asked to: (size, size, 3) uint8."""
    small = halve(picture)
    if sharpening:
        small = (small + sharpening * (small - box_blur(small, 1))).clamp(0, 1)
    return (small.permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()
