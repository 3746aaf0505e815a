"""Picture files, decoded, turned upright and made opaque: those in a format that is allowed, and not too large."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from synthviz.records import printable_name

MOST_PIXELS = 25_000_000
# Not among them: EPS, which Pillow hands to Ghostscript, and formats of films, fonts and windows' metafiles.
FORMATS = (
    "AVIF", "BMP", "DDS", "DIB", "GIF", "ICNS", "ICO", "IM", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI",
    "SGI", "TGA", "TIFF", "WEBP", "XBM", "XPM",
)  # fmt: skip
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # grey, with more than 8 bits a pixel


class PreprocessingError(ValueError):
    """A picture cannot become a tensor; the message says why in one sentence."""


@dataclass(frozen=True)
class Stage:
    """The picture after one step: its short name, what was done in one line, and the PIL image (mode "F" in [0, 1])."""

    name: str
    step: str
    picture: Image.Image


@contextmanager
def decoding(path: Path, said: list[str]) -> Iterator[None]:
    """What Pillow complains of becomes part of `said`; what it raises becomes a `PreprocessingError`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            yield
        except PreprocessingError:
            raise
        except UnidentifiedImageError as error:
            raise PreprocessingError("it is not a picture in a format that synthviz reads") from error
        except Exception as error:  # on damaged files the decoders raise nearly anything, SyntaxError included
            message = str(error).replace(str(path), printable_name(path))
            why = getattr(error, "strerror", None) or message or type(error).__name__
            raise PreprocessingError(f"it cannot be decoded ({why})") from error
    complaints = [str(warning.message).split() for warning in caught if issubclass(warning.category, UserWarning)]
    said.extend(dict.fromkeys(f"Pillow noticed: {' '.join(words)}" for words in complaints))


def open_picture(
    path: Path, max_pixels: int, said: list[str], draft: tuple[str | None, tuple[int, int]] | None
) -> tuple[Stage, dict[str, Any]]:
    """Read and decode the file; returns the picture and its original size, mode and format.

    Args:
        path: the file.
        max_pixels: with more it is not decoded.
        said: what is worth knowing is added here.
        draft: the mode and the least size that are enough of a JPEG; None decodes all of it.

    Raises:
        PreprocessingError: if it is missing, empty or too large. To be called inside `decoding`, as Pillow may raise
            nearly anything.
    """
    if not path.exists():
        raise PreprocessingError("there is no such file" + _similar_name(path))
    if not path.is_file():
        raise PreprocessingError("it is a folder, not a file" if path.is_dir() else "it is not an ordinary file")
    if path.stat().st_size == 0:
        raise PreprocessingError("the file is empty")
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]  # a Pillow built without AVIF does without
    with Image.open(path, formats=formats) as image:
        width, height = image.size
        if width * height > max_pixels:
            raise PreprocessingError(
                f"its {width}×{height} pixels are {width * height / 1e6:.1f} million, "
                f"more than the {max_pixels / 1e6:g} million that are read"
            )
        image.verify()
    with Image.open(path, formats=formats) as image:  # after verify() the file has to be opened again
        frames, kind, mode = getattr(image, "n_frames", 1), image.format or "unknown", image.mode
        if draft is not None:
            image.draft(*draft)
        picture = image.copy()  # decodes every pixel
    if frames > 1:
        said.append(f"The file holds {frames} frames; the first was taken.")
    original = {"width": width, "height": height, "mode": mode, "format": kind}
    step = f"opened: {width}×{height} {mode}, {kind}"
    if (*picture.size, picture.mode) != (width, height, mode):
        step += f", decoded as {picture.width}×{picture.height} {picture.mode}"
    return Stage("opened", step, picture), original


def _similar_name(path: Path) -> str:
    names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def make_upright_and_opaque(opened: Stage, backdrop: tuple[int, ...], said: list[str]) -> Stage:
    """Turned as the camera was held, and without transparency: mode "L", "RGB" or one of `DEEP_MODES`."""
    picture, steps = opened.picture, []
    orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    if orientation in range(2, 9):
        picture = ImageOps.exif_transpose(picture)
        steps.append(f"turned upright (EXIF orientation {orientation})")
        said.append(f"The camera noted orientation {orientation} (EXIF); the picture was turned upright.")
    if picture.has_transparency_data and picture.mode not in DEEP_MODES:
        rgba = picture.convert("RGBA")
        lowest = np.asarray(rgba.getchannel("A")).min()
        picture = Image.new("RGBA", rgba.size, (*backdrop, 255))
        picture.alpha_composite(rgba)
        if lowest < 255:
            steps.append(f"laid over the background {backdrop}")
            said.append(f"Some pixels are transparent; the picture was laid over the background {backdrop}.")
    if picture.mode not in ("L", "RGB", *DEEP_MODES):
        target = "L" if picture.mode == "1" else "RGB"
        if picture.mode != "RGBA":
            steps.append(f"converted from {picture.mode} to {target}")
        picture = picture.convert(target)
    return Stage("upright and opaque", "; ".join(steps) or "already upright and opaque", picture)
