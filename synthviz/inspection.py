"""What a picture says about itself: whether a model made it, from what, and whether anything was doubtful."""

from __future__ import annotations

from pathlib import Path

from synthviz.records import printable_name, read_record

AI_MADE = "trainedAlgorithmicMedia"  # https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia
MOST_SHOWN = 2000  # characters of one entry


class InspectionError(ValueError):
    """There is nothing to inspect; the message says why."""


def describe_picture(path: str | Path) -> str:
    """A picture's labels as lines of text; what could steer a terminal is shown as its code.

    Args:
        path: any picture file that Pillow knows; its pixels are not decoded.

    Raises:
        InspectionError: if there is no such file, or it is no picture.
    """
    from PIL import Image

    path = Path(path)
    name = printable_name(path)
    try:
        with Image.open(path) as image:
            size, kind = image.size, image.format
            xmp = image.info.get("XML:com.adobe.xmp") or image.info.get("xmp") or ""
            parameters = image.info.get("parameters")
        record = read_record(path)
    except OSError as error:
        raise InspectionError(f"{name} cannot be inspected: {error.strerror or 'it is not a picture'}") from error
    except Exception as error:  # on damaged files the decoders raise nearly anything
        raise InspectionError(f"{name} cannot be inspected: it is damaged ({type(error).__name__})") from error
    labelled = AI_MADE in (xmp.decode("utf-8", "replace") if isinstance(xmp, bytes) else str(xmp))
    lines = [
        f"{name}: {size[0]}×{size[1]} pixels, {kind}",
        f"labelled as made by AI (IPTC digital source type): {'yes' if labelled else 'no'}",
    ]
    if record is None:
        lines.append("synthviz's record: none")
        if isinstance(parameters, str):
            lines.append(f"parameters: {parameters}")
    else:
        lines += [f"{name}: {value}" for name, value in record.items() if value not in (None, "", [])]
    return "\n".join(_printable(line) for line in lines)


def _printable(line: str) -> str:
    line = line if len(line) <= MOST_SHOWN else f"{line[:MOST_SHOWN]} … ({len(line)} characters in all)"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
