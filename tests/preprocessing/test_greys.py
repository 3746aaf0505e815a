"""Greys of 12, 16 and 32 bits, signed, as floats, or with 0 as white: each file's values against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest
from handmade_pictures import tiff
from PIL import Image

from synthviz.preprocessing.image import preprocess_image

SIDE = 8
STEPS = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)


def values_of(path, **parameters):
    """Load an 8×8 picture pixel for pixel; return its values, (8, 8), and the loaded image."""
    loaded = preprocess_image(path, size=SIDE, interpolation="nearest", **parameters)
    assert loaded.fallback_reason is None
    return loaded.tensor[0, 0].double().numpy(), loaded


def write(tmp_path, values, photometric=1, order="<", bits=None, data=None):
    kind = {"u": 1, "i": 2, "f": 3}[values.dtype.kind]
    data = values.astype(values.dtype.newbyteorder(order)).tobytes() if data is None else data
    path = tmp_path / "deep.tiff"
    path.write_bytes(tiff(data, (SIDE, SIDE), (bits or values.dtype.itemsize * 8,), photometric, kind, order))
    return path


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", [np.int8, np.int16])
@pytest.mark.parametrize("least", [0, -1, -32])
def test_signed_values_are_scaled_by_the_range_of_their_type(tmp_path, kind, least, order):
    """One negative pixel does not change the others."""
    values = np.maximum(STEPS - 32, least).astype(kind)
    span = np.iinfo(kind)
    got, loaded = values_of(write(tmp_path, values, order=order))
    np.testing.assert_allclose(got, (values.astype(float) - span.min) / (int(span.max) - int(span.min)), atol=1e-6)
    assert f"{span.min} to {span.max}" in loaded.warnings[0]
    assert f"{span.min} to {span.max} scaled" in loaded.record["steps"][2]


def test_twelve_bits_run_to_4095(tmp_path):
    values = (STEPS * 65).astype(np.uint16)
    packed = bytearray()
    for one, two in values.reshape(-1, 2).tolist():
        packed += ((one << 12) | two).to_bytes(3, "big")
    got, loaded = values_of(write(tmp_path, values, bits=12, data=bytes(packed)))
    np.testing.assert_allclose(got, values / 4095, atol=1e-6)
    assert loaded.warnings == ()


@pytest.mark.parametrize("values", [(STEPS * 1000).astype(np.uint16), (STEPS / 64).astype(np.float32)])
def test_zero_as_white_swaps_black_and_white(tmp_path, values):
    whole = 65535 if values.dtype == np.uint16 else 1
    got, loaded = values_of(write(tmp_path, values, photometric=0))
    np.testing.assert_allclose(got, 1 - values / whole, atol=1e-6)
    assert "0 as white" in loaded.record["steps"][2]


@pytest.mark.parametrize("kind", [np.uint32, np.int32])
def test_thirty_two_bits_are_scaled_by_their_own_range(tmp_path, kind):
    values = (STEPS * 2**26 - (2**31 if kind is np.int32 else 0)).astype(kind)
    got, loaded = values_of(write(tmp_path, values))
    np.testing.assert_allclose(got, STEPS / 63, atol=1e-6)
    assert f"{values.min():.6g} to {values.max():.6g}" in loaded.warnings[0]


def test_16_bit_portable_greymaps_are_scaled_by_the_range_of_16_bits(tmp_path):
    values = (STEPS * 500).astype(">u2")
    (tmp_path / "deep.pgm").write_bytes(b"P5 8 8 65535\n" + values.tobytes())
    got, loaded = values_of(tmp_path / "deep.pgm")
    np.testing.assert_allclose(got, values / 65535, atol=1e-6)
    assert loaded.warnings == ()


@pytest.mark.parametrize(
    ("low", "high", "warned"), [(0.0, 1.0, False), (0.25, 0.5, False), (-3.0, 12.0, True), (0.0, 255.0, True)]
)
def test_floats_outside_0_to_1_are_scaled_by_their_range(tmp_path, low, high, warned):
    values = (low + STEPS / 63 * (high - low)).astype(np.float32)
    got, loaded = values_of(write(tmp_path, values))
    np.testing.assert_allclose(got, STEPS / 63 if warned else values, atol=1e-6)
    assert bool(loaded.warnings) == warned
    if warned:
        assert f"{low:g} to {high:g}" in loaded.warnings[0]


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("scale", [1, 100])
def test_floats_that_are_not_finite_show_the_background(tmp_path, wrong, scale):
    values = (STEPS / 63 * scale).astype(np.float32)
    values[2, 3:5] = wrong
    got, loaded = values_of(write(tmp_path, values), background=(51, 51, 51))
    expected = STEPS / 63
    expected[2, 3:5] = 51 / 255
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert any("2 of 64 values" in warning for warning in loaded.warnings)
    assert loaded.record["warnings"] == list(loaded.warnings)


def test_a_picture_without_finite_values_cannot_be_used(tmp_path):
    path = write(tmp_path, np.full((SIDE, SIDE), np.nan, np.float32))
    assert "finite" in preprocess_image(path).fallback_reason


@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bits_are_scaled_not_clipped(tmp_path, suffix):
    ramp = np.linspace(10_000, 50_000, 224).round().astype(np.uint16)
    Image.fromarray(np.tile(ramp, (224, 1))).save(tmp_path / f"deep{suffix}")
    loaded = preprocess_image(tmp_path / f"deep{suffix}")
    assert loaded.record["original"]["mode"] == "I;16"
    np.testing.assert_allclose(loaded.tensor[0, 0, 0].numpy(), ramp / 65535, atol=1e-6)
    assert len(loaded.tensor.unique()) == 224  # more than 8 bits could hold after scaling
    assert loaded.warnings == ()


def test_the_transparent_value_shows_the_background(tmp_path):
    values = (STEPS * 1000).astype(np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png", transparency=5000)
    got, loaded = values_of(tmp_path / "deep.png", background=(0, 255, 0))
    expected = values / 65535
    expected[0, 5] = 150 / 255  # 0.587 × 255, rounded as every grey is
    np.testing.assert_allclose(got, expected, atol=1e-6)
    assert "transparent" in loaded.warnings[0]


def test_overshoot_is_clipped_to_the_range(tmp_path):
    edge = np.zeros((300, 300), np.uint16)
    edge[:, 150:] = 65535
    Image.fromarray(edge).save(tmp_path / "edge.png")
    for name in ("bicubic", "lanczos"):
        tensor = preprocess_image(tmp_path / "edge.png", interpolation=name).tensor
        assert tensor.min() == 0
        assert tensor.max() == 1


def test_padding_shows_the_background(tmp_path):
    Image.fromarray(np.full((10, 40), 65535, np.uint16)).save(tmp_path / "deep.png")
    tensor = preprocess_image(tmp_path / "deep.png", fit="pad", background=(51, 51, 51)).tensor[0, 0]
    assert tensor[0, 0] == pytest.approx(0.2)
    assert tensor[112, 112] == 1
