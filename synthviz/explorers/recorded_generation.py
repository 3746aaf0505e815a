"""The generation of one picture, recorded: its latents at every step, and its word maps."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from synthviz.diffusion import denoising_film, generation, word_maps
from synthviz.diffusion.capabilities import default_size
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.latents import decode_latents
from synthviz.diffusion.steering import Steering
from synthviz.explorers.rendering import to_bytes

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

PICTURE, GUESS = "the picture", "the model's guess"


@dataclass
class RecordedGeneration:
    """A picture with the latents of every step and its word maps; filled while it is generated.

    Attributes:
        seed: seed of the picture's noise.
        pipeline: the pipeline that generates the picture.
        latents: the latents after each step so far, under `PICTURE`, and the model's estimates of the finished
            latents, under `GUESS`. There are no estimates if the scheduler does not return them, and two per step if
            the scheduler is of second order.
        picture: the finished picture; None before that.
        maps: the word maps of the finished picture; None before that, or if the pipeline has no cross-attention.
    """

    seed: int
    pipeline: DiffusionPipeline
    latents: dict[str, list[Tensor]] = field(default_factory=lambda: {PICTURE: [], GUESS: []})
    picture: generation.GeneratedPicture | None = None
    maps: word_maps.WordMaps | None = None
    _decoded: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)

    def run(
        self,
        config: GenerationConfig,
        on_step: Callable[[int, int], None],
        on_latents: Callable[[], None],
        steering: Steering | None = None,
    ) -> None:
        """Generate the picture.

        Args:
            config: what to generate, with count 1 and this object's seed.
            on_step: called after each step, as by `generate`.
            on_latents: called after the latents of a step were stored.
            steering: as for `generate`; a picture whose prompt changed on the way has no word maps.

        Raises:
            ValueError, GenerationError: as `generate`.
        """

        def start_batch(seeds: list[int]) -> None:
            self._clear()
            if recorder is not None:
                recorder.start_batch(seeds)

        def store(timestep: float, latents: Tensor) -> None:
            self.latents[PICTURE].append(latents)
            on_latents()

        with ExitStack() as stack:
            stack.enter_context(denoising_film.recorded_estimates(self.pipeline, self.latents[GUESS], required=False))
            recorder = (
                stack.enter_context(word_maps.recording(self.pipeline, config.prompt))
                if self._has_word_maps(config.prompt, steering)
                else None
            )
            (self.picture,) = generation.generate(self.pipeline, config, on_step, start_batch, store, steering)
        if recorder is not None:
            (self.maps,) = word_maps.word_maps_from(recorder)

    def _has_word_maps(self, prompt: str, steering: Steering | None) -> bool:
        if steering is not None and steering.later_prompt is not None:
            return False
        layers = word_maps.cross_attention_layers(self.pipeline)
        return bool(layers and word_maps.words_and_tokens(self.pipeline, prompt))

    def _clear(self) -> None:
        """Drop the steps of an earlier attempt, which `generate` repeats if memory ran out."""
        for stored in self.latents.values():
            stored.clear()
        self._decoded.clear()

    def decoded(self, kind: str, index: int) -> np.ndarray:
        """Decode the latents of one step: (H, W, 3) uint8. Each step is decoded only once.

        Args:
            kind: `PICTURE` or `GUESS`.
            index: index into `latents[kind]`.
        """
        if (kind, index) not in self._decoded:
            size = default_size(self.pipeline)
            self._decoded[kind, index] = np.asarray(decode_latents(self.pipeline, self.latents[kind][index], *size))
        return self._decoded[kind, index]

    @property
    def steps(self) -> int:
        """How many steps there are so far."""
        return len(self.latents[PICTURE])

    @property
    def image(self) -> np.ndarray:
        """The finished picture, (H, W, 3) uint8."""
        assert self.picture is not None
        return np.asarray(self.picture.image)

    def shown(self, step: int, kind: str) -> tuple[np.ndarray, str]:
        """Return what to show of a step of a finished picture, (H, W, 3) uint8, and its caption.

        Args:
            step: from 1 to `steps`; the last one is the finished picture.
            kind: `PICTURE`, or `GUESS` where there are guesses.
        """
        if step == self.steps:
            return self.image, self.caption
        kind = kind if self.latents[kind] else PICTURE
        # Schedulers of second order return two estimates per step.
        index = round(step * len(self.latents[kind]) / self.steps) - 1
        return self.decoded(kind, index), f"step {step} of {self.steps}: {kind}"

    @property
    def caption(self) -> str:
        """What the finished picture was drawn from."""
        assert self.picture is not None
        record = self.picture.record
        start, steering = f"“{record['prompt']}”, seed {self.seed}", record.get("steering")
        if steering is None:
            return start
        if steering["later_prompt"] is not None:
            return f"{start}; after step {steering['switch_after']} “{steering['later_prompt']}”"
        return f"{start}, {steering['other_share']:.0%} of the way to seed {steering['other_seed']}"

    def scaled_maps(self, step: int) -> dict[str, np.ndarray]:
        """Return the map of every word, in lower case: (h, w) uint8 from its least to its largest value.

        Args:
            step: from 1 to `steps`; the last one gives the mean over all steps.
        """
        maps = self.maps
        words = [] if maps is None else list(dict.fromkeys(word.lower() for word in maps.words))
        scaled = {}
        for word in words:
            assert maps is not None  # or there would be no words
            over_time = maps.over_time(word)
            values = over_time.mean(dim=0) if step == self.steps else over_time[min(step, len(over_time)) - 1]
            low, high = values.aminmax()
            scaled[word] = to_bytes(((values - low) / (high - low).clamp(min=1e-9)).numpy())
        return scaled
