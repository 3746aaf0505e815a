"""The sky: gradient, stars, sun or moon."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from synthviz.scenes.canvas import Canvas, mix
from synthviz.scenes.palettes import Palette
from synthviz.world.labels import THINGS
from synthviz.world.scene import Scene

BODY_AT = {"left": 0.19, "center": 0.50, "right": 0.81}


def paint_sky(canvas: Canvas, scene: Scene, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint the sky down to the horizon, with stars if the scene has any."""
    height = np.clip(canvas.y[:, :1] / horizon, 0, 1)[..., None]
    top, middle, low = (np.asarray(color, np.float32) for color in palette.sky)
    first = np.clip(height / 0.6, 0, 1)
    second = np.clip((height - 0.6) / 0.4, 0, 1) ** 1.2
    column = top + (middle - top) * first + (low - middle) * second
    canvas.set_pixels(np.repeat(column, canvas.size, axis=1))
    if scene.stars:
        _stars(canvas, horizon, rng)


def _stars(canvas: Canvas, horizon: float, rng: np.random.Generator) -> None:
    """Paint four-pointed stars on a jittered grid, fewer towards the horizon."""
    cells = 7
    for row in range(5):
        for column in range(cells):
            if rng.random() < 0.10 + 0.09 * row:
                continue
            x = (column + rng.uniform(0.15, 0.85)) / cells
            y = (row + rng.uniform(0.15, 0.85)) / 5 * (horizon - 0.06)
            arm = rng.uniform(0.010, 0.016)
            waist = 0.32 * arm
            points = [(x, y - arm), (x + waist, y - waist), (x + arm, y), (x + waist, y + waist)]
            points += [(2 * x - px, 2 * y - py) for px, py in points]
            canvas.polygon(points, mix((1.0, 1.0, 1.0), (1.0, 0.92, 0.70), rng.random()), "stars")


def paint_body(
    canvas: Canvas, scene: Scene, palette: Palette, band: tuple[float, float], rng: np.random.Generator
) -> float:
    """Paint the sun, the moon or the crescent moon with a glow; return the x of its middle.

    Args:
        canvas: the canvas to paint on.
        scene: the scene; its `body` and `body_side` say what to paint and where.
        palette: the colours.
        band: the smallest and largest y of the middle.
        rng: the source of position and size.
    """
    x = BODY_AT[scene.body_side or "center"] + rng.uniform(-0.05, 0.05)
    y = rng.uniform(*band)
    if scene.body == "sun":
        radius = rng.uniform(0.062, 0.074)
        canvas.glow((x, y), 0.34, palette.glow, 0.7)
        canvas.ellipse((x, y), (1.22 * radius, 1.22 * radius), mix(palette.disc, palette.sky[1], 0.55), "sun")
        canvas.ellipse((x, y), (radius, radius), palette.disc, "sun")
    elif scene.body is not None:
        _moon(canvas, scene.body, x, y, rng.uniform(0.062, 0.072), palette, rng)
    return x


def _moon(
    canvas: Canvas, body: str, x: float, y: float, radius: float, palette: Palette, rng: np.random.Generator
) -> None:
    canvas.glow((x, y), 0.26, palette.glow, 0.7)
    if body == "moon":
        canvas.ellipse((x, y), (radius, radius), palette.disc, "moon")
        sea = mix(palette.disc, palette.sky[1], 0.22)
        for dx, dy, share in ((-0.30, -0.25, 0.26), (0.28, 0.10, 0.20), (-0.10, 0.42, 0.16)):
            canvas.ellipse((x + dx * radius, y + dy * radius), (share * radius, share * radius), sea, "moon")
        return
    disc = Image.new("L", canvas.picture.size)
    draw = ImageDraw.Draw(disc)
    side = 0.62 * radius
    for center_x, center_y, reach, fill in ((x, y, 1.1 * radius, 255), (x + side, y - 0.25 * radius, 0.98 * radius, 0)):
        box = (center_x - reach, center_y - reach, center_x + reach, center_y + reach)
        draw.ellipse([value * canvas.size for value in box], fill=fill)
    soft = np.asarray(disc.filter(ImageFilter.BoxBlur(1)), np.float32) / 255
    canvas.blend(soft, palette.disc)
    canvas.labels.paste(THINGS.index("crescent moon"), mask=disc)
