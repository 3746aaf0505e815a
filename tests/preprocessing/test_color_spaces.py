"""Colour spaces: a note by default, sRGB with `color_managed=True`; compared with the formulas of the standards."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from handmade_pictures import chunk
from PIL import ExifTags, Image, ImageCms, features

from synthviz.preprocessing.icc_profiles import rgb_profile
from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.steps import LUMA

D65 = (0.3127, 0.3290)
BT709 = ((0.64, 0.33), (0.30, 0.60), (0.15, 0.06))
P3 = ((0.68, 0.32), (0.265, 0.69), (0.15, 0.06))
ADOBE = ((0.64, 0.33), (0.21, 0.71), (0.15, 0.06))
STORED = np.random.default_rng(0).integers(60, 190, (16, 16, 3), dtype=np.uint8)  # moderate colours stay inside sRGB
SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def srgb_light(values: np.ndarray) -> np.ndarray:
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def srgb_values(light: np.ndarray) -> np.ndarray:
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def to_xyz(primaries) -> np.ndarray:
    """The matrix from linear RGB to XYZ, with the white point D65 (SMPTE RP 177)."""
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    x, y = D65
    return columns * np.linalg.solve(columns, [x / y, 1, (1 - x - y) / y])


def expected_grey(primaries, light: np.ndarray) -> np.ndarray:
    """The luma of colours in sRGB, from light in [0, 1] of a space with these primaries."""
    linear = light @ (np.linalg.inv(to_xyz(BT709)) @ to_xyz(primaries)).T
    return srgb_values(linear) @ np.array(LUMA)


def grey_profile(gamma: float) -> bytes:
    return with_curve(struct.pack(">4s4xIH", b"curv", 1, round(gamma * 256)))


def with_curve(curve: bytes) -> bytes:
    """A version 2 profile of greys with a tone curve."""
    return profile_of(b"mntrGRAYXYZ ", {b"kTRC": curve})


def profile_of(kind: bytes, own_tags: dict[bytes, bytes]) -> bytes:
    """A version 2 profile of a class, a colour space and a connection space."""
    name = (b"inks" if b"CMYK" in kind else b"a grey") + b"\0"
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", len(name)) + name + b"\0" * 78,
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D),
        **own_tags,
    }
    at, table, data = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for tag, content in tags.items():
        table += tag + struct.pack(">II", at + len(data), len(content))
        data += content + b"\0" * (-len(content) % 4)
    header = struct.pack(">I4xI", at + len(data), 0x02400000) + kind + b"\0" * 12 + b"acsp"
    header = header.ljust(68, b"\0") + struct.pack(">3I", 0xF6D6, 0x10000, 0xD32D)
    return header.ljust(128, b"\0") + table + data


def png_with(*chunks: tuple[bytes, bytes]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(STORED).save(file, "PNG")
    png = file.getvalue()
    return png[:33] + b"".join(chunk(*one) for one in chunks) + png[33:]


def numbers(*values: float) -> bytes:
    return struct.pack(f">{len(values)}I", *(round(100_000 * value) for value in values))


def cicp(*points: int) -> tuple[bytes, bytes]:
    return b"cICP", bytes([*points, 0, 1])


def icc(profile: bytes) -> tuple[bytes, bytes]:
    return b"iCCP", b"x\0\0" + zlib.compress(profile)


P3_CHRM = (b"cHRM", numbers(*D65, *P3[0], *P3[1], *P3[2]))
LINEAR = (b"gAMA", numbers(1.0))
VALUES = STORED / 255
SPACES = {
    "ICC": (png_with(icc(rgb_profile("Display P3", P3))), P3, srgb_light(VALUES)),
    "cICP": (png_with(cicp(12, 13)), P3, srgb_light(VALUES)),
    "cICP, linear": (png_with(cicp(1, 8)), BT709, VALUES),
    "cICP before a profile": (png_with(cicp(12, 13), icc(SRGB)), P3, srgb_light(VALUES)),
    "a profile before gAMA": (png_with(icc(rgb_profile("P3", P3)), LINEAR), P3, srgb_light(VALUES)),
    "gAMA": (png_with(LINEAR), BT709, VALUES),
    "cHRM": (png_with(P3_CHRM), P3, srgb_light(VALUES)),
    "gAMA and cHRM": (png_with((b"gAMA", numbers(1 / 1.8)), P3_CHRM), P3, VALUES**1.8),
}
SAME = {
    "nothing": png_with(),
    "an sRGB profile": png_with(icc(SRGB)),
    "sRGB before gAMA": png_with((b"sRGB", b"\0"), (b"gAMA", numbers(1 / 1.8))),
    "the gamma and primaries of sRGB": png_with(
        (b"gAMA", numbers(0.45455)), (b"cHRM", numbers(*D65, *BT709[0], *BT709[1], *BT709[2]))
    ),
    "cICP of sRGB": png_with(cicp(1, 13)),
    "cICP of BT.709": png_with(cicp(1, 1)),
    "cICP unspecified": png_with(cicp(2, 2)),
}
GIVEN = {"size": 16, "interpolation": "nearest"}


@pytest.fixture
def loaded(tmp_path):
    """Load a file's bytes with and without colour management."""

    def loaded(content: bytes, **given):
        (tmp_path / "picture").write_bytes(content)
        return tuple(
            preprocess_image(tmp_path / "picture", strict=True, color_managed=managed, **{**GIVEN, **given})
            for managed in (False, True)
        )

    return loaded


