"""The canvas: a picture and, beside it, a map of which thing each pixel shows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Color = tuple[float, float, float]
Point = tuple[float, float]

# What a pixel can show. Kinds of `synthviz.scenes.scene.KINDS` stand last.
THINGS = (
    "sky",
    "sun",
    "moon",
    "crescent moon",
    "stars",
    "clouds",
    "place",
    "ground",
    "water",
    "fog",
    "rain",
    "snowfall",
    "lightning",
    "bird",
    "lantern",
    "balloon",
    "boat",
    "tree",
    "tower",
)


class Canvas:
    """A square picture with a label map. Coordinates are in [0, 1], x to the right, y down; colours in [0, 1].

    Whatever is drawn covers what was drawn before, in the picture and in the label map alike, so the labels
    are exact masks of what is visible.

    Attributes:
        size: side in pixels.
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
        """Fill everything below a curve; `heights` holds y in [0, 1] at evenly spaced x."""
        xs = np.linspace(0, 1, len(heights))
        self.polygon([(0.0, 1.01), *zip(xs, heights, strict=True), (1.0, 1.01)], color, thing)

    def blend(self, alpha: np.ndarray, color: Color | np.ndarray, thing: str | None = None) -> None:
        """Lay a colour over the picture; `alpha` (size, size) in [0, 1]. Labelled where it covers more than 0.4."""
        below = self.pixels()
        over = np.asarray(color, np.float32)
        self.set_pixels(below + (over - below) * alpha[..., None])
        if thing is not None:
            cover = Image.fromarray(((alpha > 0.4) * 255).astype(np.uint8))
            self.labels.paste(THINGS.index(thing), mask=cover)

    def glow(self, center: Point, radius: float, color: Color, strength: float) -> None:
        """Add light around a point, falling off over `radius`."""
        distance = np.hypot(self.x - center[0], self.y - center[1]) / radius
        self.set_pixels(self.pixels() + (strength * np.exp(-distance * 2.2))[..., None] * np.asarray(color, np.float32))

    def shine(self, lights: Image.Image, radius: float, strength: float) -> None:
        """Add a blurred copy of a picture of lights, as bright things bleed into the dark."""
        halo = lights.filter(ImageFilter.GaussianBlur(radius * self.size))
        self.set_pixels(self.pixels() + strength * np.asarray(halo, np.float32) / 255)

    def pixels(self) -> np.ndarray:
        """The picture as (size, size, 3) float32 in [0, 1]."""
        return np.asarray(self.picture, np.float32) / 255

    def set_pixels(self, pixels: np.ndarray) -> None:
        """Replace the picture by (size, size, 3) floats, clipped to [0, 1]."""
        self.picture.paste(Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8)))


def to_bytes(color: Color) -> tuple[int, int, int]:
    """A colour in [0, 1] as three bytes."""
    red, green, blue = (min(255, max(0, round(value * 255))) for value in color)
    return red, green, blue


def mix(first: Color, second: Color, amount: float) -> Color:
    """The colour `amount` of the way from `first` to `second`."""
    return tuple(a + (b - a) * amount for a, b in zip(first, second, strict=True))  # type: ignore[return-value]


def scale(color: Color, amount: float) -> Color:
    """A colour made brighter (amount > 1) or darker (amount < 1)."""
    return tuple(value * amount for value in color)  # type: ignore[return-value]


def wave_noise(
    rng: np.random.Generator, length: int, waves: float, octaves: int = 5, roughness: float = 0.5
) -> np.ndarray:
    """A smooth random curve: (length,) values with mean 0 and largest magnitude 1.

    Value noise, octave by octave twice as fine and `roughness` times as strong.

    Args:
        rng: where the curve comes from.
        length: number of samples.
        waves: knots of the first octave across the width.
        octaves: how many layers of detail.
        roughness: strength of each octave against the one before.
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
    """Fractal noise in [0, 1], (size, size), stretched sideways as clouds are."""
    total = np.zeros((size, size), np.float32)
    for octave in range(octaves):
        rows = int(3 * stretch * 2**octave) + 2
        columns = int(3 * 2**octave) + 2
        grid = Image.fromarray(rng.random((rows, columns), np.float32))
        total += 0.55**octave * np.asarray(grid.resize((size, size), Image.Resampling.BICUBIC))
    total -= total.min()
    return total / max(float(total.max()), 1e-6)
