"""Every way of storing colours, transparency and orientation, against arithmetic in NumPy."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from handmade_pictures import PNG_START, apple_icon_around, chunk, icon_around, png, png_header, tiff
from PIL import ExifTags, Image, PngImagePlugin

from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.steps import LUMA

SIDE = 8
BACKGROUND = (30, 200, 90)
NOISE = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 4), dtype=np.uint8)
DEEP_NOISE = np.random.default_rng(1).integers(0, 65536, (SIDE, SIDE, 4), dtype=np.uint16)


@pytest.fixture
def grey_of(tmp_path):
    """Load a file's bytes; return its grey, (8, 8) in [0, 1], and the loaded image."""

    def grey_of(content: bytes, weights=LUMA):
        path = tmp_path / "picture"
        path.write_bytes(content)
        given = {"size": SIDE, "interpolation": "nearest", "background": BACKGROUND, "grey_weights": tuple(weights)}
        loaded = preprocess_image(path, strict=True, **given)
        return loaded.tensor[0, 0].double().numpy(), loaded

    return grey_of


def luma(rgb: np.ndarray, weights=LUMA) -> np.ndarray:
    """Return the grey of colours, (..., 3) in [0, 1]."""
    return rgb @ np.array(weights)


def over_background(rgb: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    return alpha[..., None] * rgb + (1 - alpha[..., None]) * np.array(BACKGROUND) / 255


def assert_close(got: np.ndarray, expected: np.ndarray, steps: float = 1) -> None:
    """Pillow keeps the upper 8 of 16 bits, and rounds once more when it blends with a background: up to 1.5 steps."""
    assert np.abs(got - expected).max() <= steps / 255
    assert abs((got - expected).mean()) <= 0.25 / 255


# Colours


def test_cmyk(grey_of):
    inks = NOISE / 255.0
    light = (1 - inks[..., :3]) * (1 - inks[..., 3:])
    got, _ = grey_of(tiff(NOISE.tobytes(), (SIDE, SIDE), (8,) * 4, photometric=5))
    assert_close(got, luma(light))


def srgb_of_lab(lab: np.ndarray) -> np.ndarray:
    """Convert CIELAB with white point D50 to sRGB, by the formulas of CIE 15 and IEC 61966-2-1."""
    f_y = (lab[..., 0] + 16) / 116
    f = np.stack([f_y + lab[..., 1] / 500, f_y, f_y - lab[..., 2] / 200], axis=-1)
    xyz = np.where(f > 6 / 29, f**3, 3 * (6 / 29) ** 2 * (f - 4 / 29)) * [0.9642, 1.0, 0.8249]
    # Lindbloom's matrix, adapted from D50 to D65 by Bradford's method.
    to_linear = np.array(
        [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
    )
    linear = np.clip(xyz @ to_linear.T, 0, 1)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def test_coloured_lab(grey_of):
    rng = np.random.default_rng(2)
    lab = np.dstack(
        [rng.integers(100, 200, (SIDE, SIDE)), *(rng.integers(-25, 25, (SIDE, SIDE)) for _ in range(2))]
    )  # within what sRGB can show
    stored = lab.astype(np.int16).astype(np.uint8)  # TIFF stores a and b as signed values
    for channel in np.eye(3):
        got, _ = grey_of(tiff(stored.tobytes(), (SIDE, SIDE), (8,) * 3, photometric=8), channel)
        assert_close(got, luma(srgb_of_lab(lab * [100 / 255, 1, 1]), channel))


@pytest.mark.parametrize("kind", ["png", "tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bits_a_colour(grey_of, kind, channels):
    values = DEEP_NOISE[..., :channels]
    if kind == "png":
        rows = [row.astype(">u2").tobytes() for row in values]
        content = png(rows, (SIDE, SIDE), 16, 2 if channels == 3 else 6)
    else:
        content = tiff(values.astype("<u2").tobytes(), (SIDE, SIDE), (16,) * channels, photometric=2)
    colours, alpha = values[..., :3] / 65535, values[..., 3] / 65535 if channels == 4 else np.ones((SIDE, SIDE))
    for channel in np.eye(3):
        got, _ = grey_of(content, channel)
        assert_close(got, luma(over_background(colours, alpha), channel), steps=1 if channels == 3 else 1.5)


def test_sixteen_bits_of_grey_and_of_transparency(grey_of):
    values = DEEP_NOISE[..., :2]
    got, _ = grey_of(png([row.astype(">u2").tobytes() for row in values], (SIDE, SIDE), 16, 4))
    grey, alpha = values[..., 0] / 65535, values[..., 1] / 65535
    assert_close(got, luma(over_background(np.repeat(grey[..., None], 3, axis=-1), alpha)), steps=1.5)


# One transparent value or colour


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_one_grey_is_transparent(grey_of, depth):
    most = 2**depth - 1
    values = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) * (257 if depth == 16 else 1) % (most + 1)
    bits = (values[..., None] >> np.arange(depth)[::-1]) & 1
    rows = [np.packbits(row.reshape(-1)).tobytes() for row in bits]
    transparent = int(values[0, 1])
    got, loaded = grey_of(png(rows, (SIDE, SIDE), depth, 0, before=(chunk(b"tRNS", struct.pack(">H", transparent)),)))
    expected = np.where(values == transparent, luma(np.array(BACKGROUND) / 255), values / most)
    assert_close(got, expected)
    assert "transparent" in loaded.warnings[0]


@pytest.mark.parametrize("depth", [8, 16])
def test_one_colour_is_transparent(grey_of, depth):
    red = (1, 0, 0)
    values = NOISE[..., :3] if depth == 8 else DEEP_NOISE[..., :3]
    colour = chunk(b"tRNS", struct.pack(">3H", *values[2, 5].tolist()))
    rows = [row.astype(">u1" if depth == 8 else ">u2").tobytes() for row in values]
    got, _ = grey_of(png(rows, (SIDE, SIDE), depth, 2, before=(colour,)), red)
    expected = luma(values / (2**depth - 1), red)
    expected[2, 5] = luma(np.array(BACKGROUND) / 255, red)
    assert_close(got, expected)


def test_a_16_bit_colour_is_not_compared_with_8_bits(grey_of):
    """The transparent 16-bit colour (18, 35, 52) is nearly black; the pixels are the 8-bit colour (18, 35, 52)."""
    values = np.tile(np.array([0x1234, 0x2345, 0x3456]), (SIDE, SIDE, 1))
    colour = chunk(b"tRNS", struct.pack(">3H", 0x12, 0x23, 0x34))
    got, loaded = grey_of(png([row.astype(">u2").tobytes() for row in values], (SIDE, SIDE), 16, 2, before=(colour,)))
    assert_close(got, luma(values / 65535))
    assert not any("transparent" in warning for warning in loaded.warnings)


@pytest.mark.parametrize("alphas", [(255, 0, 128), (255, 0)])
def test_a_palette_with_transparency(grey_of, alphas):
    palette = NOISE[0, :4, :3]
    values = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 4
    before = (chunk(b"PLTE", palette.tobytes()), chunk(b"tRNS", bytes(alphas)))
    got, _ = grey_of(png([row.astype(np.uint8).tobytes() for row in values], (SIDE, SIDE), 8, 3, before=before))
    alpha = np.array((*alphas, *[255] * (4 - len(alphas))))[values] / 255
    assert_close(got, luma(over_background(palette[values] / 255, alpha)))


def test_a_transparent_colour_in_a_grey_picture_matches_no_pixel(tmp_path):
    """The file has two headers, RGB and then 16-bit grey, so the transparent colour has three numbers."""
    content = PNG_START + png_header((SIDE, SIDE), 8, 2) + chunk(b"tRNS", struct.pack(">3H", 1, 2, 3))
    deep = DEEP_NOISE[..., 0]
    content += png([row.astype(">u2").tobytes() for row in deep], (SIDE, SIDE), 16, 0)[len(PNG_START) :]
    (tmp_path / "two.png").write_bytes(content)
    loaded = preprocess_image(tmp_path / "two.png", size=SIDE, interpolation="nearest")
    assert loaded.fallback_reason is None
    assert_close(loaded.tensor[0, 0].double().numpy(), deep / 65535)


@pytest.mark.parametrize("error", [MemoryError(), ValueError("bad shape"), OverflowError("\x1b[31m too large\n")])
def test_any_exception_of_a_later_step_becomes_the_reason(tmp_path, monkeypatch, error):
    Image.new("L", (9, 9)).save(tmp_path / "a.png")

    def fail(*arguments, **settings):
        raise error

    monkeypatch.setattr(Image.Image, "resize", fail)
    loaded = preprocess_image(tmp_path / "a.png")
    assert loaded.fallback_reason.startswith("it cannot be decoded (")
    assert loaded.fallback_reason.isprintable()
    assert loaded.stages == ()


# Orientation


TURNED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.T,
    6: lambda upright: np.rot90(upright),
    7: lambda upright: upright[::-1, ::-1].T,
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "TIFF in a strip", "WEBP"])
def test_orientation_is_applied_and_reported_once_in_every_format(tmp_path, kind, orientation):
    upright = np.zeros((16, 32), np.uint8)
    upright[:8, :16] = 255
    upright[8:, :16] = 120
    stored = np.ascontiguousarray(TURNED[orientation](upright))
    file = io.BytesIO()
    if kind == "TIFF in a strip":
        file.write(tiff(stored.tobytes(), stored.shape[::-1], (8,), photometric=1, orientation=orientation))
    else:
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = orientation
        settings = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}, "TIFF": {}}[kind]
        Image.fromarray(stored).save(file, kind, exif=exif, **settings)
    (tmp_path / "turned").write_bytes(file.getvalue())
    loaded = preprocess_image(tmp_path / "turned", size=32, interpolation="nearest")
    assert_close(loaded.tensor[0, 0].double().numpy(), upright.repeat(2, axis=0) / 255)
    for texts in (loaded.warnings, loaded.record["steps"]):
        assert sum(f"orientation {orientation}" in text for text in texts) == (orientation > 1)


