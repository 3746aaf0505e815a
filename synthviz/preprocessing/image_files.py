"""Picture files, decoded, turned upright and made opaque: those in a format that is allowed, and not too large."""

from __future__ import annotations

import difflib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import (
    ContainerIO,
    ExifTags,
    IcnsImagePlugin,
    IcoImagePlugin,
    Image,
    ImageCms,
    ImageOps,
    UnidentifiedImageError,
)
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, SAMPLEFORMAT

from synthviz.errors import SynthvizError
from synthviz.files import printable, printable_name

MOST_PIXELS = 25_000_000
# Not among them: EPS, which Pillow hands to Ghostscript, and formats of films, fonts and windows' metafiles.
FORMATS = (
    "AVIF", "BMP", "DDS", "DIB", "GIF", "ICNS", "ICO", "IM", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI",
    "SGI", "TGA", "TIFF", "WEBP", "XBM", "XPM",
)  # fmt: skip
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # grey, with more than 8 bits a pixel


class PreprocessingError(SynthvizError, ValueError):
    """A picture cannot become a tensor; the message says why in one sentence."""


@dataclass(frozen=True)
class Stage:
    """The picture after one step: its short name, what was done in one line, and the PIL image (mode "F" in [0, 1])."""

    name: str
    step: str
    picture: Image.Image


@dataclass(frozen=True)
class Samples:
    """How a file stores its greys, which Pillow's modes do not say.

    Attributes:
        bits: of a value.
        signed: whether values may be below 0.
        white_is_zero: whether the least value is white, and Pillow has left it at that.
    """

    bits: int
    signed: bool = False
    white_is_zero: bool = False


@contextmanager
def decoding(path: Path, max_pixels: int, said: list[str]) -> Iterator[None]:
    """What Pillow complains of becomes part of `said`; what it raises becomes a `PreprocessingError`."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        many = Image.MAX_IMAGE_PIXELS is None or max_pixels > Image.MAX_IMAGE_PIXELS  # wanted, so no bomb
        warnings.simplefilter("ignore" if many else "error", Image.DecompressionBombWarning)
        try:
            yield
        except PreprocessingError:
            raise
        except UnidentifiedImageError as error:
            raise PreprocessingError("it is not a picture in a format that synthviz reads") from error
        except Exception as error:  # on damaged files the decoders raise nearly anything, SyntaxError included
            message = str(error).replace(str(path), printable_name(path))
            why = getattr(error, "strerror", None) or message or type(error).__name__
            raise PreprocessingError(f"it cannot be decoded ({printable(str(why))})") from error
    complaints = [str(warning.message).split() for warning in caught if issubclass(warning.category, UserWarning)]
    said.extend(dict.fromkeys(f"Pillow noticed: {printable(' '.join(words))}" for words in complaints))


def open_picture(
    path: Path, max_pixels: int, said: list[str], draft: tuple[str | None, tuple[int, int]] | None
) -> tuple[Stage, Samples, dict[str, Any]]:
    """Read and decode the file; returns the picture, how it was stored, and its original size, mode and format.

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
    with path.open("rb") as file:  # of a file with a name Pillow scrambles TIFFs that lie on their side
        for size in _sizes_inside_icon(file):
            _refuse_too_many(size, max_pixels)
        with Image.open(file, formats=formats) as image:
            _refuse_too_many(image.size, max_pixels)
            image.verify()
        with Image.open(file, formats=formats) as image:  # after verify() it has to be opened again
            (width, height), frames = image.size, getattr(image, "n_frames", 1)
            kind, mode, samples = image.format or "unknown", image.mode, _samples(image)
            # TIFFs are turned by Pillow as it decodes them, and say no more of it then.
            orientation = image.getexif().get(ExifTags.Base.Orientation, 1) if kind == "TIFF" else 1
            if kind == "PNG":
                _scale_transparency(image)
            if draft is not None:
                image.draft(*draft)
            image.load()  # decodes every pixel
            picture = image._new(image.im)  # as `image.copy()`, without copying them
    if frames > 1:
        said.append(f"The file holds {frames} frames; the first was taken.")
    original = {"width": width, "height": height, "mode": mode, "format": kind}
    step = f"opened: {width}×{height} {mode}, {kind}"
    if (*picture.size, picture.mode) != (width, height, mode):
        step += f", decoded as {picture.width}×{picture.height} {picture.mode}"
    if orientation in range(2, 9):
        step += f", turned upright (EXIF orientation {orientation})"
        said.append(_turned(orientation))
    return Stage("opened", step, picture), samples, original


