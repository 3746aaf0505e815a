"""Single coloured towers as sprites: with a pointed roof, with battlements, or a lighthouse."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from synthviz.world.noise import smoothstep
from synthviz.world.sprites import Sprite
from synthviz.world.things.sheet import Sheet, pale
from synthviz.world.vectors import unit

ROCK = (0.21, 0.18, 0.15)
DOOR = (0.07, 0.04, 0.025)
WINDOW = (0.03, 0.03, 0.04)
LAMP = (1.0, 0.66, 0.26)
FOOT = 0.33  # half the width of the shaft at its foot


def tower(color: Tensor, glow: float, rows: int, rng: np.random.Generator) -> Sprite:
    """Draw a tower.

    Args:
        color: reflectance of its walls, (3,).
        glow: how brightly its windows are lit, 0 to 1.
        rows: of the sprite.
        rng: chooses its kind.
    """
    kind = rng.choice(["roof", "battlements", "lighthouse"])
    sheet = Sheet(0.42, rows)
    neck, top = {"roof": (0.27, -0.42), "battlements": (0.29, -0.62), "lighthouse": (0.21, -0.50)}[kind]
    _shaft(sheet, color, neck, top)
    if kind == "lighthouse":
        _bands(sheet, color)
    _windows(sheet, color, glow, top)
    _foot(sheet, rng)
    {"roof": _roof, "battlements": _battlements, "lighthouse": _lantern_room}[str(kind)](sheet, color, glow, top)
    return sheet.sprite()


def _round(sheet: Sheet, half: Tensor | float, up: float = 0.05) -> Tensor:
    """Return the normals of an upright cylinder or cone."""
    across = (sheet.x / half).clamp(-0.97, 0.97)
    normal = torch.stack([across, torch.full_like(across, up), -torch.sqrt(1 - across**2)])
    return unit(normal)


def _shaft(sheet: Sheet, color: Tensor, neck: float, top: float) -> None:
    down = ((sheet.y - top) / (1 - top)).clamp(0, 1)
    half = neck + (FOOT - neck) * down**1.3
    mask = sheet.inside(torch.maximum(sheet.x.abs() - half, top - sheet.y))
    across = torch.asin((sheet.x / half).clamp(-1, 1))
    course = (sheet.y * 14).floor()
    stone = torch.frac(across * 2.2 + 0.5 * (course % 2) + 10)
    tone = 0.90 + 0.10 * torch.sin(course * 2.4 + (across * 2.2 + 0.5 * (course % 2)).floor() * 5.1)
    joint = ((torch.frac(sheet.y * 14 + 20) < 0.14) | (stone < 0.08)).float()
    eaves = smoothstep(top + 0.16, top + 0.02, sheet.y)  # what is above casts a shadow
    soiled = smoothstep(0.45, 1.0, sheet.y)
    sheet.lay(
        mask, color[:, None, None] * tone * (1 - 0.22 * joint) * (1 - 0.45 * eaves - 0.22 * soiled), _round(sheet, half)
    )


def _bands(sheet: Sheet, color: Tensor) -> None:
    for low in (-0.12, 0.42):
        band = sheet.box(-0.4, low, 0.4, low + 0.2) * (sheet.x.abs() < 0.245 + 0.06 * (low + 0.3)).float()
        sheet.lay(band * 0.5, color * 0.55, _round(sheet, 0.33))


def _foot(sheet: Sheet, rng: np.random.Generator) -> None:
    """Lay a door, and boulders around the foot, the farther ones first."""
    arch = torch.maximum(sheet.box(-0.10, 0.74, 0.10, 0.98), sheet.ellipse(0.0, 0.74, 0.10, 0.09))
    sheet.lay(arch, DOOR)
    for side in (-1, 1):
        for _ in range(4):
            x, wide = side * rng.uniform(0.14, 0.36), rng.uniform(0.05, 0.10)
            high = wide * rng.uniform(0.5, 0.8)
            stone = sheet.ellipse(x, 1.0 - 0.5 * high, min(wide, 0.415 - abs(x) + 0.02), high)
            normal = torch.stack([(sheet.x - x) / wide, (1.0 - 0.5 * high - sheet.y) / high + 0.3, 0 * sheet.x - 0.8])
            sheet.lay(stone, torch.tensor(ROCK) * float(rng.uniform(0.7, 1.3)), unit(normal))


def _windows(sheet: Sheet, color: Tensor, glow: float, top: float) -> None:
    for index, share in enumerate((0.17, 0.42, 0.62)):
        y, x = top + (1 - top) * share + 0.05, (0.0, -0.09, 0.08)[index]
        arch = torch.maximum(sheet.box(x - 0.06, y - 0.06, x + 0.06, y + 0.10), sheet.ellipse(x, y - 0.06, 0.06, 0.07))
        sheet.lay(sheet.box(x - 0.075, y + 0.10, x + 0.075, y + 0.125), pale(color, 0.3))  # a sill
        sheet.lay(arch, WINDOW, emission=torch.tensor(LAMP) * 1.5 * glow)


def _roof(sheet: Sheet, color: Tensor, glow: float, top: float) -> None:
    sheet.lay(sheet.box(-0.32, top - 0.02, 0.32, top + 0.06), pale(color, 0.25) * 0.9, _round(sheet, 0.34))
    half = 0.40 * ((sheet.y + 1) / (top + 1)).clamp(0.02, 1)
    rows = torch.frac((sheet.y - top) * 17 + 20)
    row = ((sheet.y - top) * 17).floor()
    tiles = torch.frac(torch.asin((sheet.x / half).clamp(-1, 1)) * 3.4 + 0.5 * (row % 2) + 10)
    tone = (0.80 + 0.28 * rows) * (1 - 0.25 * (tiles < 0.12).float())
    cone = sheet.polygon([(-0.40, top), (0.0, -1.0), (0.40, top)])
    sheet.lay(cone, (color * 0.42)[:, None, None] * tone, _round(sheet, half, 0.5))


def _battlements(sheet: Sheet, color: Tensor, glow: float, top: float) -> None:
    sheet.lay(sheet.box(-0.39, top - 0.14, 0.39, top + 0.07), color, _round(sheet, 0.41))
    sheet.lay(sheet.box(-0.39, top + 0.04, 0.39, top + 0.08), color * 0.5, _round(sheet, 0.41))
    for middle in (-0.32, -0.107, 0.107, 0.32):
        sheet.lay(sheet.box(middle - 0.072, -0.98, middle + 0.072, top - 0.13), color * 0.94, _round(sheet, 0.41))


def _lantern_room(sheet: Sheet, color: Tensor, glow: float, top: float) -> None:
    lamp = torch.tensor(LAMP)
    sheet.lay(
        sheet.box(-0.17, top - 0.24, 0.17, top), pale(lamp, 0.3) * 0.6, _round(sheet, 0.18), lamp * (0.25 + 2.2 * glow)
    )
    for x in (-0.15, 0.0, 0.15):
        sheet.lay(sheet.box(x - 0.018, top - 0.24, x + 0.018, top), WINDOW)
    sheet.lay(sheet.box(-0.30, top - 0.04, 0.30, top + 0.05), color * 0.5, _round(sheet, 0.31))
    dome = sheet.polygon(
        [(-0.24, top - 0.23), (-0.15, top - 0.36), (0.0, -1.0), (0.15, top - 0.36), (0.24, top - 0.23)]
    )
    sheet.lay(dome, color * 0.8, _round(sheet, 0.25, 0.5))
