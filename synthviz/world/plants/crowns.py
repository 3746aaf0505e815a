"""A sea of crowns: the roof of a forest as a height field, from a small periodic map of round and pointed trees."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.vectors import points

SIDE = 256  # points on a side of the map
TREES = 18  # trees on a side of the map


class Crowns:
    """A forest seen from above.

    Args:
        rng: decides where the trees stand.
        spacing: mean distance of two trees in the units of the world.
        pointed: share of the trees that are conifers.
        leaves: (2, n, 3) dark and light colours of the other trees.
        needles: (2, 3) dark and light colour of the conifers.
    """

    def __init__(
        self, rng: np.random.Generator, spacing: float, pointed: float, leaves: Tensor, needles: Tensor
    ) -> None:
        self._period = spacing * TREES
        cells = (TREES, TREES)
        offset_x, offset_z = (torch.tensor(rng.uniform(0.15, 0.85, cells)).float() for _ in range(2))
        tall = torch.tensor(rng.uniform(0.55, 1.0, cells)).float()
        cone = torch.tensor(rng.random(cells) < pointed).float()
        choice = torch.tensor(rng.integers(leaves.shape[1], size=cells))
        bright = torch.tensor(rng.uniform(0.78, 1.22, cells)).float()
        colors = torch.where(cone[None, ..., None] > 0, needles[:, None, None], leaves[:, choice]) * bright[..., None]
        tops, owner = _tallest(offset_x, offset_z, tall, cone)
        colors = colors.reshape(2, -1, 3)[:, owner].permute(0, 3, 1, 2).reshape(6, SIDE, SIDE)
        maps = torch.cat([tops[None], colors])[None]
        self._maps = F.pad(maps, (0, 1, 0, 1), mode="circular")

    def heights(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the height of the roof from 0 to about 1 at points of the world."""
        return self._look_up(self._maps[:, :1], x, z)[0]

    def colors(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the height of the roof and its dark and its light colour, (3, *x.shape)."""
        found = self._look_up(self._maps, x, z)
        return found[0], found[1:4], found[4:]

    def _look_up(self, maps: Tensor, x: Tensor, z: Tensor) -> Tensor:
        u, v = x / self._period, z / self._period
        grid = points((u - u.floor()) * 2 - 1, (v - v.floor()) * 2 - 1)
        return F.grid_sample(maps, grid.reshape(1, 1, -1, 2), align_corners=True).reshape(-1, *x.shape)


def _tallest(offset_x: Tensor, offset_z: Tensor, tall: Tensor, cone: Tensor) -> tuple[Tensor, Tensor]:
    """Return the height of the roof and the number of the tree to which it belongs, (SIDE, SIDE) each."""
    line = (torch.arange(SIDE) + 0.5) / SIDE * TREES
    cell = line.floor().long()
    best, owner = torch.full((SIDE, SIDE), -1.0), torch.zeros(SIDE, SIDE, dtype=torch.long)
    for step_z in (-1, 0, 1):
        for step_x in (-1, 0, 1):
            i, j = (cell + step_z) % TREES, (cell + step_x) % TREES
            pick = (i[:, None], j[None, :])
            away = line[:, None] - (cell + step_z)[:, None] - offset_z[pick]
            aside = line[None, :] - (cell + step_x)[None, :] - offset_x[pick]
            square = away.square() + aside.square()
            pointed = 1.15 * (1 - 1.22 * square.sqrt())
            top = tall[pick] * torch.lerp(1 - 1.05 * square, pointed, cone[pick])
            nearer = top > best
            best = torch.where(nearer, top, best)
            owner = torch.where(nearer, (i * TREES)[:, None] + j[None, :], owner)
    return best.clamp(min=0), owner
