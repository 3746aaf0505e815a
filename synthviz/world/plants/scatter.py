"""Where plants stand: random places on the land in front of a camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from synthviz.world.camera import Camera
from synthviz.world.ground import Height
from synthviz.world.plants.grove import Plant

Share = Callable[[np.ndarray, np.ndarray], np.ndarray]  # right and away to how likely a plant stands there, 0 to 1


@dataclass(frozen=True)
class Kinds:
    """The plants of a stand.

    Attributes:
        first, count: which sprites are used: `count` from `first` on.
        height: smallest and largest height in the units of the world.
        aspect: width relative to height.
        sunk: share of the height that is in the ground.
    """

    first: int
    count: int
    height: tuple[float, float]
    aspect: float
    sunk: float = 0.02


def scatter(
    rng: np.random.Generator,
    height: Height,
    camera: Camera,
    kinds: Kinds,
    count: int,
    near: float,
    far: float,
    share: Share | None = None,
    dry: float = 0.015,
    crowding: float = 1.0,
) -> tuple[Plant, ...]:
    """Scatter plants over the part of the land that the camera sees.

    Args:
        rng: decides where.
        height: the land.
        camera: from where it is seen.
        kinds: which plants.
        count: how many are tried; those in water or where `share` is low are left out.
        near: smallest distance.
        far: largest distance.
        share: how likely a plant stands at a place.
        dry: lowest height above the water at which one stands.
        crowding: 1 spreads them evenly over the land, larger values crowd the distance, smaller the foreground.
    """
    away = near + (far - near) * rng.random(count) ** (1 / (1 + crowding))
    right = rng.uniform(-1.15, 1.15, count) * camera.width * away
    keep = rng.random(count) < share(right, away) if share is not None else np.ones(count, bool)
    right, away = right[keep], away[keep]
    bases = heights_at(height, camera, right, away)
    plants = []
    for x, z, base in zip(right, away, bases, strict=True):
        tall = float(rng.uniform(*kinds.height))
        kind = kinds.first + int(rng.integers(kinds.count))
        tint, flip = float(rng.uniform(0.78, 1.2)), bool(rng.random() < 0.5)
        if base > dry:
            plant = Plant(
                kind, float(x), float(base) - kinds.sunk * tall, float(z), tall * kinds.aspect, tall, tint, flip
            )
            plants.append(plant)
    return tuple(plants)


def heights_at(height: Height, camera: Camera, right: np.ndarray, away: np.ndarray) -> np.ndarray:
    """Return the height of the land at places relative to the camera."""
    if not len(right):
        return np.zeros(0)
    x, z = camera.to_world(torch.tensor(right).float()[None], torch.tensor(away).float()[None])
    return height(x, z, torch.full_like(x, 0.01))[0].cpu().numpy()
