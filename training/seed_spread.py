"""Whether the pictures of one prompt differ as much as the paintings under the same caption.

The paintings are of scenes whose captions say just what the prompt says, so that everything else is as varied in them
as in the training set. Differences are those that a network which learnt from photographs sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import nn

from synthviz.world import Said, Scene, describe, sample_scene
from training.estimates import Estimate, estimate_mean
from training.photo_judge import spread
from training.prompts import PLAIN

# Prompts, and what each says; no pair of place and time is held out of training.
PROMPTS = {
    "a futuristic city at sunset": Said(place="city", time="sunset"),
    "mountains at sunrise": Said(place="mountains", time="sunrise"),
    "a forest at sunrise": Said(place="forest", time="sunrise"),
    "the ocean at night": Said(place="ocean", time="night"),
    "a village at golden hour": Said(place="village", time="golden hour"),
    "a desert at golden hour": Said(place="desert", time="golden hour"),
}
SEEDS = 12


@dataclass(frozen=True)
class Spread:
    """The mean distance between two pictures of one prompt, and between two paintings under it."""

    pictures: float
    paintings: float

    @property
    def ratio(self) -> float:
        """How much the pictures differ, relative to the paintings."""
        return self.pictures / self.paintings


def scenes_that_say(said: Said, count: int, seed: int) -> list[Scene]:
    """Sample scenes of the training set's kind until `count` of them have a caption that says just this.

    Args:
        said: a place, a time that is not held out at it, and what else the caption says.
        count: the number of scenes.
        seed: another one gives other scenes.
    """
    rng = np.random.default_rng([seed, *map(ord, f"{said.place} {said.time}")])
    scenes: list[Scene] = []
    while len(scenes) < count:
        scene = sample_scene(rng, plain=PLAIN)
        if (scene.place, scene.time) == (said.place, said.time) and describe(scene, rng, PLAIN)[1] == said:
            scenes.append(scene)
    return scenes


def measure_spreads(network: nn.Module, drawn: np.ndarray, painted: np.ndarray) -> dict[str, Spread]:
    """Return the spread of every prompt.

    Args:
        network: from `load_photo_network`.
        drawn: the pictures of all prompts, equally many of each and those of one prompt together, (N, S, S, 3) uint8.
        painted: paintings under the same captions, in the same order.
    """
    each = len(drawn) // len(PROMPTS)
    starts = range(0, len(drawn), each)
    return {
        prompt: Spread(spread(network, drawn[start : start + each]), spread(network, painted[start : start + each]))
        for prompt, start in zip(PROMPTS, starts, strict=True)
    }


def mean_ratio(spreads: Sequence[Spread]) -> Estimate:
    """Return the mean of the ratios, with its standard error over the prompts."""
    return estimate_mean([one.ratio for one in spreads])
