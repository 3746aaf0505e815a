"""A picture's labels as text: whether a model made it, from which settings, and whether there were doubts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthviz.errors import SynthvizError
from synthviz.files import printable, printable_name, user_path
from synthviz.preprocessing.image_files import MAX_PIXELS
from synthviz.records import record_in

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

AI_MADE = "trainedAlgorithmicMedia"  # https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia
MAX_LINE = 2000  # characters
NOT_READ = "not found; the file could not be read to its end"


class InspectionError(SynthvizError, ValueError):
    """A file cannot be inspected; the message says why."""


def describe_picture(path: str | Path) -> str:
    """Return a picture's labels as lines of text; control characters are shown as their codes.

    Args:
        path: any picture file that Pillow knows. The pixels of a PNG are decoded if they are not more than
            `image_files.MAX_PIXELS`, because labels may follow after them.

    Raises:
        InspectionError: if the file does not exist or is not a picture.
    """
    import PIL.Image

    path = user_path(path)
    name = printable_name(path)
    try:
        with PIL.Image.open(path) as image:
            size, kind = image.size, image.format
            complete = _read_to_the_end(image)
            info = image.info
    except OSError as error:
        raise InspectionError(f"{name} cannot be inspected: {error.strerror or 'it is not a picture'}") from error
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise InspectionError(f"{name} cannot be inspected: it is damaged ({type(error).__name__})") from error
    xmp = info.get("XML:com.adobe.xmp") or info.get("xmp") or ""
    parameters, record = info.get("parameters"), record_in(info)
    labelled = AI_MADE in (xmp.decode("utf-8", "replace") if isinstance(xmp, bytes) else str(xmp))
    lines = [
        f"{name}: {size[0]}×{size[1]} pixels, {kind}",
        f"labelled as made by AI (IPTC digital source type): {'yes' if labelled else 'no' if complete else NOT_READ}",
    ]
    if record is None:
        lines.append(f"synthviz's record: {'none' if complete else NOT_READ}")
        if isinstance(parameters, str):
            lines.append(f"parameters: {parameters}")
    else:
        lines += [f"{key}: {value}" for key, value in record.items() if value not in (None, "", [])]
    return "\n".join(printable(_shortened(line)) for line in lines)


def _read_to_the_end(image: ImageFile) -> bool:
    """Read the labels that may follow a PNG's pixels; return whether all labels have been read."""
    if image.format != "PNG":
        return True
    if image.width * image.height > MAX_PIXELS:
        return False
    try:
        image.load()
    except Exception:  # the end is damaged; the labels before it still count
        return False
    return True


def _shortened(line: str) -> str:
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]} … ({len(line)} characters in all)"
