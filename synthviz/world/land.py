"""A landscape without light: its shape, what it is made of, what stands on it, and from where it is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.noise import Noise
from synthviz.world.view import View
from synthviz.world.water import Waves


@dataclass(frozen=True)
class Material:
    """What the ground is made of, for every pixel of a view.

    Attributes:
        albedo: (3, H, W) reflectance.
        bump_x, bump_z: (H, W) slopes of fine structure, which are added to those of the land.
        emission: (3, H, W) light that the ground itself sends out, such as lava; or 0.
    """

    albedo: Tensor
    bump_x: Tensor
    bump_z: Tensor
    emission: Tensor | float = 0.0


class Drawable(Protocol):
    """Something that stands in the landscape, with a depth."""

    def draw(self, view: View) -> None:
        """Draw it into a view, in front of what lies behind it."""


@dataclass(frozen=True)
class Land:
    """A landscape.

    Attributes:
        camera: from where it is seen.
        height: the height field.
        material: what the ground is made of: what the pixels see, and their positions x and z in the world.
        waves: the surface of the water at height 0; None without water.
        water_from: distance from which this surface is seen; nearer, a drawable of the sea lies over it.
        near, far: distances between which there is ground to see.
        drawables: what stands in the landscape, in any order.
        sights: what the composition shows besides what was asked for, of `wordings.SIGHT_WORDS`; captions may name it.
    """

    camera: Camera
    height: Height
    material: Callable[[Seen, Tensor, Tensor], Material]
    waves: Waves | None = None
    water_from: float = 0.0
    near: float = 0.12
    far: float = 26.0
    drawables: tuple[Drawable, ...] = ()
    sights: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wishes:
    """What a scene asks of a place.

    Attributes:
        noise: of this scene.
        rng: decides everything else.
        water: whether water must be seen.
        time: the hour, which decides how many windows are lit.
        weather: which decides what is wet or white.
        sun_side: -1, 0 or 1 where a sun or moon stands on the left, in the middle or on the right, which must stay
            free; None if there is none.
    """

    noise: Noise
    rng: np.random.Generator
    water: bool
    time: str
    weather: str
    sun_side: int | None


def height_at(height: Height, x: float, z: float) -> float:
    """Return the height of the land at one point."""
    return float(height(torch.tensor([[x]]), torch.tensor([[z]]), torch.tensor([[0.01]])))


def rgb(red: float, green: float, blue: float) -> Tensor:
    """Return a reflectance or a light as (3, 1, 1)."""
    return torch.tensor([red, green, blue])[:, None, None]


def steepness(seen: Seen) -> Tensor:
    """Return the slope of the ground: 0 is flat, 1 is 45 degrees."""
    return torch.sqrt(seen.slope_x**2 + seen.slope_z**2)


def bumps(
    noise: Noise, x: Tensor, z: Tensor, pixel: Tensor, scale: float, octaves: int = 5
) -> tuple[Tensor, Tensor, Tensor]:
    """Return fine noise and its slopes in x and z.

    Args:
        noise: of the scene.
        x: position in the world.
        z: position in the world.
        pixel: size of a pixel there; structure finer than that fades out.
        scale: size of the largest bumps.
        octaves: how many sizes, each half of the one before.
    """
    total, slope_x, slope_z = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x)
    frequency, amplitude = 1 / scale, 1.0
    for octave in range(octaves):
        shown = (1.5 - 3.0 * pixel * frequency).clamp(0, 1) * amplitude
        value, du, dv = noise.value_and_slopes(x * frequency + 3.7 * octave, z * frequency - 9.2)
        total, slope_x, slope_z = total + shown * value, slope_x + shown * du, slope_z + shown * dv
        frequency *= 2.1
        amplitude *= 0.6
    return total, slope_x, slope_z
