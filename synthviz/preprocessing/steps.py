"""The steps from an upright, opaque picture to a tensor: convert to grey, resize, scale."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from synthviz.preprocessing.greys import deep_grey
from synthviz.preprocessing.image_files import DEEP_MODES, Samples, Stage

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow's convert("L") and torchvision's Grayscale
FITS = {
    "stretch": "stretched",
    "pad": "resized to fit and padded",
    "crop": "cropped to its central square and resized",
}
INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
NEARLY_UNIFORM = 0.01  # standard deviation; about two and a half of 255 grey levels


def to_grey(upright: Stage, samples: Samples, weights: tuple[float, ...], grey_background: int) -> Stage:
    """Convert a picture to one channel.

    8-bit pictures become mode "L". Deeper and signed ones become mode "F" in [0, 1].

    Args:
        upright: the picture, in mode "L", "RGB" or one of `DEEP_MODES`.
        samples: how the file stores its greys.
        weights: shares of red, green and blue.
        grey_background: the grey that replaces transparent values, 0 to 255.

    Raises:
        PreprocessingError: if the picture has floats and none of them is finite.
    """
    picture = upright.picture
    if picture.mode in DEEP_MODES or samples.signed:
        return deep_grey(picture, samples, grey_background)
    if picture.mode == "L":
        return Stage("grey", "already grey", picture)
    formula = " + ".join(f"{weight:.4g} {channel}" for weight, channel in zip(weights, "RGB", strict=True))
    if weights == LUMA and picture.mode == "RGB":  # Pillow has these weights built in and is twenty times faster
        return Stage("grey", f"grey = {formula}", picture.convert("L"))
    return Stage("grey", f"grey = {formula}", Image.fromarray(luma(np.asarray(picture), weights).astype(np.uint8)))


def luma(rgb: np.ndarray, weights: tuple[float, ...]) -> np.ndarray:
    """Return the weighted sum over the last axis, (..., 3) to (...).

    Computed in Pillow's fixed point, so that the bytes equal those of `convert("L")`.
    """
    parts = [round(weight * 65536) for weight in weights]
    total = sum(rgb[..., channel].astype(np.uint32) * parts[channel] for channel in range(3))
    return np.minimum((total + 32768) >> 16, 255)


def resize(grey: Image.Image, size: int, fit: str, interpolation: str, grey_background: int) -> Stage:
    """Resize a grey picture to size × size.

    Pillow widens its filters when it shrinks a picture; this is its antialiasing.
    """
    method = INTERPOLATIONS[interpolation]
    width, height = grey.size
    if fit == "pad":
        scale = size / max(width, height)
        inside = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = Image.new(grey.mode, (size, size), grey_background / 255 if grey.mode == "F" else grey_background)
        picture.paste(grey.resize(inside, method), ((size - inside[0]) // 2, (size - inside[1]) // 2))
    else:
        if fit == "crop":
            side = min(width, height)
            # Rounded as torchvision's CenterCrop rounds.
            left, top = round((width - side) / 2), round((height - side) / 2)
            grey = grey.crop((left, top, left + side, top + side))
        picture = grey.resize((size, size), method)
    smooth = "not antialiased" if interpolation == "nearest" else "antialiased"
    return Stage(f"{size}×{size}", f"{FITS[fit]} to {size}×{size}, {interpolation}, {smooth}", picture)


def to_tensor(picture: Image.Image) -> torch.Tensor:
    """Convert a picture, mode "L" or mode "F" in [0, 1], to a (1, 1, H, W) float32 tensor in [0, 1]."""
    tensor = torch.from_numpy(np.array(picture, dtype=np.float32))
    if picture.mode == "L":
        tensor = tensor * (1 / 255)  # torchvision's ToDtype multiplies too; a division may differ in the last bit
    return tensor.clamp(0, 1)[None, None]  # bicubic and lanczos overshoot in mode "F"


def uniformity_notes(tensor: torch.Tensor) -> list[str]:
    """Return a note if the picture is blank or nearly uniform, else an empty list."""
    low, high, deviation = tensor.min().item(), tensor.max().item(), tensor.std().item()
    if high - low < 1 / 510:
        return [f"The picture is blank: every pixel is {low:.3f}."]
    if deviation < NEARLY_UNIFORM:
        return [
            f"The picture is nearly uniform: all within {low:.3f} to {high:.3f}, standard deviation {deviation:.4f}."
        ]
    return []
