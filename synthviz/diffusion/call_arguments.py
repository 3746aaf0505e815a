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

REWRITES = ("enable_prompt_rewrite", "use_pe")  # of LongCat-Image and ERNIE-Image, where it is the default
LONGEST_QUOTE = 500  # characters of a prompt in a note


def call_arguments(pipeline: DiffusionPipeline, config: GenerationConfig) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments for a pipeline's call, and a note for each setting that it cannot use.

    Raises:
        ValueError: if the pipeline cannot draw at the width or height.
    """
    steps, _ = default_steps_and_guidance(pipeline)
    arguments: dict[str, Any] = {"prompt": config.prompt, "num_inference_steps": config.steps or steps}
    arguments |= _size(pipeline, config)
    guidance, notes = _guidance(pipeline, config, arguments["num_inference_steps"])
    arguments |= guidance
    if config.negative_prompt:
        reason = _why_no_negative_prompt(pipeline, arguments.get(guidance_parameter(pipeline) or ""))
        if reason is None:
            arguments["negative_prompt"] = config.negative_prompt
        else:
            notes.append(f"the negative prompt was not used: {reason}")
    if any(name in call_parameters(pipeline) for name in REWRITES):
        notes.append("this model rewrites the prompt by itself before it draws")
    return arguments, notes


def _guidance(pipeline: DiffusionPipeline, config: GenerationConfig, steps: int) -> tuple[dict[str, Any], list[str]]:
    """Return the arguments that set the guidance, and a note if it cannot be set or is no single scale."""
    _, scale = default_steps_and_guidance(pipeline)
    if config.guidance_scale is not None:
        scale = float(config.guidance_scale)
    accepted = call_parameters(pipeline)
    parameter = guidance_parameter(pipeline)
    if parameter == "true_cfg_scale" and scale is None and config.negative_prompt:
        scale = accepted[parameter].default
    arguments: dict[str, Any] = {}
    if "guidance_schedule" in accepted:  # of Ideogram 4: a scale for each of its default steps, or a single one
        schedule = accepted["guidance_schedule"].default
        if scale is None and steps == len(schedule):
            return {}, [f"this model guides each step by a scale of its own, {max(schedule):g} at most"]
        scale = schedule[0] if scale is None else scale
        arguments["guidance_schedule"] = None
    if scale is None or parameter is None:
        unused = config.guidance_scale is not None
        return {}, [f"this model takes no guidance scale; {config.guidance_scale} was not used"] * unused
    arguments[parameter] = scale
    if parameter == "true_cfg_scale" and scale > 1:
        arguments["negative_prompt"] = " "  # such a pipeline guides only with a negative prompt
    return arguments, []


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
    if not prompt.strip():
        return [f"the {name} is empty, so the model draws whatever it likes"]
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
