"""A network that learns to tell rebuilt pictures from paintings, patch by patch (PatchGAN, Isola et al. 2017)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm


class PatchDiscriminator(nn.Module):
    """Scores every patch of 54 × 54 pixels, high if it looks painted.

    Takes (B, 3, S, S) in [-1, 1] and returns (B, 1, S / 8, S / 8).
    """

    def __init__(self) -> None:
        super().__init__()
        widths = ((3, 32, 4, 2), (32, 64, 4, 2), (64, 128, 4, 2), (128, 128, 3, 1), (128, 1, 3, 1))
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(before, after, side, stride, 1)) for before, after, side, stride in widths
        )

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Return the scores of all patches."""
        hidden = pictures
        for layer in self.layers[:-1]:
            hidden = F.leaky_relu(layer(hidden), 0.2)
        scores: torch.Tensor = self.layers[-1](hidden)
        return scores


def balance(first: torch.Tensor, second: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Return the factor that makes the second loss's gradient at `weights` as long as the first one's."""
    first_gradient, second_gradient = (
        torch.autograd.grad(loss, weights, retain_graph=True)[0] for loss in (first, second)
    )
    ratio: torch.Tensor = first_gradient.norm() / (second_gradient.norm() + 1e-6)
    return ratio.clamp(max=1e3).detach()
