"""The painter: turns a scene into a picture and a mask of every visible thing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from synthviz.scenes.canvas import Canvas, mix, scale, wave_noise
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
from synthviz.world.labels import THINGS
from synthviz.world.scene import SEA_PLACES, SKY_KINDS, WATER_KINDS, Scene

# Each function paints one place, from the horizon towards the viewer.
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
HORIZON = 0.62  # y of the horizon in every other place


@dataclass(frozen=True)
class Painting:
    """A painted scene.

    Attributes:
        scene: the scene that was painted.
        image: the picture, (size, size, 3) uint8 RGB.
        masks: a (size, size) bool mask for each visible thing of `canvas.THINGS` ("sky", "sun", "place", "boat", …);
            each pixel belongs to exactly one mask.
    """

    scene: Scene
    image: np.ndarray
    masks: dict[str, np.ndarray]


def paint(scene: Scene, size: int = 256) -> Painting:
    """Paint a scene; the same scene and size give the same bytes.

    The scene is drawn at twice the size and averaged down for smooth edges; then the style is applied.

    Args:
        scene: the scene to paint.
        size: side of the picture in pixels, at least 32.

    Raises:
        ValueError: if `size` is below 32.
    """
    if size < 32:
        raise ValueError(f"size is {size}; a painting needs at least 32 pixels a side")
    rng = np.random.default_rng(scene.seed)
    palette = _palette(scene, rng)
    horizon = HORIZONS.get(scene.place, HORIZON) + rng.uniform(-0.015, 0.015)
    canvas = Canvas(2 * size)
    body_x = _paint_background(canvas, scene, palette, horizon, rng)
    _paint_place(canvas, scene, palette, horizon, body_x, rng)
    if scene.weather == "fog":
        paint_fog(canvas, palette, horizon, rng)
    _paint_things(canvas, scene, palette, rng)
    if scene.weather == "rain":
        paint_rain(canvas, palette, rng)
    elif scene.weather == "snowfall":
        paint_snowfall(canvas, rng)
    return _finish(scene, canvas, size, rng)


def _palette(scene: Scene, rng: np.random.Generator) -> Palette:
    """Return the colours of the scene's time of day, greyer in bad weather."""
    palette = vary(PALETTES[scene.time], rng)
    if scene.weather == "rain":
        return overcast(palette, 0.55, 0.82)
    if scene.weather == "thunderstorm":
        return overcast(palette, 0.65, 0.58)
    return palette


def _paint_background(
    canvas: Canvas, scene: Scene, palette: Palette, horizon: float, rng: np.random.Generator
) -> float | None:
    """Paint the sky with its clouds, sun or moon and lightning; return the x of the sun or moon."""
    paint_sky(canvas, scene, palette, horizon, rng)
    if scene.weather == "clouds":
        paint_clouds(canvas, palette, rng)
    body_x = None
    if scene.body is not None:
        # The sun and the moon are above the flying things, so that nothing hides them.
        flying = any(group.kind in SKY_KINDS for group in scene.things)
        body_x = paint_body(canvas, scene, palette, (0.12, 0.14) if flying else (0.13, 0.18), rng)
    if scene.weather in ("rain", "thunderstorm"):
        paint_storm_clouds(canvas, palette, rng)
    if scene.weather == "thunderstorm":
        paint_lightning(canvas, horizon, rng)
    return body_x


def _paint_place(
    canvas: Canvas,
    scene: Scene,
    palette: Palette,
    horizon: float,
    body_x: float | None,
    rng: np.random.Generator,
) -> None:
    """Paint the place and what lies in front of it: glitter on the sea, a lake, or dry ground."""
    PAINTERS[scene.place](canvas, palette, horizon, rng)
    if scene.place in SEA_PLACES:
        if body_x is not None:
            _paint_glitter(canvas, palette, body_x, horizon, rng)
    elif scene.water:
        _paint_lake(canvas, palette, horizon + 0.01, rng)
    else:
        _paint_foreground(canvas, scene, palette, horizon, rng)


def _paint_things(canvas: Canvas, scene: Scene, palette: Palette, rng: np.random.Generator) -> None:
    """Paint the things on the ground and on the water first, then the flying things."""
    for group in sorted(scene.things, key=lambda group: group.kind in SKY_KINDS):
        band = FLIGHT_BANDS[group.kind] if group.kind in SKY_KINDS else _ground_band(scene, group.kind)
        paint_group(canvas, group, palette, band, rng)


# Where flying things may be: the smallest and largest y of their middle.
FLIGHT_BANDS = {"bird": (0.27, 0.40), "lantern": (0.30, 0.42), "balloon": (0.32, 0.40)}


def _ground_band(scene: Scene, kind: str) -> tuple[float, float]:
    """Return the smallest and largest y of the foot or waterline of a thing."""
    if kind in WATER_KINDS:
        return {"ocean": (0.68, 0.84), "beach": (0.62, 0.67)}.get(scene.place, (0.80, 0.90))
    return (0.92, 0.96)


def _paint_glitter(canvas: Canvas, palette: Palette, x: float, horizon: float, rng: np.random.Generator) -> None:
    """Paint the path of light of the sun or moon on the sea."""
    color = mix(palette.disc, palette.sky[2], 0.25)
    for y in np.arange(horizon + 0.018, 0.97, 0.030):
        wide = (0.035 + 0.10 * (y - horizon)) * rng.uniform(0.6, 1.2)
        start = x + rng.normal(0, 0.012)
        column = int(np.clip(start, 0, 0.999) * canvas.size)
        if canvas.labels.getpixel((column, int(y * canvas.size))) == THINGS.index("water"):
            canvas.rectangle(start - wide, y, start + wide, y + 0.008, color, "water")


def _paint_lake(canvas: Canvas, palette: Palette, shore: float, rng: np.random.Generator) -> None:
    """Paint a lake from the shore to the lower edge, with the reflection of the place and a few bands of light."""
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


def _paint_foreground(canvas: Canvas, scene: Scene, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint dry ground between the place and the viewer: three gentle rises, and a road in the city."""
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
    """Average the canvas down to (size, size), apply the style and cut out the masks."""
    image = np.asarray(canvas.picture.resize((size, size), Image.Resampling.BOX), np.float32) / 255
    labels = np.asarray(canvas.labels)
    present = [index for index in range(len(THINGS)) if (labels == index).any()]
    shares = np.stack([(labels == index).reshape(size, 2, size, 2).sum(axis=(1, 3)) for index in present])
    # Each pixel belongs to the thing that covers most of it; at a tie, to the thing with the higher label.
    winner = np.asarray(present)[len(present) - 1 - np.argmax(shares[::-1], axis=0)]
    styled = apply_style(scene.style, image, winner, rng)
    masks = {THINGS[index]: winner == index for index in present if (winner == index).any()}
    return Painting(scene, (styled * 255 + 0.5).astype(np.uint8), masks)
