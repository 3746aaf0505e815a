"""An unknown word's change is measured against the change that another place makes."""

from __future__ import annotations

import math

import numpy as np
import pytest

from synthviz.world import unknown_words
from training.unknown_words import PROMPTS, WORDS, measure_unknown_words, prompts_and_seeds


def test_only_the_added_words_are_unknown():
    drawn = prompts_and_seeds()
    assert len(drawn) == len(PROMPTS) * (2 + len(WORDS))
    unknown = [unknown_words(text) for text, _ in drawn]
    assert unknown == [[], [], *([word] for word in WORDS)] * len(PROMPTS)


def test_pictures_of_one_prompt_have_one_seed():
    seeds = np.array([seed for _, seed in prompts_and_seeds()]).reshape(len(PROMPTS), -1)
    assert (seeds == seeds[:, :1]).all()
    assert len(set(seeds[:, 0].tolist())) == len(PROMPTS)


def test_a_known_word_is_refused(monkeypatch):
    monkeypatch.setattr("training.unknown_words.WORDS", ("boat", "dragon"))
    with pytest.raises(ValueError, match="boat"):
        prompts_and_seeds()


def test_changes_are_relative_to_that_of_another_place():
    levels = [100, 180, *(100 + 4 * number for number in range(len(WORDS)))]
    pictures = np.stack([np.full((8, 8, 3), level, np.uint8) for level in levels * len(PROMPTS)])
    found = measure_unknown_words(pictures)
    assert list(found.each.values()) == pytest.approx([4 * number / 80 for number in range(len(WORDS))])
    assert found.worst == found.each[WORDS[-1]]


def test_a_model_that_ignores_places_too_has_no_value():
    pictures = np.zeros((len(PROMPTS) * (2 + len(WORDS)), 4, 4, 3), np.uint8)
    assert math.isnan(measure_unknown_words(pictures).worst)
