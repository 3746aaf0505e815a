"""Any picture file becomes what the network reads: a (1, 1, 224, 224) float32 tensor in [0, 1].

The order is: open, turn upright, put on a background, make grey, resize, scale. On pictures of 8 bits a channel the
tensor is bit for bit what torchvision's `v2.Grayscale`, `v2.Resize(antialias=True)` and `v2.ToDtype(scale=True)` make
of the same PIL image. The same transforms on tensors round at other places; they differ by at most about 2/255.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from synthviz.files import printable_name
from synthviz.preprocessing.image_files import (
    MOST_PIXELS,
    PreprocessingError,
    Stage,
    decoding,
    make_upright_and_opaque,
    open_picture,
)
from synthviz.preprocessing.loaded_image import LoadedImage, test_pattern
from synthviz.preprocessing.steps import (
    FITS,
    INTERPOLATIONS,
    LUMA,
    luma,
    resize,
    to_grey,
    to_tensor,
    uniformity_warnings,
)

WHITE = (255, 255, 255)
LARGEST_SIZE = 4096


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
            seconds. For many files see `preprocess_folder`.

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
        from synthviz.preprocessing.isolation import load_isolated

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
        loaded = load_isolated(path, decode)
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
            grey_backdrop = int(luma(np.array(backdrop), weights))
            grey = to_grey(upright, samples, weights, grey_backdrop, said)
            resized = resize(grey.picture, size, fit, interpolation, grey_backdrop)
            tensor = to_tensor(resized.picture)
        stages = (opened, upright, grey, resized)
        said.extend(uniformity_warnings(tensor))
    except PreprocessingError as error:
        if strict:
            raise PreprocessingError(f"{name}: {error}") from error.__cause__
        reason = str(error)
        tensor = test_pattern(size)
        print(f"Using the test pattern instead of {name}: {reason}")
    record |= {"steps": [stage.step for stage in stages], "warnings": said, "fallback_reason": reason}
    return LoadedImage(name, tensor, stages, tuple(said), reason, record)


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
