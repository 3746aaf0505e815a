"""Vectors for every pixel, (3, H, W): right, up, away from the viewer; and coordinates."""

from __future__ import annotations

import torch
from torch import Tensor


def unit(vectors: Tensor) -> Tensor:
    """Scale vectors to length 1 (torch's own norm along the first dimension is a hundred times slower)."""
    right, up, away = vectors
    squares: Tensor = right.square().addcmul_(up, up).addcmul_(away, away)
    return vectors * squares.clamp_(min=1e-12).rsqrt_()


def along(vectors: Tensor, direction: Tensor) -> Tensor:
    """Return the part of vectors along one direction (3,): (H, W)."""
    part: Tensor = torch.tensordot(direction, vectors, 1)
    return part


def points(x: Tensor, y: Tensor) -> Tensor:
    """Put coordinates side by side for `grid_sample`: (..., 2); much faster than `torch.stack`."""
    return torch.view_as_real(torch.complex(x, y))


def evenly_spaced(start: float, end: float, count: int) -> Tensor:
    """Return numbers from `start` to `end` on torch's default device: (count,).

    The device is named, because `torch.linspace` may forget it once transformers has loaded a model: transformers
    replaces this function for a moment, and torch keeps a list of its functions that follow the default device.
    """
    return torch.linspace(start, end, count, device=torch.get_default_device())
