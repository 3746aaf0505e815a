"""Paint a scene: the picture, and a mask of every thing in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from synthviz.scenes.canvas import THINGS, Canvas, Color, cloud_noise, mix, scale, wave_noise
from synthviz.scenes.coasts import paint_beach, paint_ocean
from synthviz.scenes.lands import (
    paint_canyon,
    paint_desert,
    paint_forest,
    paint_mountains,
    paint_snowy_hills,
    paint_volcano,
)
from synthviz.scenes.palettes import PALETTES, Palette, lit, vary
from synthviz.scenes.scene import Scene
from synthviz.scenes.settlements import paint_city, paint_village
from synthviz.scenes.sky import paint_sky

# Each paints one place, from the horizon towards the viewer.
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


@dataclass(frozen=True)
class Painting:
    """A painted scene.

    Attributes:
        scene: what was painted.
        image: the picture, (size, size, 3) uint8 RGB.
        masks: for each visible thing ("sky", "sun", "place", …) a (size, size) bool mask; together they cover each
            pixel once.
    """

    scene: Scene
    image: np.ndarray
    masks: dict[str, np.ndarray]


def paint(scene: Scene, size: int = 128) -> Painting:
    """Paint a scene. The same scene and size give the same bytes.

    Drawn at twice the size and averaged down, so that edges are smooth.

    Args:
        scene: what to paint.
        size: side of the picture in pixels, at least 32.

    Raises:
        ValueError: if `size` is below 32.
    """
    if size < 32:
        raise ValueError(f"size is {size}; a painting needs at least 32 pixels a side")
    rng = np.random.default_rng(scene.seed)
    palette = vary(PALETTES[scene.time], rng)
    canvas = Canvas(2 * size)
    horizon = {"ocean": 0.50, "beach": 0.44, "desert": 0.56, "canyon": 0.60}.get(scene.place, 0.68)
    horizon += rng.uniform(-0.03, 0.03)
    light_x = paint_sky(canvas, scene, palette, horizon, rng)
    PAINTERS[scene.place](canvas, palette, horizon, rng)
    if scene.place in ("ocean", "beach"):
        if scene.body != "none":
            _glitter(canvas, palette, light_x, horizon, rng)
    elif scene.water:
        _lake(canvas, palette, horizon + 0.01, rng)
    elif scene.place not in ("desert", "canyon"):
        _foreground(canvas, scene, palette, horizon, rng)
    if scene.mist:
        _mist(canvas, palette, horizon, rng)
    return _finish(scene, canvas, size)


def _glitter(canvas: Canvas, palette: Palette, x: float, horizon: float, rng: np.random.Generator) -> None:
    """The path of light that a low sun or moon lays over the sea."""
    for y in np.arange(horizon + 0.008, 0.99, 0.013):
        spread = 0.03 + 0.16 * (y - horizon)
        for _ in range(3):
            start = x + rng.normal(0, spread * 0.5)
            wide = rng.uniform(0.015, 0.05)
            row = int(min(y, 0.999) * canvas.size)
            column = int(np.clip(start, 0, 0.999) * canvas.size)
            if canvas.labels.getpixel((column, row)) == THINGS.index("water"):
                canvas.rectangle(start, y, start + wide, y + 0.004, mix(palette.disc, palette.sky[2], 0.25), "water")


def _lake(canvas: Canvas, palette: Palette, shore: float, rng: np.random.Generator) -> None:
    """Still water from the shore to the lower edge, mirroring what stands above it in ripples."""
    size = canvas.size
    row = int(shore * size)
    above = canvas.pixels()
    rows = np.arange(row, size)
    depth = (rows - row) / max(1, size - row)
    mirrored = np.clip(row - 1 - ((rows - row) * 1.25).astype(int), 0, row - 1)
    ripple = (
        np.sin((rows - row) ** 0.75 * 2.3 / (size / 256) ** 0.75 + rng.uniform(0, 6)) * (0.5 + 4.0 * depth) * size / 256
    )
    columns = np.clip(np.arange(size)[None] + ripple.round().astype(int)[:, None], 0, size - 1)
    reflection = above[mirrored[:, None], columns]
    tint = np.asarray(lit((0.16, 0.34, 0.48), palette), np.float32)
    strength = (0.22 + 0.34 * depth)[:, None, None]
    above[rows] = reflection * (1 - strength) + tint * strength
    canvas.set_pixels(above)
    canvas.labels.paste(THINGS.index("water"), (0, row, size, size))
    glint = mix(palette.sky[2], (1.0, 1.0, 1.0), 0.25)
    for _ in range(26):
        y = shore + (1 - shore) * rng.random() ** 0.8
        wide = rng.uniform(0.03, 0.14) * (0.4 + 1.2 * (y - shore) / (1 - shore))
        x = rng.uniform(-0.05, 1)
        canvas.line(
            [(x, y), (x + wide, y)],
            mix(tuple(canvas.pixels()[min(size - 1, int(y * size)), int(np.clip(x, 0, 0.99) * size)]), glint, 0.32),
            0.004,
            "water",
        )


def _foreground(canvas: Canvas, scene: Scene, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Dry ground between the place and the viewer."""
    ground = {
        "city": (0.26, 0.26, 0.36),
        "mountains": (0.30, 0.44, 0.30),
        "forest": (0.24, 0.38, 0.20),
        "snowy hills": (0.90, 0.93, 1.0),
        "village": (0.40, 0.56, 0.28),
        "volcano": (0.24, 0.23, 0.23),
    }[scene.place]
    near = lit(ground, palette)
    rows = np.clip((canvas.y - horizon - 0.07) / (0.93 - horizon), 0, 1)
    noise = cloud_noise(rng, canvas.size, stretch=3.5, octaves=4)
    canvas.blend(np.clip(rows * 1.5, 0, 1) * (0.25 + 0.75 * noise), scale(near, 0.62))
    if scene.place in ("mountains", "forest", "village"):
        _meadow(canvas, near, horizon, rng)
    if scene.place == "city":
        middle = rng.uniform(0.4, 0.6)
        road = [
            (middle - 0.02, horizon + 0.02),
            (middle + 0.02, horizon + 0.02),
            (middle + 0.30, 1.0),
            (middle - 0.30, 1.0),
        ]
        canvas.polygon(road, lit((0.34, 0.34, 0.42), palette))
        for t in np.linspace(0.1, 0.9, 6):
            y = horizon + 0.02 + (0.98 - horizon) * t**1.4
            canvas.polygon(
                [
                    (middle - 0.012 * t, y),
                    (middle + 0.012 * t, y),
                    (middle + 0.014 * t, y + 0.03 * t),
                    (middle - 0.014 * t, y + 0.03 * t),
                ],
                mix(lit((1, 0.9, 0.6), palette), (1, 0.85, 0.5), palette.lamps),
            )


