"""The decoded picture as it is meant to be seen: turned upright, and laid over a background."""

from __future__ import annotations

import numpy as np
from PIL import ExifTags, Image, ImageCms

from synthviz.files import printable
from synthviz.preprocessing.color_spaces import ColorSpace, deep_grey_to_srgb, to_srgb
from synthviz.preprocessing.image_files import DEEP_MODES, OpenedPicture, Samples, Stage, turned_note

# EXIF orientation to the turn that undoes it.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def make_upright_and_opaque(opened: OpenedPicture, background: tuple[int, ...], color_managed: bool = False) -> Stage:
    """Apply the EXIF orientation, convert colours to sRGB, and put transparency on a background.

    Args:
        opened: the decoded picture.
        background: red, green and blue, each 0 to 255, in sRGB.
        color_managed: whether to convert colours; without it, a note tells that they are not sRGB.

    Returns:
        A picture in mode "L", "RGB" or one of `DEEP_MODES`; a deep one keeps its transparent value.
    """
    picture = opened.stage.picture
    steps = []
    orientation, notes = _orientation(picture)
    if orientation in TURNS:
        picture = picture.transpose(TURNS[orientation])
        steps.append(f"turned upright (EXIF orientation {orientation})")
        notes.append(turned_note(orientation))
    if opened.color_space is not None:
        picture, color_steps, color_notes = _to_srgb(picture, opened.color_space, opened.samples, color_managed)
        steps += color_steps
        notes += color_notes
    if picture.has_transparency_data and picture.mode not in DEEP_MODES:
        rgba = picture if picture.mode == "RGBA" else picture.convert("RGBA")
        lowest = np.asarray(rgba.getchannel("A")).min()
        picture = Image.new("RGBA", rgba.size, (*background, 255))
        picture.alpha_composite(rgba)
        if lowest < 255:
            steps.append(f"laid over the background {background}")
            notes.append(f"Some pixels are transparent; the picture was laid over the background {background}.")
    if picture.mode not in ("L", "RGB", *DEEP_MODES):
        target = "L" if picture.mode == "1" else "RGB"
        if picture.mode != "RGBA":
            steps.append(f"converted from {picture.mode} to {target}")
        picture = _lab_to_rgb(picture) if picture.mode == "LAB" else picture.convert(target)
    return Stage("upright and opaque", "; ".join(steps) or "already upright and opaque", picture, tuple(notes))


def _orientation(picture: Image.Image) -> tuple[int, list[str]]:
    """Return the EXIF orientation, 1 if there is none, and a note if it cannot be read."""
    try:
        orientation = picture.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception as error:  # Pillow raises nearly anything on damaged EXIF
        why = printable(str(error) or type(error).__name__)
        return 1, [f"Its EXIF cannot be read ({why}); the picture was not turned."]
    if isinstance(orientation, int) and 0 <= orientation <= 8:  # some cameras write 0 for "unknown"
        return orientation, []
    return 1, [f"Its EXIF orientation is {printable(repr(orientation)[:40])}, not 1 to 8; the picture was not turned."]


def _to_srgb(
    picture: Image.Image, space: ColorSpace, samples: Samples, color_managed: bool
) -> tuple[Image.Image, list[str], list[str]]:
    """Convert a picture to sRGB, or not; return it with the steps and notes about it."""
    is_deep, problem = picture.mode in DEEP_MODES, space.problem
    if not problem and is_deep and (not picture.mode.startswith("I;16") or samples.signed or samples.white_is_zero):
        problem = "such greys are not converted"
    if not problem and color_managed:
        try:
            converted = deep_grey_to_srgb(picture, space, samples.bits) if is_deep else to_srgb(picture, space)
            return converted, [f"converted from {space.name} to sRGB"], []
        except (ValueError, OSError, ImageCms.PyCMSError) as error:
            problem = printable(str(error))
    reason = f", because {problem}" if problem else "; color_managed=True converts them"
    return picture, [], [f"Its colours are stored in {space.name} and were read as if they were sRGB{reason}."]


def _lab_to_rgb(picture: Image.Image) -> Image.Image:
    """Convert CIELAB to sRGB by the exact formula; the table of `convert` is up to 19 of 255 levels off."""
    profiles = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
    return ImageCms.buildTransform(*profiles, "LAB", "RGB", flags=ImageCms.Flags.NOOPTIMIZE).apply(picture)
