"""Trees and cacti."""

from __future__ import annotations

import numpy as np

from synthviz.scenes.canvas import Canvas, Color, scale
from synthviz.scenes.palettes import Palette, lit


def draw_conifer(canvas: Canvas, x: float, foot: float, tall: float, color: Color, snow: Color | None = None) -> None:
    """Draw a fir: a trunk and three tiers, the right half in shade; a `snow` colour puts snow on each tier."""
    canvas.rectangle(x - tall * 0.035, foot - tall * 0.16, x + tall * 0.035, foot, scale(color, 0.5))
    for low, high, half in ((0.12, 0.58, 0.27), (0.34, 0.80, 0.21), (0.58, 1.0, 0.145)):
        left, right = x - half * tall, x + half * tall
        top, base = foot - high * tall, foot - low * tall
        canvas.polygon([(x, top), (left, base), (right, base)], color)
        canvas.polygon([(x, top), (x, base), (right, base)], scale(color, 0.74))
        if snow is not None:
            edge, dip = top + 0.70 * (base - top), top + 0.54 * (base - top)
            canvas.polygon([(x, top), (x - 0.70 * half * tall, edge), (x - 0.32 * half * tall, dip), (x, edge)], snow)
            shaded = [(x, top), (x + 0.70 * half * tall, edge), (x + 0.32 * half * tall, dip), (x, edge)]
            canvas.polygon(shaded, scale(snow, 0.84))


def draw_round_tree(canvas: Canvas, x: float, foot: float, tall: float, color: Color) -> None:
    """Draw a broad-leaved tree: a trunk and a round crown, lit from the left."""
    canvas.rectangle(x - tall * 0.06, foot - tall * 0.45, x + tall * 0.06, foot, scale(color, 0.55))
    canvas.ellipse((x, foot - tall * 0.64), (tall * 0.34, tall * 0.36), scale(color, 0.80))
    canvas.ellipse((x - tall * 0.06, foot - tall * 0.68), (tall * 0.27, tall * 0.29), color)


def draw_palm(
    canvas: Canvas, palette: Palette, x: float, foot: float, tall: float, lean: int, rng: np.random.Generator
) -> None:
    """Draw a palm that bends to one side: `lean` is 1 for the right, -1 for the left."""
    trunk = lit((0.50, 0.35, 0.24), palette)
    green = lit((0.20, 0.54, 0.32), palette)
    bend = lean * tall * rng.uniform(0.12, 0.24)
    t = np.linspace(0, 1, 10)
    middle, down, thick = x + bend * t**2, foot - tall * t, 0.017 - 0.007 * t
    canvas.polygon(_strip(middle, down, thick), trunk)
    canvas.polygon(_strip(middle + 0.5 * thick, down, 0.5 * thick), scale(trunk, 0.76))
    crown = (float(middle[-1]), float(down[-1]))
    # The fronds at the back are darker; the fronds at the front cover them.
    for angles, tone in (((-0.45, 0.60, 2.54, 3.59), 0.76), ((0.10, 1.10, 2.04, 3.04), 1.0)):
        for angle in angles:
            _frond(canvas, crown, angle + rng.uniform(-0.08, 0.08), 0.40 * tall, scale(green, tone))
    canvas.ellipse(crown, (0.016, 0.014), scale(trunk, 0.7))


def _strip(middle: np.ndarray, down: np.ndarray, half: np.ndarray) -> list[tuple[float, float]]:
    return [*zip(middle - half, down, strict=True), *zip((middle + half)[::-1], down[::-1], strict=True)]


def _frond(canvas: Canvas, crown: tuple[float, float], angle: float, length: float, color: Color) -> None:
    reach = np.linspace(0, 1, 9)
    across = crown[0] + length * np.cos(angle) * reach
    down = crown[1] - 0.62 * length * np.sin(angle) * reach + 0.52 * length * reach**2
    broad = 0.15 * length * np.sin(np.pi * reach**0.7) + 0.004
    upper = zip(across, down - broad, strict=True)
    lower = zip(across[::-1], (down + 0.5 * broad)[::-1], strict=True)
    canvas.polygon([*upper, *lower], color)


def draw_cactus(canvas: Canvas, palette: Palette, x: float, y: float, tall: float) -> None:
    """Draw a cactus with two arms; (x, y) is its foot."""
    green = lit((0.22, 0.46, 0.30), palette)
    thick = tall * 0.17
    for dx, low, high in ((-1.7, 0.42, 0.74), (1.7, 0.32, 0.62), (0.0, 0.0, 1.0)):
        center = x + dx * thick
        top = y - high * tall + thick / 2
        if dx:
            elbow = y - low * tall
            canvas.rectangle(min(x, center), elbow - thick / 2, max(x, center), elbow + thick / 2, green)
            canvas.ellipse((center, elbow), (thick / 2, thick / 2), green)
            canvas.rectangle(center - thick / 2, top, center + thick / 2, elbow, green)
        else:
            canvas.rectangle(x - thick / 2, top, x + thick / 2, y, green)
        canvas.ellipse((center, top), (thick / 2, thick / 2), green)
    canvas.rectangle(x + thick * 0.1, y - tall + thick * 0.5, x + thick / 2, y, scale(green, 0.76))
