"""The sky: gradient, stars, sun or moon, clouds."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from synthviz.scenes.canvas import Canvas, cloud_noise, mix
from synthviz.scenes.palettes import Palette
from synthviz.scenes.scene import Scene


def paint_sky(canvas: Canvas, scene: Scene, palette: Palette, horizon: float, rng: np.random.Generator) -> float:
    """Paint all of the sky, down to the horizon, and return the x at which the sun or moon stands."""
    height = np.clip(canvas.y[:, :1] / horizon, 0, 1)[..., None]
    top, middle, low = (np.asarray(color, np.float32) for color in palette.sky)
    first = np.clip(height / 0.6, 0, 1)
    second = np.clip((height - 0.6) / 0.4, 0, 1) ** 1.2
    column = top + (middle - top) * first + (low - middle) * second
    canvas.set_pixels(np.repeat(column, canvas.size, axis=1))

    x = rng.uniform(0.36, 0.64) if scene.place == "canyon" else rng.uniform(0.16, 0.84)
    if palette.low:
        tall = scene.place in ("city", "mountains", "forest", "canyon")  # these would hide a sun on the horizon
        y = horizon - (rng.uniform(0.24, 0.42) if tall else rng.uniform(0.08, 0.22))
        radius = rng.uniform(0.062, 0.09)
    else:
        y, radius = rng.uniform(0.12, 0.30), rng.uniform(0.045, 0.068)
    if scene.stars:
        _stars(canvas, scene, horizon, rng)
    if scene.body != "none":
        canvas.glow((x, y), 0.55 if palette.low else 0.32, palette.glow, 0.9 if palette.low else 0.75)
    if scene.body == "sun":
        canvas.ellipse((x, y), (radius, radius), palette.disc, "sun")
    elif scene.body == "moon":
        _moon(canvas, x, y, radius, palette, rng)
    if scene.clouds:
        _clouds(canvas, palette, horizon, (x, y), rng)
    return x


def _stars(canvas: Canvas, scene: Scene, horizon: float, rng: np.random.Generator) -> None:
    count = int(rng.integers(45, 85)) if scene.time == "night" else int(rng.integers(28, 50))
    for _ in range(count):
        x, y = rng.random(), rng.random() ** 1.3 * (horizon - 0.08)
        radius = 0.0028 + 0.0042 * rng.random() ** 3
        color = mix((1.0, 1.0, 1.0), (0.80, 0.88, 1.0), rng.random())
        canvas.ellipse((x, y), (radius, radius), color, "stars")
    halo = canvas.picture.filter(ImageFilter.GaussianBlur(0.004 * canvas.size))
    canvas.set_pixels(np.maximum(canvas.pixels(), 1.15 * np.asarray(halo, np.float32) / 255))


def _moon(canvas: Canvas, x: float, y: float, radius: float, palette: Palette, rng: np.random.Generator) -> None:
    before = canvas.pixels()
    labels = canvas.labels.copy()
    canvas.ellipse((x, y), (radius, radius), palette.disc, "moon")
    if rng.random() < 0.45:  # a crescent: the sky shows again where the shadow lies
        side = rng.choice([-1, 1]) * radius * rng.uniform(0.5, 0.8)
        dark = np.hypot(canvas.x - x - side, canvas.y - y + 0.2 * radius) < radius * 0.95
        canvas.set_pixels(np.where(dark[..., None], before, canvas.pixels()))
        shown = np.where(dark, np.asarray(labels), np.asarray(canvas.labels))
        canvas.labels.paste(Image.fromarray(shown.astype(np.uint8)))
    else:
        for _ in range(4):  # seas of a full moon
            angle, distance = rng.uniform(0, 2 * np.pi), radius * rng.uniform(0.1, 0.6)
            spot = radius * rng.uniform(0.12, 0.26)
            center = (x + distance * np.cos(angle), y + distance * np.sin(angle))
            canvas.ellipse(center, (spot, spot), mix(palette.disc, palette.sky[1], 0.22), "moon")


def _clouds(
    canvas: Canvas, palette: Palette, horizon: float, light: tuple[float, float], rng: np.random.Generator
) -> None:
    noise = cloud_noise(rng, canvas.size, stretch=rng.uniform(1.6, 3.2))
    cover = rng.uniform(0.50, 0.60)
    band = np.exp(-(((canvas.y - horizon * rng.uniform(0.30, 0.55)) / (0.26 * horizon)) ** 2))
    alpha = np.clip((noise * (0.5 + 0.5 * band) - cover * 0.86) * 5.5, 0, 1) * np.clip((horizon - canvas.y) * 9, 0, 1)
    # The side of a cloud that faces the light is where the noise falls off towards it.
    offset = max(2, canvas.size // 40)
    toward = np.roll(noise, offset if light[1] < horizon * 0.5 else -offset, axis=0)
    facing = np.clip(0.55 + (noise - toward) * 3.2, 0, 1)[..., None]
    color = np.asarray(palette.shade, np.float32) * (1 - facing) + np.asarray(palette.cloud, np.float32) * facing
    canvas.blend(alpha * 0.92, color, "clouds")
