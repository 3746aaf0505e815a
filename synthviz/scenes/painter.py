"""Paint a scene: the picture, and a mask of every thing in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from synthviz.scenes.canvas import THINGS, Canvas, mix, scale, wave_noise
from synthviz.scenes.coasts import paint_beach, paint_ocean
from synthviz.scenes.lands import (
    paint_canyon,
    paint_desert,
    paint_forest,
    paint_mountains,
    paint_snowy_hills,
    paint_volcano,
)
from synthviz.scenes.palettes import PALETTES, Palette, lit, overcast, vary
from synthviz.scenes.scene import SKY_KINDS, WATER_KINDS, Scene
from synthviz.scenes.settlements import paint_city, paint_village
from synthviz.scenes.sky import paint_body, paint_sky
from synthviz.scenes.styles import apply_style
from synthviz.scenes.things import paint_group
from synthviz.scenes.weather import (
    paint_clouds,
    paint_fog,
    paint_lightning,
    paint_rain,
    paint_snowfall,
    paint_storm_clouds,
)

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


HORIZONS = {"ocean": 0.50, "beach": 0.46}
HORIZON = 0.62  # of every other place


@dataclass(frozen=True)
class Painting:
    """A painted scene.

    Attributes:
        scene: what was painted.
        image: the picture, (size, size, 3) uint8 RGB.
        masks: for each visible thing of `canvas.THINGS` ("sky", "sun", "place", "boat", …) a (size, size) bool mask;
            together they cover each pixel once.
    """

    scene: Scene
    image: np.ndarray
    masks: dict[str, np.ndarray]


def paint(scene: Scene, size: int = 256) -> Painting:
    """Paint a scene. The same scene and size give the same bytes.

    Drawn at twice the size and averaged down, so that edges are smooth; the style is laid over the result.

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
    if scene.weather == "rain":
        palette = overcast(palette, 0.55, 0.82)
    elif scene.weather == "thunderstorm":
        palette = overcast(palette, 0.65, 0.58)
    canvas = Canvas(2 * size)
    horizon = HORIZONS.get(scene.place, HORIZON) + rng.uniform(-0.015, 0.015)
    flying = [group for group in scene.things if group.kind in SKY_KINDS]
    standing = [group for group in scene.things if group.kind not in SKY_KINDS]

    paint_sky(canvas, scene, palette, horizon, rng)
    if scene.weather == "clouds":
        paint_clouds(canvas, palette, rng)
    light_x = 0.5
    if scene.body is not None:  # above the birds, so that nothing hides it
        light_x = paint_body(canvas, scene, palette, (0.12, 0.14) if flying else (0.13, 0.18), rng)
    if scene.weather in ("rain", "thunderstorm"):
        paint_storm_clouds(canvas, palette, rng)
    if scene.weather == "thunderstorm":
        paint_lightning(canvas, horizon, rng)
    PAINTERS[scene.place](canvas, palette, horizon, rng)
    if scene.place in HORIZONS:
        if scene.body is not None:
            _glitter(canvas, palette, light_x, horizon, rng)
    elif scene.water:
        _lake(canvas, palette, horizon + 0.01, rng)
    else:
        _foreground(canvas, scene, palette, horizon, rng)
    if scene.weather == "fog":
        paint_fog(canvas, palette, horizon, rng)
    for group in standing:
        paint_group(canvas, group, palette, _ground_band(scene, group.kind), rng)
    for group in flying:
        paint_group(canvas, group, palette, FLIGHT_BANDS[group.kind], rng)
    if scene.weather == "rain":
        paint_rain(canvas, palette, rng)
    elif scene.weather == "snowfall":
        paint_snowfall(canvas, rng)
    return _finish(scene, canvas, size, rng)


# Where things may be: the highest and lowest y of their middle, or of their foot or waterline.
FLIGHT_BANDS = {"bird": (0.27, 0.40), "lantern": (0.30, 0.42), "balloon": (0.32, 0.40)}


def _ground_band(scene: Scene, kind: str) -> tuple[float, float]:
    if kind in WATER_KINDS:
        return {"ocean": (0.68, 0.84), "beach": (0.62, 0.67)}.get(scene.place, (0.80, 0.90))
    return (0.92, 0.96)


