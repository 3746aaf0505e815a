"""The colour space in which a file stores its colours, and their conversion to sRGB.

Pillow and torchvision take every picture for sRGB. What a file says of its colours stands in an ICC profile, in PNG's
cICP, sRGB, gAMA and cHRM chunks (W3C, third edition; the first that is there counts), in AVIF's "nclx" box, or in the
EXIF tags ColorSpace and InteroperabilityIndex.
"""

from __future__ import annotations

import functools
import io
import struct
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image, ImageCms, ImageFile

from synthviz.files import printable
from synthviz.preprocessing.icc_profiles import (
    ADOBE_GAMMA,
    ADOBE_RGB,
    D65,
    PRIMARIES,
    TRANSFERS,
    grey_to_light,
    rgb_profile,
    srgb_from_light,
)

CodePoints = tuple[int, int]  # of primaries and transfer, in ITU-T H.273
BOXES = 65536  # bytes at the start of an AVIF or JPEG 2000 file, where the boxes about its colours are
SAME = 2  # of 255; a space whose colours differ by no more is sRGB
HDR = {16: "PQ", 18: "HLG"}
CHANNELS = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK"}  # a profile's colour space to Pillow's mode


@dataclass(frozen=True)
class ColorSpace:
    """The colour space of a file, if it is not sRGB.

    Attributes:
        name: such as "Display P3".
        profile: an ICC profile of the colour space; None if there is none that can be used.
        problem: why there is none.
    """

    name: str
    profile: bytes | None
    problem: str = ""


def find_color_space(image: ImageFile.ImageFile, color_box: CodePoints | bytes | None = None) -> ColorSpace | None:
    """Return the colour space of an opened picture; None if it is sRGB, or if the file does not say.

    Args:
        image: the opened picture, decoded; Pillow reads the EXIF of some files only then.
        color_box: what `read_color_box` found in its file.
    """
    if isinstance(color_box, tuple) and (image.format == "PNG" or "icc_profile" not in image.info):
        return _from_code_points(*color_box)
    if isinstance(color_box, bytes) or "icc_profile" in image.info:
        profile = color_box if isinstance(color_box, bytes) else image.info["icc_profile"]
        return _from_icc(profile, image.mode)
    if "srgb" in image.info:
        return None
    if "gamma" in image.info or "chromaticity" in image.info:
        return _from_gamma(image.info.get("gamma"), image.info.get("chromaticity"))
    return _from_exif(image)


def read_color_box(file: BinaryIO) -> CodePoints | bytes | None:
    """Return what Pillow does not read of a file's colours, or None; the file is rewound.

    That are the code points of primaries and transfer (ITU-T H.273) of a PNG or AVIF, and the ICC profile of a
    JPEG 2000.
    """
    start = file.read(BOXES)
    file.seek(0)
    if start.startswith(b"\x89PNG") and 0 < (at := start.find(b"cICP")) < (start + b"IDAT").find(b"IDAT"):
        found = start[at + 4 : at + 6]
    elif start[4:8] == b"ftyp" and (at := start.find(b"colrnclx")) > 0:
        found = start[at + 9 : at + 13 : 2]
    elif start[4:8] == b"jP  " and (at := start.find(b"colr")) > 0 and start[at + 4 : at + 5] in (b"\2", b"\3"):
        return start[at + 7 : at - 4 + int.from_bytes(start[at - 4 : at], "big")]
    else:
        return None
    return (found[0], found[1]) if len(found) == 2 else None


def to_srgb(picture: Image.Image, space: ColorSpace) -> Image.Image:
    """Convert colours to sRGB with Little CMS; transparency stays.

    Args:
        picture: with 8 bits a channel.
        space: its colour space, with a profile.

    Returns:
        A picture in mode "L", "RGB" or "RGBA".

    Raises:
        ValueError: if the profile does not belong to such a picture.
    """
    assert space.profile is not None
    alpha = picture.convert("RGBA").getchannel("A") if picture.has_transparency_data else None
    channels = _channels(space.profile)
    is_grey = picture.mode in ("1", "L", "LA")
    if (channels == "CMYK") != (picture.mode == "CMYK") or (channels == "L" and not is_grey):
        raise ValueError(f"it is for {channels}, the picture has {picture.mode}")
    plain = picture if picture.mode == channels else picture.convert(channels)
    converted = _transform(space.profile, channels).apply(plain)
    if is_grey:
        converted = converted.convert("L")
    if alpha is None:
        return converted
    rgba = converted.convert("RGBA")
    rgba.putalpha(alpha)
    return rgba


def deep_grey_to_srgb(picture: Image.Image, space: ColorSpace, bits: int) -> Image.Image:
    """Convert greys of more than 8 and up to 16 bits to sRGB by their profile's tone curve.

    Args:
        picture: in a mode that begins with "I;16".
        space: its colour space, with a profile.
        bits: of the stored values.

    Returns:
        A picture of the same mode and bits, whose transparent value is converted too.

    Raises:
        ValueError: if the profile has no tone curve for greys.
    """
    assert space.profile is not None
    most = 2**bits - 1
    light = grey_to_light(space.profile, np.arange(most + 1) / most)
    table = np.round(most * srgb_from_light(light)).astype(np.uint16)
    converted = Image.fromarray(table[np.minimum(np.asarray(picture), most)])
    converted.info.update(picture.info)
    transparent = picture.info.get("transparency")
    if isinstance(transparent, int) and 0 <= transparent <= most:
        converted.info["transparency"] = int(table[transparent])
    return converted


