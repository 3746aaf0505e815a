"""Pictures that ship with synthviz, made earlier by the embedded model, so that there is always one to look at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.files import printable_name
from synthviz.records import read_record

if TYPE_CHECKING:
    from PIL.Image import Image

FOLDER = Path(__file__).parent / "pictures"


@dataclass(frozen=True)
class ChosenPicture:
    """A picture to work on, and why this one.

    Attributes:
        path: the file.
        reason: one sentence for the person; it names the file, never a path of this machine.
        shipped: whether it came with synthviz because nothing was generated yet.
    """

    path: Path
    reason: str
    shipped: bool


def shipped_pictures() -> list[Path]:
    """The files, in order."""
    return sorted(FOLDER.glob("*.png"), key=_number)


def pictures_of_run(output_dir: str | Path) -> list[Path]:
    """The pictures that were generated into a run's folder, in order."""
    return sorted(Path(output_dir).glob("generated_image_*.png"), key=_number)


def open_shipped_pictures() -> list[tuple[Image, dict[str, Any]]]:
    """Every shipped picture with the record of how it was made.

    Raises:
        FileNotFoundError: if the installation lacks them.
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
    """Pick the picture a notebook works on.

    Args:
        image_path: a picture of the person's own; "" for none.
        output_dir: the run's folder; its first generated picture comes next.

    Returns:
        The person's picture, else the run's first, else the first one shipped. Whether a named file exists and is a
        picture is for `preprocess_image` to say.

    Raises:
        FileNotFoundError: if nothing was named or generated and the installation lacks the shipped pictures.
    """
    if image_path:
        path = Path(image_path).expanduser()
        return ChosenPicture(path, f"Using your picture {printable_name(path)}.", shipped=False)
    generated = pictures_of_run(output_dir)
    if generated:
        reason = f"Using {printable_name(generated[0])}, generated in this run."
        return ChosenPicture(generated[0], reason, shipped=False)
    paths = shipped_pictures()
    if not paths:
        raise FileNotFoundError("no picture was generated yet, and none came with this installation of synthviz")
    folder = Path(output_dir).resolve().name
    reason = f"No picture has been generated in {folder!r} yet, so this is {paths[0].name}, which ships with synthviz."
    return ChosenPicture(paths[0], reason, shipped=True)


def _number(path: Path) -> tuple[int, str]:
    digits = re.findall(r"\d+", path.stem)
    return (int(digits[-1]) if digits else 0, path.name)
