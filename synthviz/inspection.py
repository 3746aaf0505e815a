"""A picture's labels as text: whether a model made it, from which settings, and whether there were doubts."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.errors import SynthvizError
from synthviz.files import printable, printable_name, user_path
from synthviz.other_programs import read_settings
from synthviz.picture_texts import content_credentials, picture_texts, xmp_of
from synthviz.preprocessing.damaged_metadata import without_damaged_metadata
from synthviz.preprocessing.image_files import MAX_PIXELS
from synthviz.records import record_in

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

AI_MADE = "trainedAlgorithmicMedia"  # https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia
AI_MADE_PART = "compositeWithTrainedAlgorithmicMedia"
MAX_READ = 2**28  # bytes of a file in which Content Credentials are searched
MAX_LINE = 2000  # characters
NOT_READ = "not found; the file could not be read to its end"


class InspectionError(SynthvizError, ValueError):
    """A file cannot be inspected; the message says why."""


def describe_picture(path: str | Path) -> str:
    """Return a picture's labels as lines of text; control characters are shown as their codes.

    The lines tell whether the picture is labelled as made by AI, what synthviz or another image generator recorded, and
    every other text of the file: PNG texts, EXIF, XMP, IPTC and comments. Content Credentials are not verified.

    Args:
        path: any picture file that Pillow knows. The pixels of a PNG are decoded if they are not more than
            `image_files.MAX_PIXELS`, because labels may follow after them.

    Raises:
        InspectionError: if the file does not exist or is not a picture.
    """
    path = user_path(path)
    name = printable_name(path)
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):  # a pipe could be waited for without an end
            raise InspectionError(f"{name} cannot be inspected: it is no file of a disk")
        with path.open("rb") as file:
            content = file.read(MAX_READ)
        labels, left_out = _read_labels(path, content)
    except InspectionError:
        raise
    except OSError as error:
        raise InspectionError(f"{name} cannot be inspected: {error.strerror or 'it is not a picture'}") from error
    except Exception as error:  # decoders raise nearly anything on damaged files
        raise InspectionError(f"{name} cannot be inspected: it is damaged ({type(error).__name__})") from error
    lines = [f"{name}: {labels.size[0]}×{labels.size[1]} pixels, {labels.kind}"]
    if left_out:
        lines.append(f"damaged, not read: {', '.join(left_out)}")
    lines += _label_lines(labels, content_credentials(content))
    absent = "none" if labels.complete else NOT_READ
    if labels.record is not None:
        lines += [f"{key}: {value}" for key, value in labels.record.items() if value not in (None, "", [])]
        return "\n".join(printable(_shortened(line)) for line in lines)
    lines.append(f"synthviz's record: {absent}")
    settings = read_settings(labels.texts)
    if settings is not None:
        lines.append(f"made by: {settings.program}")
        lines += [f"{key}: {value}" for key, value in settings.settings.items()]
    lines += [f"{place}: {text}" for place, text in labels.texts.items()]
    return "\n".join(printable(_shortened(line)) for line in lines)


@dataclass(frozen=True)
class _Labels:
    size: tuple[int, int]
    kind: str | None
    complete: bool
    xmp: str
    record: dict[str, Any] | None
    texts: dict[str, str]


def _read_labels(path: Path, content: bytes) -> tuple[_Labels, list[str]]:
    """Read a file's labels; parts of its metadata that stop Pillow are left out, and their names are returned too."""
    try:
        return _open_labels(path), []
    except Exception:
        repaired = without_damaged_metadata(content)
        if repaired is None:
            raise
        return _open_labels(io.BytesIO(repaired[0])), repaired[1]


def _open_labels(file: Path | io.BytesIO) -> _Labels:
    import PIL.Image

    with PIL.Image.open(file) as image:
        size, kind = image.size, image.format
        complete = _read_to_the_end(image)
        return _Labels(size, kind, complete, xmp_of(image), record_in(image.info), picture_texts(image))


def _label_lines(labels: _Labels, credentials: bytes) -> list[str]:
    """Return whether the picture is labelled as made by AI, in XMP or in Content Credentials."""
    answers = []
    for where, text in (("", labels.xmp), (", in its Content Credentials", credentials.decode("latin-1"))):
        answers += [f"yes{where}"] if AI_MADE in text else [f"in part{where}"] if AI_MADE_PART in text else []
    answer = answers[0] if answers else "no" if labels.complete else NOT_READ
    lines = [f"labelled as made by AI (IPTC digital source type): {answer}"]
    return lines + (["Content Credentials (C2PA): present, not verified"] if credentials else [])


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
