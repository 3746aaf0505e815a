"""Places that people built: the city and the village."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from synthviz.scenes.canvas import Canvas, Color, mix, scale, to_bytes, wave_noise
from synthviz.scenes.palettes import Palette, lit
from synthviz.scenes.plants import draw_round_tree

WINDOW = (1.0, 0.84, 0.46)


def paint_city(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Three rows of towers, domes and spires, nearer ones darker, with lit windows."""
    lights = Image.new("RGB", canvas.picture.size)
    glow = ImageDraw.Draw(lights)
    accent: Color = [(0.30, 0.90, 1.0), (1.0, 0.42, 0.78), (0.55, 0.72, 1.0)][rng.integers(3)]
    base = [(0.34, 0.40, 0.58), (0.42, 0.36, 0.54), (0.30, 0.44, 0.54)][rng.integers(3)]
    crown = rng.uniform(0.3, 0.7)  # where the skyline is highest
    for depth, tallest, width in ((0.62, 0.42, 0.060), (0.34, 0.38, 0.078), (0.05, 0.27, 0.095)):
        x = rng.uniform(-0.06, 0.0)
        color = lit(scale(base, 1.0 - 0.28 * (1 - depth)), palette, depth)
        while x < 1.02:
            wide = width * rng.uniform(0.55, 1.35)
            hill = np.exp(-(((x + wide / 2 - crown) / 0.34) ** 2))
            tall = tallest * (0.30 + 0.70 * hill) * rng.uniform(0.55, 1.15)
            shade = scale(color, rng.uniform(0.88, 1.12))
            _tower(canvas, glow, x, horizon - tall, wide, horizon, shade, accent, palette, depth, rng)
            x += wide * rng.uniform(0.82, 1.30)
    canvas.rectangle(0, horizon - 0.012, 1, 1.0, lit(scale(base, 0.45), palette, 0.05))
    canvas.shine(lights, 0.012, 0.55 * palette.lamps + 0.12)


def _tower(
    canvas: Canvas,
    glow: ImageDraw.ImageDraw,
    x: float,
    top: float,
    wide: float,
    ground: float,
    color: Color,
    accent: Color,
    palette: Palette,
    depth: float,
    rng: np.random.Generator,
) -> None:
    kind = rng.choice(["box", "box", "spire", "dome", "taper", "disc"])
    middle = x + wide / 2
    if kind == "taper":
        canvas.polygon([(x, ground), (x + wide * 0.30, top), (x + wide * 0.70, top), (x + wide, ground)], color)
    else:
        canvas.rectangle(x, top, x + wide, ground, color)
        # A lit flank gives the tower a body.
        canvas.rectangle(x + wide * 0.72, top, x + wide, ground, scale(color, 0.84))
    if kind == "spire":
        canvas.polygon([(x + wide * 0.1, top), (middle, top - wide * 1.5), (x + wide * 0.9, top)], color)
        canvas.line([(middle, top - wide * 1.3), (middle, top - wide * 2.1)], color, 0.005)
    elif kind == "dome":
        canvas.ellipse((middle, top), (wide / 2, wide * 0.55), color)
    elif kind == "disc":
        canvas.line([(middle, top), (middle, top - wide * 1.1)], color, 0.009)
        canvas.ellipse((middle, top - wide * 0.65), (wide * 0.72, wide * 0.17), scale(color, 1.06))
        if depth < 0.5:
            canvas.ellipse((middle, top - wide * 0.62), (wide * 0.55, wide * 0.05), mix(color, accent, 0.8))
    if depth > 0.5:
        return
    if palette.lamps > 0:
        step = 0.0165 if depth > 0.2 else 0.021
        inset = wide * (0.34 if kind == "taper" else 0.14)
        warm = mix(WINDOW, accent, 0.5 * float(rng.random() < 0.25))
        for row in np.arange(top + step, ground - step, step):
            for column in np.arange(x + inset, x + wide - inset - 0.004, step * 0.85):
                if rng.random() < palette.lamps * 0.62:
                    box = (column, row, column + step * 0.38, row + step * 0.46)
                    canvas.rectangle(*box, mix(color, warm, 0.55 + 0.45 * palette.lamps))
                    glow.rectangle([value * canvas.size for value in box], fill=to_bytes(warm))
    else:
        for row in np.arange(top + 0.02, ground - 0.01, 0.026):
            inset = wide * (0.34 if kind == "taper" else 0.12)
            canvas.line([(x + inset, row), (x + wide - inset, row)], scale(color, 1.22), 0.004)
    if rng.random() < 0.30:
        bright = mix(color, accent, 0.35 + 0.6 * palette.lamps)
        canvas.line([(middle, top + 0.01), (middle, ground)], bright, 0.005)
        glow.line(
            [(middle * canvas.size, top * canvas.size), (middle * canvas.size, ground * canvas.size)],
            fill=to_bytes(accent),
        )


