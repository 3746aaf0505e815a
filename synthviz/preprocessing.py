"""Any picture file becomes what the network reads: a (1, 1, 224, 224) float32 tensor in [0, 1].

The order is: open, turn upright, put on a background, make grey, resize, scale. On pictures of 8 bits a channel the
tensor is bit for bit what torchvision's `v2.Grayscale`, `v2.Resize(antialias=True)` and `v2.ToDtype(scale=True)` make
of the same PIL image. The same transforms on tensors round at other places; they differ by at most about 2/255.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from synthviz.decoding import (
    DEEP_MODES,
    MOST_PIXELS,
    PreprocessingError,
    Samples,
    Stage,
    decoding,
    make_upright_and_opaque,
    open_picture,
)
from synthviz.deep_greys import deep_grey
from synthviz.records import printable_name

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as in Pillow's convert("L") and torchvision's Grayscale
WHITE = (255, 255, 255)
FITS = {
    "stretch": "stretched",
    "fit": "fitted with a border",
    "crop": "cropped to its central square and resized",
}
INTERPOLATIONS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
LARGEST_SIZE = 4096
NEARLY_UNIFORM = 0.01  # standard deviation; about two and a half of 255 grey levels


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A picture, ready for the network.

    Attributes:
        name: the file's name, without its folder.
        tensor: (1, 1, size, size) float32 in [0, 1]; 0 is black.
        stages: opened, upright, grey, resized; empty after a fallback.
        warnings: what is worth knowing about this picture, a sentence each.
        fallback_reason: why `tensor` is the test pattern; None if it is the picture.
        record: all of this but the pixels, as JSON.
    """

    name: str
    tensor: torch.Tensor
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...]
    fallback_reason: str | None
    record: dict[str, Any]


def preprocess_image(
    path: str | Path,
    *,
    size: int = 224,
    fit: str = "stretch",
    interpolation: str = "bilinear",
    grey_weights: Sequence[float] = LUMA,
    background: Sequence[int] = WHITE,
    max_pixels: int = MOST_PIXELS,
    fast: bool = False,
    strict: bool = False,
    isolate: bool = False,
) -> LoadedImage:
    """Turn a picture file into a tensor; a file that cannot be used becomes the test pattern, and that is said.

    The file is only read. EXIF orientation is obeyed, transparency is laid over `background`, of an animation the
    first frame is taken, and deep greys (16 bits, 32 bits, floats) are scaled to [0, 1] rather than clipped; by which
    rule, `deep_greys` says.

    Args:
        path: the picture, in one of `decoding.FORMATS`.
        size: side of the tensor in pixels, 2 to 4096.
        fit: "stretch" to the square; "fit" inside it, padded with `background`; or "crop" the largest centre square.
        interpolation: "bilinear", "bicubic" or "lanczos", all antialiased, or "nearest", which is not.
        grey_weights: shares of red, green and blue in the grey; not negative, summing to 1.
        background: red, green, blue, each 0 to 255; what shows behind transparent pixels and beside a fitted picture.
        max_pixels: a file with more is not decoded; above twice `PIL.Image.MAX_IMAGE_PIXELS`, 179 million, Pillow
            itself refuses.
        fast: decode of a JPEG no more than is needed, its brightness at an eighth, a quarter or half of its size. A
            camera's picture then takes about a third of the time, and differs by less than 1/255 on average.
        strict: raise instead of falling back to the test pattern.
        isolate: decode in a process of its own, which is stopped after 30 s or 2 GB of memory; starting it takes
            seconds. For many files see `folders.preprocess_folder`.

    Returns:
        A `LoadedImage`; its `.tensor` is (1, 1, size, size) float32 in [0, 1].

    Raises:
        ValueError: for a parameter that makes no sense, before the file is touched, strict or not.
        PreprocessingError: with `strict=True`, if the file is missing, no picture, damaged or too large.
        RuntimeError: with `isolate=True` in a script without `if __name__ == "__main__":`.
    """
    _check_parameters(path, size, fit, interpolation, grey_weights, background, max_pixels)
    if fast and interpolation == "nearest":
        raise ValueError("fast averages pixels, which interpolation 'nearest' is there to avoid; use one or the other")
    path = Path(path)
    if isolate:
        from synthviz import folders

        decode = partial(
            preprocess_image,
            size=size,
            fit=fit,
            interpolation=interpolation,
            grey_weights=grey_weights,
            background=background,
            max_pixels=max_pixels,
            fast=fast,
        )
        loaded = folders.load_isolated(path, decode)
        if strict and loaded.fallback_reason is not None:
            raise PreprocessingError(f"{loaded.name}: {loaded.fallback_reason}")
        return loaded
    name = printable_name(path)
    size, weights, backdrop = int(size), tuple(map(float, grey_weights)), tuple(map(int, background))
    record: dict[str, Any] = {"file": name, "size": size, "fit": fit, "interpolation": interpolation}
    record |= {"grey_weights": list(weights), "background": list(backdrop), "fast": bool(fast)}
    said: list[str] = []
    stages: tuple[Stage, ...] = ()
    reason = None
    try:
        with decoding(path, max_pixels, said):  # to the end: any step may want too much memory
            draft = ("L" if weights == LUMA else None, (size, size)) if fast else None
            opened, samples, record["original"] = open_picture(path, max_pixels, said, draft)
            upright = make_upright_and_opaque(opened, backdrop, said)
            grey_backdrop = int(_luma(np.array(backdrop), weights))
            grey = _grey(upright, samples, weights, grey_backdrop, said)
            resized = _resize(grey.picture, size, fit, interpolation, grey_backdrop)
            tensor = _to_tensor(resized.picture)
        stages = (opened, upright, grey, resized)
        said.extend(_sameness(tensor))
    except PreprocessingError as error:
        if strict:
            raise PreprocessingError(f"{name}: {error}") from error.__cause__
        reason = str(error)
        tensor = test_pattern(size)
        print(f"Using the test pattern instead of {name}: {reason}")
    record |= {"steps": [stage.step for stage in stages], "warnings": said, "fallback_reason": reason}
    return LoadedImage(name, tensor, stages, tuple(said), reason, record)


