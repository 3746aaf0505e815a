"""The weather: clouds, fog, rain, falling snow, lightning."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from synthviz.scenes.canvas import Canvas, Color, mix
from synthviz.scenes.palettes import Palette
from synthviz.world.labels import THINGS


def paint_clouds(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Paint three to five heaped clouds with flat undersides, in the upper half of the sky."""
    count = int(rng.integers(3, 6))
    for index in range(count):
        x = (index + rng.uniform(0.15, 0.85)) / count
        _cloud(canvas, x, rng.uniform(0.10, 0.40), rng.uniform(0.10, 0.17), palette.cloud, palette.shade, rng)


def _cloud(
    canvas: Canvas, x: float, y: float, half: float, color: Color, shade: Color, rng: np.random.Generator
) -> None:
    puffs = [
        (x + half * dx, y - half * up * rng.uniform(0.85, 1.15), half * radius * rng.uniform(0.85, 1.15))
        for dx, up, radius in ((-0.62, 0.16, 0.30), (-0.18, 0.34, 0.42), (0.30, 0.26, 0.36), (0.70, 0.12, 0.24))
    ]
    for px, py, radius in puffs:
        canvas.ellipse((px, py + 0.10 * half), (radius, radius), shade, "clouds")
    canvas.rectangle(x - 0.66 * half, y, x + 0.74 * half, y + 0.17 * half, shade, "clouds")
    for px, py, radius in puffs:
        canvas.ellipse((px - 0.03 * half, py - 0.03 * half), (0.90 * radius, 0.88 * radius), color, "clouds")


def paint_storm_clouds(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Paint a closed layer of heavy clouds along the upper edge."""
    for row, (level, radius) in enumerate(((0.13, 0.10), (0.06, 0.12))):
        color = mix(palette.shade, palette.cloud, 0.25 + 0.4 * row)
        for x in np.arange(-0.05, 1.1, 0.13):
            size = radius * rng.uniform(0.75, 1.2)
            canvas.ellipse((x + rng.uniform(-0.03, 0.03), level), (1.25 * size, size), color, "clouds")
    canvas.rectangle(0, 0, 1, 0.05, mix(palette.shade, palette.cloud, 0.65), "clouds")


def paint_fog(canvas: Canvas, palette: Palette, horizon: float, rng: np.random.Generator) -> None:
    """Paint banks of fog over the place, thickest near the ground."""
    color = mix(palette.haze, palette.cloud, 0.45)
    total = np.zeros((canvas.size, canvas.size), np.float32)
    for _ in range(4):
        center = horizon + rng.uniform(-0.20, 0.05)
        wave = 0.02 * np.sin(2 * np.pi * (canvas.x[:1] * rng.uniform(0.6, 1.4) + rng.random()))
        along = 0.62 + 0.38 * np.sin(2 * np.pi * (canvas.x[:1] * rng.uniform(0.4, 0.9) + rng.random()))
        bank = np.exp(-(((canvas.y - center - wave) / rng.uniform(0.045, 0.075)) ** 2)) * along
        total = np.maximum(total, bank)
    veil = 0.38 * np.exp(-(((canvas.y - horizon + 0.06) / 0.24) ** 2))
    canvas.blend(np.clip(0.72 * total + veil, 0, 0.9), color, "fog")


def paint_rain(canvas: Canvas, palette: Palette, rng: np.random.Generator) -> None:
    """Paint slanting streaks over the whole picture, on a jittered grid so that they are evenly spread."""
    streaks = Image.new("L", canvas.picture.size)
    draw = ImageDraw.Draw(streaks)
    slant, length, cells = rng.uniform(0.16, 0.30), 0.085, 9
    for row in range(cells):
        for column in range(cells):
            x = (column + rng.uniform(0.1, 0.9)) / cells
            y = (row + rng.uniform(0.0, 0.8)) / cells
            ends = [x, y, x - slant * length, y + length]
            draw.line([value * canvas.size for value in ends], fill=255, width=max(1, round(0.0085 * canvas.size)))
    _overlay(canvas, streaks, mix((0.86, 0.93, 1.0), palette.sky[2], 0.15), 0.62, "rain")


def paint_snowfall(canvas: Canvas, rng: np.random.Generator) -> None:
    """Paint round flakes over the whole picture, on a jittered grid."""
    flakes = Image.new("L", canvas.picture.size)
    draw = ImageDraw.Draw(flakes)
    cells = 9
    for row in range(cells):
        for column in range(cells):
            x = (column + rng.uniform(0.1, 0.9)) / cells
            y = (row + rng.uniform(0.1, 0.9)) / cells
            radius = rng.uniform(0.0075, 0.0135)
            draw.ellipse([v * canvas.size for v in (x - radius, y - radius, x + radius, y + radius)], fill=255)
    _overlay(canvas, flakes, (1.0, 1.0, 1.0), 0.95, "snowfall")


def paint_lightning(canvas: Canvas, foot: float, rng: np.random.Generator) -> None:
    """Paint one forked, glowing bolt from the clouds down to the land."""
    x = rng.uniform(0.2, 0.8)
    ys = np.linspace(0.12, foot, 7)
    zigzag = [(x + 0.045 * (-1) ** step * rng.uniform(0.5, 1.1), float(y)) for step, y in enumerate(ys)]
    branch = [zigzag[3], (zigzag[3][0] + 0.07 * rng.choice([-1, 1]), zigzag[3][1] + 0.08)]
    lights = Image.new("RGB", canvas.picture.size)
    glow = ImageDraw.Draw(lights)
    for path in (zigzag, branch):
        glow.line(
            [(px * canvas.size, py * canvas.size) for px, py in path], fill=(150, 140, 255), width=canvas.size // 22
        )
    canvas.shine(lights, 0.022, 0.9)
    for path, width in ((zigzag, 0.022), (branch, 0.014)):
        canvas.line(path, (1.0, 0.98, 0.78), width, "lightning")


def _overlay(canvas: Canvas, cover: Image.Image, color: Color, strength: float, thing: str) -> None:
    """Blend a colour into the picture where `cover` is white, blurred by one pixel, and label these pixels."""
    soft = np.asarray(cover.filter(ImageFilter.BoxBlur(1)), np.float32) / 255
    canvas.blend(strength * soft, color)
    canvas.labels.paste(THINGS.index(thing), mask=cover)
