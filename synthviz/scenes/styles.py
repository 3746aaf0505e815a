"""The four styles: a flat picture as it is, or as a watercolour, in neon light or in ink.

Each style works on the finished picture and its label map. The things that captions count and colour keep their
colour in every style; so do the sun, the moon and lightning.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from synthviz.scenes.canvas import cloud_noise
from synthviz.world.labels import THINGS
from synthviz.world.scene import KINDS

# Labels whose colour no style may change.
KEPT = [THINGS.index(thing) for thing in (*KINDS, "sun", "moon", "crescent moon", "lightning", "stars", "snowfall")]


def apply_style(style: str, image: np.ndarray, labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Restyle a picture.

    Args:
        style: one of `synthviz.scenes.STYLES`.
        image: (S, S, 3) float32 RGB in [0, 1].
        labels: (S, S) indices into `THINGS`.
        rng: the source of the paper's grain and border.

    Returns:
        (S, S, 3) float32 in [0, 1].
    """
    kept = _soften(np.isin(labels, KEPT).astype(np.float32), 0.003)[..., None]
    if style == "watercolor":
        image = _watercolor(image, kept, rng)
    elif style == "neon":
        image = _neon(image, kept)
    elif style == "ink":
        image = _ink(image, kept)
    styled: np.ndarray = np.clip(image, 0, 1)
    return styled


def _watercolor(image: np.ndarray, kept: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Apply pale washes with uneven pigment and blurred contours, and a ragged border of bare paper."""
    size = len(image)
    paper = np.asarray((0.985, 0.975, 0.945), np.float32)
    run = cloud_noise(rng, size, stretch=1.0, octaves=3)
    shift = ((run - 0.5) * 0.030 * size).round().astype(int)
    rows, columns = np.mgrid[0:size, 0:size]
    washed = image[np.clip(rows + shift, 0, size - 1), np.clip(columns + shift.T, 0, size - 1)]
    image = _soften(washed, 0.003) * (1 - kept) + image * kept
    pigment = (0.94 - 0.26 * cloud_noise(rng, size, stretch=1.0, octaves=4))[..., None]
    image = paper + (image - paper) * (pigment * (1 - kept) + 0.97 * kept)
    y, x = rows / size, columns / size
    edge = np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) - 0.022 - 0.030 * run
    inside = np.clip(edge * 45, 0, 1)[..., None]
    rim = np.exp(-(((edge - 0.012) / 0.010) ** 2))[..., None]  # pigment collects at the edge of a wash
    image = image * (1 - 0.22 * rim)
    framed: np.ndarray = paper + (image - paper) * inside
    return framed


def _neon(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Apply dim, saturated surfaces with glowing coloured edges."""
    grey = image.mean(axis=2, keepdims=True)
    vivid = np.clip(grey + 1.9 * (image - grey), 0, 1)
    dim = vivid * 0.34 * (1 - kept) + image * kept
    strength = _edges(image)
    light = np.clip(vivid / np.maximum(vivid.max(axis=2, keepdims=True), 0.05), 0, 1)
    tube = np.clip(strength * 2.2, 0, 1)[..., None] * np.clip(0.25 + 0.95 * light, 0, 1)
    halo = _soften(tube, 0.016)
    glowing: np.ndarray = dim + (tube * 0.95 + halo * 0.9) * (1 - 0.55 * kept)
    return glowing


def _ink(image: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Apply dark contours over thin washes on warm paper; only the kept labels have their full colour."""
    grey = image.mean(axis=2, keepdims=True)
    paper = np.asarray((1.00, 0.97, 0.89), np.float32)
    tones = np.floor(np.clip(grey, 0, 0.999) * 5) / 4
    wash = (0.30 + 0.70 * (0.5 * tones + 0.5 * grey)) * paper + 1.1 * (image - grey)
    line = np.clip(_edges(image) / (grey[..., 0] + 0.16) * 1.9 - 0.14, 0, 1)[..., None]
    ink = np.asarray((0.06, 0.05, 0.09), np.float32)
    image = wash * (1 - kept) + image * kept
    drawn: np.ndarray = image + (ink - image) * line * 0.92 * (1 - 0.85 * kept)
    return drawn


def _edges(image: np.ndarray) -> np.ndarray:
    """Measure the strength of edges, (S, S) in [0, 1]: the largest colour difference within a few pixels."""
    size = len(image)
    reach = max(3, 2 * round(size / 256) + 1)
    pixels = Image.fromarray((_soften(image, 0.002) * 255).clip(0, 255).astype(np.uint8))
    spread = np.asarray(pixels.filter(ImageFilter.MaxFilter(reach)), np.float32) - np.asarray(
        pixels.filter(ImageFilter.MinFilter(reach)), np.float32
    )
    strength: np.ndarray = np.clip(spread.max(axis=2) / 255 - 0.05, 0, 1)
    return strength


def _soften(image: np.ndarray, radius: float) -> np.ndarray:
    """Apply a box blur to (S, S) or (S, S, C) floats; `radius` is a fraction of the side."""
    reach = max(1, round(radius * len(image)))
    for axis in (0, 1):
        padded = np.pad(image, [(reach + 1, reach) if a == axis else (0, 0) for a in range(image.ndim)], mode="edge")
        total = np.cumsum(padded, axis=axis, dtype=np.float64)
        upper = np.take(total, range(2 * reach + 1, total.shape[axis]), axis)
        lower = np.take(total, range(total.shape[axis] - 2 * reach - 1), axis)
        image = ((upper - lower) / (2 * reach + 1)).astype(np.float32)
    return image
