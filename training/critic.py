"""A critic of latents: heads on the features of a frozen UNet that learn to tell drawn pictures from paintings.

Latent adversarial diffusion distillation (Sauer et al. 2024): the UNet was trained to look at noisy latents, so that a
little noise is added to what it judges, and its features need no training.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import UNet2DConditionModel
from torch import nn

LEAST_NOISE, MOST_NOISE = 20, 450  # timesteps, of 1000


class Critic(nn.Module):
    """The heads; the UNet's weights are not among its parameters.

    Args:
        unet: a trained UNet, frozen.
        alphas: cumulative, (1000,), of its noise schedule.
    """

    def __init__(self, unet: UNet2DConditionModel, alphas: torch.Tensor) -> None:
        super().__init__()
        self._frozen = [unet]  # in a list, so that its weights are neither trained nor stored
        self._alphas = alphas
        self.heads = nn.ModuleList(
            nn.Sequential(nn.GroupNorm(16, width), nn.Conv2d(width, 64, 1), nn.SiLU(), nn.Conv2d(64, 1, 1))
            for width in unet.config.block_out_channels
        )

    def forward(self, noisy: torch.Tensor, timesteps: torch.Tensor, text: torch.Tensor) -> list[torch.Tensor]:
        """Return the answers of every head for noisy latents (B, C, H, W): above 0 for a painting, one per place."""
        unet = self._frozen[0]
        embedded = unet.time_embedding(unet.time_proj(timesteps).to(noisy.dtype))
        features = unet.conv_in(noisy)
        answers = []
        for block, head in zip(unet.down_blocks, self.heads, strict=True):
            if hasattr(block, "attentions"):
                features, inner = block(features, embedded, encoder_hidden_states=text)
            else:
                features, inner = block(features, embedded)
            answers.append(head(inner[0]))  # before the block halves the size
        return answers

    def add_noise(self, latents: torch.Tensor, noise: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
        """Return noisy latents, (B, C, H, W)."""
        alphas = self._alphas[timesteps][:, None, None, None]
        return alphas.sqrt() * latents + (1 - alphas).sqrt() * noise


def fooling_loss(answers: list[torch.Tensor]) -> torch.Tensor:
    """Return the loss of what was drawn: low where the heads take it for a painting."""
    return -torch.stack([answer.float().mean() for answer in answers]).mean()


def telling_loss(drawn: list[torch.Tensor], painted: list[torch.Tensor]) -> torch.Tensor:
    """Return the hinge loss of the heads."""
    parts = [
        F.relu(1 + one.float()).mean() + F.relu(1 - other.float()).mean()
        for one, other in zip(drawn, painted, strict=True)
    ]
    return torch.stack(parts).mean()
