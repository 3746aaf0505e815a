"""The spread of pictures is compared with that of paintings whose captions say the same."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import nn

from synthviz.world import unknown_words
from synthviz.world.scene import is_held_out_time
from synthviz.world.wordings import AT_TIME_WORDS, PLACE_WORDS
from training.seed_spread import PROMPTS, Spread, mean_ratio, measure_spreads, scenes_that_say


def test_prompts_say_what_they_are_said_to_say():
    for prompt, said in PROMPTS.items():
        assert unknown_words(prompt) == []
        assert any(prompt.startswith(words) for words in PLACE_WORDS[said.place])
        assert any(re.search(rf"{words}$", prompt) for words in AT_TIME_WORDS[said.time])
        assert not is_held_out_time(said.place, said.time)


def test_scenes_have_what_is_said_and_differ_in_the_rest():
    (said, *_) = PROMPTS.values()
    scenes = scenes_that_say(said, 8, seed=0)
    assert scenes_that_say(said, 8, seed=0) == scenes
    assert {(scene.place, scene.time) for scene in scenes} == {(said.place, said.time)}
    assert len({scene.seed for scene in scenes}) == 8
    assert len({(scene.body, scene.water, scene.weather, scene.things) for scene in scenes}) > 1


class MeanColor(nn.Module):
    """Sees nothing but the mean colour of a picture."""

    def extract_features(self, pictures: torch.Tensor) -> torch.Tensor:
        return pictures.mean((2, 3), keepdim=True)


def grey_levels(*levels: int) -> np.ndarray:
    return np.stack([np.full((8, 8, 3), level, np.uint8) for level in levels])


def test_spreads_are_those_of_each_prompts_own_pictures():
    drawn = np.concatenate([grey_levels(100, 100 + number) for number in range(len(PROMPTS))])
    painted = np.concatenate([grey_levels(50, 60)] * len(PROMPTS))
    spreads = measure_spreads(MeanColor(), drawn, painted)
    assert list(spreads) == list(PROMPTS)
    expected = [number / 10 for number in range(len(PROMPTS))]
    assert [one.ratio for one in spreads.values()] == pytest.approx(expected, rel=1e-5)


def test_the_mean_ratio_is_over_prompts():
    assert mean_ratio([Spread(1, 2), Spread(3, 2)]).value == pytest.approx(1)
