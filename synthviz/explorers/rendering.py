"""Pictures, maps and small figures as PNG bytes, fast enough to follow a slider."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

SHOWN = 320  # pixels; the side at which explorers show a picture


def to_png(picture: np.ndarray, side: int | None = None, smooth: bool = False) -> bytes:
    """A picture as a PNG file.

    Args:
        picture: (H, W) or (H, W, 3) uint8.
        side: length of the longer side, in pixels; None leaves it as it is.
        smooth: whether enlarging smooths; else pixels stay sharp squares.
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
    """A small figure as a PNG file, 100 pixels to the inch."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return to_png(np.asarray(canvas.buffer_rgba())[..., :3])


def to_bytes(values: np.ndarray) -> np.ndarray:
    """[0, 1] to uint8; what is outside is cut off, what is not a number is black."""
    return (np.nan_to_num(values, nan=0.0).clip(0, 1) * 255).round().astype(np.uint8)


def colored(values: np.ndarray, low: float, high: float, colors: str = "viridis") -> np.ndarray:
    """(H, W) numbers in a colour map: (H, W, 3) uint8."""
    scaled = (np.asarray(values, np.float32) - low) / max(high - low, 1e-12)
    return matplotlib.colormaps[colors](scaled, bytes=True)[..., :3]


def laid_over(picture: np.ndarray, colors: np.ndarray, opacity: float | np.ndarray) -> np.ndarray:
    """A coloured map over a picture of the same size.

    Args:
        picture: (H, W, 3) uint8.
        colors: (H, W, 3) uint8.
        opacity: of the colours, 0 to 1; one number, or (H, W).
    """
    share = np.asarray(opacity, np.float32)
    share = share[..., None] if share.ndim else share
    return (picture * (1 - share) + colors * share).round().astype(np.uint8)


def enlarged(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """A small map (h, w) at a picture's size, smoothly: (height, width) float32."""
    image = Image.fromarray(np.asarray(values, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
