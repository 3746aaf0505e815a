"""Picture files, checked and decoded; metadata that cannot be read is left out with a note."""

from __future__ import annotations

import difflib
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import (
    ContainerIO,
    ExifTags,
    IcnsImagePlugin,
    IcoImagePlugin,
    Image,
    ImageFile,
    UnidentifiedImageError,
)
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, SAMPLEFORMAT, TiffImageFile

from synthviz.errors import SynthvizError
from synthviz.files import printable, printable_name
from synthviz.preprocessing.color_spaces import CodePoints, ColorSpace, find_color_space, read_color_box
from synthviz.preprocessing.damaged_metadata import without_damaged_metadata

# Cameras of 61 megapixels write fewer. In every mode so many pixels fit into the memory of an isolated process.
MAX_PIXELS = 64_000_000
MAX_REPAIRED = 2**28  # bytes; a larger file with damaged metadata is refused
# Left out: EPS, which Pillow passes to Ghostscript, and the formats of films, fonts and Windows metafiles.
FORMATS = (
    "AVIF", "BMP", "DDS", "DIB", "GIF", "ICNS", "ICO", "IM", "JPEG", "JPEG2000", "PCX", "PNG", "PPM", "PSD", "QOI",
    "SGI", "TGA", "TIFF", "WEBP", "XBM", "XPM",
)  # fmt: skip
Draft = tuple[str | None, tuple[int, int]]  # the mode and the smallest size that are enough
DEEP_MODES = ("I", "I;16", "I;16B", "I;16L", "I;16N", "F")  # grey with more than 8 bits a pixel


class PreprocessingError(SynthvizError, ValueError):
    """A picture cannot become a tensor; the message says why in one sentence."""


@dataclass(frozen=True)
class Stage:
    """The picture after one step.

    Attributes:
        name: a short name of the result, such as "grey".
        step: what the step did, in one line.
        picture: the result; mode "F" is in [0, 1].
        notes: what a user should know about this step, one sentence each.
    """

    name: str
    step: str
    picture: Image.Image
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Samples:
    """How a file stores its greys, as far as Pillow's mode does not say it.

    Attributes:
        bits: bits of one value.
        signed: whether values may be below 0.
        white_is_zero: whether 0 means white and Pillow has not inverted it.
    """

    bits: int
    signed: bool = False
    white_is_zero: bool = False


@dataclass(frozen=True)
class OpenedPicture:
    """A decoded file.

    Attributes:
        stage: the picture, with notes about the file.
        samples: how the file stores its greys.
        color_space: in which the file stores its colours; None for sRGB, or if the file does not say.
        original: width, height, mode, format and colour space of the file, as JSON.
    """

    stage: Stage
    samples: Samples
    color_space: ColorSpace | None
    original: dict[str, int | str]


@contextmanager
def decoding(path: Path, max_pixels: int) -> Iterator[list[str]]:
    """Collect Pillow's warnings, and turn everything it raises into a `PreprocessingError`.

    Yields:
        A list; when the block has ended, it holds one note for each of Pillow's warnings.
    """
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # Pillow warns above its limit. A caller who allows more pixels than that has asked for them.
        allowed = Image.MAX_IMAGE_PIXELS is None or max_pixels > Image.MAX_IMAGE_PIXELS
        warnings.simplefilter("ignore" if allowed else "error", Image.DecompressionBombWarning)
        try:
            yield notes
        except PreprocessingError:
            raise
        except UnidentifiedImageError as error:
            raise PreprocessingError("it is not a picture in a format that synthviz reads") from error
        except Exception as error:  # decoders raise nearly anything on damaged files, even SyntaxError
            message = str(error).replace(str(path), printable_name(path))
            why = getattr(error, "strerror", None) or message or type(error).__name__
            raise PreprocessingError(f"it cannot be decoded ({printable(str(why))})") from error
    texts = [" ".join(str(one.message).split()) for one in caught if issubclass(one.category, UserWarning)]
    notes.extend(dict.fromkeys(f"Pillow noticed: {printable(text)}" for text in texts))


def open_picture(path: Path, max_pixels: int, draft: Draft | None = None) -> OpenedPicture:
    """Read and decode a file. Call it inside `decoding`, because Pillow may raise nearly anything.

    Args:
        path: the file.
        max_pixels: a file with more pixels is not decoded.
        draft: the mode and the smallest size that are enough when a JPEG is decoded; None decodes all of it.

    Raises:
        PreprocessingError: if the file is missing, empty or too large.
    """
    _check_file(path)
    Image.init()
    formats = [name for name in FORMATS if name in Image.OPEN]  # Pillow may have been built without AVIF
    # Pillow gets an open file: when it opens a TIFF by its name, it garbles some that are stored on their side.
    with path.open("rb") as file:
        try:
            return _open(file, formats, max_pixels, draft)
        except (PreprocessingError, MemoryError):
            raise
        except Exception as error:
            return _open_without_metadata(path, formats, max_pixels, draft, error)


