"""What a camera will see, roughly and at once: how much sky is left, and where a lake must lie to be seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Height
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.plants.grove import Plant

COLUMNS, DISTANCES = 48, 72
LOWEST = 0.72  # below that a horizon leaves no room for the land


def raise_sky(camera: Camera, height: Height, least: float, plants: Sequence[Plant] = ()) -> Camera:
    """Move the horizon down until enough of the picture is sky.

    Args:
        camera: from where.
        height: the land.
        least: share of the picture that must be sky.
        plants: which stand on the land and hide sky, too.
    """
    columns = camera.columns(COLUMNS)
    away = torch.tensor(np.geomspace(0.3, 24, DISTANCES)).float()[None, :].expand(COLUMNS, -1)
    x, z = camera.to_world(columns[:, None] * away, away)
    slopes = ((height(x, z, 2 * camera.width / 512 * away) - camera.height) / away).amax(1).clamp(min=0).cpu().numpy()
    for plant in plants:
        middle, half = plant.right / plant.away, 0.4 * plant.width / plant.away
        hidden = np.abs(columns.cpu().numpy() - middle) < half
        top = (plant.base + 0.92 * plant.height - camera.height) / plant.away
        slopes[hidden] = np.maximum(slopes[hidden], top)
    rise = slopes / (2 * camera.width)
    for horizon in np.arange(camera.horizon, LOWEST, 0.01):
        if float(np.clip(horizon - rise, 0, None).mean()) >= least:
            return replace(camera, horizon=float(horizon))
    return replace(camera, horizon=LOWEST)


@dataclass(frozen=True)
class Lake:
    """A lake before the viewer.

    Attributes:
        near, far: distances of its shores.
        middle: its middle sideways.
        half: half of its width.
        shift: which part of the noise shapes its shores.
        sight: height of the camera above the land that must not hide the water.
    """

    near: float
    far: float
    middle: float
    half: float
    shift: float
    sight: float

    def flood(self, noise: Noise, ground: Height) -> Height:
        """Return a land in which this lake lies below height 0."""

        def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
            land = ground(x, z, pixel)
            center, depth = (self.near + self.far) / 2, (self.far - self.near) / 2
            bend = noise.value(x * 0.7 + self.shift, z * 0.7)
            bay = ((x - self.middle) / self.half).square() + ((z - center) / depth).square().square() + 0.22 * bend
            sight = self.sight * (0.6 * (1 - z / self.near).clamp(min=0) + 0.08) + 4 * smoothstep(self.near, center, z)
            land = torch.minimum(land, sight) * smoothstep(0.95, 2.4, bay)
            return land + min(0.035, 0.15 * self.sight) - 0.3 * smoothstep(1.1, 0.85, bay)

        return height


def lake_in_view(camera: Camera, rng: np.random.Generator, plants: float = 0.0) -> Lake:
    """Choose a lake that fills a good part of the picture below the horizon.

    Args:
        camera: from where it is seen; its height is that above the water.
        rng: decides its shape.
        plants: height of what grows on the near shore.
    """
    top = camera.horizon + float(rng.uniform(0.045, 0.075))
    bottom = max(float(rng.uniform(0.84, 0.97)), min(0.99, top + 0.26))
    near, far = (camera.height / (2 * camera.width * (row - camera.horizon)) for row in (bottom, top))
    far = min(far, 7.5)
    half = float(rng.uniform(0.8, 1.4)) * camera.width * math.sqrt(near * far) + 0.25 * (far - near)
    middle = float(rng.uniform(-0.3, 0.3)) * camera.width * far
    return Lake(near, far, middle, half, float(rng.uniform(0, 60)), max(0.05, camera.height - plants))
