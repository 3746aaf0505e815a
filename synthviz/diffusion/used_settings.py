"""Compare what a pipeline did with what it was asked for, after its call."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.call_arguments import shortened
from synthviz.diffusion.capabilities import ignored_guidance
from synthviz.diffusion.config import GenerationConfig

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from PIL.Image import Image

logger = logging.getLogger(__name__)

# Of warnings about the end of a prompt, which has a note already; diffusers and transformers write these words.
CUT_OFF = ("was truncated because", "sequence length is longer than")


def used_record(pipeline: DiffusionPipeline, record: dict[str, Any], warned: list[str]) -> dict[str, Any]:
    """Return the record with the settings that the pipeline used in its call, and with notes on the others.

    Args:
        pipeline: after its call.
        record: what was asked for; it is not changed.
        warned: the warnings of diffusers and transformers during the call, which become notes.
    """
    notes, used = [], dict(record)
    if ignored_guidance(pipeline, record["guidance_scale"]):
        used["guidance_scale"] = None
        if record["asked_for"]["guidance_scale"] is not None:
            notes.append(f"this model runs without guidance; the scale {record['guidance_scale']:g} was not used")
    is_noted = any("it never sees" in note for note in record["notes"])
    for text in warned:
        if not (is_noted and any(words in text for words in CUT_OFF)):
            notes.append(f"a library warns: {shortened(text)}")
    for note in notes:
        logger.warning("Note: %s", note)
    return {**used, "notes": [*record["notes"], *notes]}


def size_notes(image: Image, config: GenerationConfig) -> list[str]:
    """Return a note if a picture does not have the width and height that were asked for."""
    asked = (config.width or image.width, config.height or image.height)
    if image.size == asked:
        return []
    return [f"{asked[0]}×{asked[1]} pixels were asked for; this pipeline drew {image.width}×{image.height}"]
