"""The teacher fits its latents and its noise schedule."""

from __future__ import annotations

import pytest

from training.teacher import build_scheduler, build_unet


def test_the_last_timestep_is_pure_noise():
    assert build_scheduler().alphas_cumprod[-1].item() == pytest.approx(0, abs=1e-6)


def test_the_unet_is_small_and_fits_the_latents():
    unet = build_unet()
    assert 8e6 < unet.num_parameters() < 14e6
    assert (unet.config.in_channels, unet.config.sample_size) == (16, 32)
