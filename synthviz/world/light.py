"""The light of an hour: where the sun or moon stands, its colour, and the colours of the sky.

All colours inside the painter are amounts of linear light. The palettes below are colours as they should look on a
screen in a clear sky; `to_light` converts them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

Color = tuple[float, float, float]


@dataclass(frozen=True)
class Hour:
    """One palette of an hour, in screen colours from 0 to 1.

    Attributes:
        elevation: lowest and highest elevation of the sun or moon in degrees.
        zenith: colour of the sky overhead.
        middle: colour of the sky half-way up the picture.
        horizon: colour of the sky at the horizon.
        glow: colour of the sky around the sun.
        key: colour of the direct light on a white wall.
        key_strength: direct light relative to the light of the sky.
        glow_strength: how strong the glow is.
    """

    elevation: tuple[float, float]
    zenith: Color
    middle: Color
    horizon: Color
    glow: Color
    key: Color
    key_strength: float
    glow_strength: float


HOURS: dict[str, tuple[Hour, ...]] = {
    "sunrise": (
        Hour((3, 9), (0.30, 0.42, 0.66), (0.66, 0.64, 0.76), (0.98, 0.78, 0.64), (1.0, 0.80, 0.55), (1.0, 0.72, 0.50), 2.9, 0.9),
        Hour((4, 10), (0.38, 0.56, 0.80), (0.74, 0.78, 0.84), (1.0, 0.86, 0.70), (1.0, 0.86, 0.60), (1.0, 0.80, 0.58), 3.0, 0.8),
        Hour((2, 7), (0.34, 0.36, 0.60), (0.78, 0.60, 0.72), (1.0, 0.72, 0.66), (1.0, 0.74, 0.55), (1.0, 0.66, 0.52), 2.6, 0.9),
    ),
    "day": (
        Hour((35, 60), (0.16, 0.38, 0.74), (0.40, 0.62, 0.88), (0.76, 0.87, 0.95), (1.0, 0.98, 0.92), (1.0, 0.96, 0.88), 2.6, 0.25),
        Hour((30, 55), (0.22, 0.46, 0.78), (0.46, 0.68, 0.90), (0.84, 0.91, 0.95), (1.0, 0.98, 0.92), (1.0, 0.95, 0.86), 2.4, 0.25),
        Hour((40, 62), (0.10, 0.30, 0.68), (0.32, 0.56, 0.86), (0.70, 0.84, 0.94), (1.0, 0.98, 0.94), (1.0, 0.97, 0.90), 2.9, 0.25),
    ),
    "golden hour": (
        Hour((10, 18), (0.30, 0.46, 0.70), (0.66, 0.70, 0.72), (0.98, 0.86, 0.62), (1.0, 0.84, 0.46), (1.0, 0.74, 0.38), 3.0, 0.8),
        Hour((9, 15), (0.36, 0.48, 0.66), (0.80, 0.72, 0.60), (1.0, 0.82, 0.50), (1.0, 0.82, 0.40), (1.0, 0.70, 0.32), 2.8, 0.9),
        Hour((12, 20), (0.24, 0.44, 0.74), (0.58, 0.70, 0.80), (0.96, 0.88, 0.70), (1.0, 0.88, 0.55), (1.0, 0.78, 0.46), 3.2, 0.7),
    ),
    "sunset": (
        Hour((2, 6), (0.22, 0.31, 0.55), (0.62, 0.46, 0.53), (1.0, 0.64, 0.36), (1.0, 0.66, 0.28), (1.0, 0.50, 0.26), 3.0, 1.0),
        Hour((2, 7), (0.24, 0.40, 0.62), (0.70, 0.62, 0.56), (1.0, 0.76, 0.42), (1.0, 0.72, 0.32), (1.0, 0.56, 0.30), 3.0, 1.0),
        Hour((1, 5), (0.24, 0.27, 0.51), (0.66, 0.44, 0.55), (1.0, 0.62, 0.46), (1.0, 0.62, 0.34), (1.0, 0.46, 0.34), 2.7, 1.0),
    ),
    "dusk": (
        Hour((16, 34), (0.10, 0.14, 0.31), (0.25, 0.27, 0.47), (0.74, 0.52, 0.48), (0.90, 0.58, 0.42), (0.60, 0.62, 0.84), 1.5, 0.45),
        Hour((16, 34), (0.08, 0.16, 0.34), (0.24, 0.34, 0.54), (0.62, 0.58, 0.62), (0.84, 0.62, 0.50), (0.58, 0.66, 0.84), 1.5, 0.4),
        Hour((16, 34), (0.11, 0.12, 0.30), (0.31, 0.25, 0.45), (0.82, 0.51, 0.40), (0.94, 0.56, 0.34), (0.62, 0.58, 0.80), 1.5, 0.5),
    ),
    "night": (
        Hour((18, 38), (0.03, 0.05, 0.14), (0.07, 0.11, 0.24), (0.16, 0.22, 0.36), (0.40, 0.50, 0.70), (0.62, 0.72, 0.95), 5.0, 0.2),
        Hour((18, 38), (0.03, 0.06, 0.16), (0.06, 0.13, 0.27), (0.13, 0.25, 0.38), (0.36, 0.50, 0.66), (0.60, 0.74, 0.92), 5.0, 0.2),
        Hour((18, 38), (0.04, 0.04, 0.13), (0.10, 0.09, 0.24), (0.20, 0.18, 0.34), (0.44, 0.46, 0.70), (0.66, 0.70, 0.95), 5.0, 0.2),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Light:
    """The light over one scene; colours are (3,) tensors of linear light.

    Attributes:
        direction: (3,) unit vector towards the sun or moon: right, up, away from the viewer.
        key: direct light.
        zenith, middle, horizon: of the sky.
        glow: light added around the sun or moon.
        ambient_low, ambient_high: light of the sky on walls and on flat ground, less colourful than the sky itself.
        is_moon: whether the moon shines instead of the sun.
        darkness: 0 by day to 1 at night; how many windows and lanterns are lit.
    """

    direction: Tensor
    key: Tensor
    zenith: Tensor
    middle: Tensor
    horizon: Tensor
    glow: Tensor
    ambient_low: Tensor
    ambient_high: Tensor
    is_moon: bool
    darkness: float


DARKNESS = {"sunrise": 0.35, "day": 0.0, "golden hour": 0.1, "sunset": 0.55, "dusk": 0.85, "night": 1.0}


def to_light(color: Color | Tensor) -> Tensor:
    """Convert a screen colour to the linear light that `to_screen` shows as this colour."""
    linear = torch.as_tensor(color, dtype=torch.float32).clamp(0, 0.995) ** 2.2
    return -torch.log1p(-linear)


def to_screen(light: Tensor) -> Tensor:
    """Convert linear light to screen colours in [0, 1], with a soft shoulder as of film."""
    return light.clamp(min=0).neg_().expm1_().neg_().pow_(1 / 2.2)


def light_of(time: str, azimuth: float, rng: np.random.Generator) -> Light:
    """Choose a light for an hour.

    Args:
        time: the hour, one of `HOURS`.
        azimuth: of the sun or moon in radians; 0 is straight ahead, positive to the right.
        rng: chooses the palette and its variation.
    """
    hours = HOURS[time]
    one, other = rng.choice(len(hours), 2, replace=False)
    share = rng.uniform(0, 0.5)
    low, high = hours[one].elevation
    elevation = math.radians(rng.uniform(low, high))
    shift = torch.tensor(rng.normal(0, 0.03, 3), dtype=torch.float32)

    def blend(name: str) -> Tensor:
        first, second = (torch.tensor(getattr(hours[i], name)) for i in (one, other))
        tint = 0.0 if name == "key" else shift * first  # a tinted key light would colour snow
        return to_light((first * (1 - share) + second * share + tint).clamp(0, 0.97))

    hour = hours[one]
    direction = torch.tensor(
        [math.sin(azimuth) * math.cos(elevation), math.sin(elevation), math.cos(azimuth) * math.cos(elevation)]
    )
    sky = 0.5 * (blend("zenith") + blend("horizon")).mean()
    key, zenith, middle, horizon = (blend(name) for name in ("key", "zenith", "middle", "horizon"))
    brighter = {"night": 2.6, "dusk": 1.3}.get(time, 1.0)
    return Light(
        direction=direction,
        key=_paler(key / key.max(), 0.15) * sky * hour.key_strength,
        zenith=zenith,
        middle=middle,
        horizon=horizon,
        glow=blend("glow") * hour.glow_strength,
        ambient_low=_paler(0.5 * horizon + 0.5 * middle, 0.5) * brighter,
        ambient_high=_paler(0.6 * zenith + 0.4 * middle, 0.3) * brighter,
        is_moon=time in ("dusk", "night"),
        darkness=DARKNESS[time],
    )


def _paler(color: Tensor, share: float) -> Tensor:
    """Take this share of a colour's saturation away."""
    return color + (color.mean() - color) * share
