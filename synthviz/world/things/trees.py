"""Single trees with coloured crowns as sprites."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.sprites import Sprite
from synthviz.world.things.sheet import Sheet
from synthviz.world.vectors import unit

BARK = torch.tensor([0.11, 0.065, 0.04])
ASPECTS = {"round": 0.84, "tall": 0.50, "spreading": 1.08}
LEAVES, CORE = 36, 9  # balls of leaves that make up a crown, and how many larger ones hold it together


def tree(color: Tensor, rows: int, rng: np.random.Generator) -> Sprite:
    """Draw a tree.

    Args:
        color: reflectance of its leaves, (3,).
        rows: of the sprite.
        rng: chooses its kind and the shape of its crown.
    """
    kind = str(rng.choice(list(ASPECTS)))
    sheet = Sheet(ASPECTS[kind], rows)
    low = {"round": 0.36, "tall": 0.56, "spreading": 0.26}[kind]
    _trunk(sheet, 0.6 * BARK + 0.12 * color, low, {"round": 0.075, "tall": 0.06, "spreading": 0.085}[kind], rng)
    _crown(sheet, _balls(kind, low, rng), color, rng)
    return sheet.sprite()


def _trunk(sheet: Sheet, bark: Tensor, crown: float, thick: float, rng: np.random.Generator) -> None:
    lean = float(rng.uniform(-0.05, 0.05))
    foot, neck = 1.5 * thick, 0.85 * thick
    trunk = [
        (-1.5 * foot, 1.0),
        (-foot, 0.9),
        (lean - neck, crown - 0.5),
        (lean + neck, crown - 0.5),
        (foot, 0.9),
        (1.5 * foot, 1.0),
    ]
    round_x = (sheet.x / foot).clamp(-0.9, 0.9)
    normal = torch.stack([round_x, 0 * round_x, -torch.sqrt(1 - round_x**2)])
    sheet.lay(sheet.polygon(trunk), bark, normal)
    for side in (-1, 1):
        reach = 0.45 * sheet.aspect * side
        bough = [
            (-0.6 * neck, crown + 0.12),
            (0.6 * neck, crown + 0.12),
            (reach + 0.03, crown - 0.3),
            (reach - 0.03, crown - 0.3),
        ]
        sheet.lay(sheet.polygon(bough), bark, normal)


def _balls(kind: str, low: float, rng: np.random.Generator) -> Tensor:
    """Place balls of leaves from back to front: (n, 4) x, y, depth, radius."""
    wide, top = ASPECTS[kind] - 0.03, -0.98
    high = (low + 0.12 - top) / 2
    middle = top + high
    angle = rng.uniform(0, 2 * math.pi, LEAVES)
    reach = np.sqrt(rng.uniform(0.0, 1.0, LEAVES))
    reach[:CORE] *= 0.62
    radius = rng.uniform(0.13, 0.22, LEAVES) * {"round": 1.0, "tall": 0.8, "spreading": 1.0}[kind]
    y = middle + (high - radius) * reach * np.sin(angle)
    span = {"round": 1.0, "tall": 1.0, "spreading": 1.0}[kind] * np.ones_like(y)
    if kind == "tall":
        span = np.clip(1.15 - 0.75 * (low - y) / (2 * high), 0.35, 1.0)
    if kind == "spreading":
        y = y + 0.10 * (np.cos(angle) * reach) ** 2
    x = (wide * span - radius) * reach * np.cos(angle)
    depth = np.sqrt(np.clip(1 - reach**2, 0, 1)) * 0.5
    radius[:CORE] *= 1.5
    depth[:CORE] *= 0.4
    order = np.argsort(depth)
    balls = np.stack([x, y, depth, radius], 1)[order]
    return torch.tensor(balls, dtype=torch.float32)


def _crown(sheet: Sheet, balls: Tensor, color: Tensor, rng: np.random.Generator) -> None:
    """Lay the balls over each other, ragged at their edges, bright on top and dark in the gaps."""
    x, y, depth, radius = (values[:, None, None] for values in balls.T)
    ragged = _leafage(sheet, rng)
    right, up = (sheet.x - x) / radius, (y - sheet.y) / radius
    square = right**2 + up**2 + 0.40 * ragged
    toward = depth / radius + torch.sqrt((1 - square).clamp(min=0))
    toward = torch.where(square < 1, toward, torch.full_like(toward, -1.0)) * radius
    nearest, index = toward.max(0)
    mask = F.avg_pool2d((nearest > 0).float()[None, None], 3, 1, 1)[0, 0]
    mask = (1.6 * mask - 0.2).clamp(0, 1)  # leaves end less softly than the average
    right, up = (values.gather(0, index[None])[0] for values in (right, up))
    middle = float(balls[:, 1].mean())
    whole_x, whole_y = sheet.x / sheet.aspect, (middle - sheet.y) / 0.8
    normal = torch.stack(
        [0.55 * right + 0.6 * whole_x, 0.55 * up + 0.6 * whole_y + 0.1, -torch.ones_like(right) * 0.75]
    )
    shade = (0.92 + 0.30 * up + 0.28 * whole_y - 0.16 * ragged).clamp(0.32, 1.25)
    sheet.lay(mask, color[:, None, None] * shade, unit(normal))


def _leafage(sheet: Sheet, rng: np.random.Generator) -> Tensor:
    """Return a rough texture with values around 0 and a standard deviation of about 0.4."""
    rows, columns = sheet.y.shape
    total = torch.zeros(1, 1, rows, columns)
    for cells, weight in ((14, 0.28), (30, 0.26)):
        values = rng.normal(0, 1, (1, 1, cells, max(2, round(cells * sheet.aspect)))).astype(np.float32)
        total += weight * F.interpolate(torch.from_numpy(values), (rows, columns), mode="bilinear", align_corners=False)
    return total[0, 0]
