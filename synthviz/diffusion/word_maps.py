"""Word maps: which word of the prompt drew attention where, from cross-attention (DAAM, Tang et al. 2022)."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.diffusion.attention_recording import (
    TAUGHT_LAYERS,
    AttentionRecorder,
    cross_attention_layers,
    words_and_tokens,
)
from synthviz.diffusion.capabilities import call_parameters, default_size
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import GeneratedPicture, generate
from synthviz.diffusion.library_logging import quiet_libraries

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from PIL.Image import Image

__all__ = [
    "TAUGHT_LAYERS",
    "WordMaps",
    "cross_attention_layers",
    "generate_with_word_maps",
    "recording",
    "word_maps_from",
    "word_maps_of_picture",
    "words_and_tokens",
]

MOST_STEPS = 50  # of the schedule that noises an existing picture


@dataclass(frozen=True)
class WordMaps:
    """The attention of one picture's pixels on each word of the prompt.

    Attributes:
        words: the words of the prompt that the text encoder read, in order; a word that occurs twice stands twice.
        timesteps: (steps,) of the noise schedule, one for each pass through the UNet.
        layers: name of a cross-attention layer to its maps, (steps, words, h, w) float32 in [0, 1]: for each latent
            pixel the attention on the word, averaged over heads and summed over the word's tokens. The rest of the
            attention, up to 1, falls on the start and end marks, punctuation and padding.
        size: (H, W) of the latents, to which layers of different resolution are enlarged.
    """

    words: tuple[str, ...]
    timesteps: tuple[float, ...]
    layers: dict[str, Tensor]
    size: tuple[int, int]

    def over_time(self, word: str) -> Tensor:
        """Return a word's map at every step, averaged over the layers: (steps, H, W) float32 in [0, 1]."""
        return torch.stack([self._enlarged(maps, word) for maps in self.layers.values()]).mean(dim=0)

    def heatmap(self, word: str) -> Tensor:
        """Return a word's map, averaged over layers and steps: (H, W) float32 in [0, 1].

        A word that occurs several times has the mean of its occurrences.

        Raises:
            ValueError: if the prompt has no such word; the message offers the closest.
        """
        return self.over_time(word).mean(dim=0)

    def by_layer(self, word: str) -> dict[str, Tensor]:
        """Return a word's map in every layer at that layer's own resolution, averaged over the steps: (h, w) each."""
        rows = self._rows(word)
        return {name: maps[:, rows].mean(dim=(0, 1)) for name, maps in self.layers.items()}

    def _enlarged(self, maps: Tensor, word: str) -> Tensor:
        chosen = maps[:, self._rows(word)].mean(dim=1, keepdim=True)
        return F.interpolate(chosen, self.size, mode="bilinear", align_corners=False)[:, 0]

    def _rows(self, word: str) -> list[int]:
        lowered = [each.lower() for each in self.words]
        rows = [row for row, each in enumerate(lowered) if each == word.lower()]
        if not rows:
            close = difflib.get_close_matches(word.lower(), lowered, n=3) or list(dict.fromkeys(lowered))
            raise ValueError(f"the prompt has no word {word!r} that the model read; its words are {', '.join(close)}")
        return rows


def generate_with_word_maps(
    pipeline: DiffusionPipeline, config: GenerationConfig, layers: Sequence[str] | None = None
) -> list[tuple[GeneratedPicture, WordMaps]]:
    """Make pictures exactly as `synthviz.generate` does, each with its word maps.

    Args:
        pipeline: with a UNet that attends to words, such as Stable Diffusion 1 and 2, SDXL and the embedded models.
        config: what to make.
        layers: which cross-attention layers to record, from `cross_attention_layers`; None for all, or for the
            `TAUGHT_LAYERS` of a shipped model.

    Raises:
        ValueError: if the pipeline has no cross-attention, or no such layer; else as `generate`.
    """
    with recording(pipeline, config.prompt, layers) as recorder:
        pictures = generate(pipeline, config, on_batch=recorder.start_batch)
    return list(zip(pictures, word_maps_from(recorder), strict=True))


