"""Captions use known words and many wordings, and never name anything that the scene does not have."""

from __future__ import annotations

import numpy as np
import pytest

from synthviz.world import (
    KINDS,
    NATURAL,
    STYLES,
    describe,
    known_words,
    nearest_known_words,
    sample_scene,
    unknown_words,
    wordings as tables,
    write_caption,
)
from synthviz.world.meanings import EXCHANGEABLE, NEAR, exchangeable_words, words_of_near_meaning
from synthviz.world.vocabulary import named_place, place_words


@pytest.fixture(scope="module")
def described():
    rng = np.random.default_rng(1)
    scenes = [sample_scene(rng) for _ in range(600)]
    return [(scene, *describe(scene, rng)) for scene in scenes]


def test_captions_use_known_words_only(described):
    for _, caption, _ in described:
        assert unknown_words(caption) == []
        assert caption == caption.lower()


def test_captions_fit_the_text_encoder(described):
    # The encoder reads 48 tokens, including start and end; every word and every comma is one token.
    assert max(len(caption.replace(",", " ,").replace("-", " - ").split()) for _, caption, _ in described) <= 46


def test_the_natural_style_has_no_words_and_flat_is_named_beside_it():
    rng = np.random.default_rng(2)
    scenes = [sample_scene(rng, plain=NATURAL) for _ in range(300)]
    assert {scene.style for scene in scenes} == {NATURAL, *STYLES}
    said = [(scene.style, describe(scene, rng, plain=NATURAL)[1].style) for scene in scenes]
    assert all(style is None for natural, style in said if natural == NATURAL)
    named = [style == "flat" for flat, style in said if flat == "flat"]
    assert np.mean(named) > 0.8


def test_one_scene_has_many_wordings():
    rng = np.random.default_rng(0)
    scene = sample_scene(rng)
    assert len({write_caption(scene, rng) for _ in range(40)}) > 25


def test_named_attributes_are_true_and_stand_in_the_caption(described):
    for scene, caption, said in described:
        for value, true, words in (
            (said.place, scene.place, tables.PLACE_WORDS),
            (said.time, scene.time, {**tables.TIME_WORDS}),
            (said.weather, scene.weather, tables.WEATHER_WORDS),
            (said.style, scene.style, tables.STYLE_WORDS),
            (said.body, scene.body, tables.BODY_WORDS),
        ):
            assert value in (None, true)
            more = tables.IN_STYLE_WORDS if words is tables.STYLE_WORDS else tables.AT_TIME_WORDS
            if value is not None:
                assert any(phrase in caption for phrase in (*words[value], *more.get(value, ())))
        assert said.stars <= scene.stars
        assert said.water <= scene.water
        groups = {group.kind: group for group in scene.things}
        for kind, (count, color, side) in said.groups.items():
            assert count in (None, groups[kind].count)
            assert color in (None, groups[kind].color)
            assert side in (None, groups[kind].side)


def test_unnamed_attributes_do_not_stand_in_the_caption(described):
    for _, caption, said in described:
        words = caption.replace(",", " ").split()
        if said.body is None:
            assert not {"sun", "moon"} & set(words)
        for kind in KINDS:
            if kind not in said.groups:
                assert not any(form in words for forms in tables.KIND_WORDS[kind] for form in forms)
        if all(group[1] is None for group in said.groups.values()):
            colors = {word for wordings in tables.COLOR_WORDS.values() for word in wordings}
            assert not colors & (set(words) - {"white"}) or said.place == "canyon"  # "a red canyon"


def test_many_captions_begin_with_a_thing_and_few_omit_the_place(described):
    forms = {form.split()[-1] for kinds in tables.KIND_WORDS.values() for pair in kinds for form in pair}
    with_things = [caption for _, caption, said in described if said.groups]
    first = [caption for caption in with_things if forms & set(caption.replace(",", " ").split()[:4])]
    assert 0.15 < len(first) / len(with_things) < 0.5
    placeless = [(caption, said) for _, caption, said in described if said.place is None]
    assert 0 < len(placeless) / len(described) < 0.06
    for caption, said in placeless:
        assert said.groups or said.body
        assert not any(phrase in caption for words in tables.PLACE_WORDS.values() for phrase in words)


