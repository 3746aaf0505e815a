"""The canvas: a picture, and a label map that says which thing each pixel shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from synthviz.world.labels import THINGS

Color = tuple[float, float, float]
Point = tuple[float, float]


class Canvas:
    """A square picture with a label map. Coordinates are in [0, 1], x to the right, y down; colours in [0, 1].

    Every drawing method covers earlier drawings in the picture and in the label map alike, so that the labels are exact
    masks of the visible things.

    Attributes:
        size: side of the picture in pixels.
        picture: PIL image, mode "RGB".
        labels: PIL image, mode "L"; each pixel is an index into `THINGS`.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.picture = Image.new("RGB", (size, size))
        self.labels = Image.new("L", (size, size), 0)
        self._paint = ImageDraw.Draw(self.picture)
        self._label = ImageDraw.Draw(self.labels)
        self.y, self.x = np.mgrid[0:size, 0:size].astype(np.float32) / size

    def polygon(self, points: Sequence[Point], color: Color, thing: str = "place") -> None:
        """Fill a polygon."""
        pixels = [(x * self.size, y * self.size) for x, y in points]
        self._paint.polygon(pixels, fill=to_bytes(color))
        self._label.polygon(pixels, fill=THINGS.index(thing))

    def ellipse(self, center: Point, radius: Point, color: Color, thing: str = "place") -> None:
        """Fill an ellipse; `radius` is (horizontal, vertical)."""
        box = [
            (center[0] - radius[0]) * self.size,
            (center[1] - radius[1]) * self.size,
            (center[0] + radius[0]) * self.size,
            (center[1] + radius[1]) * self.size,
        ]
        self._paint.ellipse(box, fill=to_bytes(color))
        self._label.ellipse(box, fill=THINGS.index(thing))

    def rectangle(
        self, left: float, top: float, right: float, bottom: float, color: Color, thing: str = "place"
    ) -> None:
        """Fill a rectangle."""
        box = [left * self.size, top * self.size, max(right, left) * self.size, max(bottom, top) * self.size]
        self._paint.rectangle(box, fill=to_bytes(color))
        self._label.rectangle(box, fill=THINGS.index(thing))

    def line(self, points: Sequence[Point], color: Color, width: float, thing: str = "place") -> None:
        """Draw a line; `width` is a fraction of the side."""
        pixels = [(x * self.size, y * self.size) for x, y in points]
        thick = max(1, round(width * self.size))
        self._paint.line(pixels, fill=to_bytes(color), width=thick)
        self._label.line(pixels, fill=THINGS.index(thing), width=thick)

    def below(self, heights: np.ndarray, color: Color, thing: str = "place") -> None:
        """Fill the area below a curve; `heights` holds the curve's y in [0, 1] at evenly spaced x."""
        xs = np.linspace(0, 1, len(heights))
        self.polygon([(0.0, 1.01), *zip(xs, heights, strict=True), (1.0, 1.01)], color, thing)

    def blend(self, alpha: np.ndarray, color: Color | np.ndarray, thing: str | None = None) -> None:
        """Blend a colour into the picture; label the pixels whose opacity is above 0.4.

        Args:
            alpha: opacity of the colour, (size, size) in [0, 1].
            color: one colour, or a colour per pixel (size, size, 3).
            thing: the label, one of `THINGS`; None leaves the label map unchanged.
        """
        below = self.pixels()
        over = np.asarray(color, np.float32)
        self.set_pixels(below + (over - below) * alpha[..., None])
        if thing is not None:
            cover = Image.fromarray(((alpha > 0.4) * 255).astype(np.uint8))
            self.labels.paste(THINGS.index(thing), mask=cover)

    def glow(self, center: Point, radius: float, color: Color, strength: float) -> None:
        """Add light around a point; it fades with the distance, measured in `radius`."""
        distance = np.hypot(self.x - center[0], self.y - center[1]) / radius
        self.set_pixels(self.pixels() + (strength * np.exp(-distance * 2.2))[..., None] * np.asarray(color, np.float32))

    def shine(self, lights: Image.Image, radius: float, strength: float) -> None:
        """Add a blurred copy of a picture of lights, as a halo around bright things."""
        halo = lights.filter(ImageFilter.GaussianBlur(radius * self.size))
        self.set_pixels(self.pixels() + strength * np.asarray(halo, np.float32) / 255)

    def pixels(self) -> np.ndarray:
        """Return the picture as (size, size, 3) float32 in [0, 1]."""
        return np.asarray(self.picture, np.float32) / 255

    def set_pixels(self, pixels: np.ndarray) -> None:
        """Replace the picture by (size, size, 3) floats, clipped to [0, 1]."""
        self.picture.paste(Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)))


def to_bytes(color: Color) -> tuple[int, int, int]:
    """Convert a colour in [0, 1] to three bytes."""
    red, green, blue = (min(255, max(0, round(value * 255))) for value in color)
    return red, green, blue


def mix(first: Color, second: Color, amount: float) -> Color:
    """Interpolate between two colours: `amount` 0 gives `first`, 1 gives `second`."""
    red, green, blue = (a + (b - a) * amount for a, b in zip(first, second, strict=True))
    return red, green, blue


def scale(color: Color, amount: float) -> Color:
    """Make a colour brighter (amount > 1) or darker (amount < 1)."""
    red, green, blue = (value * amount for value in color)
    return red, green, blue


def wave_noise(
    rng: np.random.Generator, length: int, waves: float, octaves: int = 5, roughness: float = 0.5
) -> np.ndarray:
    """Draw a smooth random curve: (length,) values with mean 0 and largest magnitude 1.

    The method is value noise: each octave has twice the knots of the octave before, and `roughness` times its strength.

    Args:
        rng: the source of randomness.
        length: number of samples.
        waves: number of knots of the first octave across the width.
        octaves: number of layers of detail.
        roughness: strength of each octave relative to the one before.
    """
    total = np.zeros(length, np.float32)
    for octave in range(octaves):
        knots = int(np.ceil(waves * 2**octave)) + 3
        position = np.linspace(0, knots - 2, length)
        index = np.minimum(position.astype(int), knots - 2)
        blend = (1 - np.cos((position - index) * np.pi)) / 2
        values = rng.uniform(-1, 1, knots)
        total += roughness**octave * (values[index] * (1 - blend) + values[index + 1] * blend)
    total -= total.mean()
    return total / max(float(np.abs(total).max()), 1e-6)


def cloud_noise(rng: np.random.Generator, size: int, stretch: float = 2.5, octaves: int = 5) -> np.ndarray:
    """Draw fractal noise, (size, size) in [0, 1], stretched horizontally like clouds."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        rows = int(3 * stretch * 2**octave) + 2
        columns = int(3 * 2**octave) + 2
        grid = Image.fromarray(rng.random((rows, columns), np.float32))
        total += 0.55**octave * np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))
    total -= total.min()
    return total / max(float(total.max()), 1e-6)
