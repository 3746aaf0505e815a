"""Places by the sea: the ocean and the beach."""

from __future__ import annotations

import numpy as np

from synthviz.scenes.canvas import Canvas, mix, scale, wave_noise
from synthviz.scenes.palettes import Palette, lit
from synthviz.scenes.plants import draw_palm


def paint_ocean(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Open sea with rows of waves, sometimes with a sailing boat or an island."""
    paint_sea(canvas, palette, horizon, rng)
    if rng.random() < 0.35:
        x, wide = rng.uniform(0.1, 0.9), rng.uniform(0.10, 0.2)
        bumps = horizon - 0.045 * np.sin(np.linspace(0, np.pi, 24)) * (1 + 0.4 * wave_noise(rng, 24, 4))
        canvas.polygon(
            list(zip(np.linspace(x - wide, x + wide, 24), bumps, strict=True)), lit((0.26, 0.32, 0.36), palette, 0.35)
        )
    if rng.random() < 0.6:
        _boat(
            canvas, palette, rng.uniform(0.15, 0.85), horizon + rng.uniform(0.05, 0.16), rng.uniform(0.055, 0.085), rng
        )


def _boat(canvas: Canvas, palette: Palette, x: float, y: float, size: float, rng: np.random.Generator) -> None:
    sail = lit([(0.98, 0.96, 0.92), (0.92, 0.36, 0.30), (0.98, 0.84, 0.52)][rng.integers(3)], palette)
    hull = lit((0.36, 0.22, 0.18), palette)
    canvas.polygon(
        [(x - 0.05 * size, y - 0.25 * size), (x - 0.05 * size, y - 1.7 * size), (x + 0.85 * size, y - 0.25 * size)],
        sail,
    )
    canvas.polygon(
        [(x - 0.14 * size, y - 0.3 * size), (x - 0.14 * size, y - 1.3 * size), (x - 0.72 * size, y - 0.3 * size)],
        scale(sail, 0.86),
    )
    canvas.polygon(
        [
            (x - size, y - 0.18 * size),
            (x + size, y - 0.18 * size),
            (x + 0.65 * size, y + 0.25 * size),
            (x - 0.7 * size, y + 0.25 * size),
        ],
        hull,
    )


def paint_sea(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Fill everything under the horizon with sea: darker towards the viewer, with wave crests."""
    far = mix(lit((0.30, 0.60, 0.74), palette), palette.sky[2], 0.42)
    near = lit((0.10, 0.34, 0.52), palette)
    rows = np.clip((canvas.y - horizon) / (1 - horizon), 0, 1)
    color = (
        np.asarray(far, np.float32)
        + (np.asarray(near, np.float32) - np.asarray(far, np.float32)) * rows[..., None] ** 0.7
    )
    canvas.blend((canvas.y >= horizon).astype(np.float32), color, "water")
    crest = mix(lit((0.80, 0.92, 0.96), palette), palette.sky[2], 0.45)
    y = horizon + 0.012
    while y < 1.0:
        near_by = (y - horizon) / (1 - horizon)
        for _ in range(int(rng.integers(3, 6))):
            x, wide = rng.uniform(-0.1, 1), rng.uniform(0.05, 0.12) * (0.5 + 1.2 * near_by)
            thick = 0.003 + 0.011 * near_by
            arc = [(x + wide * t, y - thick * np.sin(np.pi * t)) for t in np.linspace(0, 1, 9)]
            base = [(x + wide * t, y - 0.25 * thick * np.sin(np.pi * t)) for t in np.linspace(1, 0, 9)]
            canvas.polygon([*arc, *base], mix(crest, near, 0.30 + 0.45 * rng.random()), "water")
        y += 0.016 + 0.045 * near_by


def paint_beach(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Sand, surf and sea, with palms leaning over."""
    paint_sea(canvas, palette, horizon, rng)
    side = 1 if rng.random() < 0.5 else -1
    xs = np.linspace(0, 1, 96)
    along = xs if side > 0 else 1 - xs
    shore = 0.90 - (0.27 + 0.06 * rng.random()) * along**1.25 + 0.018 * wave_noise(rng, 96, 2.5, octaves=2)
    shore = np.maximum(shore, horizon + 0.05)
    sand = lit([(0.97, 0.86, 0.64), (0.95, 0.80, 0.60)][rng.integers(2)], palette)
    foam = lit((0.98, 0.99, 1.0), palette)
    canvas.below(shore - 0.035, mix(foam, palette.sky[2], 0.12), "water")
    canvas.below(shore - 0.012, mix(sand, lit((0.40, 0.52, 0.56), palette), 0.42))
    canvas.below(shore + 0.022, sand)
    canvas.below(shore + 0.12 + 0.02 * wave_noise(rng, 96, 2), scale(sand, 0.93))
    for _ in range(int(rng.integers(1, 4))):
        x = rng.uniform(0.66, 0.93) if side > 0 else rng.uniform(0.07, 0.34)
        draw_palm(
            canvas,
            palette,
            x,
            float(np.interp(x, xs, shore)) + rng.uniform(0.05, 0.14),
            rng.uniform(0.34, 0.48),
            -side,
            rng,
        )
