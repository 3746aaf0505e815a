"""Timesteps are drawn as the settings say."""

from __future__ import annotations

import torch

from training.diffusion_batches import sample_timesteps


def test_most_timesteps_are_in_the_middle_and_some_at_the_end():
    timesteps = sample_timesteps(20_000, uniform_share=0.2, generator=torch.Generator().manual_seed(0))
    assert timesteps.min() >= 0
    assert timesteps.max() <= 999
    assert (timesteps == 999).any()
    middle = ((timesteps >= 250) & (timesteps < 750)).float().mean()
    assert 0.6 < middle < 0.8
