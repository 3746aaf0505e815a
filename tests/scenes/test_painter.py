"""The painted world: deterministic, complete masks, and no caption names what cannot be seen."""

from __future__ import annotations

import numpy as np
import pytest

from synthviz.scenes import PLACES, TIMES, Scene, known_words, paint, sample_scene, write_caption
from synthviz.scenes.captions import PLACE_WORDS, SKY_WORDS, TIME_WORDS, VISIBLE
from synthviz.scenes.painter import PAINTERS
from synthviz.scenes.scene import SEA_PLACES


def scene_at(place: str, time: str, seed: int = 0, **changes) -> Scene:
    return Scene(place=place, time=time, water=place in SEA_PLACES, seed=seed, **changes)


@pytest.fixture(scope="module")
def paintings():
    rng = np.random.default_rng(11)
    return [paint(sample_scene(rng), 64) for _ in range(80)]


def test_ten_places_and_five_times():
    assert len(PLACES) == 10
    assert len(TIMES) == 5
    assert set(PAINTERS) == set(PLACES) == set(PLACE_WORDS)


@pytest.mark.parametrize("place", PLACES)
def test_the_same_scene_gives_the_same_bytes(place):
    scene = scene_at(place, "dusk", seed=5, stars=True, clouds=True, mist=True)
    first, second = paint(scene, 64), paint(scene, 64)
    assert np.array_equal(first.image, second.image)
    assert first.masks.keys() == second.masks.keys()
    assert not np.array_equal(first.image, paint(scene_at(place, "dusk", seed=6), 64).image)


@pytest.mark.parametrize("size", [32, 100, 128])
def test_shapes_and_types(size):
    painting = paint(scene_at("city", "night", stars=True), size)
    assert painting.image.shape == (size, size, 3)
    assert painting.image.dtype == np.uint8
    assert all(mask.shape == (size, size) and mask.dtype == bool for mask in painting.masks.values())


def test_masks_cover_every_pixel_once(paintings):
    for painting in paintings:
        assert np.array_equal(np.sum(list(painting.masks.values()), axis=0), np.ones((64, 64)))
        assert all(mask.any() for mask in painting.masks.values())


def test_the_sun_is_where_its_mask_says():
    painting = paint(scene_at("ocean", "day", body="sun"))
    brightness = painting.image.mean(axis=2)
    assert brightness[painting.masks["sun"]].mean() > brightness[painting.masks["sky"]].mean() + 40


def test_nights_are_darker_than_days():
    for place in PLACES:
        day, night = (
            np.mean([paint(scene_at(place, time, seed), 64).image.mean() for seed in range(3)])
            for time in ("day", "night")
        )
        assert day > night + 40, place


def test_times_of_day_have_their_own_colours():
    """The mean colour of the sky alone tells the time of day, for every pair of times."""
    colours = {}
    for time in TIMES:
        skies = [paint(scene_at("desert", time, seed), 64) for seed in range(4)]
        colours[time] = np.mean([painting.image[painting.masks["sky"]].mean(axis=0) for painting in skies], axis=0)
    for first in TIMES:
        for second in TIMES:
            if first != second:
                assert np.abs(colours[first] - colours[second]).max() > 20, (first, second)


def test_a_caption_names_place_and_time_and_only_what_is_visible(paintings):
    rng = np.random.default_rng(0)
    for painting in paintings:
        caption = write_caption(painting, rng)
        assert any(words in caption for words in PLACE_WORDS[painting.scene.place])
        assert any(word in caption for word in TIME_WORDS[painting.scene.time])
        for thing, wordings in SKY_WORDS.items():
            if any(f" {words}" in caption for words in wordings):
                assert painting.masks[thing].mean() >= VISIBLE, (thing, caption)


def test_captions_use_known_words_in_many_wordings(paintings):
    rng = np.random.default_rng(1)
    captions = [write_caption(paintings[0], rng) for _ in range(40)]
    assert len(set(captions)) > 25
    for caption in captions:
        assert set(caption.replace(",", " ").replace("-", " ").split()) <= known_words()


def test_the_default_prompt_is_made_of_known_words():
    assert {"a", "serene", "sunset", "over", "futuristic", "city"} <= known_words()


def test_samples_are_varied_and_follow_the_seed():
    scenes = [sample_scene(np.random.default_rng(seed)) for seed in range(300)]
    assert {scene.place for scene in scenes} == set(PLACES)
    assert {scene.time for scene in scenes} == set(TIMES)
    assert sample_scene(np.random.default_rng(3)) == scenes[3]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"place": "moonbase"}, "place is 'moonbase'"),
        ({"time": "teatime"}, "time is 'teatime'"),
        ({"body": "comet"}, "body is 'comet'"),
        ({"time": "night", "body": "sun"}, "at night has no sun"),
        ({"time": "day", "stars": True}, "at day has no moon and no stars"),
        ({"place": "desert", "water": True}, "'desert' always has the opposite"),
        ({"place": "ocean", "water": False}, "'ocean' always has the opposite"),
    ],
)
def test_impossible_scenes_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        Scene(**{"place": "city", "time": "day", **changes})


def test_a_painting_too_small_is_refused():
    with pytest.raises(ValueError, match="size is 16"):
        paint(scene_at("city", "day"), 16)