def paint_village(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Green hills with gabled houses and a church, windows lit as evening falls."""
    lights = Image.new("RGB", canvas.picture.size)
    glow = ImageDraw.Draw(lights)
    grass = [(0.42, 0.60, 0.30), (0.50, 0.60, 0.32), (0.36, 0.56, 0.36)][rng.integers(3)]
    canvas.below(horizon - 0.12 + 0.06 * wave_noise(rng, 96, 1.8, octaves=3), lit(grass, palette, 0.55))
    for row, depth in enumerate((0.30, 0.12, 0.0)):
        level = horizon - 0.05 + 0.028 * row
        heights = level + 0.03 * wave_noise(rng, 96, 1.6, octaves=2)
        canvas.below(heights, lit(scale(grass, 1.0 - 0.08 * row), palette, depth))
        size = 0.065 + 0.024 * row
        church = int(rng.integers(4)) if row == 1 else -1
        for index, x in enumerate((np.arange(5) + rng.uniform(0.15, 0.85, 5)) / 5):
            foot = float(np.interp(x, np.linspace(0, 1, 96), heights)) + 0.02
            if rng.random() < 0.25:
                draw_round_tree(canvas, float(x), foot, size * 1.3, lit((0.22, 0.42, 0.22), palette, depth))
            else:
                _house(
                    canvas, glow, float(x), foot, size * rng.uniform(0.85, 1.15), index == church, palette, depth, rng
                )
    canvas.shine(lights, 0.014, 0.75 * palette.lamps)


def _house(
    canvas: Canvas,
    glow: ImageDraw.ImageDraw,
    x: float,
    foot: float,
    size: float,
    church: bool,
    palette: Palette,
    depth: float,
    rng: np.random.Generator,
) -> None:
    walls = [(0.96, 0.91, 0.80), (0.88, 0.78, 0.64), (0.92, 0.88, 0.88)]
    roofs = [(0.72, 0.28, 0.20), (0.60, 0.32, 0.24), (0.48, 0.30, 0.30)]
    wall, roof = lit(walls[rng.integers(3)], palette, depth), lit(roofs[rng.integers(3)], palette, depth)
    half, tall = size * 0.62, size * 0.72
    if church:
        canvas.rectangle(x - half - size * 0.42, foot - tall * 2.0, x - half, foot, wall)
        canvas.polygon(
            [
                (x - half - size * 0.5, foot - tall * 2.0),
                (x - half - size * 0.21, foot - tall * 3.5),
                (x - half + size * 0.08, foot - tall * 2.0),
            ],
            roof,
        )
    canvas.rectangle(x - half, foot - tall, x + half, foot, wall)
    canvas.rectangle(x + half * 0.35, foot - tall, x + half, foot, scale(wall, 0.84))
    canvas.polygon(
        [
            (x - half * 1.2, foot - tall),
            (x - half * 0.35, foot - tall * 1.75),
            (x + half * 0.75, foot - tall * 1.75),
            (x + half * 1.2, foot - tall),
        ],
        roof,
    )
    canvas.polygon(
        [(x + half * 0.30, foot - tall), (x + half * 0.75, foot - tall * 1.75), (x + half * 1.2, foot - tall)],
        scale(roof, 0.78),
    )
    for dx in (-0.62, -0.12, 0.55):
        on = palette.lamps > 0 and rng.random() < 0.35 + 0.7 * palette.lamps
        color = mix(wall, WINDOW, 0.5 + 0.5 * palette.lamps) if on else scale(wall, 0.5)
        box = (x + dx * half - size * 0.07, foot - tall * 0.68, x + dx * half + size * 0.10, foot - tall * 0.34)
        canvas.rectangle(*box, color)
        if on:
            glow.rectangle([value * canvas.size for value in box], fill=to_bytes(WINDOW))
