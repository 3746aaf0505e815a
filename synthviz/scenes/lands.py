"""Places on dry land: mountains, desert, forest, snowy hills, canyon, volcano."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from synthviz.scenes.canvas import Canvas, Color, Point, mix, scale
from synthviz.scenes.palettes import Palette, lit
from synthviz.scenes.plants import draw_cactus, draw_conifer

SUMMIT = 0.285  # no place reaches above this y; the sky there is kept free for the sun and for flying things
XS = np.linspace(0, 1, 65)


def _swell(rng: np.random.Generator, waves: float) -> np.ndarray:
    """Draw a gentle random curve over `XS`, with values in [-1, 1]."""
    first, second = rng.uniform(0, 2 * np.pi, 2)
    curve: np.ndarray = 0.75 * np.sin(2 * np.pi * waves * XS + first) + 0.25 * np.sin(4.6 * np.pi * waves * XS + second)
    return curve


def paint_mountains(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint two ranges of snow-capped peaks over green foothills; each peak has a lit and a shaded face."""
    base = [(0.42, 0.48, 0.66), (0.52, 0.46, 0.58), (0.36, 0.50, 0.58)][rng.integers(3)]
    tallest = horizon - SUMMIT
    shift = rng.uniform(-0.12, 0.12)
    for depth, count, low, high in ((0.56, 4, 0.74, 0.96), (0.14, 3, 0.66, 1.0)):
        color = lit(base, palette, depth)
        snow = mix(lit((0.98, 0.99, 1.0), palette, 0.75 * depth), (1.0, 1.0, 1.0), 0.15)
        middles = (np.arange(count) + 0.5 + rng.uniform(-0.16, 0.16, count)) / count + shift
        talls = tallest * rng.uniform(low, high, count)
        if depth < 0.5:
            talls[rng.integers(count)] = tallest  # one peak is higher than the others
        for tall, x in sorted(zip(talls, middles, strict=True)):
            _peak(canvas, float(x), horizon - float(tall), horizon, rng.uniform(0.80, 0.95), color, snow)
        shift = -shift
    hills = lit((0.28, 0.46, 0.38), palette, 0.16)
    canvas.below(horizon - 0.050 + 0.022 * _swell(rng, 1.3), hills)
    canvas.below(horizon - 0.004 + 0.012 * _swell(rng, 1.0), scale(hills, 0.84))


def _peak(canvas: Canvas, x: float, top: float, foot: float, slope: float, color: Color, snow: Color) -> None:
    """Paint a peak whose right face lies in shade; `slope` is half its width divided by its height."""
    tall = foot - top
    half = slope * tall

    def at(across: float, down: float) -> Point:
        """Return a point: `down` is 0 at the top and 1 at the foot; `across` is -1 at the left edge, 1 at the right."""
        return x + across * half * down, top + tall * down

    ridge = [at(0.0, 0.0), at(0.20, 0.34), at(-0.04, 0.60), at(0.22, 1.0)]
    canvas.polygon([at(0, 0), at(-1, 1), at(1, 1)], scale(color, 1.14))
    canvas.polygon([*ridge, at(1, 1)], scale(color, 0.76))
    cap = [at(1, 0.36), at(0.62, 0.27), at(0.38, 0.43), ridge[1], at(-0.20, 0.45), at(-0.50, 0.29), at(-1, 0.39)]
    canvas.polygon([at(0, 0), *cap], snow)
    canvas.polygon([at(0, 0), *cap[:4]], mix(snow, color, 0.42))


