"""Trees and cacti."""

from __future__ import annotations

import numpy as np

from synthviz.scenes.canvas import Canvas, Color, scale
from synthviz.scenes.palettes import Palette, lit


def draw_conifer(canvas: Canvas, x: float, foot: float, tall: float, color: Color, snow: Color | None = None) -> None:
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


def draw_round_tree(canvas: Canvas, x: float, foot: float, tall: float, color: Color) -> None:
    """A broad-leaved tree: a trunk and a round crown."""
    canvas.rectangle(x - tall * 0.05, foot - tall * 0.5, x + tall * 0.05, foot, scale(color, 0.6))
    canvas.ellipse((x, foot - tall * 0.68), (tall * 0.36, tall * 0.42), color)
    canvas.ellipse((x - tall * 0.08, foot - tall * 0.76), (tall * 0.22, tall * 0.24), scale(color, 1.15))


def draw_palm(
    canvas: Canvas, palette: Palette, x: float, foot: float, tall: float, lean: int, rng: np.random.Generator
) -> None:
    """A palm that bends to one side: `lean` is 1 for the right, -1 for the left."""
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


def draw_cactus(canvas: Canvas, palette: Palette, x: float, y: float, tall: float) -> None:
    """A cactus with two arms, standing at (x, y)."""
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
