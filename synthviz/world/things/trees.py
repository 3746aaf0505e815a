"""Single trees with coloured crowns as sprites, made like the other plants; white ones are in blossom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from synthviz.world.land import rgb
from synthviz.world.noise import Noise
from synthviz.world.plants.foliage import assemble, crown, limb, sheet
from synthviz.world.sprites import Sprite

DARK, LIGHT = 0.5, 1.12  # reflectance of leaves in the shade and in front, relative to the colour of the tree
BLOSSOM = ((0.60, 0.50, 0.53), (1.0, 0.95, 0.95))
BARK = ((0.05, 0.035, 0.025), (0.20, 0.14, 0.10))


@dataclass(frozen=True)
class Shape:
    """The shape of a crown, relative to the height of the tree.

    Attributes:
        width: of the sprite.
        low: lowest and highest height at which the crown begins.
        half: half the width of the crown.
        boughs: how many clusters of leaves it has.
        cluster: half the width of a cluster.
        narrower: how much narrower the crown is at its top, or wider below 0.
    """

    width: float
    low: tuple[float, float]
    half: float
    boughs: int
    cluster: float
    narrower: float


SHAPES = {
    "round": Shape(0.92, (0.20, 0.28), 0.41, 12, 0.17, 0.30),
    "tall": Shape(0.62, (0.16, 0.24), 0.27, 12, 0.135, 0.60),
    "spreading": Shape(1.10, (0.30, 0.38), 0.51, 13, 0.155, -0.10),
}


@cache
def _leafage(device: torch.device) -> Noise:
    """Return the noise of all leaves on a device; each tree shows another part of it."""
    with device:
        return Noise(torch.Generator().manual_seed(7))


def tree(color: Tensor, rows: int, rng: np.random.Generator) -> Sprite:
    """Draw a tree.

    Args:
        color: reflectance of its leaves, (3,).
        rows: of the sprite.
        rng: chooses its kind and the shape of its crown.
    """
    shape = SHAPES[str(rng.choice(list(SHAPES)))]
    rows += rows % 2
    x, up = sheet(rows, 2 * round(rows * shape.width / 2))
    low = float(rng.uniform(*shape.low))
    boughs = _boughs(shape, low, rng)
    noise = _leafage(color.device)
    leaves = crown(noise, rng, x, up, _clusters(boughs, shape, rng), 0.024)
    wood = limb(x, up, _branches(boughs, low, rng), noise, float(rng.uniform(0, 60)))
    plain = color[:, None, None]
    colors = DARK * plain, (LIGHT * plain + 0.015).clamp(max=1)
    if float(color.min()) > 0.5:
        colors = rgb(*BLOSSOM[0]), rgb(*BLOSSOM[1])
    return assemble([(wood, rgb(*BARK[0]), rgb(*BARK[1])), (leaves, *colors)])


def _boughs(shape: Shape, low: float, rng: np.random.Generator) -> np.ndarray:
    """Spread the middles of the clusters of leaves over the crown, no two close together: (n, 2) x, up."""
    middle, tall = (low + 0.97) / 2, (0.97 - low) / 2
    reach = shape.half - shape.cluster, tall - 0.85 * shape.cluster
    places: list[tuple[float, float]] = []
    attempts = 7 * shape.boughs
    angle, out = rng.uniform(0, 2 * math.pi, attempts), np.sqrt(rng.uniform(0, 1, attempts))
    high = np.sin(angle) * out
    across = np.cos(angle) * out * reach[0] * (1 - shape.narrower * np.clip(high, 0, 1) ** 1.3)
    apart = np.linspace(1.0, 0.3, attempts) * shape.cluster
    for x, up, least in zip(across.tolist(), (middle + high * reach[1]).tolist(), apart.tolist(), strict=True):
        if len(places) < shape.boughs and all(math.hypot(x - a, up - b) > least for a, b in places):
            places.append((x, up))
    return np.array(places)


def _clusters(boughs: np.ndarray, shape: Shape, rng: np.random.Generator) -> np.ndarray:
    """Give each bough a cluster of leaves and smaller tufts around it: (n, 5) as `crown` wants them."""
    near = rng.uniform(-0.10, 0.10, len(boughs))
    half = shape.cluster * rng.uniform(0.62, 0.95, len(boughs))
    whole = [np.stack([*boughs.T, near, half, 0.72 * half], 1)]
    for _ in range(3):
        angle = rng.uniform(0, 2 * math.pi, len(boughs))
        x = boughs[:, 0] + 0.85 * half * np.cos(angle)
        up = boughs[:, 1] + 0.60 * half * np.sin(angle) + 0.1 * half
        small = half * rng.uniform(0.36, 0.60, len(boughs))
        whole.append(np.stack([x, up, near + rng.uniform(-0.02, 0.05, len(boughs)), small, 0.8 * small], 1))
    return np.concatenate(whole)


def _branches(boughs: np.ndarray, low: float, rng: np.random.Generator) -> np.ndarray:
    """Return the trunk and a branch to every bough: (n, 6) as `limb` wants them."""
    top = float(boughs[:, 1].max())
    lean = float(rng.normal(0, 0.02))
    ends = [
        [0, 0, 0.040, 0.2 * lean, 0.06, 0.030],
        [0.2 * lean, 0.06, 0.030, lean, low + 0.10, 0.023],
        [lean, low + 0.10, 0.023, 0.5 * lean, 0.5 * (low + top) + 0.1, 0.010],
    ]
    for x, up in boughs[::2]:
        start = min(up - 0.4 * abs(x), low + 0.12 + 0.3 * max(0.0, up - low))
        ends.append([lean, max(low - 0.04, start), 0.011, x, up, 0.005])
    return np.array(ends)
