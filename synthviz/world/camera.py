"""The camera: where the viewer stands, how wide the view is, and where the horizon lies in the picture."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Camera:
    """A camera with a shifted lens: verticals stay vertical wherever the horizon lies.

    Attributes:
        height: above sea level.
        horizon: where the horizon lies, as a share of the picture's height from the top.
        width: half of the view's width at distance 1, the tangent of half the angle of view.
        x, z: position in the world.
        yaw: direction of the view in radians.
    """

    height: float
    horizon: float
    width: float
    x: float = 0.0
    z: float = 0.0
    yaw: float = 0.0

    def columns(self, size: int) -> Tensor:
        """Return the sideways slope of the ray through each column: (size,)."""
        return ((torch.arange(size) + 0.5) / size * 2 - 1) * self.width

    def rows(self, size: int) -> Tensor:
        """Return the upward slope of the ray through each row, from the top: (size,)."""
        return (self.horizon - (torch.arange(size) + 0.5) / size) * 2 * self.width

    def to_world(self, right: Tensor, away: Tensor) -> tuple[Tensor, Tensor]:
        """Convert positions relative to the camera to positions in the world."""
        cos, sin = math.cos(self.yaw), math.sin(self.yaw)
        return self.x + cos * right + sin * away, self.z - sin * right + cos * away
