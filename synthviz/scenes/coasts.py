"""Places by the sea: the ocean and the beach."""

from __future__ import annotations

import numpy as np

from synthviz.scenes.canvas import Canvas, Color, mix, scale
from synthviz.scenes.palettes import Palette, lit
from synthviz.scenes.plants import draw_palm

SEAS: tuple[Color, ...] = ((0.10, 0.36, 0.56), (0.08, 0.42, 0.52), (0.12, 0.32, 0.60))


def paint_ocean(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint the open sea in bands that darken towards the viewer, with a few broad wave crests."""
    near = paint_sea(canvas, palette, horizon, 1.0, rng)
    foam = mix(lit((0.86, 0.96, 1.0), palette), palette.sky[2], 0.35)
    for y, count, wide in ((0.62, 3, 0.11), (0.74, 3, 0.15), (0.88, 2, 0.20)):
        start = rng.uniform(0, 1)
        for index in range(count):
            x = (start + (index + rng.uniform(-0.15, 0.15)) / count) % 1.0
            _crest(canvas, x, y + rng.uniform(-0.03, 0.03), wide, mix(near, foam, 0.62))


def paint_sea(canvas: Canvas, palette: Palette, horizon: float, bottom: float, rng: np.random.Generator) -> Color:
    """Paint the sea from the horizon to `bottom` in six bands; return the colour of the nearest band."""
    sea = SEAS[rng.integers(len(SEAS))]
    far = mix(lit((0.34, 0.68, 0.80), palette), mix(palette.sky[1], palette.sky[2], 0.5), 0.55)
    near = mix(lit(sea, palette), palette.sky[0], 0.30)
    xs = np.linspace(0, 1, 65)
    canvas.below(np.full(2, horizon), far, "water")
    for band in range(1, 6):
        t = band / 6
        level = horizon + (bottom - horizon) * t**1.25
        swell = 0.002 + 0.012 * t * (bottom - horizon) / 0.5
        waves = np.sin(2 * np.pi * (xs * (3.4 - 2 * t) + rng.random()))
        canvas.below(level + swell * waves, mix(far, near, t**0.8 * 1.1), "water")
    return near


def _crest(canvas: Canvas, x: float, y: float, wide: float, color: Color) -> None:
    t = np.linspace(-1, 1, 15)
    arch = np.cos(t * np.pi / 2)
    upper = zip(x + wide * t, y - 0.22 * wide * arch, strict=True)
    lower = zip((x + wide * t)[::-1], (y - 0.08 * wide * arch)[::-1], strict=True)
    canvas.polygon([*upper, *lower], color, "water")


def paint_beach(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint the sea with a headland, a curved shore with surf, and palms at the edge of the sand."""
    side = 1 if rng.random() < 0.5 else -1  # side of the palms
    near = paint_sea(canvas, palette, horizon, 0.86, rng)
    _headland(canvas, palette, horizon, side, rng)
    xs = np.linspace(0, 1, 65)
    along = xs if side > 0 else 1 - xs
    shore = 0.82 - rng.uniform(0.07, 0.12) * along**1.6 + 0.008 * np.sin(2 * np.pi * (1.5 * xs + rng.random()))
    sand = lit([(0.98, 0.85, 0.60), (0.96, 0.80, 0.58)][rng.integers(2)], palette)
    foam = mix(lit((0.97, 0.99, 1.0), palette), palette.sky[2], 0.10)
    canvas.below(shore - 0.048, mix(near, foam, 0.40), "water")
    canvas.below(shore - 0.022, foam, "water")
    canvas.below(shore, scale(sand, 0.80))
    canvas.below(shore + 0.028, sand)
    canvas.below(shore + 0.028 + 0.10 + 0.05 * along, scale(sand, 0.94))
    for distance, tall in ((rng.uniform(0.05, 0.09), 0.50), (rng.uniform(0.15, 0.18), 0.38))[: int(rng.integers(1, 3))]:
        x = 1 - distance if side > 0 else distance
        draw_palm(canvas, palette, x, 0.88 if tall > 0.4 else 0.84, tall * rng.uniform(0.93, 1.04), -side, rng)


def _headland(canvas: Canvas, palette: Palette, horizon: float, side: int, rng: np.random.Generator) -> None:
    t = np.linspace(0, 1, 33)
    for reach, tall, depth in ((rng.uniform(0.40, 0.52), 0.10, 0.50), (rng.uniform(0.22, 0.32), 0.065, 0.22)):
        ridge = horizon - tall * np.cos(t * np.pi / 2) ** 0.8 * (1 + 0.16 * np.sin(9 * t + rng.uniform(0, 6)))
        across = t * reach if side > 0 else 1 - t * reach
        edge = 0.0 if side > 0 else 1.0
        foot = horizon + 0.006
        canvas.polygon(
            [(edge, foot), *zip(across, ridge, strict=True), (float(across[-1]), foot)],
            lit((0.22, 0.46, 0.38), palette, depth),
        )
