"""What a picture says about itself: whether a model made it, from what, and whether anything was doubtful."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthviz.errors import SynthvizError
from synthviz.files import printable, printable_name
from synthviz.preprocessing.image_files import MOST_PIXELS
from synthviz.records import record_in

if TYPE_CHECKING:
    from PIL.Image import Image

AI_MADE = "trainedAlgorithmicMedia"  # https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia
MOST_SHOWN = 2000  # characters of one entry


class InspectionError(SynthvizError, ValueError):
    """There is nothing to inspect; the message says why."""


def describe_picture(path: str | Path) -> str:
    """A picture's labels as lines of text; what could steer a terminal is shown as its code.

    Args:
        path: any picture file that Pillow knows. Only a PNG's pixels are decoded, up to `decoding.MOST_PIXELS`, as
            labels may stand after them.

    Raises:
        InspectionError: if there is no such file, or it is no picture.
    """
    import PIL.Image

    path = Path(path)
    name = printable_name(path)
    try:
        with PIL.Image.open(path) as image:
            size, kind = image.size, image.format
            whole = _read_to_the_end(image)
            info = image.info
    except OSError as error:
        raise InspectionError(f"{name} cannot be inspected: {error.strerror or 'it is not a picture'}") from error
    except Exception as error:  # on damaged files the decoders raise nearly anything
        raise InspectionError(f"{name} cannot be inspected: it is damaged ({type(error).__name__})") from error
    xmp = info.get("XML:com.adobe.xmp") or info.get("xmp") or ""
    parameters, record = info.get("parameters"), record_in(info)
    absent = "no" if whole else "not in what could be read of it"
    labelled = AI_MADE in (xmp.decode("utf-8", "replace") if isinstance(xmp, bytes) else str(xmp))
    lines = [
        f"{name}: {size[0]}×{size[1]} pixels, {kind}",
        f"labelled as made by AI (IPTC digital source type): {'yes' if labelled else absent}",
    ]
    if record is None:
        lines.append(f"synthviz's record: {'none' if whole else absent}")
        if isinstance(parameters, str):
            lines.append(f"parameters: {parameters}")
    else:
        lines += [f"{name}: {value}" for name, value in record.items() if value not in (None, "", [])]
    return "\n".join(printable(_shortened(line)) for line in lines)


def _read_to_the_end(image: Image) -> bool:
    """Whether all labels are known; a PNG's may stand after its pixels, which are decoded if they are not too many."""
    if image.format != "PNG":
        return True
    if image.width * image.height > MOST_PIXELS:
        return False
    try:
        image.load()
    except Exception:  # its end is damaged; what stands before it still counts
        return False
    return True


def _shortened(line: str) -> str:
    return line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]} … ({len(line)} characters in all)"
