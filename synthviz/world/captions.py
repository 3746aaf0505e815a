"""Captions: many wordings for the same scene, and the attributes that each wording names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from synthviz.world.scene import NATURAL, SEA_PLACES, SKY_KINDS, Group, Scene
from synthviz.world.wordings import (
    AT_TIME_WORDS,
    BODY_WORDS,
    COLOR_WORDS,
    COUNT_WORDS,
    IN_STYLE_WORDS,
    KIND_WORDS,
    LAKE_WORDS,
    MEDIA,
    MOODS,
    PLACE_WORDS,
    SIDE_WORDS,
    SIGHT_WORDS,
    STAR_WORDS,
    STYLE_WORDS,
    TIME_WORDS,
    WEATHER_WORDS,
)

# How often a caption names the side of a single thing. Like people, captions often leave out the middle and name what
# is unusual. If captions left the side open, a model that learns the mean picture would draw a faint thing everywhere,
# or none.
SIDE_SAID = {"left": 0.95, "center": 0.4, "right": 0.95}
THINGS_FIRST = 0.35  # share of the captions with things that begin with them
PLACE_UNSAID = 0.12  # share of those captions that do not name the place
SHORT = 0.5  # share of the captions that are short, as most people's prompts are
MOST_SIGHTS = 2  # in one caption


@dataclass(frozen=True)
class Said:
    """The attributes of a scene that one caption names; None or False for those it does not name.

    Attributes:
        place: the named place; likewise `time`, `weather`, `style`, `body` and `body_side`.
        stars: whether the caption names stars.
        water: whether the caption names a lake.
        groups: (count, colour, side) of each named kind.
    """

    place: str | None = None
    time: str | None = None
    weather: str | None = None
    style: str | None = None
    body: str | None = None
    body_side: str | None = None
    stars: bool = False
    water: bool = False
    groups: dict[str, tuple[int | None, str | None, str | None]] = field(default_factory=dict)


def write_caption(
    scene: Scene, rng: np.random.Generator, plain: str = "flat", sights: Sequence[str] = (), short: float = 0.0
) -> str:
    """Describe a scene in words: one lower-case line, such as "a serene sunset over a futuristic city, with clouds".

    Args:
        scene: the scene to describe.
        rng: chooses the attributes to name and their wording.
        plain: the style that a prompt without any style should give.
        sights: what else its painting shows, of `wordings.SIGHT_WORDS`.
        short: share of the captions that are short.
    """
    return describe(scene, rng, plain, sights, short)[0]


def describe(
    scene: Scene, rng: np.random.Generator, plain: str = "flat", sights: Sequence[str] = (), short: float = 0.0
) -> tuple[str, Said]:
    """Describe a scene in words; also return what the words say, as data.

    Most captions begin with the place. Some begin with things, as people's prompts do ("a red boat on the sea at
    dusk"), and a few of these leave the place out. The plain style and a clear sky are seldom named, because a prompt
    that does not name them should give them; the natural style has no words at all. The arguments are those of
    `write_caption`.
    """
    if short and rng.random() < short:
        return _describe_shortly(scene, rng, plain)
    body = _describe_body(scene, rng)
    groups = {group.kind: _describe_group(group, rng) for group in scene.things if rng.random() < 0.93}
    extras, weather, stars, lake = _describe_surroundings(scene, rng)
    time = scene.time if rng.random() < 0.93 else None
    style = _named_style(scene, plain, rng)

    things = [(kind in SKY_KINDS, group.words) for kind, group in groups.items()]
    if body is not None:
        things.insert(0, (True, body.words))
    rng.shuffle(things)
    things_first = bool(things) and rng.random() < THINGS_FIRST
    place = None if things_first and rng.random() < PLACE_UNSAID else scene.place
    first = int(rng.integers(1, len(things) + 1)) if things_first else 0
    if things_first:
        caption = listed([words for _, words in things[:first]])
        caption += _setting(place, time, any(in_sky for in_sky, _ in things[:first]), rng)
    else:
        caption = _opening(scene.place, time, style, rng)
    extras += [words for _, words in things[first:]]
    if sights:
        extras += _describe_sights(sights, rng)
    if extras:
        rng.shuffle(extras)
        caption += _choose((" with ", ", with ", ", "), rng) + listed(extras)
    if style is not None:
        caption = _in_style(caption, style, rng)
    said = Said(
        place=place,
        time=time,
        weather=weather,
        style=style,
        body=None if body is None else scene.body,
        body_side=None if body is None else body.side,
        stars=stars,
        water=lake,
        groups={kind: (group.count, group.color, group.side) for kind, group in groups.items()},
    )
    return caption, said


def _describe_shortly(scene: Scene, rng: np.random.Generator, plain: str) -> tuple[str, Said]:
    """Describe a scene in few words, often without articles: "red boat, ocean, sunset".

    Counted things and bad weather are nearly always named: a prompt that does not ask for them should not give them.
    """
    groups = {group.kind: _describe_group(group, rng, short=True) for group in scene.things if rng.random() < 0.9}
    weather = scene.weather if scene.weather != "clear" and rng.random() < 0.9 else None
    time = scene.time if rng.random() < 0.85 else None
    body = scene.body if scene.body is not None and rng.random() < 0.4 else None
    lake = scene.water and scene.place not in SEA_PLACES and bool(rng.random() < 0.5)
    style = _named_style(scene, plain, rng)
    place = _choose(PLACE_WORDS[scene.place], rng)
    parts = [group.words for group in groups.values()]
    parts += [_choose(WEATHER_WORDS[weather], rng)] if weather is not None else []
    parts += [_choose(BODY_WORDS[body], rng)] if body is not None else []
    parts += [_choose(LAKE_WORDS, rng)] if lake else []
    if rng.random() < 0.5:
        caption = place if time is None else f"{place} {_choose(AT_TIME_WORDS[time], rng)}"
        if parts:
            caption += _choose((", ", " with "), rng) + listed(parts)
    else:
        parts += [place] if time is None else [place, _choose(TIME_WORDS[time], rng)]
        rng.shuffle(parts)
        caption = ", ".join(part.removeprefix("a ").removeprefix("an ").removeprefix("the ") for part in parts)
    if style is not None:
        caption = _in_style(caption, style, rng)
    said = Said(
        place=scene.place,
        time=time,
        weather=weather,
        style=style,
        body=body,
        water=lake,
        groups={kind: (group.count, group.color, group.side) for kind, group in groups.items()},
    )
    return caption, said


def _named_style(scene: Scene, plain: str, rng: np.random.Generator) -> str | None:
    """Return the style that a caption names; None if it names none."""
    named = rng.random() < (0.2 if scene.style == plain else 0.97)
    return scene.style if named and scene.style != NATURAL else None


def _describe_sights(sights: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Return words for some of what a painting shows besides what was asked for."""
    named = [sight for sight in sights if rng.random() < 0.5]
    rng.shuffle(named)
    return [_choose(SIGHT_WORDS[sight], rng) for sight in named[:MOST_SIGHTS]]


