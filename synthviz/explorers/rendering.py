"""Pictures, maps and small figures as PNG bytes, encoded fast enough to follow a slider."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

SHOWN = 320  # side of a picture in an explorer, in pixels


def to_png(picture: np.ndarray, side: int | None = None, smooth: bool = False) -> bytes:
    """Encode a picture as a PNG file.

    Args:
        picture: (H, W) or (H, W, 3) uint8.
        side: length of the longer side of the result, in pixels; None keeps the size.
        smooth: whether to interpolate when enlarging; otherwise each pixel becomes a sharp square.
    """
    image = Image.fromarray(np.ascontiguousarray(picture))
    if side is not None:
        scale = side / max(image.size)
        method = Image.Resampling.BICUBIC if smooth or scale < 1 else Image.Resampling.NEAREST
        image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))), method)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def figure_png(figure: Figure) -> bytes:
    """Encode a small figure as a PNG file with 100 pixels per inch."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, pil_kwargs={"compress_level": 1})
    return buffer.getvalue()


def to_bytes(values: np.ndarray) -> np.ndarray:
    """Convert [0, 1] to uint8; values outside are clipped, NaN becomes 0."""
    scaled: np.ndarray = np.nan_to_num(values, nan=0.0).clip(0, 1) * 255
    return scaled.round().astype(np.uint8)


def colored(values: np.ndarray, low: float, high: float, colors: str = "viridis") -> np.ndarray:
    """Apply a colour map to (H, W) numbers, from `low` to `high`: (H, W, 3) uint8."""
    scaled = (np.asarray(values, np.float32) - low) / max(high - low, 1e-12)
    rgba: np.ndarray = matplotlib.colormaps[colors](scaled, bytes=True)
    return rgba[..., :3]


def laid_over(picture: np.ndarray, colors: np.ndarray, opacity: float | np.ndarray) -> np.ndarray:
    """Blend a coloured map over a picture of the same size.

    Args:
        picture: (H, W, 3) uint8.
        colors: (H, W, 3) uint8.
        opacity: opacity of the colours in [0, 1]; one number, or (H, W).
    """
    share = np.asarray(opacity, np.float32)
    share = share[..., None] if share.ndim else share
    return (picture * (1 - share) + colors * share).round().astype(np.uint8)


def enlarged(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """Enlarge a small map (h, w) bilinearly to the size of a picture: (height, width) float32."""
    image = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
