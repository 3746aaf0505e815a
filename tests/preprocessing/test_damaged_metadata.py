"""Pictures whose pixels are whole and whose metadata is damaged: the same tensor, and a note."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from handmade_pictures import chunk, tiff
from PIL import ExifTags, Image, ImageCms

from synthviz.preprocessing.icc_profiles import rgb_profile
from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.image_files import PreprocessingError

PICTURE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8))
EXIF = Image.Exif()
EXIF[ExifTags.Base.Make] = "a camera"
EXIF[ExifTags.Base.XResolution] = 72.0
EXIF = EXIF.tobytes()
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def saved(kind: str, **options) -> bytes:
    file = io.BytesIO()
    PICTURE.save(file, kind, **options)
    return file.getvalue()


def with_segment(marker: int, content: bytes) -> bytes:
    """A JPEG that begins with an application segment."""
    jpeg = saved("JPEG")
    return jpeg[:2] + struct.pack(">HH", 0xFF00 + marker, len(content) + 2) + content + jpeg[2:]


def without_jfif(marker: int, content: bytes) -> bytes:
    """A JPEG that has no resolution except in its EXIF."""
    jpeg = saved("JPEG")
    start = 4 + struct.unpack(">H", jpeg[4:6])[0]
    return jpeg[:2] + struct.pack(">HH", 0xFF00 + marker, len(content) + 2) + content + jpeg[start:]


def with_chunk(name: bytes, content: bytes, *, right: bool, last: bool = False) -> bytes:
    """A PNG with one more chunk, before or after its pixels, with a right or a wrong checksum."""
    png, added = saved("PNG"), chunk(name, content)
    added = added if right else added[:-1] + bytes([added[-1] ^ 1])
    at = len(png) - 12 if last else png.index(b"IDAT") - 4
    return png[:at] + added + png[at:]


def with_tag(tag: int, kind: int, count: int, value: int) -> bytes:
    """A TIFF with one odd tag in place of the tag Orientation."""
    pixels = np.asarray(PICTURE)
    content = tiff(pixels.tobytes(), PICTURE.size, (8, 8, 8), photometric=2)
    place = content.index(struct.pack("<HHI", 274, 3, 1))
    return content[:place] + struct.pack("<HHII", tag, kind, count, value) + content[place + 12 :]


def filled(content: bytes, name: bytes) -> bytes:
    """A WebP whose chunk of this name is filled with 255."""
    at = content.index(name)
    length = struct.unpack_from("<I", content, at + 4)[0]
    return content[: at + 8] + b"\xff" * length + content[at + 8 + length :]


def wrong_offset(exif: bytes) -> bytes:
    """EXIF whose first directory lies behind its end."""
    order = "<" if exif[6:8] == b"II" else ">"
    return exif[:10] + struct.pack(order + "I", 99999) + exif[14:]


WEBP = {"lossless": True, "exif": EXIF, "icc_profile": PROFILE}
MULTIPLE = b"MPF\0II*\0\x08\0\0\0\x01\0" + struct.pack("<HHII", 0xB001, 4, 1, 2)
DAMAGED = {
    "JPEG, EXIF with a wrong offset": (with_segment(0xE1, wrong_offset(EXIF)), {}),
    **{f"JPEG, EXIF of {end} bytes": (with_segment(0xE1, EXIF[:end]), {}) for end in (8, 12, 14, 20, 40)},
    **{f"JPEG without JFIF, EXIF of {end} bytes": (without_jfif(0xE1, EXIF[:end]), {}) for end in (8, 14, 40)},
    "JPEG, EXIF of 255": (with_segment(0xE1, b"Exif\0\0" + b"\xff" * 40), {}),
    "JPEG, a short ICC segment": (with_segment(0xE2, b"ICC_PROFILE\0\1"), {}),
    "JPEG, a short JFIF segment": (without_jfif(0xE0, b"JFIF\0"), {}),
    "JPEG, a short Adobe segment": (with_segment(0xEE, b"Adobe"), {}),
    "JPEG, a directory of pictures that is cut": (with_segment(0xE2, MULTIPLE), {}),
    "PNG, a wrong checksum of a text": (with_chunk(b"tEXt", b"a\0b", right=False), {}),
    "PNG, a wrong checksum after the pixels": (with_chunk(b"iTXt", b"a\0\0\0\0\0b", right=False, last=True), {}),
    "PNG, a short resolution": (with_chunk(b"pHYs", b"\0", right=True), {}),
    "PNG, a short gamma after the pixels": (with_chunk(b"gAMA", b"\0", right=True, last=True), {}),
    "PNG, a compressed text that is too large": (
        with_chunk(b"zTXt", b"x\0\0" + zlib.compress(b"a" * 10_000_000), right=True),
        {},
    ),
    "PNG, a profile with an unknown compression": (with_chunk(b"iCCP", b"x\0\7" + PROFILE, right=True), {}),
    "PNG, short EXIF": (with_chunk(b"eXIf", b"II", right=True), {}),
    "PNG, an animation that is cut": (with_chunk(b"acTL", b"\0", right=True), {}),
    "PNG, without its end": (saved("PNG")[:-12], {}),
    "WEBP, EXIF of 255": (filled(saved("WEBP", **WEBP), b"EXIF"), WEBP),
    "WEBP, cut in its EXIF": (saved("WEBP", **WEBP)[:-30], WEBP),
    "TIFF, the sample format as a text": (with_tag(339, 2, 2, 49), {}),
    "TIFF, XMP as a text": (with_tag(700, 2, 4, 0), {}),
    "TIFF, a resolution behind the end": (with_tag(282, 5, 1, 99_999_999), {}),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_the_picture_is_read_and_a_note_tells_of_its_metadata(tmp_path, name):
    content, options = DAMAGED[name]
    (tmp_path / "damaged").write_bytes(content)
    (tmp_path / "whole").write_bytes(saved(name.split(",")[0].split()[0], **options))
    damaged, whole = (preprocess_image(tmp_path / each, size=32) for each in ("damaged", "whole"))
    assert damaged.fallback_reason is None
    assert torch.equal(damaged.tensor, whole.tensor)
    assert len(set(damaged.warnings) - set(whole.warnings)) >= 1


def test_only_the_damaged_part_is_left_out(tmp_path):
    """The file is turned by its EXIF, and the damaged text beside it does not change this."""
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    for name, content in {
        "a.png": with_chunk(b"eXIf", turned.tobytes()[6:], right=True),
        "b.jpg": with_segment(0xE1, turned.tobytes()),
    }.items():
        if name == "a.png":
            at = content.index(b"IDAT") - 4
            content = content[:at] + chunk(b"pHYs", b"\0") + content[at:]
        else:
            content = content[:2] + b"\xff\xee\0\7Adobe" + content[2:]
        (tmp_path / name).write_bytes(content)
        loaded = preprocess_image(tmp_path / name)
        assert loaded.stages[1].picture.size == (PICTURE.height, PICTURE.width)
        assert any(("Adobe" in note) or ("pHYs" in note) for note in loaded.warnings)


def test_texts_and_profiles_beside_a_damaged_chunk_stay(tmp_path):
    profile = rgb_profile("linear", ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06)), gamma=1.0)
    content = with_chunk(b"iCCP", b"x\0\0" + zlib.compress(profile), right=True)
    content = content[:33] + chunk(b"tEXt", b"a\0b") + chunk(b"pHYs", b"\0") + content[33:]
    (tmp_path / "a.png").write_bytes(content)
    loaded = preprocess_image(tmp_path / "a.png")
    assert "(pHYs)" in loaded.warnings[0]
    assert loaded.record["original"]["color_space"] == "linear"


@pytest.mark.parametrize(
    ("kind", "count", "value", "shown"),
    [
        (3, 1, b"\x09\0\0\0", "9"),
        (3, 1, b"\x4d\0\0\0", "77"),
        (2, 2, b"6\0\0\0", "'6'"),
        (11, 1, struct.pack("<f", 6), "6.0"),
    ],
)
def test_an_impossible_orientation_is_reported(tmp_path, kind, count, value, shown):
    directory = struct.pack("<HHHI", 1, 274, kind, count) + value + b"\0\0\0\0"
    (tmp_path / "a.jpg").write_bytes(with_segment(0xE1, b"Exif\0\0II*\0\x08\0\0\0" + directory))
    loaded = preprocess_image(tmp_path / "a.jpg")
    assert loaded.stages[1].picture.size == PICTURE.size
    assert f" {shown}," in loaded.warnings[0]


@pytest.mark.parametrize(
    "content",
    [
        saved("PNG")[: len(saved("PNG")) // 2],
        saved("PNG").replace(b"IDAT", b"IDAZ"),
        saved("JPEG")[:200],
        b"RIFF" + saved("WEBP")[4:40],
        b"II*\0\xff\xff\xff\xff",
    ],
)
def test_damaged_pixels_stay_an_error_with_the_first_reason(tmp_path, content):
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(PreprocessingError):
        preprocess_image(tmp_path / "a", strict=True)


def test_a_picture_that_grows_without_its_metadata_is_still_refused(tmp_path):
    """The limit of pixels counts for the repaired file too."""
    (tmp_path / "a.png").write_bytes(with_chunk(b"pHYs", b"\0", right=True))
    assert "32×24 pixels" in preprocess_image(tmp_path / "a.png", max_pixels=700).fallback_reason
