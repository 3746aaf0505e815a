"""The arguments for a pipeline's call, and notes on what of a config the pipeline cannot use."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.capabilities import (
    backbone,
    call_parameters,
    default_steps_and_guidance,
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
    accepted = call_parameters(pipeline)
    steps, guidance = default_steps_and_guidance(pipeline)
    if config.guidance_scale is not None:
        guidance = float(config.guidance_scale)
    arguments: dict[str, Any] = {"prompt": config.prompt, "num_inference_steps": config.steps or steps}
    arguments |= _size(pipeline, config)
    notes = []
    if guidance is not None and _takes_guidance(pipeline, accepted):
        arguments["guidance_scale"] = guidance
    elif config.guidance_scale is not None:
        notes.append(f"this model takes no guidance scale; {config.guidance_scale} was not used")
    if config.negative_prompt:
        reason = _why_no_negative_prompt(pipeline, accepted, guidance)
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


def _takes_guidance(pipeline: DiffusionPipeline, accepted: Mapping[str, inspect.Parameter]) -> bool:
    return "guidance_scale" in accepted and getattr(backbone(pipeline).config, "guidance_embeds", True)


def _why_no_negative_prompt(
    pipeline: DiffusionPipeline, accepted: Mapping[str, inspect.Parameter], guidance: float | None
) -> str | None:
    """Return why a pipeline would ignore a negative prompt; None if it would use it."""
    distilled = getattr(backbone(pipeline).config, "time_cond_proj_dim", None) is not None
    if "negative_prompt" not in accepted or distilled:
        hint = " (embedded-teacher can use one)" if info_of(pipeline).name == "embedded" else ""
        return f"this model runs without a second guidance pass{hint}"
    scale = accepted["true_cfg_scale"].default if "true_cfg_scale" in accepted else guidance
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
        notes.append(f"the {name} is longer than the text encoder reads; it never sees: {_shortened(unread)!r}")
    if info_of(pipeline).name in SHIPPED_DEFAULTS:
        unknown = unknown_words(prompt)
        if unknown:
            words = _shortened(", ".join(word + _nearest(word) for word in unknown))
            notes.append(
                f"the embedded model never learnt these words of the {name}; they break into pieces that may still "
                f"change the picture: {words}"
            )
    return notes


def _nearest(word: str) -> str:
    nearest = nearest_known_words(word)
    return f" (nearest known: {', '.join(nearest)})" if nearest else ""


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
