"""The photo network's guesses are counted by place; the scenes are possible and their prompts say the place."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from synthviz.world import unknown_words
from synthviz.world.wordings import PLACE_WORDS
from training.estimates import Score
from training.photo_judge import CLASSES
from training.photo_places import TIMES, place_prompt, place_scenes, score_places


def test_scenes_are_by_daylight_and_their_prompts_name_them():
    for place in CLASSES:
        scenes = place_scenes(place, 8)
        assert scenes == place_scenes(place, 10)[:8]
        assert {scene.place for scene in scenes} == {place}
        assert {scene.time for scene in scenes} == set(TIMES)
        for prompt in map(place_prompt, scenes):
            assert unknown_words(prompt) == []
            assert prompt.startswith(PLACE_WORDS[place][0])


class Guesses(nn.Module):
    """Guesses a volcano (980) for a bright picture, and five of the other classes for a dark one."""

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        scores = torch.zeros(len(pictures), 1000)
        scores[:, :5] = 1
        scores[:, 980] = 2 * (pictures.mean((1, 2, 3)) > 0)
        return scores


def test_pictures_count_whose_place_is_among_the_guesses():
    bright, dark = np.full((16, 16, 3), 250, np.uint8), np.zeros((16, 16, 3), np.uint8)
    pictures = np.stack([bright, dark, bright])
    assert score_places(Guesses(), pictures, ["volcano", "volcano", "beach"]) == Score(1, 3)