def ink_profile() -> bytes:
    """A version 2 profile of inks with a table of 2⁴ colours in CIELAB: L falls with every ink, a and b are 0."""
    inks = np.stack(np.meshgrid(*[[0, 1]] * 4, indexing="ij"), axis=-1).reshape(-1, 4)
    lightness = np.round(255 * (1 - inks @ [0.1, 0.2, 0.05, 0.6])).astype(np.uint8)
    table = np.stack([lightness, np.full(16, 128), np.full(16, 128)], axis=1).astype(np.uint8)
    ramp = bytes(range(256))
    identity = struct.pack(">9i", *np.eye(3, dtype=int).ravel() * 65536)
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + identity + ramp * 4 + table.tobytes() + ramp * 3
    return profile_of(b"prtrCMYKLab ", {b"A2B0": lut})


def test_inks_with_a_profile(loaded):
    inks = np.zeros((16, 16, 4), np.uint8)
    inks[:8, :, 3], inks[8:, :, 1] = 255, 255
    file = io.BytesIO()
    Image.fromarray(inks, "CMYK").save(file, "TIFF", icc_profile=ink_profile())
    plain, managed = loaded(file.getvalue())
    assert "inks" in plain.warnings[0]
    light = np.array([((116 * value + 16) / 116) ** 3 for value in (0.4 * 100 / 116, 0.8 * 100 / 116)])
    expected = srgb_values(light)
    np.testing.assert_allclose(managed.tensor[0, 0, :8], expected[0], atol=3 / 255)
    np.testing.assert_allclose(managed.tensor[0, 0, 8:], expected[1], atol=3 / 255)
    assert (plain.tensor[0, 0, 0, 0] - expected[0]).abs() > 0.1


@pytest.mark.parametrize("name", SPACES)
def test_colours_are_converted_to_srgb_on_request(loaded, name):
    content, primaries, light = SPACES[name]
    plain, managed = loaded(content)
    stored = np.asarray(Image.fromarray(STORED).convert("L")) / 255
    np.testing.assert_allclose(plain.tensor[0, 0], stored, atol=1e-6)  # the default is that of torchvision
    assert sum("color_managed" in note for note in plain.warnings) == 1
    np.testing.assert_allclose(managed.tensor[0, 0], expected_grey(primaries, light), atol=2 / 255)
    assert (managed.tensor - plain.tensor).abs().max() > 3 / 255
    assert not managed.warnings
    assert any("to sRGB" in step for step in managed.record["steps"])
    assert managed.record["color_managed"] is True
    assert managed.record["original"]["color_space"]


@pytest.mark.parametrize("name", SAME)
def test_srgb_gives_no_note_and_no_change(loaded, name):
    plain, managed = loaded(SAME[name])
    assert plain.warnings == managed.warnings == ()
    assert torch.equal(plain.tensor, managed.tensor)
    assert "color_space" not in plain.record["original"]


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "WEBP", "AVIF"])
def test_profiles_of_every_format(loaded, kind):
    if kind == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    file = io.BytesIO()
    colour = Image.new("RGB", (16, 16), (90, 180, 80))
    options = {"JPEG": {"quality": 100}, "WEBP": {"lossless": True}}.get(kind, {})
    colour.save(file, kind, icc_profile=rgb_profile("Display P3", P3), **options)
    plain, managed = loaded(file.getvalue())
    expected = expected_grey(P3, srgb_light(np.array([90, 180, 80]) / 255))
    assert managed.tensor.mean().item() == pytest.approx(expected, abs=3 / 255)
    assert any("Display P3" in note for note in plain.warnings)