@contextmanager
def recording(
    pipeline: DiffusionPipeline, prompt: str, layers: Sequence[str] | None = None
) -> Iterator[AttentionRecorder]:
    """Record attention in a block that calls the pipeline itself.

        with recording(pipeline, config.prompt) as recorder:
            pictures = generate(pipeline, config, on_batch=recorder.start_batch)
        maps = word_maps_from(recorder)  # a WordMaps for each picture

    Args:
        pipeline: as for `generate_with_word_maps`.
        prompt: with which the block calls the pipeline.
        layers: as for `generate_with_word_maps`.

    Raises:
        ValueError: if the pipeline has no cross-attention, no such layer, or the prompt has no words.
    """
    recorder = AttentionRecorder(pipeline, prompt, layers)
    with recorder.attached():
        yield recorder


def word_maps_from(recorder: AttentionRecorder) -> list[WordMaps]:
    """Return the word maps of all recorded pictures, in the order of their batches."""
    words = tuple(word for word, _ in recorder.words)
    return [
        WordMaps(
            words,
            tuple(batch.timesteps),
            {name: torch.stack([step[row] for step in batch.maps[name]]) for name in recorder.layers},
            batch.size,
        )
        for batch in recorder.batches.values()
        for row in range(len(batch.seeds))
    ]


def word_maps_of_picture(
    pipeline: DiffusionPipeline,
    picture: Image,
    prompt: str,
    noise: float = 0.5,
    seed: int = 0,
    layers: Sequence[str] | None = None,
) -> WordMaps:
    """Compute the word maps of a picture that exists already.

    The picture is encoded, noised and denoised by one step through diffusers' image-to-image pipeline, which shares
    all networks with the given one and is stopped after that step; the result is thrown away.

    Args:
        pipeline: as for `generate_with_word_maps`.
        picture: any PIL picture; it is resized to the size that the pipeline draws.
        prompt: the words to look for.
        noise: how far up the noise schedule to go, 0.05 to 1.
        seed: of the noise.
        layers: as for `generate_with_word_maps`.

    Raises:
        ValueError: if the prompt is empty, `noise` is outside its range, or the pipeline has no cross-attention.
    """
    if not 0.05 <= noise <= 1:
        raise ValueError(f"noise is {noise!r}; it must be from 0.05 to 1")
    with quiet_libraries(), recording(pipeline, prompt, layers) as recorder:
        recorder.start_batch([seed])
        _denoise_one_step(pipeline, picture, prompt, noise, seed)
        pipeline.maybe_free_model_hooks()  # moves offloaded parts back to the CPU
    return word_maps_from(recorder)[0]


class _Stop(Exception):
    """Ends a pipeline's call; not every pipeline has a switch for that."""


def _denoise_one_step(pipeline: DiffusionPipeline, picture: Image, prompt: str, noise: float, seed: int) -> None:
    from diffusers import AutoPipelineForImage2Image

    height, width = default_size(pipeline)
    # A copy of the scheduler, because a call changes the scheduler's timesteps.
    image_to_image = AutoPipelineForImage2Image.from_pipe(pipeline, scheduler=copy.deepcopy(pipeline.scheduler))
    image_to_image.set_progress_bar_config(disable=True)
    steps = min(MOST_STEPS, image_to_image.scheduler.config.get("original_inference_steps", MOST_STEPS))
    if "original_inference_steps" in call_parameters(image_to_image):
        steps = max(1, int(noise * steps))  # a latent consistency model counts the steps that are left

    def stop(pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        raise _Stop

    with suppress(_Stop):
        image_to_image(
            prompt,
            image=picture.convert("RGB").resize((width, height)),
            strength=noise,
            num_inference_steps=steps,
            guidance_scale=1.0,
            callback_on_step_end=stop,
            generator=torch.Generator("cpu").manual_seed(seed),
            output_type="latent",
        )
