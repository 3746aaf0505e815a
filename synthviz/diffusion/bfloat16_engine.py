"""Run a pipeline's UNet and decoder in bfloat16 on processors made for it: about two thirds of float32's time.

Everything between them (latents, scheduler, text) stays in float32, so that only the rounding inside the networks
changes: pictures of the embedded model are 50 dB from float32's, far more than eyes can tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from synthviz.devices import has_fast_bfloat16
from synthviz.diffusion.bfloat16_layers import use_bfloat16_layers

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


SMALL = 100_000_000  # weights of a UNet, up to which a second copy of them does not matter


def run_in_bfloat16(pipeline: DiffusionPipeline) -> None:
    """Let a pipeline's UNet and decoder compute in bfloat16 from now on; both still take and give float32."""
    small = sum(weights.numel() for weights in pipeline.unet.parameters()) < SMALL
    packed = small and pipeline.unet.device.type == "cpu" and has_fast_bfloat16(pipeline.unet.device)
    for module in (pipeline.unet, pipeline.vae.decoder):
        nn.Module.to(module, torch.bfloat16)  # without diffusers' warning of parts in several dtypes
        module.register_forward_pre_hook(_take_bfloat16, with_kwargs=True)
        module.register_forward_hook(_give_float32)
        if packed:
            use_bfloat16_layers(module)
    nn.Module.to(pipeline.vae.decoder, memory_format=torch.channels_last)
    pipeline.unet.engine = "torch, bfloat16"


def _take_bfloat16(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    return _cast(args, torch.bfloat16), _cast(kwargs, torch.bfloat16)


def _give_float32(module: nn.Module, args: tuple[Any, ...], output: Any) -> Any:
    return _cast(output, torch.float32)


def _cast(value: Any, dtype: torch.dtype) -> Any:
    """Floating-point tensors in another dtype, also inside tuples, dictionaries and diffusers' outputs."""
    if torch.is_tensor(value):
        return value.to(dtype) if value.is_floating_point() else value
    if isinstance(value, dict):
        return type(value)(**{name: _cast(each, dtype) for name, each in value.items()})
    return tuple(_cast(each, dtype) for each in value) if isinstance(value, tuple) else value
