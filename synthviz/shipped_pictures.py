"""Pictures that ship with synthviz, made by the embedded model, so that every notebook has one to begin with."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.files import printable_name, user_path
from synthviz.records import read_record

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER = Path(__file__).parent / "pictures"


@dataclass(frozen=True)
class ChosenPicture:
    """The picture that a notebook works on.

    Attributes:
        path: the file.
        reason: why this one, in one sentence for the reader; it names the file without its folder.
        shipped: whether it ships with synthviz.
    """

    path: Path
    reason: str
    shipped: bool


def shipped_pictures() -> list[Path]:
    """Return the files, in the order of their numbers."""
    return sorted(FOLDER.glob("*.png"), key=_number)


def pictures_of_run(output_dir: str | Path) -> list[Path]:
    """Return the generated pictures in a run's folder, in the order of their numbers."""
    return sorted(user_path(output_dir).glob("generated_image_*.png"), key=_number)


def open_shipped_pictures() -> list[tuple[Image, dict[str, Any]]]:
    """Open every shipped picture, with its record.

    Raises:
        FileNotFoundError: if this installation has none.
    """
    from PIL import Image

    paths = shipped_pictures()
    if not paths:
        raise FileNotFoundError("no pictures came with this installation of synthviz; install it again")
    pictures = []
    for path in paths:
        with Image.open(path) as image:
            pictures.append((image.convert("RGB"), read_record(path) or {}))
    return pictures


def choose_picture(image_path: str, output_dir: str | Path) -> ChosenPicture:
    """Pick the picture that a notebook works on.

    Args:
        image_path: the reader's own picture; "" for none.
        output_dir: the run's folder.

    Returns:
        The reader's picture; without one the first generated picture in the folder, else the first shipped picture.
        `preprocess_image` checks that the file exists and is a picture.

    Raises:
        FileNotFoundError: if there is none of them.
    """
    if image_path:
        path = user_path(image_path)
        return ChosenPicture(path, f"Using your picture {printable_name(path)}.", shipped=False)
    generated = pictures_of_run(output_dir)
    if generated:
        reason = f"Using {printable_name(generated[0])}, generated in this run."
        return ChosenPicture(generated[0], reason, shipped=False)
    paths = shipped_pictures()
    if not paths:
        raise FileNotFoundError("no picture was generated yet, and none came with this installation of synthviz")
    folder = user_path(output_dir).resolve().name
    reason = f"No picture has been generated in {folder!r} yet, so this is {paths[0].name}, which ships with synthviz."
    return ChosenPicture(paths[0], reason, shipped=True)


def _number(path: Path) -> tuple[int, str]:
    digits = re.findall(r"\d+", path.stem)
    return (int(digits[-1]) if digits else 0, path.name)
