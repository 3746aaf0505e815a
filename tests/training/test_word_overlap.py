"""Word maps are thresholded and compared with the painter's masks."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_pipelines
import torch

from synthviz.scenes import paint
from synthviz.world import Group, Scene
from training.word_overlap import measure_word_overlap, otsu, overlap, prompt_and_nouns

SCENE = Scene("beach", "sunset", body="sun", body_side="left", water=True, things=(Group("boat", "red", 2),))


def test_otsu_splits_two_groups():
    values = np.concatenate([np.linspace(0, 0.2, 50), np.linspace(0.8, 1, 30)])
    assert 0.2 <= otsu(values) <= 0.8


@pytest.mark.parametrize(("columns", "share"), [(4, 1.0), (8, 0.5), (0, 0.0)])
def test_overlap_is_intersection_over_union(columns, share):
    heatmap = torch.zeros(8, 8)
    heatmap[:, :4] = 1
    mask = np.zeros((8, 8), bool)
    mask[:, :columns] = True
    assert overlap(heatmap, mask) == pytest.approx(share)


def test_every_noun_stands_in_the_prompt_and_names_a_mask():
    painting = paint(SCENE, 64)
    prompt, nouns = prompt_and_nouns(painting)
    assert set(nouns.values()) == {"place", "sun", "boat"}
    assert set(nouns) <= set(prompt.split())


def test_all_nouns_are_measured():
    found = measure_word_overlap(tiny_pipelines.stable_diffusion(), [paint(SCENE, 64)])
    assert found.nouns == 3
    assert found.together.value == pytest.approx(np.mean([each.value for each in found.each.values()]))
    assert 0 <= found.together.value <= 1
