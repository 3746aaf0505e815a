"""Which device to compute on."""

from __future__ import annotations

from collections.abc import Callable

import torch


def pick_device(say: Callable[[str], object] = print) -> torch.device:
    """CUDA where there is an NVIDIA GPU that works, then MPS on Apple's, else the CPU.

    A GPU that is there but cannot compute (taken by others, too old for this PyTorch) is passed over, which is said.
    """
    if torch.cuda.is_available():
        try:
            (torch.zeros(1, device="cuda") + 1).item()
            return torch.device("cuda")
        except RuntimeError as error:
            say(f"Using the CPU, because the GPU cannot be used: {str(error).splitlines()[0]}")
    elif torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def has_fast_bfloat16(device: torch.device) -> bool:
    """Whether bfloat16 is faster than float32: on CUDA, and on CPUs with instructions for it."""
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return device.type == "cuda"