@pytest.mark.parametrize("transparent", [False, True])
def test_a_grey_profile(loaded, transparent):
    greys = Image.fromarray(STORED[..., 0])
    if transparent:
        greys.putalpha(Image.fromarray(np.full((16, 16), 255, np.uint8)))
    file = io.BytesIO()
    greys.save(file, "PNG", icc_profile=grey_profile(1.0))
    plain, managed = loaded(file.getvalue())
    np.testing.assert_allclose(managed.tensor[0, 0], srgb_values(STORED[..., 0] / 255), atol=2 / 255)
    assert "a grey" in plain.warnings[0]


PARAMETRIC = struct.pack(">4s4xHH7i", b"para", 4, 0, *(round(65536 * x) for x in (2.2, 0.9, 0.1, 0.5, 0.2, 0.0, 0.01)))
CURVES = {
    "linear": (grey_profile(1.0), lambda x: x),
    "gamma": (grey_profile(2.2), lambda x: x ** (round(2.2 * 256) / 256)),
    "of colours": (rgb_profile("P3", P3), srgb_light),
    "parametric": (
        with_curve(PARAMETRIC),
        lambda x: np.where(x >= 0.2, (0.9 * x + 0.1) ** 2.2, 0.5 * x + 0.01),
    ),
    "a table": (
        with_curve(struct.pack(">4s4xI3H", b"curv", 3, 0, 10000, 65535)),
        lambda x: np.interp(x, [0, 0.5, 1], [0, 10000 / 65535, 1]),
    ),
}


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_greys_of_16_bits(loaded, kind, name):
    profile, curve = CURVES[name]
    stored = np.random.default_rng(1).integers(0, 65536, (16, 16), dtype=np.uint16)
    file = io.BytesIO()
    Image.fromarray(stored).save(file, kind, icc_profile=profile)
    plain, managed = loaded(file.getvalue())
    np.testing.assert_allclose(plain.tensor[0, 0], stored / 65535, atol=1e-6)
    if name != "of colours":  # its greys are those of sRGB
        assert "color_managed" in plain.warnings[0]
    np.testing.assert_allclose(managed.tensor[0, 0], srgb_values(curve(stored / 65535)), atol=1e-3)


def test_the_transparent_value_of_16_bits_is_converted_too(loaded):
    stored = np.arange(256, dtype=np.uint16).reshape(16, 16) * 257
    file = io.BytesIO()
    Image.fromarray(stored).save(file, "PNG", icc_profile=grey_profile(1.0), transparency=int(stored[3, 5]))
    _, managed = loaded(file.getvalue(), background=(255, 255, 255))
    assert managed.tensor[0, 0, 3, 5] == 1
    assert (managed.tensor[0, 0].flatten()[:-1] == 1).sum() == 1


def test_greys_with_a_profile_for_colours(loaded):
    """Many programs keep the profile when they make a picture grey."""
    file = io.BytesIO()
    Image.fromarray(STORED[..., 0]).save(file, "PNG", icc_profile=rgb_profile("linear", BT709, gamma=1.0))
    _, managed = loaded(file.getvalue())
    np.testing.assert_allclose(managed.tensor[0, 0], srgb_values(STORED[..., 0] / 255), atol=2 / 255)


@pytest.mark.parametrize("kind", ["RGBA", "key", "P"])
def test_transparency_stays_and_the_background_is_srgb(loaded, kind):
    colours = np.full((16, 16, 3), 60, np.uint8)
    colours[:8] = 200
    file, options = io.BytesIO(), {"icc_profile": rgb_profile("linear", BT709, gamma=1.0)}
    if kind == "RGBA":
        colours = np.dstack([colours, np.repeat([0, 255], 8)[:, None].repeat(16, 1).astype(np.uint8)])
        picture = Image.fromarray(colours)
    elif kind == "key":
        picture, options["transparency"] = Image.fromarray(colours), (200, 200, 200)
    else:
        picture = Image.fromarray(colours).convert("P", palette=Image.Palette.ADAPTIVE)
        options["transparency"] = picture.getpixel((0, 0))
    picture.save(file, "PNG", **options)
    _, managed = loaded(file.getvalue(), background=(100, 100, 100))
    np.testing.assert_allclose(managed.tensor[0, 0, :8], 100 / 255, atol=1e-6)
    np.testing.assert_allclose(managed.tensor[0, 0, 8:], srgb_values(np.array(60 / 255)), atol=2 / 255)


