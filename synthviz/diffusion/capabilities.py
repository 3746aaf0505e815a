"""What a pipeline is called, what it can be called with, and what it draws at."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.shipped_models import MODELS, SHIPPED_DEFAULTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


def makes_pictures_from_text(pipeline: DiffusionPipeline) -> bool:
    """Whether a pipeline has what `generate` drives: a prompt, pictures per prompt, a backbone, an autoencoder."""
    parameters = call_parameters(pipeline)
    needs_picture = "image" in parameters and parameters["image"].default is inspect.Parameter.empty
    return (
        {"prompt", "num_images_per_prompt", "num_inference_steps"} <= parameters.keys()
        and not needs_picture
        and hasattr(pipeline, "vae_scale_factor")
        and (hasattr(pipeline, "unet") or hasattr(pipeline, "transformer"))
    )


def model_name(pipeline: DiffusionPipeline) -> str:
    """What to call a pipeline's model in a record: a shipped name, a hub id, or a folder's own name, never a path.

    A folder that happens to be called as a shipped model gets another name, or it would be taken for it.
    """
    origin = str(getattr(pipeline.config, "_name_or_path", "") or type(pipeline).__name__)
    path = Path(origin)
    if not path.is_dir():
        return origin
    mistakable = path.name in SHIPPED_DEFAULTS and path.parent != MODELS and path.resolve().parent != MODELS.resolve()
    return f"{path.name} (a folder)" if mistakable else path.name


def call_parameters(pipeline: DiffusionPipeline) -> Mapping[str, inspect.Parameter]:
    """What a pipeline can be called with, by name."""
    return _parameters(type(pipeline).__call__)


@cache
def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def engine_of(pipeline: DiffusionPipeline) -> str:
    """What computes a pipeline's UNet: "torch", "torch, bfloat16", or OpenVINO with its version and precision."""
    return getattr(getattr(pipeline, "unet", None), "engine", "torch")


def default_steps_and_guidance(pipeline: DiffusionPipeline) -> tuple[int, float | None]:
    """The steps and guidance scale that `generate` uses where the config names none; None: the pipeline's own way."""
    shipped = SHIPPED_DEFAULTS.get(model_name(pipeline))
    if shipped is not None:
        return shipped
    parameters = call_parameters(pipeline)
    steps = parameters["num_inference_steps"].default
    guidance = parameters["guidance_scale"].default if "guidance_scale" in parameters else None
    return steps, guidance


def default_size(pipeline: DiffusionPipeline) -> tuple[int, int]:
    """Height and width in pixels that a pipeline draws at unless told otherwise."""
    backbone = pipeline.unet if hasattr(pipeline, "unet") else pipeline.transformer
    size = getattr(pipeline, "default_sample_size", None) or backbone.config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    return height * pipeline.vae_scale_factor, width * pipeline.vae_scale_factor


def size_multiple(pipeline: DiffusionPipeline) -> int:
    """What width and height in pixels must be multiples of."""
    return max(8, pipeline.image_processor.config.vae_scale_factor * getattr(pipeline, "patch_size", 1))


def unread_words(pipeline: DiffusionPipeline, prompt: str) -> str:
    """The end of a prompt that no text encoder of the pipeline reads; "" where one reads it all."""
    parameters = call_parameters(pipeline)
    unread = []
    for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
        tokenizer = getattr(pipeline, name, None)
        if tokenizer is None:
            continue
        limit = tokenizer.model_max_length
        if "CLIP" not in type(tokenizer).__name__ and "max_sequence_length" in parameters:
            limit = parameters["max_sequence_length"].default
        ids = tokenizer(prompt, truncation=False).input_ids
        if len(ids) <= limit:
            return ""
        unread.append(tokenizer.decode(ids[limit - 1 :], skip_special_tokens=True).strip())
    return min(unread, key=len) if unread else ""
