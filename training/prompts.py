"""The prompts of the evaluation: more than a thousand, made by fixed rules.

Each prompt describes a possible scene in words that the model was taught, half of the prompts in one canonical wording
and half in others. With it stand the oracle's questions on which its picture is judged: only what the prompt says.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from synthviz.scenes import BODIES, COLORS, KINDS, PLACES, SIDES, STYLES, TIMES, WEATHERS, Group, Scene
from synthviz.world.captions import listed
from synthviz.world.scene import MOST, SEA_PLACES, SKY_KINDS, WATER_KINDS, is_held_out_color, is_held_out_time
from synthviz.world.wordings import (
    AT_TIME_WORDS,
    BODY_WORDS,
    COLOR_WORDS,
    COUNT_WORDS,
    IN_STYLE_WORDS,
    KIND_WORDS,
    LAKE_WORDS,
    PLACE_WORDS,
    SIDE_WORDS,
    STAR_WORDS,
    STYLE_WORDS,
    TIME_WORDS,
    WEATHER_WORDS,
)
from training.oracle import answers

SEED = 20_000
PLAIN = "flat"  # the style of a picture whose prompt names none
SINGLES = {"place": 200, "time": 120, "weather": 120, "style": 80, "body": 80, "stars": 40}  # number of prompts
PAIRS = (
    ("place", "time"), ("place", "weather"), ("place", "style"), ("time", "style"), ("time", "body"),
    ("weather", "style"), ("weather", "body side"), ("style", "body side"),
)  # fmt: skip
EACH_PAIR = 20
VALUES: dict[str, tuple[Any, ...]] = {
    "place": PLACES,
    "time": TIMES,
    "weather": WEATHERS,
    "style": STYLES,
    "body": BODIES,
    "body side": SIDES,
    "stars": (True,),  # a prompt without stars does not say that there are none
}
# Multiples of the numbers of places and kinds, so that seen and held-out prompts differ in the pair alone.
HELD_OUT_COLORS = 20 * len(KINDS)
HELD_OUT_TIMES = 10 * len(PLACES)

Choice = TypeVar("Choice")


@dataclass(frozen=True)
class Prompt:
    """A prompt and the answers that its picture must give.

    Attributes:
        text: the prompt.
        category: "single", "two", "color", "position", "counting", "held-out", or "seen", which holds the
            counterparts of the held-out prompts.
        part: the part of the category, such as the attribute.
        wording: "canonical" (the first phrase of every word table), "varied" (any phrase, any order), or "things
            first" (any phrase, things before the place: "a red boat, the ocean at sunset").
        expected: right answers, by question, from `oracle.QUESTIONS`.
        seed: the seed of its picture, which is the index in the full list.
    """

    text: str
    category: str
    part: str
    wording: str
    expected: dict[str, str]
    seed: int


@dataclass(frozen=True)
class _Draft:
    """A scene, the questions that judge its picture, and whether the prompt says the time of day."""

    scene: Scene
    judged: tuple[str, ...]
    says_time: bool = True


def evaluation_prompts(most: int | None = None) -> list[Prompt]:
    """Return all prompts, the same at every call.

    Args:
        most: the largest number of prompts from each part, for a quick look; their seeds stay the same.
    """
    prompts: list[Prompt] = []
    seed = 0
    for number, (category, part, draft_all) in enumerate(_parts()):
        # Held-out prompts and their seen counterparts get the same random numbers, so that only the pair differs.
        key = [SEED, number] if category not in ("held-out", "seen") else [SEED, len(SINGLES), len(part)]
        drafts = draft_all(np.random.default_rng(key))
        for index, draft in enumerate(drafts[:most]):
            rng = np.random.default_rng([*key, index])
            first = "things first" if draft.scene.things else "varied"
            wording = _choose(rng, ("canonical", "canonical", "varied", first))
            right = answers(asdict(draft.scene))
            expected = {question: right[question] for question in draft.judged}
            text = write_prompt(draft.scene, draft.judged, draft.says_time, wording, rng)
            prompts.append(Prompt(text, category, part, wording, expected, seed + index))
        seed += len(drafts)
    return prompts


def write_prompt(scene: Scene, judged: Sequence[str], says_time: bool, wording: str, rng: np.random.Generator) -> str:
    """Describe a scene in words, such as "the ocean at sunset with a red boat and a blue lantern".

    The prompt names everything in the scene except a clear sky, the plain style, colours and sides that are not judged.
    """

    def pick(phrases: Sequence[str]) -> str:
        return phrases[0] if wording == "canonical" else _choose(rng, phrases)

    things = [_thing_words(group, judged, pick) for group in scene.things]
    extras = _extra_words(scene, judged, pick)
    where = pick(PLACE_WORDS[scene.place])
    text = f"{where} {pick(AT_TIME_WORDS[scene.time])}" if says_time else where
    if wording == "things first":
        flying = any(group.kind in SKY_KINDS for group in scene.things)
        text = listed(things) + (" over " if flying else ", ") + text
    else:
        extras = [*things, *extras]
    if wording == "varied":
        rng.shuffle(extras)
        noun = pick(TIME_WORDS[scene.time])
        if says_time and noun != "golden light" and rng.random() < 0.5:
            text = f"{'an' if noun[0] in 'aeiou' else 'a'} {noun} over {where}"
    if extras:
        text += " with " + listed(extras)
    if scene.style == PLAIN and "style" not in judged:
        return text
    if wording == "canonical" or rng.random() < 0.5:
        return f"{pick(STYLE_WORDS[scene.style])} {text}"
    return f"{text}, {pick(IN_STYLE_WORDS[scene.style])}"


def _extra_words(scene: Scene, judged: Sequence[str], pick: Callable[[Sequence[str]], str]) -> list[str]:
    """Return the words for the sun or moon, the weather, the stars and the lake."""
    extras = []
    if scene.body is not None:
        side = " " + pick(SIDE_WORDS[scene.body_side or "center"]) if "body side" in judged else ""
        extras.append(pick(BODY_WORDS[scene.body]) + side)
    if scene.weather != "clear" or "weather" in judged:
        extras.append(pick(WEATHER_WORDS[scene.weather]))
    if scene.stars:
        extras.append(pick(STAR_WORDS))
    if scene.water and scene.place not in SEA_PLACES:
        extras.append(pick(LAKE_WORDS))
    return extras


def _thing_words(group: Group, judged: Sequence[str], pick: Callable[[Sequence[str]], str]) -> str:
    forms = KIND_WORDS[group.kind]
    noun = pick([singular if group.count == 1 else plural for singular, plural in forms])
    color = pick(COLOR_WORDS[group.color]) + " " if f"{group.kind} color" in judged else ""
    side = " " + pick(SIDE_WORDS[group.side or "center"]) if f"{group.kind} side" in judged else ""
    return f"{pick(COUNT_WORDS[group.count])} {color}{noun}{side}"


def _parts() -> list[tuple[str, str, Callable[[np.random.Generator], list[_Draft]]]]:
    """Return every part as its category, its name and the function that drafts its prompts."""
    return [
        *(("single", name, partial(_single, attribute=name)) for name in SINGLES),
        *(("two", " + ".join(pair), partial(_two, first=pair[0], second=pair[1])) for pair in PAIRS),
        ("color", "one thing", _one_color),
        ("color", "two things", _two_colors),
        ("position", "body", _body_sides),
        ("position", "thing", _thing_sides),
        *(("counting", str(count), partial(_counts, count=count)) for count in range(1, MOST + 1)),
        ("held-out", "color", partial(_color_pairs, held_out=True)),
        ("seen", "color", partial(_color_pairs, held_out=False)),
        ("held-out", "time", partial(_time_pairs, held_out=True)),
        ("seen", "time", partial(_time_pairs, held_out=False)),
    ]


def _single(rng: np.random.Generator, attribute: str) -> list[_Draft]:
    """Draft every value of one attribute equally often, at random places and times."""
    values = VALUES[attribute]
    scenes = {value: possible_scenes(**{attribute: value}) for value in values}
    drafts = []
    for index in range(SINGLES[attribute]):
        says_time = attribute in ("place", "time") or rng.random() < 0.5
        drafts.append(_Draft(_choose(rng, scenes[values[index % len(values)]]), (attribute,), says_time))
    return drafts


def _two(rng: np.random.Generator, first: str, second: str) -> list[_Draft]:
    """Draft all possible combinations of two attributes, in random order."""
    names = [name.replace(" ", "_") for name in (first, second)]
    combinations = [
        scenes
        for values in itertools.product(VALUES[first], VALUES[second])
        if (scenes := possible_scenes(**dict(zip(names, values, strict=True))))
    ]
    order = rng.permutation(len(combinations))
    return [
        _Draft(_choose(rng, combinations[order[index % len(order)]]), (first, second)) for index in range(EACH_PAIR)
    ]


def _seen_colors(kinds: Sequence[str]) -> list[tuple[str, str]]:
    return [(kind, color) for color in COLORS for kind in kinds if not is_held_out_color(kind, color)]


def _one_color(rng: np.random.Generator) -> list[_Draft]:
    pairs = _seen_colors(KINDS)
    groups = [_some(rng, *pairs[index % len(pairs)]) for index in range(3 * len(pairs))]
    return [_Draft(_choose(rng, possible_scenes((group,))), (f"{group.kind} color",)) for group in groups]


def _two_colors(rng: np.random.Generator) -> list[_Draft]:
    """Draft one group in the sky and one below, of different colours, so that swapped colours are noticed."""
    above, below = _seen_colors(SKY_KINDS), _seen_colors([kind for kind in KINDS if kind not in SKY_KINDS])
    drafts = []
    for index in range(6 * len(above)):
        flying = above[index % len(above)]
        standing = _choose(rng, [pair for pair in below if pair[1] != flying[1]])
        groups = (_some(rng, *flying), _some(rng, *standing))
        scene = _choose(rng, possible_scenes(groups))
        drafts.append(_Draft(scene, tuple(f"{group.kind} color" for group in groups)))
    return drafts


def _body_sides(rng: np.random.Generator) -> list[_Draft]:
    return [
        _Draft(_choose(rng, possible_scenes(body=body, body_side=side)), ("body", "body side"))
        for body, side in 9 * list(itertools.product(BODIES, SIDES))
    ]


def _thing_sides(rng: np.random.Generator) -> list[_Draft]:
    """Draft single things on a side; the count is judged too, because with two things the side means nothing."""
    drafts = []
    for kind, side in 5 * list(itertools.product(KINDS, SIDES)):
        group = Group(kind, _choose(rng, _seen_colors([kind]))[1], 1, side)
        drafts.append(_Draft(_choose(rng, possible_scenes((group,))), (f"{kind} count", f"{kind} side")))
    return drafts


def _counts(rng: np.random.Generator, count: int) -> list[_Draft]:
    drafts = []
    for kind in 7 * KINDS:
        group = _some(rng, *_choose(rng, _seen_colors([kind])), count)
        drafts.append(_Draft(_choose(rng, possible_scenes((group,))), (f"{kind} count",)))
    return drafts


def _color_pairs(rng: np.random.Generator, held_out: bool) -> list[_Draft]:
    """Draft every kind in its held-out colour, or in its five other colours in turn."""
    drafts = []
    for index in range(HELD_OUT_COLORS):
        kind = KINDS[index % len(KINDS)]
        unseen = next(number for number, color in enumerate(COLORS) if is_held_out_color(kind, color))
        step = 0 if held_out else 1 + (index // len(KINDS)) % (len(COLORS) - 1)
        group = _some(rng, kind, COLORS[(unseen + step) % len(COLORS)])
        drafts.append(_Draft(_choose(rng, possible_scenes((group,))), (f"{kind} color",)))
    return drafts


def _time_pairs(rng: np.random.Generator, held_out: bool) -> list[_Draft]:
    """Draft every place at its held-out time, or at its five other times in turn."""
    drafts = []
    for index in range(HELD_OUT_TIMES):
        place = PLACES[index % len(PLACES)]
        unseen = next(number for number, time in enumerate(TIMES) if is_held_out_time(place, time))
        step = 0 if held_out else 1 + (index // len(PLACES)) % (len(TIMES) - 1)
        scene = Scene(place, TIMES[(unseen + step) % len(TIMES)], water=place in SEA_PLACES, style=PLAIN)
        drafts.append(_Draft(scene, ("place", "time")))
    return drafts


def _some(rng: np.random.Generator, kind: str, color: str, count: int | None = None) -> Group:
    """Return a group of `count` things, one to three by default."""
    count = int(rng.integers(1, 4)) if count is None else count
    return Group(kind, color, count, _choose(rng, SIDES) if count == 1 else None)


def possible_scenes(things: tuple[Group, ...] = (), **fixed: Any) -> list[Scene]:
    """Return every possible scene with these things and attributes, without held-out pairs of place and time.

    A place, time or side that is not given takes all its values; everything else has its default. Boats get a lake.
    """
    options: dict[str, Sequence[Any]] = {
        "place": PLACES,
        "time": TIMES,
        "body": BODIES if "body_side" in fixed else (None,),
        "body_side": SIDES if "body" in fixed else (None,),
    }
    options |= {name: (value,) for name, value in fixed.items()}
    scenes = []
    for values in itertools.product(*options.values()):
        attributes = dict(zip(options, values, strict=True))
        water = attributes["place"] in SEA_PLACES or any(group.kind in WATER_KINDS for group in things)
        with suppress(ValueError):  # a sun at night, a tree in the sea
            scenes.append(Scene(**{"style": PLAIN, **attributes}, water=water, things=things))
    return [scene for scene in scenes if not is_held_out_time(scene.place, scene.time)]


def _choose(rng: np.random.Generator, options: Sequence[Choice]) -> Choice:
    return options[int(rng.integers(len(options)))]