# Too many pixels


@pytest.mark.parametrize("wrap", [icon_around, apple_icon_around])
@pytest.mark.parametrize("before", [b"", png_header((16, 16), 8, 0)], ids=["one header", "two headers"])
def test_a_large_picture_in_an_icon_is_refused_before_it_is_decoded(tmp_path, monkeypatch, wrap, before):
    """Pillow decodes an ICO when it opens the file. Of several PNG headers the last one gives the size."""
    large = png([b"\0" * 300] * 200, (300, 200), 8, 0)
    (tmp_path / "icon").write_bytes(wrap(PNG_START + before + large[len(PNG_START) :]))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda *_: pytest.fail("it was decoded"))
    reason = preprocess_image(tmp_path / "icon", max_pixels=59_999).fallback_reason
    assert "300×200 pixels" in reason


def test_the_mask_of_a_bitmap_in_an_icon_is_not_counted(tmp_path):
    path = tmp_path / "icon.ico"
    Image.new("RGBA", (32, 32), (9, 9, 9, 255)).save(path, sizes=[(32, 32)], bitmap_format="bmp")
    assert preprocess_image(path, max_pixels=32 * 32).fallback_reason is None
    assert "32×32 pixels" in preprocess_image(path, max_pixels=32 * 32 - 1).fallback_reason


def test_max_pixels_above_pillows_warning_limit_is_respected(tmp_path, monkeypatch):
    Image.new("L", (40, 30), 255).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    assert "exceeds limit of 1000 pixels" in preprocess_image(tmp_path / "a.png", max_pixels=1000).fallback_reason
    assert preprocess_image(tmp_path / "a.png", max_pixels=1200).tensor.eq(1).all()
    assert "40×30 pixels" in preprocess_image(tmp_path / "a.png", max_pixels=1199).fallback_reason
    Image.new("L", (80, 30), 255).save(tmp_path / "a.png")  # above the size that Pillow itself refuses
    assert "exceeds limit of 2000 pixels" in preprocess_image(tmp_path / "a.png", max_pixels=10_000).fallback_reason