def _refuse_too_many(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PreprocessingError(
            f"its {width}×{height} pixels are {width * height / 1e6:.1f} million, "
            f"more than the {max_pixels / 1e6:g} million that are read"
        )


def _sizes_inside_icon(file: BinaryIO) -> list[tuple[int, int]]:
    """The true sizes of what an icon shows: Pillow decodes it by these, an ICO even to open it."""
    magic = file.read(4)
    file.seek(0)
    if magic == b"\0\0\1\0":
        start = IcoImagePlugin.IcoFile(file).entry[0].offset
        parts = [(start, file.seek(0, io.SEEK_END) - start)]
    elif magic == b"icns":
        icon = IcnsImagePlugin.IcnsFile(file)
        parts = [icon.dct[code] for code, _ in icon.SIZES[icon.bestsize()] if code in icon.dct]
    else:
        return []
    sizes = []
    for start, length in parts:
        inside = ContainerIO.ContainerIO(file, start, length)
        with suppress(UnidentifiedImageError), Image.open(inside, formats=("PNG", "DIB", "JPEG2000")) as image:
            # Below a bitmap in an icon stands its mask, and both are counted in its height.
            sizes.append((image.width, image.height // 2 if image.format == "DIB" else image.height))
    return sizes


def _samples(image: Image.Image) -> Samples:
    if image.format == "TIFF":
        tags = image.tag_v2  # type: ignore[attr-defined]
        bits, kind = tags.get(BITSPERSAMPLE, (1,))[0], tags.get(SAMPLEFORMAT, (1,))[0]
        return Samples(bits, signed=kind == 2, white_is_zero=tags.get(PHOTOMETRIC_INTERPRETATION, 0) == 0)
    # PPM's deep greys are scaled to 16 bits by Pillow.
    return Samples(32, signed=True) if image.mode == "I" and image.format != "PPM" else Samples(16)


def _scale_transparency(image: Image.Image) -> None:
    """Pillow scales a PNG's values to 8 bits, but not the one that stands for transparent."""
    transparent = image.info.get("transparency")
    rawmode = image.tile[0].args if image.tile else None  # type: ignore[attr-defined]
    if rawmode in ("L;2", "L;4") and isinstance(transparent, int):
        image.info["transparency"] = transparent * (85 if rawmode == "L;2" else 17)
    elif rawmode == "RGB;16B" and isinstance(transparent, tuple):
        # Of 16 bits only the upper 8 are kept, so nearly the same colour is transparent too.
        image.info["transparency"] = tuple(value >> 8 for value in transparent)


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
        said.append(_turned(orientation))
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
        picture = _rgb_of_lab(picture) if picture.mode == "LAB" else picture.convert(target)
    return Stage("upright and opaque", "; ".join(steps) or "already upright and opaque", picture)


def _turned(orientation: int) -> str:
    return f"The camera noted orientation {orientation} (EXIF); the picture was turned upright."


def _rgb_of_lab(picture: Image.Image) -> Image.Image:
    """To sRGB by its formula; `convert` looks it up in a table that is up to 19 of 255 levels off."""
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(*profiles, "LAB", "RGB", flags=ImageCms.Flags.NOOPTIMIZE).apply(picture)
