"""Which device computes."""

from __future__ import annotations

import logging

import torch

logger = logging.getLogger(__name__)


def pick_device() -> torch.device:
    """Return CUDA if an NVIDIA GPU works, else MPS on an Apple machine, else the CPU; log why a GPU is not used."""
    device, problem = find_device()
    if problem is not None:
        logger.warning(problem)
    return device


def find_device() -> tuple[torch.device, str | None]:
    """Return the device that `pick_device` picks, and the reason if there is a GPU that cannot be used.

    A GPU cannot be used if other programs occupy it or if this PyTorch no longer supports it.
    """
    if torch.cuda.is_available():
        try:
            (torch.zeros(1, device="cuda") + 1).item()
        except RuntimeError as error:
            return torch.device("cpu"), f"Using the CPU, because the GPU cannot be used: {str(error).splitlines()[0]}"
        return torch.device("cuda"), None
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu"), None


def has_fast_bfloat16(device: torch.device) -> bool:
    """Tell whether bfloat16 is faster than float32: on CUDA, and on CPUs with instructions for it."""
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return device.type == "cuda"