def _open_without_metadata(
    path: Path, formats: list[str], max_pixels: int, draft: Draft | None, reason: Exception
) -> OpenedPicture:
    """Decode a file without the metadata that cannot be read; raise the first reason again if this fails too."""
    repaired = without_damaged_metadata(path.read_bytes()) if path.stat().st_size <= MAX_REPAIRED else None
    if repaired is None:
        raise reason
    content, left_out = repaired
    try:
        opened = _open(io.BytesIO(content), formats, max_pixels, draft)
    except (PreprocessingError, MemoryError):
        raise
    except Exception:
        raise reason from None  # the pixels are damaged too
    parts = printable(", ".join(left_out))
    note = f"Parts of its metadata cannot be read ({parts}); the picture was decoded without them."
    return replace(opened, stage=replace(opened.stage, notes=(*opened.stage.notes, note)))


def _open(file: BinaryIO, formats: list[str], max_pixels: int, draft: Draft | None) -> OpenedPicture:
    for size in _sizes_inside_icon(file):
        _check_size(size, max_pixels)
    color_box = read_color_box(file)
    with Image.open(file, formats=formats) as image:
        _check_size(image.size, max_pixels)
        image.verify()
    with Image.open(file, formats=formats) as image:  # verify() leaves an image that cannot be decoded
        return _decode(image, draft, color_box)


def _check_file(path: Path) -> None:
    if not path.exists():
        raise PreprocessingError("there is no such file" + _similar_name(path))
    if not path.is_file():
        raise PreprocessingError("it is a folder, not a file" if path.is_dir() else "it is not an ordinary file")
    if path.stat().st_size == 0:
        raise PreprocessingError("the file is empty")


def _similar_name(path: Path) -> str:
    names = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _check_size(size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise PreprocessingError(
            f"its {width}×{height} pixels are {width * height / 1e6:.1f} million, "
            f"more than the {max_pixels / 1e6:g} million that are read; max_pixels sets this limit"
        )


def _sizes_inside_icon(file: BinaryIO) -> list[tuple[int, int]]:
    """Return the true sizes of the pictures inside an icon; an empty list for other files.

    An icon's directory may state smaller sizes than its pictures have. Pillow decodes these pictures at their true
    size, for an ICO already when it opens the file.
    """
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
            # The height of a bitmap in an icon includes the mask that is stored below it.
            sizes.append((image.width, image.height // 2 if image.format == "DIB" else image.height))
    return sizes


def _decode(image: ImageFile.ImageFile, draft: Draft | None, color_box: CodePoints | bytes | None) -> OpenedPicture:
    """Decode the first frame of an opened file."""
    (width, height), frames = image.size, getattr(image, "n_frames", 1)
    kind, mode, samples = image.format or "unknown", image.mode, _samples(image)
    # Pillow turns a TIFF upright while it decodes it and then drops the orientation.
    orientation = image.getexif().get(ExifTags.Base.Orientation, 1) if kind == "TIFF" else 1
    if kind == "PNG":
        _scale_transparency(image)
    if draft is not None:
        image.draft(*draft)
    picture = image.copy()  # decodes every pixel; the copy does not need the file any more
    color_space = find_color_space(image, color_box)
    notes = []
    step = f"opened: {width}×{height} {mode}, {kind}"
    if (*picture.size, picture.mode) != (width, height, mode):
        step += f", decoded as {picture.width}×{picture.height} {picture.mode}"
    if frames > 1:
        notes.append(f"The file holds {frames} frames; the first was taken.")
    if orientation in range(2, 9):
        step += f", turned upright (EXIF orientation {orientation})"
        notes.append(turned_note(orientation))
    original: dict[str, int | str] = {"width": width, "height": height, "mode": mode, "format": kind}
    if color_space is not None:
        original["color_space"] = color_space.name
    return OpenedPicture(Stage("opened", step, picture, tuple(notes)), samples, color_space, original)


def turned_note(orientation: int) -> str:
    """Return the note about a picture that was turned."""
    return f"The camera noted orientation {orientation} (EXIF); the picture was turned upright."


def _samples(image: ImageFile.ImageFile) -> Samples:
    if isinstance(image, TiffImageFile):
        tags = image.tag_v2
        bits, kind = tags.get(BITSPERSAMPLE, (1,))[0], tags.get(SAMPLEFORMAT, (1,))[0]
        return Samples(bits, signed=kind == 2, white_is_zero=tags.get(PHOTOMETRIC_INTERPRETATION, 0) == 0)
    if image.mode == "I" and image.format != "PPM":  # Pillow scales a PPM's deep greys to 16 bits
        return Samples(32, signed=True)
    return Samples(16)


def _scale_transparency(image: ImageFile.ImageFile) -> None:
    """Scale the transparent value of a PNG to 8 bits; Pillow scales the pixels only."""
    transparent = image.info.get("transparency")
    rawmode = image.tile[0].args if image.tile else None
    if rawmode in ("L;2", "L;4") and isinstance(transparent, int):
        image.info["transparency"] = transparent * (85 if rawmode == "L;2" else 17)
    elif rawmode == "RGB;16B" and isinstance(transparent, tuple):
        # Only the upper 8 of 16 bits are kept, so nearly equal colours become transparent too.
        image.info["transparency"] = tuple(value >> 8 for value in transparent)
