"""Whether a network that learnt from photographs names the places in pictures, and in paintings of the same scenes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from torch import nn

from synthviz.world import Scene
from synthviz.world.scene import SEA_PLACES
from training.estimates import Score, score
from training.photo_judge import CLASSES, named_places
from training.prompts import PLAIN, write_prompt

TIMES = ("day", "golden hour", "sunset", "sunrise")
WEATHERS = ("clear", "clear", "clouds")


def place_scenes(place: str, count: int, style: str = PLAIN) -> list[Scene]:
    """Return `count` scenes of a place by daylight, without things that hide it."""
    rng = np.random.default_rng([11, list(CLASSES).index(place)])
    scenes = []
    for number in range(count):
        water = place in SEA_PLACES or bool(rng.random() < 0.4)
        weather = str(rng.choice(WEATHERS))
        time, seed = TIMES[number % len(TIMES)], int(rng.integers(2**31))
        scenes.append(Scene(place, time, weather, water=water, style=style, seed=seed))
    return scenes


def place_prompt(scene: Scene) -> str:
    """Write the prompt of a scene, such as "mountains at sunset with clouds and a calm lake"."""
    return write_prompt(scene, ("place", "time"), True, "canonical", np.random.default_rng(scene.seed))


def score_places(network: nn.Module, pictures: np.ndarray, places: Sequence[str]) -> Score:
    """Count the pictures whose place is among the network's five best guesses.

    Args:
        network: from `load_photo_network`.
        pictures: (N, S, S, 3) uint8.
        places: the place of each picture, of `CLASSES`.
    """
    named = [named_places(network, [picture], place)[0] for picture, place in zip(pictures, places, strict=True)]
    return score(named)
