"""The ten places. Each function paints one, from the horizon towards the viewer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from synthviz.scenes.canvas import Canvas, Color, mix, scale, to_bytes, wave_noise
from synthviz.scenes.palettes import Palette, lit

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
                    box = [column, row, column + step * 0.38, row + step * 0.46]
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


def paint_mountains(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Three ranges of pointed peaks with a lit and a shaded face; the tallest carry snow."""
    base = [(0.42, 0.46, 0.60), (0.50, 0.45, 0.52), (0.38, 0.48, 0.54)][rng.integers(3)]
    side = 1 if rng.random() < 0.5 else -1
    for depth, tallest, count in ((0.58, 0.47, 5), (0.28, 0.40, 4), (0.05, 0.24, 4)):
        peaks = (np.arange(count) + rng.uniform(0.1, 0.9, count)) / count * 1.15 - 0.08
        tops = horizon - tallest * rng.uniform(0.55, 1.05, count)
        for x, top in sorted(zip(peaks, tops, strict=True), key=lambda peak: -peak[1]):
            _peak(canvas, float(x), float(top), horizon, lit(base, palette, depth), palette, depth, side, rng)
    ground = horizon - 0.035 + 0.02 * wave_noise(rng, 64, 3)
    canvas.below(ground, lit((0.24, 0.36, 0.34), palette, 0.05))
    canvas.below(np.maximum(ground + 0.09, horizon + 0.02), lit((0.26, 0.38, 0.28), palette, 0.0))
    for x in rng.uniform(0, 1, int(rng.integers(6, 16))):
        conifer(canvas, float(x), horizon + 0.015, rng.uniform(0.05, 0.10), lit((0.16, 0.30, 0.26), palette, 0.05))


def _peak(
    canvas: Canvas,
    x: float,
    top: float,
    foot: float,
    color: Color,
    palette: Palette,
    depth: float,
    side: int,
    rng: np.random.Generator,
) -> None:
    tall = foot - top
    steps = np.linspace(0, 1, 9)
    half = tall * rng.uniform(0.75, 1.05)
    jag = np.concatenate([[0], rng.uniform(-1, 1, 7), [0]]) * 0.055 * tall
    left = [(x - half * t + j, top + tall * t) for t, j in zip(steps, jag, strict=True)]
    right = [(x + half * t + j, top + tall * t) for t, j in zip(steps, jag[::-1], strict=True)]
    spine = [
        (x + 0.20 * side * tall * t + 1.6 * j, top + tall * t)
        for t, j in zip(steps, rng.permutation(jag) * (steps > 0), strict=True)
    ]
    canvas.polygon([*left, *right[::-1]], scale(color, 1.16))
    dark = right if side < 0 else left
    canvas.polygon([*spine, *dark[::-1]], scale(color, 0.74))
    if tall > 0.17:
        snow = lit((0.97, 0.98, 1.0), palette, depth * 0.85)
        line = rng.uniform(0.26, 0.36)
        keep = int(np.ceil(line * 8)) + 1
        zigzag = [
            (x + half * line * u, top + tall * (line + 0.07 * (-1) ** k))
            for k, u in enumerate(np.linspace(0.9, -0.9, 7))
        ]
        canvas.polygon([(x, top), *right[1 : keep - 1], *zigzag, *left[1 : keep - 1][::-1]], snow)
        middle = [(px, py) for px, py in spine if py < top + tall * line]
        canvas.polygon(
            [
                (x, top),
                *middle[1:],
                (x - side * half * line * 0.45, top + tall * (line + 0.03)),
                *dark[1 : keep - 1][::-1],
            ],
            mix(snow, color, 0.38),
        )


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