def _meadow(canvas: Canvas, near: Color, horizon: float, rng: np.random.Generator) -> None:
    """Bands of grass and a winding path towards the viewer."""
    for level in np.linspace(horizon + 0.09, 0.95, 4):
        canvas.below(level + 0.018 * wave_noise(rng, 64, 2.5, octaves=2), scale(near, rng.uniform(0.72, 1.12)))
    if rng.random() < 0.6:
        t = np.linspace(0, 1, 24)
        middle = rng.uniform(0.35, 0.65) + 0.10 * np.sin(t * rng.uniform(3, 5) + rng.uniform(0, 6)) * (0.3 + t)
        half = 0.010 + 0.085 * t**1.5
        down = horizon + 0.06 + (1.0 - horizon - 0.05) * t
        edge = [*zip(middle - half, down, strict=True), *list(zip(middle + half, down, strict=True))[::-1]]
        canvas.polygon(edge, mix(near, scale((1.35, 1.05, 0.85), max(near)), 0.55))
    for _ in range(40):
        x, y = rng.random(), horizon + 0.08 + (0.92 - horizon) * rng.random()
        tall = 0.010 + 0.030 * (y - horizon)
        canvas.line([(x, y), (x + rng.uniform(-0.006, 0.006), y - tall)], scale(near, rng.uniform(0.6, 1.3)), 0.004)


def _mist(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    noise = cloud_noise(rng, canvas.size, stretch=4.0, octaves=4)
    center = horizon - rng.uniform(0.0, 0.06)
    band = np.exp(-(((canvas.y - center) / 0.11) ** 2))
    canvas.blend(np.clip(band * (0.45 + 0.75 * noise), 0, 0.86), mix(palette.haze, palette.cloud, 0.4), "mist")


def _finish(scene: Scene, canvas: Canvas, size: int) -> Painting:
    image = np.array(canvas.picture.resize((size, size), Image.Resampling.BOX))  # a copy, so that it can be written to
    labels = np.asarray(canvas.labels)
    shares = [(labels == index).reshape(size, 2, size, 2).mean(axis=(1, 3)) for index in range(len(THINGS))]
    # Each pixel belongs to the thing that covers most of it; of two halves, to the one in front.
    winner = len(THINGS) - 1 - np.argmax(shares[::-1], axis=0)
    masks = {thing: winner == index for index, thing in enumerate(THINGS) if (winner == index).any()}
    return Painting(scene, image, masks)
