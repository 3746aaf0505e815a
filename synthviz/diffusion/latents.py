"""Decode latents, as a pipeline's step callback hands them out, to a picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from PIL.Image import Image


@torch.no_grad()
def decode_latents(pipeline: DiffusionPipeline, latents: Tensor, height: int, width: int) -> Image:
    """Decode the latents of one picture.

    Args:
        pipeline: whose autoencoder to use.
        latents: (1, C, h, w), or (1, tokens, 4 * C) as FLUX packs them.
        height: of the picture in pixels.
        width: of the picture in pixels.
    """
    if latents.dim() == 3:
        latents = _unpacked(latents, height, width, pipeline.vae_scale_factor)
    vae = pipeline.vae
    dtype = vae.dtype
    # SDXL's autoencoder overflows in float16; its pipeline decodes in float32 too.
    if dtype == torch.float16 and getattr(vae.config, "force_upcast", False):
        vae.to(torch.float32)
    try:
        pixels = vae.decode(_unscaled(latents.to(vae.dtype), vae.config), return_dict=False)[0]
    finally:
        if vae.dtype != dtype:
            vae.to(dtype)
    image: Image = pipeline.image_processor.postprocess(pixels, output_type="pil")[0]
    return image


def _unpacked(latents: Tensor, height: int, width: int, scale: int) -> Tensor:
    """Undo FLUX's packing: a token holds a square of 2×2 latent pixels; (1, tokens, 4 * C) to (1, C, h, w)."""
    rows, columns = height // (2 * scale), width // (2 * scale)
    squares = latents.reshape(len(latents), rows, columns, -1, 2, 2)  # (1, rows, columns, C, 2, 2)
    return squares.permute(0, 3, 1, 4, 2, 5).reshape(len(latents), -1, 2 * rows, 2 * columns)


def _unscaled(latents: Tensor, config: Any) -> Tensor:
    """Undo the scaling between an autoencoder's latents and those that are denoised."""
    latents = latents / config.scaling_factor
    mean, deviation = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is not None and deviation is not None:
        mean, deviation = (torch.tensor(values).view(1, -1, 1, 1).to(latents) for values in (mean, deviation))
        latents = latents * deviation + mean
    return latents + (getattr(config, "shift_factor", None) or 0)
