"""Which device to compute on."""

from __future__ import annotations

import torch


def pick_device() -> torch.device:
    """CUDA where there is an NVIDIA GPU, then MPS on Apple's, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")
