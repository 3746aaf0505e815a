"""Thousands of damaged files: each gives a tensor or the test pattern with a reason, and nothing escapes."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from handmade_pictures import PNG_START, apple_icon_around, icon_around, with_right_checksums
from PIL import ExifTags, Image, ImageCms

from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.loaded_image import LoadedImage

pytestmark = pytest.mark.filterwarnings("ignore:IM image format is deprecated")
WIDTH, HEIGHT = 23, 17
# Format to modes, as Pillow writes them.
WRITTEN = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "GIF": ("L", "P", "RGB"),
    "WEBP": ("RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "LAB", "I;16", "I", "F"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "DIB": ("1", "L", "P", "RGB"),
    "IM": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"),
    "ICO": ("RGBA",),
    "JPEG2000": ("L", "RGB", "RGBA"),
    "PPM": ("1", "L", "RGB"),
    "TGA": ("L", "P", "RGB", "RGBA"),
    "PCX": ("1", "L", "P", "RGB"),
    "SGI": ("L", "RGB", "RGBA"),
    "DDS": ("L", "RGB", "RGBA"),
    "QOI": ("RGB", "RGBA"),
    "AVIF": ("RGB", "RGBA"),
    "XBM": ("1",),
}
OPTIONS = {
    "TIFF": ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_adobe_deflate"}),
    "JPEG": ({}, {"progressive": 1}),
}
TRANSPARENT = {"1": 0, "L": 90, "RGB": (90, 30, 12), "P": bytes(range(0, 250, 2)), "I;16": 18000}


def draw(mode: str) -> Image.Image:
    """A picture in any mode, with a gradient and an edge."""
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    grey = (rows * 9 + columns * 3 + (columns > 9) * 60).astype(np.uint8)
    if mode in ("I;16", "I", "F"):
        kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
        return Image.fromarray(grey.astype(kinds[mode]) * (1 if mode == "F" else 200))
    if mode == "LAB":
        return Image.merge("LAB", [Image.fromarray(grey)] * 3)
    return Image.fromarray(np.dstack([grey, grey[::-1], 255 - grey, 255 - grey // 2]), "RGBA").convert(mode)


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture(scope="module")
def seeds() -> list[bytes]:
    """Undamaged files of every format and mode; some animated, transparent, turned, in an icon, or with a profile."""
    Image.init()
    files = []
    for kind, modes in WRITTEN.items():
        if kind not in Image.SAVE:  # a Pillow built without AVIF, or without a format that was dropped
            continue
        for mode in modes:
            files += [saved(draw(mode), kind, **options) for options in OPTIONS.get(kind, ({},))]
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif[ExifTags.Base.Make] = "a camera"
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for kind in ("JPEG", "PNG", "WEBP", "TIFF"):
        files.append(saved(draw("RGB"), kind, exif=exif, icc_profile=profile))
    files += [saved(draw(mode), "PNG", transparency=value) for mode, value in TRANSPARENT.items()]
    files.append(saved(draw("P"), "GIF", transparency=3))
    small = draw("RGBA").resize((16, 16))
    files += [icon_around(saved(small, "PNG")), saved(small, "ICO", bitmap_format="bmp", sizes=[(16, 16)])]
    files += [apple_icon_around(saved(small, kind)) for kind in ("PNG", "JPEG2000")]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        files.append(saved(draw("RGB"), kind, save_all=True, append_images=[draw("RGB").rotate(90)]))
    return files


def cut_off(data: bytearray, at: int, other: bytes, rng: np.random.Generator) -> None:
    del data[at:]


def flip_bits(data: bytearray, at: int, other: bytes, rng: np.random.Generator) -> None:
    for place in rng.integers(len(data), size=rng.integers(1, 20)):
        data[place] ^= 1 << int(rng.integers(8))


def append_end_of_another_file(data: bytearray, at: int, other: bytes, rng: np.random.Generator) -> None:
    data[at:] = other[int(rng.integers(len(other) + 1)) :]


def fill_with_zeros(data: bytearray, at: int, other: bytes, rng: np.random.Generator) -> None:
    data[at : at + 64] = bytes(min(64, len(data) - at))


def repeat_a_part(data: bytearray, at: int, other: bytes, rng: np.random.Generator) -> None:
    data[at:at] = data[at : at + int(rng.integers(1, 200))]


def remove_a_part(data: bytearray, at: int, other: bytes, rng: np.random.Generator) -> None:
    del data[at : at + int(rng.integers(1, 50))]


def write_a_large_number(data: bytearray, at: int, other: bytes, rng: np.random.Generator) -> None:
    """Near the head of the file, where the sizes are stored."""
    place = int(rng.integers(min(64, len(data))))
    order = "<I" if rng.random() < 0.5 else ">I"
    data[place : place + 4] = struct.pack(order, int(rng.choice([2**32 - 1, 2**31, 65535, 2**24])))


def fill_with_noise(data: bytearray, at: int, other: bytes, rng: np.random.Generator) -> None:
    data[at : at + 32] = rng.bytes(32)


DAMAGES = (
    cut_off,
    flip_bits,
    append_end_of_another_file,
    fill_with_zeros,
    repeat_a_part,
    remove_a_part,
    write_a_large_number,
    fill_with_noise,
)


def mutate(content: bytes, other: bytes, rng: np.random.Generator) -> bytes:
    """Damage a file in one to three ways, by accident or on purpose."""
    data = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        if data:
            at = int(rng.integers(len(data)))
            DAMAGES[rng.integers(len(DAMAGES))](data, at, other, rng)
    # Half of the PNGs get correct checksums, so that the damage reaches the code behind the check.
    return with_right_checksums(data) if data.startswith(PNG_START) and rng.random() < 0.5 else bytes(data)


def check(loaded: LoadedImage) -> None:
    assert loaded.tensor.shape == (1, 1, 224, 224)
    assert loaded.tensor.dtype == torch.float32
    assert 0 <= loaded.tensor.min() <= loaded.tensor.max() <= 1  # false for NaN
    assert bool(loaded.stages) == (loaded.fallback_reason is None)
    assert loaded.fallback_reason is None or "\n" not in loaded.fallback_reason


def bombard(seeds: list[bytes], folder: Path, first: int, count: int) -> int:
    """Load `count` damaged files; return how many of them could still be used."""
    path = folder / "file"
    opened = 0
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        content, other = (seeds[index] for index in rng.integers(len(seeds), size=2))
        path.write_bytes(mutate(content, other, rng))
        try:
            loaded = preprocess_image(path)
        except Exception as error:
            raise AssertionError(f"damaged file {number} raised {error!r}") from error
        check(loaded)
        opened += loaded.fallback_reason is None
    return opened


def test_undamaged_files_of_every_kind_are_read(seeds, tmp_path):
    for number, content in enumerate(seeds):
        path = tmp_path / f"{number}"
        path.write_bytes(content)
        loaded = preprocess_image(path)
        check(loaded)
        assert loaded.fallback_reason is None, (number, loaded.fallback_reason)


def test_hundreds_of_damaged_files(seeds, tmp_path):
    opened = bombard(seeds, tmp_path, 0, 400)
    assert 40 < opened < 360  # some of the damage is harmless, some is not


@pytest.mark.long
def test_ten_thousand_damaged_files(seeds, tmp_path):
    bombard(seeds, tmp_path, 1000, 10_000)
