"""The things that scenes count and colour: birds, lanterns, balloons, boats, trees, towers.

A thing keeps its colour in any light, and an outline separates it from the background, so that everything a caption
says about it is visible.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthviz.scenes.canvas import Canvas, Color, Point, mix, scale
from synthviz.scenes.palettes import Palette
from synthviz.world.scene import Group

COLOR_VALUES: dict[str, Color] = {
    "red": (0.90, 0.14, 0.16),
    "yellow": (1.00, 0.84, 0.12),
    "green": (0.14, 0.70, 0.28),
    "blue": (0.12, 0.38, 0.95),
    "purple": (0.60, 0.22, 0.84),
    "white": (0.97, 0.97, 0.98),
}
SINGLE_AT = {"left": 0.21, "center": 0.50, "right": 0.79}
OUTLINE = 0.0065  # half the width of an outline, as a fraction of the picture's side


def paint_group(
    canvas: Canvas, group: Group, palette: Palette, band: tuple[float, float], rng: np.random.Generator
) -> None:
    """Paint one to four things side by side.

    Args:
        canvas: the canvas to paint on.
        group: the kind, colour, number and side.
        palette: the light; things are a little dimmer in the dark.
        band: the smallest and largest y of a thing: of its middle if it flies, else of its foot.
        rng: the source of positions and shapes.
    """
    if group.count == 1:
        xs = [SINGLE_AT[group.side or "center"] + rng.uniform(-0.05, 0.05)]
    else:
        step = 0.92 / group.count
        xs = [0.04 + step * (index + 0.5) + rng.uniform(-0.12, 0.12) * step for index in range(group.count)]
    scale_down = {1: 1.0, 2: 1.0, 3: 0.92, 4: 0.84}[group.count] * rng.uniform(0.94, 1.06)
    color = scale(COLOR_VALUES[group.color], 0.90 if palette.lamps > 0.5 else 1.0)
    for x in xs:
        y = rng.uniform(*band)
        SHAPES[group.kind](canvas, float(x), float(y), scale_down, color, rng)


def _shape(canvas: Canvas, kind: str, points: Sequence[Point], color: Color, behind: float) -> None:
    """Paint one outlined polygon; the outline is dark on a bright background and pale on a dark one."""
    edge: Color = (0.09, 0.09, 0.16) if behind > 0.34 else (0.96, 0.94, 0.88)
    canvas.line([*points, points[0], points[1]], edge, 2 * OUTLINE, kind)
    canvas.polygon(points, color, kind)


def _behind(canvas: Canvas, x: float, y: float, reach: float) -> float:
    """Return the mean brightness, 0 to 1, of the picture around a point."""
    size = canvas.size
    left, right = (int(np.clip(value, 0, 0.99) * size) for value in (x - reach, x + reach))
    top, bottom = (int(np.clip(value, 0, 0.99) * size) for value in (y - reach, y + reach))
    box = canvas.picture.crop((left, top, right + 1, bottom + 1)).convert("L").resize((1, 1))
    return float(np.asarray(box)[0, 0]) / 255


def _bird(canvas: Canvas, x: float, y: float, size: float, color: Color, rng: np.random.Generator) -> None:
    """Paint a gull seen from the front, with raised wings."""
    span, lift = 0.105 * size, 0.062 * size * rng.uniform(0.85, 1.15)
    tilt = rng.uniform(-0.012, 0.012)
    t = np.linspace(0, 1, 9)
    rise = lift * np.sin(t * np.pi * 0.62) ** 0.8
    thick = 0.030 * size * (1 - t) ** 0.7
    upper = [(x + span * a, y - r + tilt * a) for a, r in zip(t, rise, strict=True)]
    lower = [(x + span * a * 0.96, y - r + w + 0.004 + tilt * a) for a, r, w in zip(t, rise, thick, strict=True)]
    upper_left = [(2 * x - px, py - 2 * tilt * a) for (px, py), a in zip(upper, t, strict=True)]
    lower_left = [(2 * x - px, py - 2 * tilt * a) for (px, py), a in zip(lower, t, strict=True)]
    body = [(x + 0.012 * size, y + 0.036 * size), (x - 0.012 * size, y + 0.036 * size)]
    points = [*upper_left[::-1], *upper, *lower[::-1][:-1], *body, *lower_left[1:]]
    _shape(canvas, "bird", points, color, _behind(canvas, x, y, 0.08))


def _lantern(canvas: Canvas, x: float, y: float, size: float, color: Color, rng: np.random.Generator) -> None:
    """Paint a round paper lantern: ribs, a dark cap above and below, a tassel, and light from inside."""
    wide, tall = 0.066 * size, 0.056 * size
    canvas.glow((x, y), 0.14 * size, scale(color, 0.9), 0.45)
    behind = _behind(canvas, x, y, 0.1)
    cap: Color = (0.30, 0.17, 0.12)
    _shape(canvas, "lantern", _box(x, y - tall - 0.008 * size, 0.42 * wide, 0.012 * size), cap, behind)
    _shape(canvas, "lantern", _box(x, y + tall + 0.026 * size, 0.10 * wide, 0.020 * size), color, behind)
    _shape(canvas, "lantern", _box(x, y + tall + 0.004 * size, 0.36 * wide, 0.010 * size), cap, behind)
    a = np.linspace(0, 2 * np.pi, 25)[:-1]
    _shape(canvas, "lantern", [(x + wide * np.cos(b), y + tall * np.sin(b)) for b in a], color, behind)
    light = mix(color, (1.0, 1.0, 0.92), 0.40) if min(color) < 0.7 else (0.86, 0.88, 0.93)
    canvas.ellipse((x, y), (0.60 * wide, 0.97 * tall), light, "lantern")
    canvas.ellipse((x, y), (0.30 * wide, 0.97 * tall), color, "lantern")


def _box(x: float, y: float, half_wide: float, half_tall: float) -> list[Point]:
    """Return the corners of a rectangle around (x, y)."""
    return [
        (x - half_wide, y - half_tall),
        (x + half_wide, y - half_tall),
        (x + half_wide, y + half_tall),
        (x - half_wide, y + half_tall),
    ]


def _balloon(canvas: Canvas, x: float, y: float, size: float, color: Color, rng: np.random.Generator) -> None:
    """Paint a hot-air balloon: an envelope with two paler gores, and a basket."""
    radius = 0.088 * size
    basket = y + 1.62 * radius
    behind = _behind(canvas, x, y, 0.1)
    cords: Color = (0.20, 0.14, 0.12) if behind > 0.34 else (0.92, 0.86, 0.74)
    for side in (-1, 1):
        canvas.line(
            [(x + side * 0.5 * radius, y + 0.8 * radius), (x + side * 0.18 * radius, basket)], cords, 0.007, "balloon"
        )
    t = np.linspace(-0.30 * np.pi, 1.30 * np.pi, 21)
    envelope = [(x + radius * np.cos(a), y - 0.15 * radius - radius * np.sin(a)) for a in t]
    points = [*envelope, (x - 0.26 * radius, y + 1.12 * radius), (x + 0.26 * radius, y + 1.12 * radius)]
    _shape(canvas, "balloon", points, color, behind)
    pale = mix(color, (1.0, 1.0, 1.0), 0.45) if min(color) < 0.7 else (0.80, 0.83, 0.90)
    canvas.ellipse((x, y - 0.12 * radius), (0.30 * radius, 0.98 * radius), pale, "balloon")
    half = 0.24 * radius
    box = [
        (x - half, basket),
        (x + half, basket),
        (x + 0.8 * half, basket + 0.36 * radius),
        (x - 0.8 * half, basket + 0.36 * radius),
    ]
    _shape(canvas, "balloon", box, (0.58, 0.36, 0.18), behind)


def _boat(canvas: Canvas, x: float, y: float, size: float, color: Color, rng: np.random.Generator) -> None:
    """Paint a sailing boat: the hull and both sails have its colour."""
    half = 0.098 * size
    lean = 1 if rng.random() < 0.5 else -1
    behind = _behind(canvas, x, y - half, 0.1)
    mast: Color = (0.24, 0.16, 0.12) if behind > 0.34 else (0.90, 0.84, 0.74)
    canvas.line([(x, y - 0.3 * half), (x, y - 1.95 * half)], mast, 0.010, "boat")
    large = [
        (x + lean * 0.10 * half, y - 1.85 * half),
        (x + lean * 0.88 * half, y - 0.50 * half),
        (x + lean * 0.10 * half, y - 0.50 * half),
    ]
    small = [
        (x - lean * 0.10 * half, y - 1.55 * half),
        (x - lean * 0.72 * half, y - 0.50 * half),
        (x - lean * 0.10 * half, y - 0.50 * half),
    ]
    _shape(canvas, "boat", large, color, behind)
    _shape(canvas, "boat", small, mix(color, (1.0, 1.0, 1.0), 0.35) if min(color) < 0.7 else (0.84, 0.86, 0.91), behind)
    hull = [
        (x - half, y - 0.32 * half),
        (x + half, y - 0.32 * half),
        (x + 0.66 * half, y + 0.18 * half),
        (x - 0.66 * half, y + 0.18 * half),
    ]
    _shape(canvas, "boat", hull, scale(color, 0.86), behind)


def _tree(canvas: Canvas, x: float, y: float, size: float, color: Color, rng: np.random.Generator) -> None:
    """Paint a broad-leaved tree: a trunk and a crown of three circles with a highlight."""
    tall = 0.235 * size * rng.uniform(0.92, 1.08)
    behind = _behind(canvas, x, y - 0.6 * tall, 0.1)
    trunk = [
        (x - 0.055 * tall, y),
        (x - 0.040 * tall, y - 0.5 * tall),
        (x + 0.040 * tall, y - 0.5 * tall),
        (x + 0.055 * tall, y),
    ]
    _shape(canvas, "tree", trunk, (0.42, 0.27, 0.17), behind)
    rounds = [(-0.21, 0.56, 0.21), (0.21, 0.56, 0.21), (0.0, 0.76, 0.25)]
    a = np.linspace(0, 2 * np.pi, 25)
    for dx, up, radius in rounds:
        circle = [(x + tall * (dx + radius * np.cos(b)), y - tall * (up + radius * np.sin(b))) for b in a]
        _shape(canvas, "tree", circle[:-1], color, behind)
    for dx, up, radius in rounds:
        canvas.ellipse((x + tall * dx, y - tall * up), (tall * radius, tall * radius), color, "tree")
    canvas.ellipse((x, y - 0.60 * tall), (0.16 * tall, 0.12 * tall), color, "tree")
    canvas.ellipse(
        (x - 0.06 * tall, y - 0.82 * tall), (0.14 * tall, 0.12 * tall), mix(color, (1.0, 1.0, 1.0), 0.30), "tree"
    )


def _tower(canvas: Canvas, x: float, y: float, size: float, color: Color, rng: np.random.Generator) -> None:
    """Paint a round tower with battlements, a door and a window."""
    tall, half = 0.245 * size * rng.uniform(0.94, 1.06), 0.044 * size
    behind = _behind(canvas, x, y - 0.6 * tall, 0.1)
    dark = scale(color, 0.72)
    body = [(x - half, y), (x - 0.86 * half, y - 0.78 * tall), (x + 0.86 * half, y - 0.78 * tall), (x + half, y)]
    _shape(canvas, "tower", body, color, behind)
    canvas.polygon(
        [(x + 0.30 * half, y), (x + 0.26 * half, y - 0.78 * tall), (x + 0.86 * half, y - 0.78 * tall), (x + half, y)],
        dark,
        "tower",
    )
    wide = 1.25 * half
    step = 2 * wide / 5
    top, foot = y - tall, y - 0.78 * tall
    notch = y - 0.90 * tall
    edge = [(x - wide, foot)]
    for index in range(5):
        left = x - wide + index * step
        level = top if index % 2 == 0 else notch
        edge += [(left, level), (left + step, level)]
    edge.append((x + wide, foot))
    _shape(canvas, "tower", edge, color, behind)
    pane: Color = (1.0, 0.90, 0.55) if behind < 0.34 else (0.14, 0.13, 0.20)
    canvas.rectangle(x - 0.20 * half, y - 0.60 * tall, x + 0.20 * half, y - 0.48 * tall, pane, "tower")
    canvas.rectangle(x - 0.28 * half, y - 0.20 * tall, x + 0.28 * half, y, (0.24, 0.16, 0.12), "tower")


SHAPES = {"bird": _bird, "lantern": _lantern, "balloon": _balloon, "boat": _boat, "tree": _tree, "tower": _tower}
