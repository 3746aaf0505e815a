"""Shadows that the land casts on itself, and how much sky its hollows see."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Height
from synthviz.world.light import Light
from synthviz.world.noise import smoothstep
from synthviz.world.vectors import evenly_spaced, points

SIDE = 352  # points on a side of the shadow map


@dataclass(frozen=True)
class Shadows:
    """A square map whose rows run towards the light.

    Attributes:
        maps: (1, 2, SIDE, SIDE): direct light in [0, 1], share of the sky that is seen in [0, 1].
        center_x, center_z: of the map in the world.
        half: half of its side.
        turn: direction of the light in the world in radians.
    """

    maps: Tensor
    center_x: float
    center_z: float
    half: float
    turn: float

    def at(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return direct light and sky at points of the world."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        right, toward = x - self.center_x, z - self.center_z
        u = (cos * right - sin * toward) / self.half
        v = (sin * right + cos * toward) / self.half
        grid = points(u, v)[None]
        lit, sky = F.grid_sample(self.maps, grid, padding_mode="border", align_corners=True)[0]
        return lit, sky


def cast_shadows(height: Height, water: bool, camera: Camera, light: Light, reach: float) -> Shadows:
    """Cast the shadows of a landscape.

    Args:
        height: the height field.
        water: whether water fills everything below height 0.
        camera: near which the shadows are needed.
        light: that casts them.
        reach: distance from the camera up to which they are needed.
    """
    half = reach * 0.62
    center_x, center_z = camera.to_world(torch.tensor(0.0), torch.tensor(reach * 0.5))
    azimuth = math.atan2(float(light.direction[0]), float(light.direction[2])) + camera.yaw
    cos, sin = math.cos(azimuth), math.sin(azimuth)
    line = evenly_spaced(-half, half, SIDE)
    toward, across = torch.meshgrid(line, line, indexing="ij")
    x = center_x + cos * across + sin * toward
    z = center_z - sin * across + cos * toward
    spacing = 2 * half / (SIDE - 1)
    heights = height(x, z, torch.full_like(x, spacing))
    if water:
        heights = heights.clamp(min=0)
    elevation = math.tan(max(0.035, math.asin(float(light.direction[1]))))
    key = heights - toward * elevation  # equal along a ray of light
    higher = torch.cummax(key.flip(0), 0).values.flip(0)
    shade = (higher.roll(-1, 0) - key)[:-1]
    shade = torch.cat([shade, torch.zeros_like(shade[:1])])
    lit = smoothstep(0.03 + spacing * elevation, 0.0, shade)
    sky = torch.ones_like(heights)
    for radius in (4, 8, 28):
        coarse = F.avg_pool2d(heights[None, None], 2 * radius, radius, padding=radius, count_include_pad=False)
        around = F.interpolate(coarse, size=heights.shape, mode="bilinear", align_corners=True)[0, 0]
        sky = sky - 0.42 * ((around - heights) / (radius * spacing)).clamp(0, 0.9)
    return Shadows(torch.stack([lit, sky.clamp(0.25, 1)])[None], float(center_x), float(center_z), half, azimuth)
