"""Steer a generation: change the prompt on the way, or start between the noises of two seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.capabilities import call_parameters, default_size
from synthviz.diffusion.config import check_number, check_text

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from torch import Tensor

TEXT_TENSORS = ("prompt_embeds", "add_text_embeds", "pooled_prompt_embeds")  # names in diffusers' denoising loops


@dataclass(frozen=True)
class Steering:
    """How a generation departs from its prompt and from its noise.

    Attributes:
        later_prompt: the prompt that the model reads after the first `switch_after` steps; None for no change.
        switch_after: the number of steps with the first prompt, at least 1.
        other_seed: the seed of a noise to mix with each picture's own; None for none.
        other_share: from 0, only the own noise, to 1, only the other.

    Raises:
        ValueError: for a value outside these ranges, naming it.
    """

    later_prompt: str | None = None
    switch_after: int = 1
    other_seed: int | None = None
    other_share: float = 0.5

    def __post_init__(self) -> None:
        if self.later_prompt is not None:
            check_text("later_prompt", self.later_prompt)
        check_number("switch_after", self.switch_after, 1, 1000, whole=True)
        if self.other_seed is not None:
            check_number("other_seed", self.other_seed, 0, 2**53 - 1000, whole=True)
        check_number("other_share", self.other_share, 0, 1, whole=False)


def check_steering(pipeline: DiffusionPipeline, steering: Steering, steps: int) -> None:
    """Check that a pipeline can be steered like this.

    Raises:
        ValueError: if the prompt would change after the last step, if the pipeline does not let its text change, or if
            its noise is not that of a UNet.
    """
    kind = type(pipeline).__name__
    if steering.later_prompt is not None:
        if steering.switch_after >= steps:
            raise ValueError(f"switch_after is {steering.switch_after}; it must be below the number of steps, {steps}")
        if not _text_tensors(pipeline):
            raise ValueError(f"{kind} does not let the prompt change on the way")
    if steering.other_seed is not None and (
        getattr(pipeline, "unet", None) is None or "latents" not in call_parameters(pipeline)
    ):
        raise ValueError(f"{kind} has no UNet; only noises of a UNet's shape can be mixed")


def _text_tensors(pipeline: DiffusionPipeline) -> list[str]:
    """Return the tensors of its text that a pipeline's callback may exchange."""
    # Documented in diffusers' guide to callbacks, in spite of its underscore.
    offered = getattr(pipeline, "_callback_tensor_inputs", [])
    return [name for name in TEXT_TENSORS if name in offered]


class _Stop(Exception):
    """Ends a pipeline's call after its first step."""


def encode_later(pipeline: DiffusionPipeline, arguments: dict[str, Any], prompt: str, count: int) -> dict[str, Tensor]:
    """Return a prompt as the tensors that the denoising loop reads, by name, for `count` pictures.

    The pipeline makes them itself, in a call that is stopped after one step.

    Args:
        pipeline: checked by `check_steering`.
        arguments: of the generation's own call.
        prompt: to encode instead of the one in the arguments.
        count: the number of pictures in the batch.
    """
    import torch

    found: dict[str, Tensor] = {}

    def keep(_pipeline: Any, _index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        found.update(tensors)
        raise _Stop

    with suppress(_Stop):
        pipeline(
            **{**arguments, "prompt": prompt},
            num_images_per_prompt=count,
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in range(count)],
            output_type="latent",
            callback_on_step_end=keep,
            callback_on_step_end_tensor_inputs=_text_tensors(pipeline),
        )
    pipeline.maybe_free_model_hooks()  # moves offloaded parts back to the CPU
    return found


def mixed_noise(
    pipeline: DiffusionPipeline, arguments: dict[str, Any], seeds: Sequence[int], steering: Steering
) -> Tensor:
    """Return the noise of each seed, mixed with that of the other: (pictures, C, h, w).

    The shares are the cosine and the sine of one angle, so that the mixture of two independent noises is again noise
    with a standard deviation of 1.

    Args:
        pipeline: with a UNet.
        arguments: of the generation's call.
        seeds: one for each picture.
        steering: says which other seed, and how much of it.
    """
    import torch

    assert steering.other_seed is not None  # or there would be nothing to mix
    height, width = default_size(pipeline)
    factor, channels = pipeline.vae_scale_factor, pipeline.unet.config.in_channels
    shape = (1, channels, arguments.get("height", height) // factor, arguments.get("width", width) // factor)
    angle = math.pi / 2 * steering.other_share

    def noise(seed: int) -> Tensor:
        return torch.randn(shape, generator=torch.Generator("cpu").manual_seed(seed))

    added = math.sin(angle) * noise(steering.other_seed)
    return torch.cat([math.cos(angle) * noise(seed) + added for seed in seeds]).to(pipeline.unet.dtype)