def paint_desert(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Dunes with a lit and a shaded side, sometimes with cacti."""
    sand = [(0.95, 0.76, 0.48), (0.92, 0.68, 0.42), (0.96, 0.82, 0.58)][rng.integers(3)]
    for row, depth in enumerate((0.50, 0.30, 0.14, 0.0)):
        color = lit(sand, palette, depth)
        level = horizon + 0.01 + row * (0.86 - horizon) / 3.2
        crest = rng.uniform(0.15, 0.85)
        xs = np.linspace(0, 1, 96)
        tall = (0.05 + 0.035 * row) * rng.uniform(0.8, 1.3)
        heights = level - tall * np.exp(-np.abs(xs - crest) / 0.30) + 0.012 * wave_noise(rng, 96, 2, octaves=2)
        canvas.below(heights, scale(color, 1.04))
        lean = 1 if rng.random() < 0.5 else -1
        inside = (xs - crest) * lean >= 0
        ridge = list(zip(xs[inside], heights[inside], strict=True))
        if lean < 0:
            ridge = ridge[::-1]
        back = [
            (x - lean * 0.10 * t, y + (0.16 + 0.06 * row) * np.sqrt(t))
            for (x, y), t in zip(ridge, np.linspace(0, 1, len(ridge)), strict=True)
        ]
        canvas.polygon([*ridge, *back[::-1]], scale(color, 0.80))
    for _ in range(int(rng.integers(0, 4))):
        _cactus(canvas, palette, rng.uniform(0.06, 0.94), rng.uniform(0.74, 0.92), rng.uniform(0.09, 0.17))


def _cactus(canvas: Canvas, palette: Palette, x: float, y: float, tall: float) -> None:
    green = lit((0.24, 0.44, 0.30), palette)
    thick = tall * 0.19
    for dx, low, high in ((0.0, 0.0, 1.0), (-2.1, 0.45, 0.82), (2.1, 0.36, 0.70)):
        center = x + dx * thick * 0.85
        canvas.rectangle(center - thick / 2, y - high * tall, center + thick / 2, y - low * tall, green)
        canvas.ellipse((center, y - high * tall), (thick / 2, thick / 2), green)
        if dx:
            canvas.rectangle(
                min(x, center - thick / 2), y - low * tall - thick, max(x, center + thick / 2), y - low * tall, green
            )


def paint_forest(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Rows of conifers, taller and darker towards the viewer."""
    base = [(0.16, 0.40, 0.28), (0.20, 0.42, 0.22), (0.14, 0.36, 0.34)][rng.integers(3)]
    canvas.below(horizon - 0.10 + 0.04 * wave_noise(rng, 64, 2.5), lit(base, palette, 0.62))
    for depth, tall, count in ((0.46, 0.20, 22), (0.26, 0.27, 15), (0.04, 0.36, 9)):
        foot = horizon + 0.05 * (1 - depth)
        canvas.below(foot - 0.03 + 0.012 * wave_noise(rng, 64, 3), lit(scale(base, 0.92), palette, depth))
        color = lit(base, palette, depth)
        for x in (np.arange(count) + rng.uniform(-0.35, 0.35, count) + 0.5) / count:
            conifer(canvas, float(x), foot, tall * rng.uniform(0.62, 1.1), scale(color, rng.uniform(0.86, 1.14)))
    canvas.below(np.full(2, horizon + 0.045), lit((0.26, 0.40, 0.22), palette, 0.0))


def conifer(canvas: Canvas, x: float, foot: float, tall: float, color: Color, snow: Color | None = None) -> None:
    """A fir: a trunk and four tiers, the right half in shade; with snow on each tier if a colour is given."""
    canvas.rectangle(x - tall * 0.028, foot - tall * 0.14, x + tall * 0.028, foot, scale(color, 0.55))
    for tier in range(4):
        top = foot - tall * (0.36 + 0.64 * (tier + 1) / 4)
        low = foot - tall * (0.10 + 0.19 * tier)
        half = tall * (0.25 - 0.048 * tier)
        canvas.polygon([(x, top), (x - half, low), (x + half, low)], color)
        canvas.polygon([(x, top), (x + half * 0.15, low), (x + half, low)], scale(color, 0.78))
        if snow is not None:
            canvas.polygon(
                [(x, top), (x - half * 0.62, top + (low - top) * 0.62), (x + half * 0.40, top + (low - top) * 0.44)],
                snow,
            )


def paint_snowy_hills(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Rounded white hills with bluish shadows and firs under snow."""
    white: Color = (0.97, 0.98, 1.02)
    for row, depth in enumerate((0.46, 0.24, 0.08, 0.0)):
        level = horizon - 0.13 + row * (0.22 + 0.3 * (1 - horizon)) / 3
        heights = level + (0.07 - 0.008 * row) * wave_noise(rng, 96, 1.6, octaves=2)
        color = lit(white, palette, depth)
        canvas.below(heights, mix(color, lit((0.66, 0.76, 0.96), palette, depth), 0.16 + 0.10 * row))
        canvas.below(
            heights + 0.03 + 0.02 * wave_noise(rng, 96, 2.2, octaves=1),
            mix(color, lit((0.66, 0.76, 0.96), palette, depth), 0.42),
        )
        canvas.below(
            heights + 0.10 + 0.02 * wave_noise(rng, 96, 1.5, octaves=1),
            mix(color, lit((0.66, 0.76, 0.96), palette, depth), 0.24),
        )
        green = lit((0.16, 0.34, 0.34), palette, depth)
        for _ in range(int(rng.integers(1, 6))):
            x = rng.uniform(0.02, 0.98)
            foot = float(np.interp(x, np.linspace(0, 1, 96), heights)) + 0.02
            conifer(
                canvas,
                x,
                foot,
                (0.07 + 0.045 * row) * rng.uniform(0.8, 1.2),
                green,
                mix(color, white, 0.3 * (palette.lamps < 0.5)),
            )


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
        _palm(
            canvas,
            palette,
            x,
            float(np.interp(x, xs, shore)) + rng.uniform(0.05, 0.14),
            rng.uniform(0.34, 0.48),
            -side,
            rng,
        )


def _palm(
    canvas: Canvas, palette: Palette, x: float, foot: float, tall: float, lean: int, rng: np.random.Generator
) -> None:
    trunk = lit((0.46, 0.33, 0.22), palette)
    green = lit((0.20, 0.46, 0.26), palette)
    bend = lean * tall * rng.uniform(0.18, 0.42)
    stem = [(x + bend * t**2, foot - tall * t) for t in np.linspace(0, 1, 10)]
    for (x0, y0), (x1, y1), thick in zip(stem[:-1], stem[1:], np.linspace(0.022, 0.012, 9), strict=True):
        canvas.polygon([(x0 - thick / 2, y0), (x0 + thick / 2, y0), (x1 + thick / 2, y1), (x1 - thick / 2, y1)], trunk)
    head = stem[-1]
    for angle in np.linspace(-0.25, np.pi + 0.25, 8) + rng.uniform(-0.1, 0.1, 8):
        length = tall * rng.uniform(0.36, 0.48)
        reach = np.linspace(0, 1, 8)
        spine_x = head[0] + length * np.cos(angle) * reach
        spine_y = head[1] - length * np.sin(angle) * 0.62 * reach + length * 0.55 * reach**2
        broad = 0.055 * tall * np.sin(np.pi * np.clip(reach * 0.9 + 0.1, 0, 1)) + 0.002
        upper = list(zip(spine_x, spine_y - broad, strict=True))
        lower = list(zip(spine_x, spine_y + broad, strict=True))[::-1]
        canvas.polygon([*upper, *lower], scale(green, rng.uniform(0.82, 1.18)))


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
                _round_tree(canvas, float(x), foot, size * 1.3, lit((0.22, 0.42, 0.22), palette, depth))
            else:
                _house(
                    canvas, glow, float(x), foot, size * rng.uniform(0.85, 1.15), index == church, palette, depth, rng
                )
    canvas.shine(lights, 0.014, 0.75 * palette.lamps)


def _round_tree(canvas: Canvas, x: float, foot: float, tall: float, color: Color) -> None:
    canvas.rectangle(x - tall * 0.05, foot - tall * 0.5, x + tall * 0.05, foot, scale(color, 0.6))
    canvas.ellipse((x, foot - tall * 0.68), (tall * 0.36, tall * 0.42), color)
    canvas.ellipse((x - tall * 0.08, foot - tall * 0.76), (tall * 0.22, tall * 0.24), scale(color, 1.15))


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
        box = [x + dx * half - size * 0.07, foot - tall * 0.68, x + dx * half + size * 0.10, foot - tall * 0.34]
        canvas.rectangle(*box, color)
        if on:
            glow.rectangle([value * canvas.size for value in box], fill=to_bytes(WINDOW))


def paint_canyon(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Banded red walls to both sides, buttes behind and a dry floor between."""
    rock = [(0.84, 0.46, 0.28), (0.78, 0.42, 0.30), (0.86, 0.54, 0.34)][rng.integers(3)]
    bands = rng.uniform(0.84, 1.14, 16)
    for _ in range(int(rng.integers(2, 4))):
        x, wide = rng.uniform(0.2, 0.8), rng.uniform(0.07, 0.13)
        _butte(canvas, x, horizon - rng.uniform(0.12, 0.24), wide, horizon + 0.03, rock, bands, palette, 0.50, rng)
    canvas.below(horizon - 0.01 + 0.015 * wave_noise(rng, 64, 3), lit(scale(rock, 0.98), palette, 0.36))
    gap = rng.uniform(0.44, 0.58)
    for depth, inner, top, foot in ((0.28, 0.15, 0.26, 0.70), (0.05, 0.30, 0.12, 0.98)):
        for side in (-1, 1):
            edge = gap + side * inner
            outer = -0.3 if side < 0 else 1.3
            _butte(
                canvas,
                (edge + outer) / 2,
                top + rng.uniform(-0.03, 0.06),
                abs(edge - outer) / 2,
                foot,
                rock,
                bands,
                palette,
                depth,
                rng,
            )
    floor = lit(scale(rock, 0.74), palette, 0.0)
    canvas.below(0.93 + 0.02 * wave_noise(rng, 64, 3), floor)


def _butte(
    canvas: Canvas,
    x: float,
    top: float,
    half: float,
    foot: float,
    rock: Color,
    bands: np.ndarray,
    palette: Palette,
    depth: float,
    rng: np.random.Generator,
) -> None:
    edges = np.linspace(top, foot, len(bands) // 2 + 1)
    spread = half + np.cumsum(rng.uniform(0.0, 0.016, len(edges))) + 0.09 * (edges - top)
    left, right = rng.uniform(-0.006, 0.006, (2, len(edges)))
    for level, (upper, lower) in enumerate(pairwise(edges)):
        color = lit(scale(rock, float(bands[level])), palette, depth)
        wide = spread[level]
        jut = rng.uniform(0.004, 0.018, 2)
        canvas.polygon(
            [
                (x - wide + left[level], upper),
                (x + wide + right[level], upper),
                (x + wide + jut[0], (upper + lower) / 2),
                (x + spread[level + 1] + right[level + 1], lower + 0.004),
                (x - spread[level + 1] + left[level + 1], lower + 0.004),
                (x - wide - jut[1], (upper + lower) / 2),
            ],
            color,
        )
        for column in rng.uniform(-wide, wide, 4):
            shift = rng.uniform(-0.006, 0.006)
            canvas.line([(x + column, upper + 0.006), (x + column + shift, lower)], scale(color, 0.90), 0.004)
        canvas.line([(x - wide, upper), (x + wide, upper)], scale(color, 1.12), 0.004)


def paint_volcano(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """A dark cone with a glowing crater, lava running down and smoke above."""
    x = rng.uniform(0.38, 0.62)
    top = horizon - rng.uniform(0.30, 0.38)
    mouth, foot = rng.uniform(0.055, 0.08), rng.uniform(0.40, 0.48)
    rock = [(0.34, 0.27, 0.28), (0.30, 0.28, 0.34)][rng.integers(2)]
    smoke = mix(lit((0.62, 0.56, 0.58), palette), palette.shade, 0.3)
    drift = rng.uniform(-0.35, 0.35)
    for t in np.linspace(0, 1, 16):
        cx = x + drift * t**1.5 + rng.uniform(-0.02, 0.02)
        puff = 0.03 + 0.075 * t
        canvas.ellipse(
            (cx, top - 0.01 - (top - 0.06) * t),
            (puff * 1.1, puff),
            mix(smoke, palette.sky[0], 0.55 * t + rng.uniform(0, 0.1)),
        )
    lights = Image.new("RGB", canvas.picture.size)
    glow = ImageDraw.Draw(lights)
    t = np.linspace(0, 1, 24)
    jag = 0.008 * wave_noise(rng, 24, 8)
    left = [(x - mouth - (foot - mouth) * s**1.5 + j, top + (horizon - top) * s) for s, j in zip(t, jag, strict=True)]
    right = [
        (x + mouth + (foot - mouth) * s**1.5 + j, top + (horizon - top) * s) for s, j in zip(t, jag[::-1], strict=True)
    ]
    body = lit(rock, palette, 0.10)
    canvas.polygon([*left, *right[::-1]], body)
    ridge = [(x + 0.10 * s + 2.5 * j, top + (horizon - top) * s) for s, j in zip(t, jag, strict=True)]
    canvas.polygon([*ridge, *right[::-1]], scale(body, 0.74))
    lava: Color = (1.0, 0.42, 0.08)
    canvas.ellipse((x, top), (mouth, 0.016), lava)
    for start in rng.uniform(-0.7, 0.7, int(rng.integers(2, 5))):
        length = rng.uniform(0.35, 0.95)
        run = [
            (
                x + start * (mouth + (foot - mouth) * 0.55 * s**1.5) + 0.012 * np.sin(9 * s + 5 * start),
                top + (horizon - top) * s,
            )
            for s in np.linspace(0.0, length, 12)
        ]
        canvas.line(run, lava, 0.015)
        canvas.line(run, (1.0, 0.76, 0.26), 0.006)
        glow.line(
            [(px * canvas.size, py * canvas.size) for px, py in run],
            fill=to_bytes(lava),
            width=max(1, canvas.size // 50),
        )
    canvas.below(horizon - 0.02 + 0.02 * wave_noise(rng, 64, 4), lit((0.30, 0.31, 0.27), palette, 0.06))
    canvas.below(horizon + 0.06 + 0.03 * wave_noise(rng, 64, 3), lit((0.22, 0.22, 0.22), palette, 0.0))
    glow.ellipse(
        [(x - mouth) * canvas.size, (top - 0.03) * canvas.size, (x + mouth) * canvas.size, (top + 0.02) * canvas.size],
        fill=to_bytes(lava),
    )
    canvas.shine(lights, 0.028, 0.95)


PAINTERS: dict[str, Callable[[Canvas, Palette, float, np.random.Generator], None]] = {
    "city": paint_city,
    "mountains": paint_mountains,
    "ocean": paint_ocean,
    "desert": paint_desert,
    "forest": paint_forest,
    "snowy hills": paint_snowy_hills,
    "beach": paint_beach,
    "village": paint_village,
    "canyon": paint_canyon,
    "volcano": paint_volcano,
}