@dataclass(frozen=True)
class _ThingPhrase:
    """The words for a thing or a group, and the attributes that they name."""

    words: str
    count: int | None = None
    color: str | None = None
    side: str | None = None


def _describe_body(scene: Scene, rng: np.random.Generator) -> _ThingPhrase | None:
    """Return words for the sun or moon; None if the caption does not name it."""
    if scene.body is None or rng.random() >= 0.85:
        return None
    words = _choose(BODY_WORDS[scene.body], rng)
    if scene.body_side is None or rng.random() >= SIDE_SAID[scene.body_side]:
        return _ThingPhrase(words)
    return _ThingPhrase(f"{words} {_choose(SIDE_WORDS[scene.body_side], rng)}", side=scene.body_side)


def _describe_group(group: Group, rng: np.random.Generator, short: bool = False) -> _ThingPhrase:
    """Return words for a group of things; short ones name its side less often."""
    singular, plural = KIND_WORDS[group.kind][rng.integers(len(KIND_WORDS[group.kind]))]
    count = group.count if group.count == 1 or rng.random() < 0.88 else None
    color = group.color if rng.random() < 0.75 else None
    side = (
        group.side
        if group.side is not None and rng.random() < SIDE_SAID[group.side] * (0.4 if short else 1.0)
        else None
    )
    words = [_choose(COUNT_WORDS[count], rng)] if count is not None else []
    if color is not None:
        words.append(_choose(COLOR_WORDS[color], rng))
    words.append(singular if group.count == 1 else plural)
    if side is not None:
        words.append(_choose(SIDE_WORDS[side], rng))
    return _ThingPhrase(" ".join(words), count, color, side)


