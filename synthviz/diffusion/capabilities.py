"""What a pipeline can be asked for: the parameters of its call, its defaults, its sizes, the length of its prompts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.pipeline_info import info_of
from synthviz.shipped_models import SHIPPED_DEFAULTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


def makes_pictures_from_text(pipeline: DiffusionPipeline) -> bool:
    """Tell whether a pipeline has what `generate` uses: a prompt, pictures per prompt, a backbone, an autoencoder."""
    parameters = call_parameters(pipeline)
    needs_picture = "image" in parameters and parameters["image"].default is inspect.Parameter.empty
    return (
        {"prompt", "num_images_per_prompt", "num_inference_steps"} <= parameters.keys()
        and not needs_picture
        and hasattr(pipeline, "vae_scale_factor")
        and (hasattr(pipeline, "unet") or hasattr(pipeline, "transformer"))
    )


def backbone(pipeline: DiffusionPipeline) -> Any:
    """Return the network that denoises: the UNet or the transformer."""
    return pipeline.unet if hasattr(pipeline, "unet") else pipeline.transformer


def call_parameters(pipeline: DiffusionPipeline) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a pipeline's call, by name."""
    return _parameters(type(pipeline).__call__)


@cache
def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def default_steps_and_guidance(pipeline: DiffusionPipeline) -> tuple[int, float | None]:
    """Return the steps and guidance scale that `generate` uses where the config names none.

    The guidance scale is None if the pipeline has no such parameter, or decides it by itself.
    """
    shipped = SHIPPED_DEFAULTS.get(info_of(pipeline).name)
    if shipped is not None:
        return shipped
    parameters = call_parameters(pipeline)
    steps = parameters["num_inference_steps"].default
    guidance = parameters["guidance_scale"].default if "guidance_scale" in parameters else None
    return steps, guidance


def default_size(pipeline: DiffusionPipeline) -> tuple[int, int]:
    """Return the height and width in pixels that a pipeline draws by default."""
    size = getattr(pipeline, "default_sample_size", None) or backbone(pipeline).config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    return height * pipeline.vae_scale_factor, width * pipeline.vae_scale_factor


def size_multiple(pipeline: DiffusionPipeline) -> int:
    """Return the number of pixels of which width and height must be multiples."""
    return max(8, int(pipeline.image_processor.config.vae_scale_factor * getattr(pipeline, "patch_size", 1)))


def encoded_prompt(pipeline: DiffusionPipeline, prompt: str, tokenizer: Any = None) -> str:
    """Return the text that a pipeline gives to a tokenizer of its own, its `tokenizer` if none is given.

    It differs from the prompt where this has a name learnt by textual inversion (Gal et al. 2022) as several vectors.
    """
    convert = getattr(pipeline, "maybe_convert_prompt", None)
    text: str = prompt if convert is None else convert(prompt, tokenizer or pipeline.tokenizer)
    return text


def unread_words(pipeline: DiffusionPipeline, prompt: str) -> str:
    """Return the end of a prompt that no text encoder of the pipeline reads; "" if one of them reads all of it."""
    parameters = call_parameters(pipeline)
    unread = []
    for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
        tokenizer = getattr(pipeline, name, None)
        if tokenizer is None:
            continue
        limit = tokenizer.model_max_length
        if "CLIP" not in type(tokenizer).__name__ and "max_sequence_length" in parameters:
            limit = parameters["max_sequence_length"].default
        ids = tokenizer(encoded_prompt(pipeline, prompt, tokenizer), truncation=False).input_ids
        if len(ids) <= limit:
            return ""
        unread.append(tokenizer.decode(ids[limit - 1 :], skip_special_tokens=True).strip())
    return min(unread, key=len) if unread else ""