def test_captions_name_the_count_of_a_single_thing(described):
    for scene, _, said in described:
        for group in scene.things:
            if group.count == 1 and group.kind in said.groups:
                assert said.groups[group.kind][0] == 1


def test_the_default_prompt_has_known_words_only():
    assert unknown_words("a serene sunset over a futuristic city") == []


def test_unknown_words_are_returned_once_and_in_order():
    assert unknown_words("A Spaceship over a dragon, a spaceship!") == ["spaceship", "dragon"]


@pytest.mark.parametrize(
    ("word", "nearest"),
    [("mountain's", "mountains"), ("lanternz", "lantern"), ("Lighthouse", "tower"), ("sunst", "sunset")],
)
def test_nearest_known_words(word, nearest):
    assert nearest in nearest_known_words(word)


def test_gibberish_has_no_near_words():
    assert nearest_known_words("xqzzy") == []


def test_near_meanings_lead_from_unknown_to_known_words():
    assert {word for words in NEAR for word in words} <= known_words()
    tried = {word for words in NEAR.values() for word in words.split()}
    assert not tried & known_words()
    assert all(words_of_near_meaning(word) for word in tried)


def test_a_near_meaning_goes_before_a_like_spelling():
    assert set(nearest_known_words("dragon")) <= {"bird", "birds"}  # not "drawn"


def test_exchangeable_words_are_known_and_never_the_word_itself():
    assert {word for words in EXCHANGEABLE for word in words} <= known_words()
    assert "forest" in exchangeable_words("City")
    assert "city" not in exchangeable_words("City")
    assert exchangeable_words("over") == []


def test_sights_are_named_only_if_they_are_seen_and_every_one_has_words():
    rng = np.random.default_rng(4)
    for sight, words in tables.SIGHT_WORDS.items():
        captions = [write_caption(sample_scene(rng), rng, sights=(sight,)) for _ in range(60)]
        named = [caption for caption in captions if any(phrase in caption for phrase in words)]
        assert 10 < len(named) < 55
    unseen = [phrase for name, words in tables.SIGHT_WORDS.items() if name != "waves" for phrase in words]
    assert not any(f"with {phrase}" in write_caption(sample_scene(rng), rng) for phrase in unseen for _ in range(3))


def test_short_captions_are_short_and_say_what_a_picture_must_not_show_unasked():
    rng = np.random.default_rng(5)
    scenes = [sample_scene(rng, plain=NATURAL) for _ in range(400)]
    said = [(scene, *describe(scene, rng, NATURAL, short=1.0)) for scene in scenes]
    lengths = [len(caption.split()) for _, caption, _ in said]
    assert np.median(lengths) < np.median([len(write_caption(scene, rng, NATURAL).split()) for scene in scenes]) - 4
    assert np.mean([len(what.groups) == len(scene.things) for scene, _, what in said]) > 0.8
    for scene, caption, what in said:
        assert unknown_words(caption) == []
        assert what.place == scene.place
        assert what.time in (None, scene.time)
        assert what.weather in (None, scene.weather)


@pytest.mark.parametrize(
    ("prompt", "place"),
    [
        ("a serene sunset over a futuristic city", "city"),
        ("A quiet little town, with a red sky", "village"),
        ("snow covered hills", "snowy hills"),
        ("three red boats on a calm lake", None),
        ("a forest near the ocean", None),
        ("", None),
    ],
)
def test_the_place_that_a_prompt_names(prompt, place):
    assert named_place(prompt) == place


def test_words_of_places_name_nothing_else():
    other = {
        word for words in (tables.MOODS, *tables.COLOR_WORDS.values(), *tables.SIGHT_WORDS.values()) for word in words
    }
    assert set(place_words()) & {part for word in other for part in word.split()} == {"forest"}  # "inside the forest"
    assert set(place_words().values()) == set(tables.PLACE_WORDS)
