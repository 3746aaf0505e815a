"""Decode latents, as a pipeline's step callback hands them out, to pictures."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from synthviz.diffusion.call_arguments import call_arguments
from synthviz.diffusion.capabilities import is_common, output_type
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.library_logging import quiet_libraries
from synthviz.diffusion.pictures import as_tensor, to_images
from synthviz.diffusion.schedulers import fewest_steps

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from PIL.Image import Image


def decode_steps(
    pipeline: DiffusionPipeline, config: GenerationConfig, steps: list[Tensor], size: tuple[int, int]
) -> list[Image]:
    """Decode the latents of several steps to pictures of the size that the pipeline draws.

    Each kind of pipeline scales, unpacks and resizes in its own way. For the most common ones `decode_latents` does the
    same; any other is called once for each step, takes one step itself, and then decodes the given latents instead.

    Args:
        pipeline: with a step callback.
        config: with which the latents were made.
        steps: latents of one picture, as the step callback hands them out.
        size: (height, width) of that picture in pixels.
    """
    if is_common(pipeline):
        return [decode_latents(pipeline, latents, *size) for latents in steps]
    arguments, _ = call_arguments(pipeline, replace(config, guidance_scale=1.0, negative_prompt=""))
    arguments["num_inference_steps"] = fewest_steps(pipeline.scheduler)
    with quiet_libraries():
        return [_decode_by_pipeline(pipeline, arguments, latents) for latents in steps]


def _decode_by_pipeline(pipeline: DiffusionPipeline, arguments: dict[str, Any], latents: Tensor) -> Image:
    def exchange(_pipeline: Any, _index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        return {**tensors, "latents": latents.to(tensors["latents"])}

    generator = [torch.Generator("cpu").manual_seed(0)]
    output = pipeline(
        **arguments, callback_on_step_end=exchange, generator=generator, output_type=output_type(pipeline)
    )
    return to_images(as_tensor(output.images if hasattr(output, "images") else output.image))[0]


@torch.no_grad()
def decode_latents(pipeline: DiffusionPipeline, latents: Tensor, height: int, width: int) -> Image:
    """Decode the latents of one picture, as Stable Diffusion 1 to 3, SDXL and FLUX.1 do.

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
