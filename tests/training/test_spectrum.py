"""Sharpness is measured band by band; waves of known frequency lie in the bands that hold them."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.spectrum import band_powers, kept_detail, latent_roughness


def waves(cycles: int, strength: float, size: int = 256) -> np.ndarray:
    """Return a picture, (1, size, size, 3) uint8, of vertical stripes."""
    row = 128 + strength * np.sin(2 * np.pi * cycles * np.arange(size) / size)
    return np.broadcast_to(row.round().astype(np.uint8)[None, None, :, None], (1, size, size, 3))


@pytest.mark.parametrize(
    ("cycles", "band"), [(8, "4-16"), (24, "16-32"), (48, "32-64"), (80, "64-96"), (110, "96-128")]
)
def test_stripes_lie_in_their_band(cycles, band):
    powers = band_powers(waves(cycles, 100))
    assert max(powers, key=lambda name: powers[name]) == band
    assert powers[band] > 0.99 * sum(powers.values())


def test_half_the_strength_is_a_quarter_of_the_power():
    assert kept_detail(waves(80, 50), waves(80, 100))["64-96"] == pytest.approx(0.25, rel=0.02)


def test_the_power_of_several_pictures_is_their_mean():
    both = band_powers(np.concatenate([waves(8, 100), waves(80, 100)]))
    assert both["64-96"] == pytest.approx(band_powers(waves(80, 100))["64-96"] / 2, rel=0.01)


def test_a_blur_loses_fine_detail_and_keeps_coarse_detail():
    pictures = np.random.default_rng(0).integers(0, 256, (2, 256, 256, 3)).astype(np.uint8)
    blurred = (pictures.astype(int) + np.roll(pictures, 1, axis=2)) // 2
    kept = kept_detail(blurred.astype(np.uint8), pictures)
    assert kept["4-16"] == pytest.approx(1, abs=0.05)
    assert kept["96-128"] < 0.6 < kept["32-64"]
    assert kept_detail(pictures, pictures) == pytest.approx(dict.fromkeys(kept, 1.0))


def test_small_pictures_lack_fine_bands():
    assert list(band_powers(waves(8, 100, size=64))) == ["4-16", "16-32"]


def test_smooth_latents_are_less_rough():
    rough = torch.randn((4, 2, 32, 32), generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.avg_pool2d(rough, 5, stride=1, padding=2)
    assert latent_roughness(rough) == pytest.approx(1, abs=0.3)
    assert latent_roughness(smooth) < 0.2
