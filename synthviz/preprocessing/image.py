"""Any picture file becomes the network's input: a (1, 1, 224, 224) float32 tensor in [0, 1].

The steps are: open, turn upright, put on a background, convert to grey, resize, scale. For pictures of 8 bits a
channel the tensor equals, bit for bit, the result of torchvision's `v2.Grayscale`, `v2.Resize(antialias=True)` and
`v2.ToDtype(scale=True)` on the same PIL image. On tensors the same transforms round at other places; the results
then differ by at most about 2/255.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from synthviz.files import printable_name, user_path
from synthviz.preprocessing.image_files import (
    MAX_PIXELS,
    PreprocessingError,
    decoding,
    open_picture,
)
from synthviz.preprocessing.isolation import load_isolated
from synthviz.preprocessing.loaded_image import LoadedImage, fallback_image, log_fallback
from synthviz.preprocessing.settings import Settings, check_settings
from synthviz.preprocessing.steps import LUMA, resize, to_grey, to_tensor, uniformity_notes
from synthviz.preprocessing.upright import make_upright_and_opaque

WHITE = (255, 255, 255)


def preprocess_image(
    path: str | Path,
    *,
    size: int = 224,
    fit: str = "stretch",
    interpolation: str = "bilinear",
    grey_weights: Sequence[float] = LUMA,
    background: Sequence[int] = WHITE,
    max_pixels: int = MAX_PIXELS,
    color_managed: bool = False,
    fast: bool = False,
    strict: bool = False,
    isolate: bool = False,
) -> LoadedImage:
    """Turn a picture file into a tensor; an unusable file becomes the test pattern, and the reason is logged.

    The file is only read. The EXIF orientation is applied, transparency is put on `background`, and only the first
    frame of an animation is used. Greys of 16 bits, 32 bits or floats are scaled to [0, 1], not clipped; the module
    `greys` states the rules.

    Args:
        path: the picture, in one of `image_files.FORMATS`.
        size: side of the tensor in pixels, 2 to 4096.
        fit: "stretch" to the square, "pad" with `background` to the square, or "crop" to the largest centre square.
        interpolation: "bilinear", "bicubic" or "lanczos", all antialiased, or "nearest", which is not.
        grey_weights: shares of red, green and blue in the grey; not negative, summing to 1.
        background: red, green and blue, each 0 to 255, behind transparent pixels and in the padding.
        max_pixels: a file with more pixels is not decoded. Pillow itself refuses more than twice
            `PIL.Image.MAX_IMAGE_PIXELS`, which is 179 million.
        color_managed: convert colours to sRGB first, by the file's ICC profile, or by what its PNG chunks, AVIF boxes
            or EXIF say. Without it the stored numbers are used, as torchvision uses them, and a warning tells if they
            are not sRGB.
        fast: decode a JPEG at an eighth, a quarter or half of its size where that is enough, and its brightness
            only. A photo then takes about a third of the time; it differs by less than 1/255 on average.
        strict: raise an error instead of returning the test pattern.
        isolate: decode in a separate process, which is stopped after 30 s of computing or at 2 GB of memory. Starting
            it takes seconds; for many files see `preprocess_folder`.

    Returns:
        A `LoadedImage`; its `.tensor` is (1, 1, size, size) float32 in [0, 1].

    Raises:
        ValueError: for a wrong parameter, before the file is touched, also without `strict`.
        PreprocessingError: with `strict=True`, if the file is missing, not a picture, damaged or too large.
        RuntimeError: with `isolate=True` in a script without `if __name__ == "__main__":`.
    """
    if not isinstance(path, (str, Path)) or not str(path).strip():
        raise ValueError(f"path is {path!r}; it must name a picture file")
    settings = check_settings(size, fit, interpolation, grey_weights, background, max_pixels, color_managed, fast)
    path, load = user_path(path), partial(load_picture, settings=settings)
    try:
        return load_isolated(path, load) if isolate else load(path)
    except PreprocessingError as error:
        name = printable_name(path)
        if strict:
            raise PreprocessingError(f"{name}: {error}") from error.__cause__
        loaded = fallback_image(name, str(error), settings.record, settings.notes)
        log_fallback(loaded)
        return loaded


def load_picture(path: Path, settings: Settings) -> LoadedImage:
    """Decode a picture and take it through all steps.

    Raises:
        PreprocessingError: if the file cannot be used.
    """
    name = printable_name(path)
    size, weights, grey_background = settings.size, settings.grey_weights, settings.grey_background
    only_grey = weights == LUMA and not settings.color_managed
    draft = ("L" if only_grey else None, (size, size)) if settings.fast else None
    with decoding(path, settings.max_pixels) as pillow_notes:  # around every step: each may need too much memory
        opened = open_picture(path, settings.max_pixels, draft)
        upright = make_upright_and_opaque(opened, settings.background, settings.color_managed)
        grey = to_grey(upright, opened.samples, weights, grey_background)
        resized = resize(grey.picture, size, settings.fit, settings.interpolation, grey_background)
        tensor = to_tensor(resized.picture)
    stages = (opened.stage, upright, grey, resized)
    notes = (*settings.notes, *(note for stage in stages for note in stage.notes))
    notes = (*notes, *pillow_notes, *uniformity_notes(tensor))
    record: dict[str, Any] = {"file": name, **settings.record, "original": opened.original}
    record |= {"steps": [stage.step for stage in stages], "warnings": list(notes), "fallback_reason": None}
    return LoadedImage(name, tensor, stages, notes, None, record)
