"""Places with buildings: the city and the village."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthviz.scenes.canvas import Canvas, Color, mix, scale
from synthviz.scenes.lands import SUMMIT
from synthviz.scenes.palettes import Palette, lit
from synthviz.scenes.plants import draw_round_tree

WINDOW = (1.0, 0.84, 0.46)


def paint_city(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint two rows of towers with domes, spires and discs; the near row has windows, which are lit in the evening."""
    base = [(0.34, 0.40, 0.60), (0.44, 0.36, 0.58), (0.26, 0.44, 0.56)][rng.integers(3)]
    accent: Color = [(0.30, 0.90, 1.0), (1.0, 0.42, 0.72), (0.98, 0.66, 0.30)][rng.integers(3)]
    crown = rng.uniform(0.3, 0.7)  # x at which the skyline is highest
    tallest = horizon - SUMMIT
    for depth, count, share, wide in ((0.52, 6, 1.0, 0.105), (0.08, 6, 0.90, 0.125)):
        color = lit(base, palette, depth)
        tops = rng.permutation(["spire", "dome", "disc", "taper", "slant", "steps"])
        centers = (np.arange(count) + 0.5 + rng.uniform(-0.14, 0.14, count)) / count
        if depth > 0.5:
            centers += 0.5 / count  # the far towers are visible in the gaps between the near ones
            canvas.rectangle(0, horizon - 0.09, 1, 1.0, color)
        for top, x in zip(tops, centers, strict=True):
            hill = np.exp(-(((x - crown) / 0.34) ** 2))
            tall = tallest * share * (0.66 + 0.34 * hill) * rng.uniform(0.84, 1.0)
            width = wide * rng.uniform(0.85, 1.05)
            tower = Tower(float(x), horizon - tall, width, horizon, scale(color, rng.uniform(0.92, 1.08)), str(top))
            _draw_tower(canvas, tower, mix(tower.color, accent, 0.75 if depth < 0.5 else 0.25))
            if depth < 0.5:
                _windows(canvas, tower, palette, int(rng.integers(3)))
    canvas.rectangle(0, horizon - 0.012, 1, 1.0, lit(scale(base, 0.50), palette, 0.05))


@dataclass(frozen=True)
class Tower:
    """A tower: x of its middle, y of its tip, its width, y of its foot, its colour and the kind of its top."""

    x: float
    tip: float
    wide: float
    foot: float
    color: Color
    top: str

    @property
    def roof(self) -> float:
        """The y at which the shaft ends and the top begins."""
        share = {"spire": 1.05, "dome": 0.50, "disc": 0.80, "taper": 0.0, "slant": 0.42, "steps": 0.56}[self.top]
        return min(self.tip + share * self.wide, self.foot - 0.05)


def _draw_tower(canvas: Canvas, tower: Tower, accent: Color) -> None:
    x, tip, roof, half, color = tower.x, tower.tip, tower.roof, tower.wide / 2, tower.color
    dark = scale(color, 0.76)
    fold = x + 0.36 * half
    if tower.top == "taper":
        canvas.polygon(
            [(x - half, tower.foot), (x - 0.45 * half, tip), (x + 0.45 * half, tip), (x + half, tower.foot)], color
        )
        canvas.polygon(
            [(fold, tower.foot), (x + 0.16 * half, tip), (x + 0.45 * half, tip), (x + half, tower.foot)], dark
        )
        canvas.rectangle(x - 0.45 * half, tip, x + 0.45 * half, tip + 0.014, accent)
        return
    if tower.top == "spire":
        canvas.polygon([(x - 0.7 * half, roof), (x, tip), (x + 0.7 * half, roof)], color)
        canvas.polygon([(x + 0.25 * half, roof), (x, tip), (x + 0.7 * half, roof)], dark)
    elif tower.top == "dome":
        canvas.ellipse((x, roof), (half, roof - tip), color)
    elif tower.top == "disc":
        canvas.rectangle(x - 0.14 * half, tip, x + 0.14 * half, roof, dark)
        canvas.ellipse((x, tip + 0.55 * (roof - tip)), (1.15 * half, 0.30 * half), color)
        canvas.ellipse((x, tip + 0.60 * (roof - tip)), (0.85 * half, 0.14 * half), accent)
    elif tower.top == "slant":
        canvas.polygon([(x - half, roof), (x + half, tip), (x + half, roof)], color)
        canvas.polygon([(fold, roof), (fold, tip + 0.32 * (roof - tip)), (x + half, tip), (x + half, roof)], dark)
    else:
        for share, level in ((0.30, 0.0), (0.62, 0.5)):
            canvas.rectangle(x - share * half, tip + level * (roof - tip), x + share * half, roof, color)
            canvas.rectangle(x + 0.1 * half, tip + level * (roof - tip), x + share * half, roof, dark)
    canvas.rectangle(x - half, roof, x + half, tower.foot, color)
    canvas.rectangle(fold, roof, x + half, tower.foot, dark)
    if tower.top in ("dome", "spire", "steps"):
        canvas.rectangle(x - half, roof - 0.006, x + half, roof + 0.008, accent)