def paint_desert(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint broad dunes with a lit and a shaded side, and often with cacti."""
    sand = [(0.92, 0.68, 0.38), (0.90, 0.60, 0.36), (0.92, 0.74, 0.46)][rng.integers(3)]
    side = 1 if rng.random() < 0.5 else -1
    crest = 0.5 - side * rng.uniform(0.08, 0.22)
    dunes = (
        (0.46, crest, rng.uniform(0.17, 0.21), 0.62),
        (0.26, crest + side * rng.uniform(0.34, 0.46), rng.uniform(0.10, 0.13), 0.56),
        (0.10, crest - side * rng.uniform(0.22, 0.36), rng.uniform(0.045, 0.07), 0.60),
    )
    for depth, x, tall, half in dunes:
        _dune(canvas, x, horizon - tall, horizon + 0.07, half, side, lit(sand, palette, depth))
    near = lit(sand, palette, 0.02)
    canvas.below(horizon + 0.030 + 0.018 * _swell(rng, 0.8), near)
    canvas.below(horizon + 0.150 + 0.020 * _swell(rng, 0.8), scale(near, 0.92))
    count = int(rng.choice(3, p=[0.15, 0.50, 0.35]))
    for x, tall in zip(0.5 + side * np.array([0.28, -0.33]), (0.27, 0.20), strict=True):
        if count > 0:
            foot = horizon + 0.035
            draw_cactus(canvas, palette, float(x) + rng.uniform(-0.08, 0.08), foot, tall * rng.uniform(0.9, 1.1))
        count -= 1


def _dune(canvas: Canvas, x: float, top: float, foot: float, half: float, side: int, color: Color) -> None:
    """Paint a dune with a sharp crest; its flank on the `side` (1 right, -1 left) lies in shade."""
    t = np.linspace(0, 1, 25)
    fall = top + (foot - top) * (1 - (1 - t) ** 1.7)
    right = list(zip(x + half * t, fall, strict=True))
    left = list(zip(x - half * t, fall, strict=True))
    canvas.polygon([*left[::-1], *right, (x + half, 1.0), (x - half, 1.0)], scale(color, 1.06))
    spine = list(zip(x + side * half * (0.16 * t - 0.13 * np.sin(2 * np.pi * t)), top + (foot - top) * t, strict=True))
    canvas.polygon([*spine, *(right if side > 0 else left)[::-1]], scale(color, 0.78))


def paint_forest(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint a hazy ridge, a far row of conifers and a few tall ones in front."""
    base = [(0.14, 0.44, 0.30), (0.22, 0.46, 0.24), (0.12, 0.40, 0.38)][rng.integers(3)]
    canvas.below(horizon - 0.15 + 0.03 * _swell(rng, 1.2), lit(base, palette, 0.70))
    foot = horizon + 0.045
    rows = ((0.46, 9, horizon - 0.02, 0.20, 0.25), (0.06, 6, foot, 0.74 * (foot - SUMMIT), foot - SUMMIT))
    for depth, count, ground, low, high in rows:
        color = lit(base, palette, depth)
        grass = lit((0.30, 0.48, 0.26), palette) if depth < 0.2 else scale(color, 0.86)
        canvas.below(ground - 0.035 + 0.006 * _swell(rng, 1.5), grass)
        for x in (np.arange(count) + 0.5 + rng.uniform(-0.22, 0.22, count)) / count:
            draw_conifer(canvas, float(x), ground, rng.uniform(low, high), scale(color, rng.uniform(0.92, 1.08)))


def paint_snowy_hills(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint white hills with bluish shadows and snow-covered firs."""
    white: Color = (0.94, 0.97, 1.02)
    blue: Color = (0.58, 0.71, 0.96)

    def snow(color: Color, depth: float) -> Color:
        """Return the colour of snow in this light; some white remains even at sunset."""
        return mix(lit(color, palette, depth), scale((0.90, 0.94, 1.0), max(palette.light)), 0.22)

    side = 1 if rng.random() < 0.5 else -1
    middle = 0.5 - side * rng.uniform(0.12, 0.22)
    # Each hill: haze, height, x of its top, breadth, and its firs as (distance from the top, height).
    hills = (
        (0.30, rng.uniform(0.20, 0.24), middle, 0.30, ()),
        (0.12, rng.uniform(0.12, 0.15), middle + side * 0.50, 0.30, ((-0.10, 0.19), (0.06, 0.15))),
        (0.0, rng.uniform(0.05, 0.07), middle - side * 0.10, 0.46, ((-0.12, 0.24), (0.14, 0.28))),
    )
    for depth, tall, x, broad, firs in hills:
        ridge = horizon + 0.04 - (tall + 0.04) * np.exp(-(((XS - x) / broad) ** 2))
        canvas.below(ridge, mix(snow(white, 0.4 * depth), snow(blue, depth), 0.9 * depth))
        # The flank away from the light lies in shade; a curved line from the top to the foot bounds the shade.
        t = np.linspace(0, 1, 17)
        line = x + side * broad * (0.10 + 0.5 * t - 0.22 * np.sin(2 * np.pi * t))
        away = (XS - line[0]) * side > 0
        flank = list(zip(XS[away], ridge[away], strict=True))[::side]
        start = float(np.interp(line[0], XS, ridge))
        curve = list(zip(line, start + (horizon + 0.10 - start) * t, strict=True))
        if flank:
            canvas.polygon([*curve[::-1], *flank, (0.5 + 0.51 * side, horizon + 0.10)], snow(blue, 0.7 * depth))
        for across, size in firs:
            spot = float(np.clip(x + side * across + rng.uniform(-0.04, 0.04), 0.07, 0.93))
            foot = float(np.interp(spot, XS, ridge)) + 0.03
            green = lit((0.14, 0.38, 0.40), palette, depth)
            draw_conifer(canvas, spot, foot, size * rng.uniform(0.9, 1.0), green, snow(white, 0.3 * depth))
    canvas.below(horizon + 0.050 + 0.012 * _swell(rng, 0.9), snow((0.86, 0.91, 1.0), 0.0))


def paint_canyon(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint terraced, banded red walls on both sides, a distant butte between them and a dry floor."""
    rock = [(0.88, 0.46, 0.28), (0.80, 0.40, 0.30), (0.90, 0.56, 0.34)][rng.integers(3)]
    bands = (1.10, 0.84, 1.02, 0.78, 0.94)
    gap = rng.uniform(0.45, 0.55)
    butte = gap + rng.uniform(-0.07, 0.07)
    foot = horizon + 0.02
    _wall(
        canvas, butte, rng.uniform(0.06, 0.08), 0, horizon - rng.uniform(0.13, 0.18), foot, rock, bands, palette, 0.58
    )
    canvas.below(np.full(2, horizon - 0.006), lit(rock, palette, 0.40))
    for depth, inner, low, high in ((0.34, 0.17, 0.36, 0.42), (0.04, 0.30, 0.305, 0.36)):
        foot = horizon + 0.015 + 0.05 * (depth < 0.2)
        for side in (-1, 1):
            edge = gap + side * (inner + rng.uniform(-0.02, 0.03))
            _wall(canvas, edge, 0.0, side, rng.uniform(low, high), foot, rock, bands, palette, depth)
    floor = lit(scale(rock, 1.06), palette, 0.06)
    canvas.below(horizon + 0.050 + 0.008 * _swell(rng, 0.8), floor)
    canvas.below(horizon + 0.170 + 0.015 * _swell(rng, 0.8), scale(floor, 0.90))


def _wall(
    canvas: Canvas,
    x: float,
    half: float,
    side: int,
    top: float,
    foot: float,
    rock: Color,
    bands: tuple[float, ...],
    palette: Palette,
    depth: float,
) -> None:
    """Paint strata that become wider downwards: a butte (`side` 0), or a wall that fills its side of the picture."""
    levels = np.linspace(top, foot, len(bands) + 1)
    reach = half
    for number, (band, (upper, lower)) in enumerate(zip(bands, pairwise(levels), strict=True)):
        color = lit(scale(rock, band), palette, depth)
        out = reach + (0.004, 0.040 if side else 0.014)[number % 2]  # cliffs and slopes alternate
        left = -0.1 if side < 0 else x - reach
        right = 1.1 if side > 0 else x + reach
        low_left = -0.1 if side < 0 else x - out
        low_right = 1.1 if side > 0 else x + out
        canvas.polygon([(left, upper), (right, upper), (low_right, lower), (low_left, lower)], color)
        # A face that points to the right lies in shade.
        fold = 0.055 if side else 0.6 * half
        if side <= 0:
            canvas.polygon(
                [(right - fold, upper), (right, upper), (low_right, lower), (low_right - fold, lower)],
                scale(color, 0.76),
            )
        else:
            canvas.polygon(
                [(left, upper), (left + fold, upper), (low_left + fold, lower), (low_left, lower)], scale(color, 1.16)
            )
        reach = out


def paint_volcano(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint a dark cone with a glowing crater, broad streams of lava and a short plume of smoke."""
    x = rng.uniform(0.40, 0.60)
    top = rng.uniform(0.345, 0.365)
    mouth, foot = rng.uniform(0.072, 0.085), rng.uniform(0.46, 0.54)
    rock = [(0.40, 0.30, 0.36), (0.34, 0.30, 0.42), (0.42, 0.30, 0.30)][rng.integers(3)]
    smoke = mix(lit((0.70, 0.64, 0.68), palette, 0.12), palette.shade, 0.25)
    drift = rng.choice([-1, 1]) * rng.uniform(0.5, 1.0)
    puffs = ((0.17, 0.262, 0.034), (0.105, 0.270, 0.042), (0.035, 0.288, 0.048), (0.0, 0.325, 0.046))
    for tone, lift in ((0.82, 0.0), (1.0, -0.008)):
        for across, y, radius in puffs:
            size = radius * (1.0 if tone < 1 else 0.80)
            canvas.ellipse((x + drift * across, y + lift), (1.15 * size, size), scale(smoke, tone))
    t = np.linspace(0, 1, 17)
    down = top + (horizon - top) * t
    spread = mouth + (foot - mouth) * t**1.45
    body = lit(rock, palette, 0.10)
    canvas.polygon([*zip(x - spread, down, strict=True), *zip((x + spread)[::-1], down[::-1], strict=True)], body)
    ridge = x + (0.35 + 0.10 * np.sin(7 * t)) * spread
    canvas.polygon(
        [*zip(ridge, down, strict=True), *zip((x + spread)[::-1], down[::-1], strict=True)], scale(body, 0.72)
    )
    lava: Color = (1.0, 0.40, 0.10)
    canvas.ellipse((x, top), (mouth, 0.020), lava)
    streams = ((rng.uniform(-0.30, -0.05), 0.92), (rng.uniform(0.32, 0.50), 0.66))
    for start, length in streams[: int(rng.integers(1, 3))]:
        s = t * length
        middle = x + start * (mouth + 0.55 * (foot - mouth) * s**1.45) + 0.020 * np.sin(8 * s) * s
        run = top + (horizon - top) * s
        for color, share in ((lava, 1.0), ((1.0, 0.74, 0.28), 0.45)):
            half = share * (0.024 + 0.018 * s) * np.clip((1.04 - t) * 5, 0.1, 1) ** 0.5
            canvas.polygon(
                [*zip(middle - half, run, strict=True), *zip((middle + half)[::-1], run[::-1], strict=True)], color
            )
    canvas.ellipse((x, top), (0.62 * mouth, 0.010), (1.0, 0.78, 0.34))
    ground = lit((0.34, 0.32, 0.36), palette, 0.10)
    canvas.below(horizon - 0.030 + 0.016 * _swell(rng, 1.2), ground)
    canvas.below(horizon + 0.010 + 0.010 * _swell(rng, 1.0), scale(ground, 0.84))
