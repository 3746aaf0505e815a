"""A picture that is made before one's eyes: its latents at every step, and where its words were read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor

from synthviz.diffusion import denoising_film, generation, word_maps
from synthviz.diffusion.capabilities import default_size
from synthviz.diffusion.config import GenerationConfig

PICTURE, GUESS = "the picture", "the model's guess"


@dataclass
class Made:
    """A picture that is made, or being made.

    Attributes:
        seed: of its noise.
        pipeline: that makes it.
        latents: after each step so far, by `PICTURE` and `GUESS`; of guesses there are none where the scheduler does
            not tell, and two a step where it is of second order.
        picture, maps: once it is finished; no maps where the pipeline has no words to look at.
    """

    seed: int
    pipeline: Any
    latents: dict[str, list[Tensor]] = field(default_factory=lambda: {PICTURE: [], GUESS: []})
    picture: generation.GeneratedPicture | None = None
    maps: word_maps.WordMaps | None = None
    _decoded: dict[tuple[str, int], np.ndarray] = field(default_factory=dict)

    def make(
        self,
        config: GenerationConfig,
        on_step: Callable[[int, int], None],
        on_latents: Callable[[], None],
    ) -> None:
        """Make it.

        Args:
            config: of one picture, with the seed.
            on_step: as for `generate`.
            on_latents: called when a step has been kept.

        Raises:
            ValueError, GenerationError: as `generate`.
        """

        def begin(seeds: list[int]) -> None:
            """Also once more, if memory ran out on the way."""
            for kept in self.latents.values():
                kept.clear()
            self._decoded.clear()
            if recorder is not None:
                recorder.start_batch(seeds)

        def keep(timestep: float, latents: Tensor) -> None:
            self.latents[PICTURE].append(latents)
            on_latents()

        def say(note: str) -> None:
            """Notes stand under the picture, from its record."""

        has_words = bool(word_maps.cross_attention_layers(self.pipeline)) and word_maps.words_and_tokens(
            self.pipeline, config.prompt
        )
        with ExitStack() as stack:
            stack.enter_context(
                denoising_film.estimates_kept(self.pipeline.scheduler, self.latents[GUESS], needed=False)
            )
            recorder = stack.enter_context(word_maps.recording(self.pipeline, config.prompt)) if has_words else None
            (self.picture,) = generation.generate(self.pipeline, config, on_step, begin, keep, say)
        if recorder is not None:
            (self.maps,) = recorder.finish()

    def decoded(self, kind: str, index: int) -> np.ndarray:
        """One step, (H, W, 3) uint8; decoded once."""
        if (kind, index) not in self._decoded:
            size = default_size(self.pipeline)
            image = denoising_film.decode_latents(self.pipeline, self.latents[kind][index], *size)
            self._decoded[kind, index] = np.asarray(image)
        return self._decoded[kind, index]