def _windows(canvas: Canvas, tower: Tower, palette: Palette, phase: int) -> None:
    # Every third window differs, in a regular pattern: no caption could explain random windows to the model.
    off = mix(tower.color, palette.sky[2], 0.30) if palette.lamps < 0.5 else scale(tower.color, 0.70)
    on = mix(off, WINDOW, 0.55 + 0.45 * palette.lamps)
    taper = tower.top == "taper"
    columns = (-0.44, 0.0) if taper else (-0.66, -0.14)
    for row, y in enumerate(np.arange(tower.roof + (0.075 if taper else 0.026), tower.foot - 0.04, 0.043)):
        for column, share in enumerate(columns):
            third = (row + 2 * column + phase) % 3 == 0
            bright = palette.lamps > 0 and third != (palette.lamps >= 0.5)
            left = tower.x + share * tower.wide / 2
            canvas.rectangle(left, y, left + 0.020, y + 0.024, on if bright else off)


def paint_village(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint green hills with gabled houses, round trees and a church; windows are lit in the evening."""
    grass = [(0.46, 0.66, 0.32), (0.54, 0.66, 0.34), (0.38, 0.60, 0.38)][rng.integers(3)]
    roof = [(0.80, 0.30, 0.22), (0.86, 0.44, 0.22), (0.62, 0.26, 0.30)][rng.integers(3)]
    xs = np.linspace(0, 1, 65)
    for depth, level, swing in ((0.55, 0.15, 0.035), (0.28, 0.08, 0.025)):
        hills = horizon - level - swing * np.sin(2 * np.pi * (xs * rng.uniform(0.9, 1.4) + rng.random()))
        canvas.below(hills, lit(grass, palette, depth))
    church = int(rng.integers(1, 4))
    slots = (np.arange(5) + 0.5 + rng.uniform(-0.10, 0.10, 5)) / 5
    for x in slots[:-1] + 0.1 + rng.uniform(-0.02, 0.02, 4):
        draw_round_tree(canvas, float(x), horizon, rng.uniform(0.12, 0.16), lit((0.24, 0.48, 0.28), palette, 0.18))
    canvas.below(np.full(2, horizon - 0.012), lit(scale(grass, 0.94), palette, 0.05))
    for index, x in enumerate(slots):
        foot = horizon + rng.uniform(0.012, 0.045)
        size = rng.uniform(0.145, 0.168)
        if index == church:
            _church(canvas, float(x), foot, size, roof, palette)
        else:
            _house(canvas, float(x), foot, size, scale(roof, rng.uniform(0.88, 1.1)), palette)


def _house(canvas: Canvas, x: float, foot: float, size: float, roof: Color, palette: Palette) -> None:
    """Paint a house of width `size`: the gable on the left, a long wall under the roof on the right."""
    wall, tiles = lit((0.97, 0.91, 0.79), palette), lit(roof, palette)
    left, fold, right = x - 0.5 * size, x, x + 0.5 * size
    eaves, ridge = foot - 0.46 * size, foot - 0.98 * size
    canvas.rectangle(fold, eaves, right, foot, scale(wall, 0.78))
    canvas.polygon([(left, foot), (left, eaves), ((left + fold) / 2, ridge), (fold, eaves), (fold, foot)], wall)
    peak = (left + fold) / 2
    over = 0.05 * size
    canvas.polygon(
        [(peak, ridge - over), (right - 0.12 * size, ridge - over), (right + over, eaves + over), (fold, eaves + over)],
        tiles,
    )
    canvas.polygon(
        [(peak, ridge - over), (left - over, eaves + over), (left - over, eaves - over), (peak, ridge - 2.4 * over)],
        scale(tiles, 0.80),
    )
    glass = _glass(wall, palette)
    canvas.rectangle(peak - 0.09 * size, eaves - 0.06 * size, peak + 0.09 * size, eaves + 0.18 * size, glass)
    canvas.rectangle(fold + 0.16 * size, eaves + 0.14 * size, fold + 0.34 * size, foot - 0.10 * size, glass)


def _church(canvas: Canvas, x: float, foot: float, size: float, roof: Color, palette: Palette) -> None:
    """Paint a nave like a house, and in front of it a steeple, the highest point of the village."""
    wall, tiles = lit((0.97, 0.93, 0.86), palette), lit(roof, palette)
    _house(canvas, x + 0.07 * size, foot, 1.1 * size, roof, palette)
    half, middle = 0.21 * size, x - 0.30 * size
    top, tip = foot - 1.22 * size, max(SUMMIT, foot - 2.05 * size)
    canvas.rectangle(middle - half, top, middle + half, foot, wall)
    canvas.rectangle(middle + 0.3 * half, top, middle + half, foot, scale(wall, 0.78))
    canvas.polygon([(middle - 1.3 * half, top), (middle, tip), (middle + 1.3 * half, top)], tiles)
    canvas.polygon([(middle + 0.3 * half, top), (middle, tip), (middle + 1.3 * half, top)], scale(tiles, 0.76))
    canvas.rectangle(
        middle - 0.45 * half, top + 0.16 * size, middle + 0.35 * half, top + 0.40 * size, _glass(wall, palette)
    )


def _glass(wall: Color, palette: Palette) -> Color:
    """Return the colour of a window in this wall."""
    return mix(wall, WINDOW, 0.5 + 0.5 * palette.lamps) if palette.lamps > 0.2 else scale(wall, 0.42)