def _glitter(canvas: Canvas, palette: Palette, x: float, horizon: float, rng: np.random.Generator) -> None:
    """The path of light that the sun or moon lays over the sea."""
    color = mix(palette.disc, palette.sky[2], 0.25)
    for y in np.arange(horizon + 0.018, 0.97, 0.030):
        wide = (0.035 + 0.10 * (y - horizon)) * rng.uniform(0.6, 1.2)
        start = x + rng.normal(0, 0.012)
        column = int(np.clip(start, 0, 0.999) * canvas.size)
        if canvas.labels.getpixel((column, int(y * canvas.size))) == THINGS.index("water"):
            canvas.rectangle(start - wide, y, start + wide, y + 0.008, color, "water")


def _lake(canvas: Canvas, palette: Palette, shore: float, rng: np.random.Generator) -> None:
    """Still water from the shore to the lower edge, mirroring what stands above it, with a few bands of light."""
    size = canvas.size
    row = int(shore * size)
    above = canvas.pixels()
    rows = np.arange(row, size)
    depth = (rows - row) / max(1, size - row)
    mirrored = np.clip(row - 1 - ((rows - row) * 1.25).astype(int), 0, row - 1)
    reflection = above[mirrored]
    tint = np.asarray(lit((0.16, 0.38, 0.55), palette), np.float32)
    strength = (0.35 + 0.30 * depth)[:, None, None]
    above[rows] = reflection * (1 - strength) + tint * strength
    canvas.set_pixels(above)
    canvas.labels.paste(THINGS.index("water"), (0, row, size, size))
    canvas.rectangle(0, shore, 1, shore + 0.006, mix(tuple(tint), palette.sky[2], 0.55), "water")
    for _ in range(7):
        y = shore + 0.03 + (0.95 - shore) * rng.random()
        wide = rng.uniform(0.10, 0.22) * (0.5 + (y - shore))
        x = rng.uniform(0.0, 1.0 - wide)
        canvas.rectangle(x, y, x + wide, y + 0.007, mix(tuple(tint), palette.sky[2], 0.40), "water")


GROUNDS = {
    "city": (0.30, 0.32, 0.42),
    "mountains": (0.34, 0.52, 0.34),
    "desert": (0.93, 0.72, 0.45),
    "forest": (0.30, 0.48, 0.24),
    "snowy hills": (0.92, 0.95, 1.0),
    "village": (0.46, 0.64, 0.32),
    "canyon": (0.72, 0.42, 0.28),
    "volcano": (0.28, 0.26, 0.27),
}


def _foreground(canvas: Canvas, scene: Scene, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Dry ground between the place and the viewer: two or three gentle rises."""
    near = lit(GROUNDS[scene.place], palette)
    for level, shade in ((horizon + 0.07, 1.0), (0.81, 0.88), (0.93, 0.76)):
        canvas.below(level + 0.022 * wave_noise(rng, 64, 1.5, octaves=1), scale(near, shade), "ground")
    if scene.place == "city":
        middle = rng.uniform(0.42, 0.58)
        road = [
            (middle - 0.02, horizon + 0.05),
            (middle + 0.02, horizon + 0.05),
            (middle + 0.26, 1.0),
            (middle - 0.26, 1.0),
        ]
        canvas.polygon(road, lit((0.42, 0.42, 0.50), palette), "ground")
        mark = mix(lit((1, 0.9, 0.6), palette), (1, 0.85, 0.5), palette.lamps)
        for t in (0.18, 0.40, 0.70):
            y, half = horizon + 0.05 + (0.95 - horizon) * t, 0.004 + 0.016 * t
            canvas.polygon(
                [
                    (middle - half, y),
                    (middle + half, y),
                    (middle + 1.3 * half, y + 0.09 * t),
                    (middle - 1.3 * half, y + 0.09 * t),
                ],
                mark,
                "ground",
            )


def _finish(scene: Scene, canvas: Canvas, size: int, rng: np.random.Generator) -> Painting:
    image = np.asarray(canvas.picture.resize((size, size), Image.Resampling.BOX), np.float32) / 255
    labels = np.asarray(canvas.labels)
    present = [index for index in range(len(THINGS)) if (labels == index).any()]
    shares = np.stack([(labels == index).reshape(size, 2, size, 2).sum(axis=(1, 3)) for index in present])
    # Each pixel belongs to the thing that covers most of it; of two halves, to the one in front.
    winner = np.asarray(present)[len(present) - 1 - np.argmax(shares[::-1], axis=0)]
    styled = apply_style(scene.style, image, winner, rng)
    masks = {THINGS[index]: winner == index for index in present if (winner == index).any()}
    return Painting(scene, (styled * 255 + 0.5).astype(np.uint8), masks)
