"""Places on dry land: mountains, desert, forest, snowy hills, canyon, volcano."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from synthviz.scenes.canvas import Canvas, Color, mix, scale, to_bytes, wave_noise
from synthviz.scenes.palettes import Palette, lit
from synthviz.scenes.plants import draw_cactus, draw_conifer


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
        draw_conifer(canvas, float(x), horizon + 0.015, rng.uniform(0.05, 0.10), lit((0.16, 0.30, 0.26), palette, 0.05))


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
        draw_cactus(canvas, palette, rng.uniform(0.06, 0.94), rng.uniform(0.74, 0.92), rng.uniform(0.09, 0.17))


def paint_forest(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Rows of conifers, taller and darker towards the viewer."""
    base = [(0.16, 0.40, 0.28), (0.20, 0.42, 0.22), (0.14, 0.36, 0.34)][rng.integers(3)]
    canvas.below(horizon - 0.10 + 0.04 * wave_noise(rng, 64, 2.5), lit(base, palette, 0.62))
    for depth, tall, count in ((0.46, 0.20, 22), (0.26, 0.27, 15), (0.04, 0.36, 9)):
        foot = horizon + 0.05 * (1 - depth)
        canvas.below(foot - 0.03 + 0.012 * wave_noise(rng, 64, 3), lit(scale(base, 0.92), palette, depth))
        color = lit(base, palette, depth)
        for x in (np.arange(count) + rng.uniform(-0.35, 0.35, count) + 0.5) / count:
            draw_conifer(canvas, float(x), foot, tall * rng.uniform(0.62, 1.1), scale(color, rng.uniform(0.86, 1.14)))
    canvas.below(np.full(2, horizon + 0.045), lit((0.26, 0.40, 0.22), palette, 0.0))


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
            draw_conifer(
                canvas,
                x,
                foot,
                (0.07 + 0.045 * row) * rng.uniform(0.8, 1.2),
                green,
                mix(color, white, 0.3 * (palette.lamps < 0.5)),
            )


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