def _describe_surroundings(scene: Scene, rng: np.random.Generator) -> tuple[list[str], str | None, bool, bool]:
    """Return words for weather, stars and lake; also the named weather, and whether stars and lake are named."""
    words: list[str] = []
    weather = scene.weather if rng.random() < (0.12 if scene.weather == "clear" else 0.93) else None
    if weather is not None:
        words.append(_choose(WEATHER_WORDS[weather], rng))
    stars = scene.stars and bool(rng.random() < 0.8)
    if stars:
        words.append(_choose(STAR_WORDS, rng))
    lake = scene.water and scene.place not in SEA_PLACES and bool(rng.random() < 0.75)
    if lake:
        words.append(_choose(LAKE_WORDS, rng))
    return words, weather, stars, lake


def _setting(place: str | None, time: str | None, in_sky: bool, rng: np.random.Generator) -> str:
    """Return the words that follow the things at the beginning of a caption, such as " over a city at night"."""
    when = "" if time is None else " " + _choose(AT_TIME_WORDS[time], rng)
    if place is None:
        return when
    link = " over " if in_sky else " on " if place in SEA_PLACES else " in "
    return _choose((link, link, ", "), rng) + _choose(PLACE_WORDS[place], rng) + when


def listed(phrases: Sequence[str]) -> str:
    """Join phrases as in a sentence: "a, b and c"."""
    return ", ".join(phrases[:-1]) + (" and " if len(phrases) > 1 else "") + phrases[-1]


def _opening(place: str, time: str | None, style: str | None, rng: np.random.Generator) -> str:
    """Return words for the place, usually with the time of day, sometimes with a mood or a medium."""
    where = _choose(PLACE_WORDS[place], rng)
    mood = _choose(MOODS, rng)
    medium = _choose(MEDIA, rng) + " " if style is None else ""
    if time is None:
        return _choose((where, f"{medium}{where}", f"{where}, {mood}"), rng)
    noun, adverbial = _choose(TIME_WORDS[time], rng), _choose(AT_TIME_WORDS[time], rng)
    article = "an" if noun[0] in "aeiou" else "a"
    patterns = [
        f"{where} {adverbial}",
        f"{where} {adverbial}",
        f"{medium}{where} {adverbial}",
        f"{where} {adverbial}, {mood}",
        f"{noun}, {where}",
    ]
    if noun != "golden light":
        patterns += [
            f"a {mood} {noun} over {where}",
            f"{article} {noun} over {where}",
            f"{medium}{article} {noun} over {where}",
        ]
    return _choose(tuple(patterns), rng)


def _in_style(caption: str, style: str, rng: np.random.Generator) -> str:
    """Name the style before or after a caption."""
    if rng.random() < 0.5:
        return f"{_choose(STYLE_WORDS[style], rng)} {caption}"
    return f"{caption}, {_choose(IN_STYLE_WORDS[style], rng)}"


def _choose(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[rng.integers(len(options))]
