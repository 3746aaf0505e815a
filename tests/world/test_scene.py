"""Samples cover every value, held-out pairs are not sampled, and impossible scenes raise."""

from __future__ import annotations

import numpy as np
import pytest

from synthviz.world import (
    BODIES,
    COLORS,
    KINDS,
    PLACES,
    SIDES,
    STYLES,
    TIMES,
    WEATHERS,
    Group,
    Scene,
    is_held_out,
    sample_scene,
)
from synthviz.world.scene import fitting_kinds, is_held_out_color, is_held_out_time


@pytest.fixture(scope="module")
def scenes():
    rng = np.random.default_rng(0)
    return [sample_scene(rng) for _ in range(3000)]


def test_every_value_of_every_attribute_is_sampled(scenes):
    for attribute, values in (("place", PLACES), ("time", TIMES), ("weather", WEATHERS), ("style", STYLES)):
        assert {getattr(scene, attribute) for scene in scenes} == set(values)
    assert {scene.body for scene in scenes} == {None, *BODIES}
    assert {scene.body_side for scene in scenes} == {None, *SIDES}
    groups = [group for scene in scenes for group in scene.things]
    assert {(group.kind, group.count) for group in groups} == {
        (kind, count) for kind in KINDS for count in (1, 2, 3, 4)
    }
    assert {group.side for group in groups} == {None, *SIDES}
    seen_pairs = {(group.kind, group.color) for group in groups}
    assert seen_pairs == {(kind, color) for kind in KINDS for color in COLORS if not is_held_out_color(kind, color)}


def test_held_out_pairs_are_a_tenth_to_a_fifth_and_never_sampled(scenes):
    colors = [is_held_out_color(kind, color) for kind in KINDS for color in COLORS]
    times = [is_held_out_time(place, time) for place in PLACES for time in TIMES]
    assert 0.10 <= np.mean(colors) <= 0.20
    assert 0.10 <= np.mean(times) <= 0.20
    assert not any(is_held_out(scene) for scene in scenes)


def test_held_out_pairs_are_sampled_on_request():
    rng = np.random.default_rng(0)
    assert any(is_held_out(sample_scene(rng, held_out=True)) for _ in range(50))


def test_the_default_prompt_is_not_held_out():
    assert not is_held_out_time("city", "sunset")


def test_samples_depend_on_the_seed():
    assert sample_scene(np.random.default_rng(3)) == sample_scene(np.random.default_rng(3))
    assert sample_scene(np.random.default_rng(3)) != sample_scene(np.random.default_rng(4))


def test_boats_need_water_and_trees_dry_ground():
    assert "boat" in fitting_kinds("city", water=True)
    assert "boat" not in fitting_kinds("city", water=False)
    assert "tree" not in fitting_kinds("ocean", water=True)
    assert set(fitting_kinds("beach", water=True)) == set(KINDS)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"place": "moonbase"}, "place is 'moonbase'"),
        ({"time": "teatime"}, "time is 'teatime'"),
        ({"weather": "hail"}, "weather is 'hail'"),
        ({"style": "oil"}, "style is 'oil'"),
        ({"body": "comet", "body_side": "left"}, "body is 'comet'"),
        ({"body": "sun"}, "body_side is None"),
        ({"body": "sun", "body_side": "top"}, "body_side is 'top'"),
        ({"body_side": "left"}, "no body"),
        ({"time": "night", "body": "sun", "body_side": "left"}, "only the moon"),
        ({"body": "moon", "body_side": "left"}, "only the sun"),
        ({"weather": "rain", "body": "sun", "body_side": "left"}, "rain"),
        ({"stars": True}, "stars.* at day"),
        ({"place": "ocean"}, "water is False.*'ocean'"),
        ({"things": (Group("boat", "red", 2),)}, "boat.*'city' without water"),
        ({"water": True, "things": (Group("tree", "red", 2),)}, "tree.*'city' with water"),
        ({"things": (Group("bird", "red", 2), Group("balloon", "red", 2))}, "bird, balloon"),
    ],
)
def test_impossible_scenes_raise(changes, words):
    with pytest.raises(ValueError, match=words):
        Scene(**{"place": "city", "time": "day", **changes})


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("dragon", "red", 2), "kind is 'dragon'"),
        (("boat", "plaid", 2), "color is 'plaid'"),
        (("boat", "red", 5), "count is 5"),
        (("boat", "red", 1), "side is None"),
        (("boat", "red", 2, "left"), "side is 'left'"),
    ],
)
def test_impossible_groups_raise(arguments, words):
    with pytest.raises(ValueError, match=words):
        Group(*arguments)
