"""The arguments for a pipeline's call, and notes on what of a config the pipeline cannot use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthviz.diffusion.capabilities import (
    backbone,
    call_parameters,
    default_steps_and_guidance,
    guidance_parameter,
    size_multiple,
    unread_words,
)
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.pipeline_info import info_of
from synthviz.scenes import nearest_known_words, unknown_words
from synthviz.shipped_models import SHIPPED_DEFAULTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

LONGEST_QUOTE = 500  # characters of a prompt in a note


def call_arguments(pipeline: DiffusionPipeline, config: GenerationConfig) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments for a pipeline's call, and a note for each setting that it cannot use.

    Raises:
        ValueError: if the pipeline cannot draw at the width or height.
    """
    steps, guidance = default_steps_and_guidance(pipeline)
    arguments: dict[str, Any] = {"prompt": config.prompt, "num_inference_steps": config.steps or steps}
    arguments |= _size(pipeline, config)
    notes = []
    if config.guidance_scale is not None:
        guidance = float(config.guidance_scale)
    parameter = guidance_parameter(pipeline)
    if parameter == "true_cfg_scale" and guidance is None and config.negative_prompt:
        guidance = call_parameters(pipeline)[parameter].default
    if guidance is not None and parameter is not None:
        arguments[parameter] = guidance
        if parameter == "true_cfg_scale" and guidance > 1:
            arguments["negative_prompt"] = " "  # such a pipeline guides only with a negative prompt
    elif config.guidance_scale is not None:
        notes.append(f"this model takes no guidance scale; {config.guidance_scale} was not used")
    if config.negative_prompt:
        reason = _why_no_negative_prompt(pipeline, guidance)
        if reason is None:
            arguments["negative_prompt"] = config.negative_prompt
        else:
            notes.append(f"the negative prompt was not used: {reason}")
    return arguments, notes


def _size(pipeline: DiffusionPipeline, config: GenerationConfig) -> dict[str, int]:
    """Return the width and height that the config names; without them a pipeline draws at its own size."""
    sizes = {name: value for name, value in (("width", config.width), ("height", config.height)) if value is not None}
    multiple = size_multiple(pipeline)
    for name, value in sizes.items():
        if value % multiple:
            nearest = max(multiple, round(value / multiple) * multiple)
            raise ValueError(f"{name} is {value}; this pipeline needs a multiple of {multiple}, such as {nearest}")
    return sizes


def _why_no_negative_prompt(pipeline: DiffusionPipeline, guidance: float | None) -> str | None:
    """Return why a pipeline would ignore a negative prompt; None if it would use it."""
    accepted = call_parameters(pipeline)
    distilled = getattr(backbone(pipeline).config, "time_cond_proj_dim", None) is not None
    if "negative_prompt" not in accepted or distilled:
        hint = " (embedded-teacher can use one)" if info_of(pipeline).name == "embedded" else ""
        return f"this model runs without a second guidance pass{hint}"
    scale = guidance
    if "true_cfg_scale" in accepted and guidance_parameter(pipeline) != "true_cfg_scale":
        scale = accepted["true_cfg_scale"].default
    if scale is not None and scale <= 1:
        return f"guidance against a prompt is off (scale {scale:g})"
    return None


def prompt_notes(pipeline: DiffusionPipeline, prompt: str, name: str) -> list[str]:
    """Return a note on the end of a prompt that the model does not read, and one on words that it never learnt.

    Args:
        pipeline: whose text encoders read the prompt.
        prompt: any text.
        name: of the prompt in the notes.
    """
    notes = []
    unread = unread_words(pipeline, prompt)
    if unread:
        notes.append(f"the {name} is longer than the text encoder reads; it never sees: {shortened(unread)!r}")
    if info_of(pipeline).name in SHIPPED_DEFAULTS:
        unknown = unknown_words(prompt)
        if unknown:
            words = shortened(", ".join(word + _nearest(word) for word in unknown))
            notes.append(
                f"the embedded model never learnt these words of the {name}; they break into pieces that may still "
                f"change the picture: {words}"
            )
    return notes


def _nearest(word: str) -> str:
    nearest = nearest_known_words(word)
    return f" (nearest known: {', '.join(nearest)})" if nearest else ""


def shortened(text: str) -> str:
    """Return a text for a note, at most about 500 characters."""
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
