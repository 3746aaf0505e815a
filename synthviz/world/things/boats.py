"""Boats as sprites: a sloop, a boat with one great lateen sail, a fishing boat; and the wake around a hull."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthviz.world.labels import LABELS
from synthviz.world.sky import mix, paint_color
from synthviz.world.sprites import Sprite
from synthviz.world.things.sheet import Point, Sheet, pale, smooth_outline
from synthviz.world.vectors import unit
from synthviz.world.view import View

WATERLINE = 0.86  # y of the water on the sheet
WOOD = (0.12, 0.07, 0.04)
LAMP = (1.0, 0.62, 0.22)
GLASS = (0.05, 0.07, 0.10)
HULL_SHADE = 0.75


def boat(color: Tensor, glow: float, rows: int, rng: np.random.Generator) -> Sprite:
    """Draw a boat with its bow to the right.

    Args:
        color: reflectance of its hull and sails, (3,).
        glow: how strongly its lamps shine, 0 to 1.
        rows: of the sprite.
        rng: chooses its kind.
    """
    kind = rng.choice(["sloop", "lateen", "fishing"])
    if kind == "fishing":
        return _fishing_boat(color, glow, rows)
    return _sloop(color, glow, rows) if kind == "sloop" else _lateen(color, glow, rows)


def _hull(sheet: Sheet, color: Tensor, length: tuple[float, float], deck: float) -> None:
    """Lay a hull with a pale rail and a dark stripe at the water."""
    stern, bow = length
    middle = (stern + bow) / 2
    outline: list[Point] = [(stern, deck - 0.02), (middle, deck + 0.07), (bow, deck - 0.10)]
    outline += [(bow - 0.14, deck + 0.20), (bow - 0.34, 1.0), (stern + 0.12, 1.0), (stern + 0.03, deck + 0.15)]
    mask = sheet.polygon(outline)
    down = ((sheet.y - deck) / (1 - deck)).clamp(0, 1)
    bend = ((sheet.x - middle) / (bow - middle)).clamp(-1, 1)
    normal = unit(torch.stack([bend * 0.7, 0.5 - 0.8 * down, -torch.ones_like(bend)]))
    sheet.lay(mask, color * HULL_SHADE, normal)
    rail = mask * (sheet.y < deck + 0.075 + 0.02 * bend - 0.10 * bend.clamp(min=0) ** 2).float()
    sheet.lay(rail, pale(color, 0.10), normal)
    sheet.lay(mask * (sheet.y > WATERLINE - 0.055).float(), color * 0.25, normal)


def _sail(sheet: Sheet, outline: list[Point], color: Tensor, belly: float) -> None:
    """Lay a sail that the wind fills."""
    mask = sheet.polygon(outline)
    corners = np.asarray(outline)
    left, right = corners[:, 0].min(), corners[:, 0].max()
    bend = ((sheet.x - (left + right) / 2) / (right - left) * 2).clamp(-1, 1)
    normal = unit(torch.stack([bend * belly, 0.15 + 0 * bend, -torch.ones_like(bend)]))
    seams = 0.90 + 0.10 * torch.sign(torch.sin(sheet.y * 24 + bend))
    sheet.lay(mask, color[:, None, None] * seams, normal)


def _lamp(sheet: Sheet, x: float, y: float, glow: float) -> None:
    if glow > 0.3:
        sheet.lay(sheet.ellipse(x, y, 0.05, 0.05), LAMP, emission=torch.tensor(LAMP) * 2.5 * glow)


def _sloop(color: Tensor, glow: float, rows: int) -> Sprite:
    sheet = Sheet(0.86, rows)
    sheet.lay(sheet.polygon([(0.02, -1.0), (0.06, -1.0), (0.08, 0.66), (0.01, 0.66)]), WOOD)
    sheet.lay(sheet.box(-0.62, 0.50, 0.06, 0.535), WOOD)
    leech = [(0.005, -0.94), (-0.20, -0.56), (-0.40, -0.08), (-0.62, 0.47), (0.005, 0.48)]
    _sail(sheet, leech, color, -0.55)
    _sail(
        sheet,
        [(0.10, -0.80), (0.34, -0.28), (0.56, 0.16), (0.78, 0.50), (0.40, 0.46), (0.13, 0.48)],
        pale(color, 0.07),
        0.6,
    )
    _hull(sheet, color, (-0.66, 0.84), 0.64)
    _lamp(sheet, -0.55, 0.56, glow)
    return sheet.sprite()


def _lateen(color: Tensor, glow: float, rows: int) -> Sprite:
    sheet = Sheet(0.98, rows)
    sheet.lay(sheet.polygon([(0.12, -0.62), (0.17, -0.62), (0.18, 0.66), (0.10, 0.66)]), WOOD)
    curve = smooth_outline([(-0.60, -0.93), (-0.10, -0.50), (0.84, 0.44), (0.10, 0.40), (-0.55, 0.42), (-0.66, -0.20)])
    _sail(sheet, [(float(x), float(y)) for x, y in curve], color, -0.5)
    sheet.lay(sheet.polygon([(-0.66, -1.0), (-0.62, -1.0), (0.90, 0.46), (0.86, 0.49)]), WOOD)
    _hull(sheet, color, (-0.84, 0.94), 0.62)
    _lamp(sheet, -0.72, 0.52, glow)
    return sheet.sprite()


def _fishing_boat(color: Tensor, glow: float, rows: int) -> Sprite:
    sheet = Sheet(1.18, rows)
    sheet.lay(sheet.polygon([(0.16, -0.98), (0.21, -0.98), (0.23, 0.40), (0.14, 0.40)]), WOOD)
    sheet.lay(sheet.polygon([(0.20, -0.80), (0.23, -0.76), (0.98, 0.16), (0.94, 0.16)]), WOOD)
    sheet.lay(sheet.polygon([(0.14, -0.95), (-0.22, -0.86), (0.14, -0.74)]), color)
    cabin = [(-0.72, -0.32), (-0.06, -0.32), (0.02, 0.40), (-0.72, 0.40)]
    sheet.lay(sheet.polygon(cabin), pale(color, 0.22), torch.tensor([-0.1, 0.2, -0.97])[:, None, None])
    sheet.lay(sheet.box(-0.82, -0.42, 0.06, -0.29), color * 0.6, torch.tensor([0.0, 0.8, -0.6])[:, None, None])
    for left in (-0.62, -0.32):
        sheet.lay(sheet.box(left, -0.18, left + 0.2, 0.06), GLASS, emission=torch.tensor(LAMP) * 1.4 * glow)
    sheet.lay(sheet.box(-0.66, -0.68, -0.50, -0.42), color * 0.5)
    _hull(sheet, pale(color, 0.0) / HULL_SHADE * 0.95, (-1.04, 1.14), 0.34)
    return sheet.sprite()


@dataclass(frozen=True)
class Wake:
    """The wake of a hull that is seen from the side: foam at its waterline, and two arms that spread behind the bow.

    Attributes:
        right: of the hull's middle, relative to the camera.
        surface: height of the water there.
        away: distance along the view.
        length: of the hull.
        flip: whether the bow points to the left.
        phase: of the pattern of its foam.
    """

    right: float
    surface: float
    away: float
    length: float
    flip: bool
    phase: float

    def draw(self, view: View) -> None:
        """Brighten and darken the water around the hull."""
        half, camera = 0.46 * self.length, view.camera
        left, row = view.project(self.right - 2.6 * half, self.surface, self.away)
        right, _ = view.project(self.right + 2.6 * half, self.surface, self.away)
        window = view.window(left, row - 0.12 * (right - left), right, row + 0.16 * (right - left))
        if view.mirrored or window is None:
            return
        rows, columns = window
        slope = camera.rows(view.size)[rows].clamp(max=-1e-3)[:, None]
        away = (camera.height - self.surface) / -slope
        ahead = (camera.columns(view.size)[columns][None] * away - self.right) / half
        ahead = -ahead if self.flip else ahead  # the bow is at 1, the stern at -1
        aside = (away - self.away).abs() / half
        fine = 1.2 * away.square() * 2 * camera.width / view.size / (camera.height - self.surface) / half  # of a pixel
        behind = (1 - ahead).clamp(min=0)
        started = ((1.04 - ahead) * 9).clamp(0, 1)

        def ridge(place: Tensor | float, wide: float) -> Tensor:
            wider = torch.sqrt(wide**2 + fine**2)
            return torch.exp(-(((aside - place) / wider) ** 2)) * (wide / wider) ** 0.3

        arms = 0.75 * ridge(0.10 + 0.20 * behind, 0.09) * torch.exp(-0.75 * behind)
        along = 0.45 * ridge(0.10, 0.10) * ((ahead + 1.05) * 9).clamp(0, 1)
        churned = 0.6 * ridge(0.0, 0.16) * ((-0.85 - ahead) * 6).clamp(0, 1) * torch.exp(0.9 * (ahead + 1).clamp(max=0))
        threads = torch.sin(13 * ahead + 4 * aside + self.phase) + torch.sin(29 * ahead - 11 * aside + 2 * self.phase)
        foam = torch.maximum(torch.maximum(arms, along), churned) * started * (0.72 + 0.28 * threads)
        water = (view.labels[rows, columns] == LABELS["water"]).float()
        dark = 0.6 * ridge(0.0, 0.22) * _between(ahead, -1.0, 0.98)
        color = view.color[:, rows, columns]
        around = (color * water).sum((1, 2)) / water.sum().clamp(min=1)
        sky = 0.5 * view.light.ambient_low + 0.5 * view.light.ambient_high
        shine = paint_color(mix(around, torch.maximum(sky, 1.5 * around), 0.7))
        view.color[:, rows, columns] = mix(color * (1 - dark * water), shine, foam.clamp(0, 0.8) * water)


def _between(value: Tensor, low: float, high: float) -> Tensor:
    return ((value - low) * 8).clamp(0, 1) * ((high - value) * 8).clamp(0, 1)