def _from_icc(profile: bytes | None, mode: str) -> ColorSpace | None:
    if mode == "LAB":
        return None  # its colours do not depend on a device
    try:
        if not profile:
            raise ValueError("its parts do not belong together")
        return None if _is_srgb(profile) else ColorSpace(_profile_name(profile), profile)
    except (ValueError, OSError, TypeError) as error:  # PyCMSError is raised for wrong calls only
        return ColorSpace("an ICC profile", None, f"it cannot be read: {error}")


def _from_code_points(primaries: int, transfer: int) -> ColorSpace | None:
    name = PRIMARIES[primaries][0] if primaries in PRIMARIES else f"the primaries {primaries} of ITU-T H.273"
    if primaries == 2 or transfer == 2:  # "unspecified"
        return None
    if transfer in HDR:
        return ColorSpace(f"{name} {HDR[transfer]}", None, "high dynamic range is not converted")
    if primaries not in PRIMARIES or transfer not in TRANSFERS:
        return ColorSpace(f"{name} with the transfer {transfer}", None, "its code points are not known")
    return _unless_srgb(name, rgb_profile(name, PRIMARIES[primaries][1], gamma=TRANSFERS[transfer]))


def _from_gamma(gamma: float | None, chromaticity: tuple[float, ...] | None) -> ColorSpace | None:
    """Return the space of PNG's gAMA and cHRM; where one is missing, that of sRGB stands in."""
    names = [f"the gamma {gamma:.4g}"] if gamma is not None else []
    white, primaries = D65, PRIMARIES[1][1]
    if chromaticity is not None:
        names.append("the primaries of its cHRM chunk")
        pairs = list(zip(chromaticity[::2], chromaticity[1::2], strict=True))
        white, primaries = pairs[0], (pairs[1], pairs[2], pairs[3])
    name = " and ".join(names)
    try:
        # 1 / 2.2 stands for the curve of sRGB, as the PNG specification recommends it.
        exponent = 0.0 if gamma is None or abs(gamma - 0.45455) < 0.001 else 1 / gamma
        return _unless_srgb(name, rgb_profile("PNG", primaries, white, exponent))
    except (ValueError, ZeroDivisionError, OverflowError, struct.error) as error:
        return ColorSpace(name, None, f"it cannot be used: {error}")


def _from_exif(image: ImageFile.ImageFile) -> ColorSpace | None:
    """Return Adobe RGB if a camera says so: ColorSpace 2, or "uncalibrated" with the interoperability index R03."""
    tag: object = None
    index: object = None
    with suppress(Exception):  # Pillow raises nearly anything on damaged EXIF
        exif = image.getexif()
        tag = exif.get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.ColorSpace)
        index = exif.get_ifd(ExifTags.IFD.Interop).get(ExifTags.Interop.InteropIndex)
    if tag == 2 or (tag in (None, 0xFFFF) and str(index).startswith("R03")):
        return ColorSpace("Adobe RGB (1998)", rgb_profile("Adobe RGB (1998)", ADOBE_RGB, gamma=ADOBE_GAMMA))
    if tag == 0xFFFF:
        return ColorSpace('"uncalibrated" (EXIF)', None, "the file holds no profile of it")
    return None


def _unless_srgb(name: str, profile: bytes) -> ColorSpace | None:
    return None if _is_srgb(profile) else ColorSpace(name, profile)


def _open(profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile))


def _profile_name(profile: bytes) -> str:
    name = _open(profile).profile.profile_description or ""
    return printable(" ".join(name.split())[:80]) or "an ICC profile without a name"


def _channels(profile: bytes) -> str:
    """Return the mode of the pictures that a profile belongs to.

    Raises:
        ValueError: if Pillow has no such mode.
    """
    space = _open(profile).profile.xcolor_space.strip()
    if space not in CHANNELS:
        raise ValueError(f"a profile for {printable(space)} is not supported")
    return CHANNELS[space]


@functools.lru_cache(maxsize=8)  # a folder of photographs has few profiles
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform:
    try:
        return ImageCms.buildTransform(
            _open(profile), ImageCms.createProfile("sRGB"), mode, "RGB", ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
    except ImageCms.PyCMSError as error:
        raise ValueError(str(error)) from None


@functools.lru_cache(maxsize=8)
def _is_srgb(profile: bytes) -> bool:
    """Whether the colours of a profile are those of sRGB, up to `SAME`."""
    mode = _channels(profile)
    if mode == "CMYK":
        return False
    if mode == "L":
        levels = np.arange(256, dtype=np.uint8)[None]
    else:
        steps = np.arange(0, 256, 51, dtype=np.uint8)
        levels = np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(1, -1, 3)
    converted = np.asarray(_transform(profile, mode).apply(Image.fromarray(levels))).astype(int)
    same = levels[..., None] if mode == "L" else levels
    return bool(np.abs(converted - same).max() <= SAME)
