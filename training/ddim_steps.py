"""Steps of DDIM (Song et al. 2021) in terms of velocities (Salimans & Ho 2022)."""

from __future__ import annotations

import torch


def trailing_timesteps(count: int, steps: int) -> torch.Tensor:
    """Return the steps + 1 timesteps of DDIM with trailing spacing; the last is -1, the end without noise."""
    return (count - torch.arange(steps + 1) * count / steps).round().long() - 1


def clean_and_noise(
    velocity: torch.Tensor, noisy: torch.Tensor, alphas: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the clean latents and the noise that a predicted velocity means (Salimans & Ho 2022).

    `velocity` and `noisy` are (B, C, H, W); `alphas` are cumulative, (B,).
    """
    alpha, sigma = alphas.sqrt()[:, None, None, None], (1 - alphas).sqrt()[:, None, None, None]
    return alpha * noisy - sigma * velocity, sigma * noisy + alpha * velocity


def move(velocity: torch.Tensor, noisy: torch.Tensor, alphas: torch.Tensor, next_alphas: torch.Tensor) -> torch.Tensor:
    """Take one step of DDIM without noise (Song et al. 2021), from cumulative alphas (B,) to the next ones."""
    clean, noise = clean_and_noise(velocity, noisy, alphas)
    return next_alphas.sqrt()[:, None, None, None] * clean + (1 - next_alphas).sqrt()[:, None, None, None] * noise


def velocity_between(
    noisy: torch.Tensor, reached: torch.Tensor, alphas: torch.Tensor, next_alphas: torch.Tensor
) -> torch.Tensor:
    """Return the velocity with which one step of DDIM leads from `noisy` to `reached`; the inverse of `move`."""
    alpha, sigma = alphas.sqrt()[:, None, None, None], (1 - alphas).sqrt()[:, None, None, None]
    next_alpha, next_sigma = next_alphas.sqrt()[:, None, None, None], (1 - next_alphas).sqrt()[:, None, None, None]
    clean = (sigma * reached - next_sigma * noisy) / (sigma * next_alpha - next_sigma * alpha)
    return (alpha * noisy - clean) / sigma
