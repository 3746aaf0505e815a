"""A rocky islet for a tree or tower where the picture shows nothing but water."""

from __future__ import annotations

import torch
from torch import Tensor

from synthviz.world.sprites import Sprite
from synthviz.world.things.sheet import Sheet, smooth_outline

ROCK = (0.20, 0.17, 0.15)
GRASS = (0.09, 0.13, 0.04)
OUTLINE = (
    (-2.45, 1.2), (-2.2, 0.42), (-1.75, 0.22), (-1.35, -0.28), (-0.7, -0.55), (0.1, -0.62), (0.8, -0.48), (1.3, -0.1),
    (1.8, 0.12), (2.25, 0.5), (2.45, 1.2),
)  # fmt: skip
TOP = 0.24  # where a foot stands, as a share of the height from the top


def islet(rows: int) -> Sprite:
    """Draw an islet of rock with grass on top."""
    sheet = Sheet(2.5, rows)
    outline = smooth_outline(OUTLINE)
    rock = sheet.polygon(outline)
    normal = sheet.swell(rock, 0.5)
    ledges = 1 + 0.22 * torch.sin(9 * sheet.y + 2.2 * torch.sin(2.6 * sheet.x)) * torch.cos(3.4 * sheet.x + 1.0)
    sheet.lay(rock, _paint(torch.tensor(ROCK), ledges), normal)
    edge = -0.12 + 0.28 * (sheet.x / 1.6).square() + 0.08 * torch.sin(5.3 * sheet.x)
    sheet.lay(rock * sheet.inside(sheet.y - edge), _paint(torch.tensor(GRASS), ledges), normal)
    return sheet.sprite()


def _paint(color: Tensor, shade: Tensor) -> Tensor:
    return color[:, None, None] * shade