@pytest.mark.parametrize(("color_space", "index"), [(2, None), (0xFFFF, "R03"), (None, "R03")])
def test_adobe_rgb_by_exif(loaded, color_space, index):
    exif = Image.Exif()
    if color_space is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = color_space
    if index is not None:
        exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.IFD.Interop] = {1: index}
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 180, 80)).save(file, "JPEG", quality=100, exif=exif)
    plain, managed = loaded(file.getvalue())
    expected = expected_grey(ADOBE, (np.array([90, 180, 80]) / 255) ** (563 / 256))
    assert managed.tensor.mean().item() == pytest.approx(expected, abs=3 / 255)
    assert "Adobe RGB" in plain.warnings[0]


def test_uncalibrated_without_a_profile_is_only_reported(loaded):
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.ColorSpace] = 0xFFFF
    file = io.BytesIO()
    Image.fromarray(STORED).save(file, "JPEG", exif=exif)
    plain, managed = loaded(file.getvalue())
    assert torch.equal(plain.tensor, managed.tensor)
    assert "uncalibrated" in managed.warnings[0]


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        ("RGB", b"not a profile"),
        ("RGB", SRGB[:300]),
        ("RGB", grey_profile(1.0)),
        ("CMYK", rgb_profile("for screens", P3)),
        ("F", grey_profile(1.0)),
    ],
)
def test_a_profile_that_cannot_be_used_is_reported(loaded, mode, profile):
    picture = Image.fromarray(STORED)
    picture = picture.convert("F").point(lambda value: value / 255) if mode == "F" else picture.convert(mode)
    file = io.BytesIO()
    picture.save(file, "TIFF", icc_profile=profile)
    plain, managed = loaded(file.getvalue())
    assert torch.equal(plain.tensor, managed.tensor)
    assert len(managed.warnings) == 1


@pytest.mark.parametrize("content", [png_with(cicp(9, 16)), png_with(cicp(77, 13)), png_with((b"gAMA", numbers(0)))])
def test_what_cannot_be_converted_is_reported(loaded, content):
    plain, managed = loaded(content)
    assert torch.equal(plain.tensor, managed.tensor)
    assert len(plain.warnings) == len(managed.warnings) == 1


def test_code_points_of_an_avif(loaded):
    if not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    file = io.BytesIO()
    Image.new("RGB", (16, 16), (90, 180, 80)).save(file, "AVIF", quality=100)
    content = file.getvalue()
    at = content.index(b"colrnclx") + 8
    plain, managed = loaded(content[:at] + struct.pack(">HH", 12, 13) + content[at + 4 :])
    assert "Display P3" in plain.warnings[0]
    expected = expected_grey(P3, srgb_light(np.array([90, 180, 80]) / 255))
    assert managed.tensor.mean().item() == pytest.approx(expected, abs=3 / 255)
    assert "color_space" not in loaded(content)[0].record["original"]


def test_the_profile_of_a_jpeg_2000(loaded):
    file = io.BytesIO()
    Image.fromarray(STORED).save(file, "JPEG2000")
    content, profile = file.getvalue(), rgb_profile("linear", BT709, gamma=1.0)
    at = content.index(b"colr") - 4
    length = struct.unpack_from(">I", content, at)[0]
    box = struct.pack(">I4s3B", 11 + len(profile), b"colr", 2, 0, 0) + profile
    header = content.index(b"jp2h") - 4
    grown = struct.unpack_from(">I", content, header)[0] + len(box) - length
    content = content[:at] + box + content[at + length :]
    content = content[:header] + struct.pack(">I", grown) + content[header + 4 :]
    plain, managed = loaded(content)
    assert "linear" in plain.warnings[0]
    np.testing.assert_allclose(managed.tensor[0, 0], expected_grey(BT709, VALUES), atol=2 / 255)


def test_fast_decodes_the_colours_that_are_converted(tmp_path):
    Image.fromarray(STORED).resize((256, 256)).save(
        tmp_path / "a.jpg", quality=95, icc_profile=rgb_profile("linear", P3, gamma=1.0)
    )
    fast, exact = (
        preprocess_image(tmp_path / "a.jpg", size=32, color_managed=True, fast=fast) for fast in (True, False)
    )
    assert (fast.tensor - exact.tensor).abs().mean() < 1 / 255
    assert fast.warnings == exact.warnings == ()