def test_pattern(size: int = 224) -> torch.Tensor:  # noqa: PT028 - not a test
    """A vertical gradient, black at the top and white at the bottom: (1, 1, size, size) float32 in [0, 1]."""
    return torch.linspace(0, 1, size).view(1, 1, size, 1).repeat(1, 1, 1, size)


test_pattern.__test__ = False  # type: ignore[attr-defined]  # or pytest would collect it


def _check_parameters(
    path: str | Path,
    size: int,
    fit: str,
    interpolation: str,
    weights: Sequence[float],
    background: Sequence[int],
    max_pixels: int,
) -> None:
    if not isinstance(path, (str, Path)) or not str(path).strip():
        raise ValueError(f"path is {path!r}; it must name a picture file")
    if not _is_whole(size) or not 2 <= size <= LARGEST_SIZE:
        raise ValueError(f"size is {size!r}; it must be a whole number of pixels from 2 to {LARGEST_SIZE}")
    for parameter, value, allowed in (("fit", fit, FITS), ("interpolation", interpolation, INTERPOLATIONS)):
        if not isinstance(value, str) or value not in allowed:
            close = difflib.get_close_matches(str(value), allowed, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else ""
            raise ValueError(f"{parameter} is {value!r}; it must be one of {', '.join(allowed)}{hint}")
    if not _are_three(weights, numbers.Real, 0, 1 + 1e-3) or abs(sum(weights) - 1) > 1e-3:
        raise ValueError(f"grey_weights is {weights!r}; it must be three shares, none negative, that sum to 1")
    if not _are_three(background, numbers.Integral, 0, 255):
        raise ValueError(
            f"background is {background!r}; it must be three whole numbers from 0 to 255: red, green, blue"
        )
    if not _is_whole(max_pixels) or max_pixels < 1:
        raise ValueError(f"max_pixels is {max_pixels!r}; it must be a whole number of at least 1")


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _are_three(values: Any, kind: type, low: float, high: float) -> bool:
    usable = isinstance(values, (Sequence, np.ndarray)) and len(values) == 3
    return usable and all(
        isinstance(value, kind) and not isinstance(value, bool) and low <= value <= high  # type: ignore[operator]
        for value in values
    )


def _grey(upright: Stage, samples: Samples, weights: tuple[float, ...], backdrop: int, said: list[str]) -> Stage:
    """One channel: mode "L" of 8-bit pictures, mode "F" in [0, 1] of deeper ones and of those with a sign."""
    picture = upright.picture
    if picture.mode in DEEP_MODES or samples.signed:
        return deep_grey(picture, samples, backdrop, said)
    if picture.mode == "L":
        return Stage("grey", "already grey", picture)
    formula = " + ".join(f"{weight:.4g} {channel}" for weight, channel in zip(weights, "RGB", strict=True))
    if weights == LUMA and picture.mode == "RGB":  # Pillow has these built in, and is twenty times faster
        return Stage("grey", f"grey = {formula}", picture.convert("L"))
    return Stage("grey", f"grey = {formula}", Image.fromarray(_luma(np.asarray(picture), weights).astype(np.uint8)))


def _luma(rgb: np.ndarray, weights: tuple[float, ...]) -> np.ndarray:
    """Weighted sum over the last axis, (..., 3) to (...), in Pillow's fixed point: the same bytes as convert("L")."""
    parts = [round(weight * 65536) for weight in weights]
    total = sum(rgb[..., channel].astype(np.uint32) * parts[channel] for channel in range(3))
    return np.minimum((total + 32768) >> 16, 255)


def _resize(grey: Image.Image, size: int, fit: str, interpolation: str, backdrop: int) -> Stage:
    """To size × size; Pillow widens its filters when it shrinks, which is what antialiasing means."""
    method = INTERPOLATIONS[interpolation]
    width, height = grey.size
    if fit == "fit":
        scale = size / max(width, height)
        inside = (max(1, round(width * scale)), max(1, round(height * scale)))
        picture = Image.new(grey.mode, (size, size), backdrop / 255 if grey.mode == "F" else backdrop)
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


def _to_tensor(picture: Image.Image) -> torch.Tensor:
    tensor = torch.from_numpy(np.array(picture, dtype=np.float32))
    if picture.mode == "L":
        tensor = tensor * (1 / 255)  # multiplied, as torchvision's ToDtype does: dividing may differ in the last bit
    return tensor.clamp(0, 1)[None, None]  # "F" needs the clamp: bicubic and lanczos overshoot


def _sameness(tensor: torch.Tensor) -> list[str]:
    """A warning if there is next to nothing to see."""
    low, high, deviation = tensor.min().item(), tensor.max().item(), tensor.std().item()
    if high - low < 1 / 510:
        return [f"The picture is blank: every pixel is {low:.3f}."]
    if deviation < NEARLY_UNIFORM:
        return [
            f"The picture is nearly uniform: all within {low:.3f} to {high:.3f}, standard deviation {deviation:.4f}."
        ]
    return []
