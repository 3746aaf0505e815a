"""Captions: many wordings for the same scene, and the attributes that each wording names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from synthviz.world.scene import NATURAL, SEA_PLACES, SKY_KINDS, Group, Scene

PLACE_WORDS = {
    "city": (
        "a futuristic city",
        "a city",
        "a city of the future",
        "a futuristic skyline",
        "a city skyline",
        "skyscrapers",
    ),
    "mountains": ("mountains", "snow-capped mountains", "a mountain range", "high mountains", "rocky peaks"),
    "ocean": ("the ocean", "the open sea", "an ocean", "the sea", "ocean waves"),
    "desert": ("a desert", "sand dunes", "desert dunes", "the desert", "a sandy desert"),
    "forest": ("a forest", "a pine forest", "the woods", "a forest of pines", "a fir forest"),
    "snowy hills": ("snowy hills", "hills covered in snow", "a snowy landscape", "snow covered hills", "winter hills"),
    "beach": ("a beach", "a tropical beach", "a sandy beach", "a beach with palms", "the seaside"),
    "village": (
        "a village",
        "a small village",
        "a little town",
        "a quiet village",
        "cottages",
        "houses in the country",
    ),
    "canyon": ("a canyon", "a red canyon", "a rocky canyon", "a deep canyon", "canyon walls"),
    "volcano": ("a volcano", "an erupting volcano", "a volcano with lava", "a smoking volcano"),
}
# Times as nouns ("a … over a city") and as adverbials ("a city …").
TIME_WORDS = {
    "sunrise": ("sunrise", "dawn", "morning", "daybreak"),
    "day": ("day", "midday", "noon"),
    "golden hour": ("golden hour", "golden light"),
    "sunset": ("sunset", "sundown", "evening"),
    "dusk": ("dusk", "twilight"),
    "night": ("night", "midnight"),
}
AT_TIME_WORDS = {
    "sunrise": ("at sunrise", "at dawn", "in the morning", "at daybreak"),
    "day": ("by day", "at noon", "at midday", "in daylight"),
    "golden hour": ("at golden hour", "in golden light", "in the golden hour"),
    "sunset": ("at sunset", "at sundown", "in the evening"),
    "dusk": ("at dusk", "at twilight", "at nightfall"),
    "night": ("at night", "at midnight", "by night"),
}
WEATHER_WORDS = {
    "clear": ("a clear sky", "clear weather"),
    "clouds": ("clouds", "drifting clouds", "a cloudy sky", "some clouds"),
    "fog": ("fog", "mist", "drifting mist", "low fog"),
    "rain": ("rain", "falling rain", "rainy weather"),
    "snowfall": ("falling snow", "snowfall", "snowflakes"),
    "thunderstorm": ("a thunderstorm", "lightning", "a storm with lightning", "a stormy sky"),
}
BODY_WORDS = {
    "sun": ("the sun", "a bright sun", "the shining sun"),
    "moon": ("the moon", "a full moon", "the full moon", "a bright moon"),
    "crescent moon": ("a crescent moon", "the crescent moon", "a sickle moon"),
}
SIDE_WORDS = {
    "left": ("on the left", "on the left side", "at the left"),
    "center": ("in the middle", "in the center", "in the centre"),
    "right": ("on the right", "on the right side", "at the right"),
}
STAR_WORDS = ("stars", "many stars", "bright stars", "a starry sky")
LAKE_WORDS = ("a calm lake", "reflections in the water", "still water", "a lake", "water reflections")
KIND_WORDS = {
    "bird": (("bird", "birds"), ("gull", "gulls")),
    "lantern": (("lantern", "lanterns"), ("paper lantern", "paper lanterns")),
    "balloon": (("balloon", "balloons"), ("hot air balloon", "hot air balloons")),
    "boat": (("boat", "boats"), ("sailing boat", "sailing boats"), ("ship", "ships")),
    "tree": (("tree", "trees"),),
    "tower": (("tower", "towers"), ("castle tower", "castle towers")),
}
COLOR_WORDS = {
    "red": ("red", "scarlet"),
    "yellow": ("yellow",),
    "green": ("green",),
    "blue": ("blue",),
    "purple": ("purple", "violet"),
    "white": ("white",),
}
# How often a caption names the side of a single thing. Like people, captions often leave out the middle and name what
# is unusual. If captions left the side open, a model that learns the mean picture would draw a faint thing everywhere,
# or none.
SIDE_SAID = {"left": 0.95, "center": 0.4, "right": 0.95}
THINGS_FIRST = 0.35  # share of the captions with things that begin with them
PLACE_UNSAID = 0.12  # share of those captions that do not name the place
COUNT_WORDS = {1: ("a", "a", "one"), 2: ("two", "two", "a pair of"), 3: ("three",), 4: ("four",)}
STYLE_WORDS = {
    "flat": ("a flat illustration of", "a poster of", "flat art of"),
    "watercolor": ("a watercolor of", "a watercolour of", "a watercolor painting of"),
    "neon": ("a neon picture of", "neon art of", "a glowing neon view of"),
    "ink": ("an ink drawing of", "a pen and ink drawing of", "ink art of"),
}
IN_STYLE_WORDS = {
    "flat": ("in flat colors", "as a poster"),
    "watercolor": ("in watercolor", "in watercolour"),
    "neon": ("in neon", "in neon light"),
    "ink": ("in ink", "drawn in ink"),
}
MOODS = (
    "serene", "calm", "peaceful", "beautiful", "quiet", "dramatic", "colorful", "vivid", "dreamy", "majestic",
    "lovely", "stunning", "wonderful",
)  # fmt: skip
MEDIA = ("a painting of", "an illustration of", "a picture of", "a view of", "a scene of", "an image of", "art of")


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


def write_caption(scene: Scene, rng: np.random.Generator, plain: str = "flat") -> str:
    """Describe a scene in words: one lower-case line, such as "a serene sunset over a futuristic city, with clouds".

    Args:
        scene: the scene to describe.
        rng: chooses the attributes to name and their wording.
        plain: the style that a prompt without any style should give.
    """
    return describe(scene, rng, plain)[0]


def describe(scene: Scene, rng: np.random.Generator, plain: str = "flat") -> tuple[str, Said]:
    """Describe a scene in words; also return what the words say, as data.

    Most captions begin with the place. Some begin with things, as people's prompts do ("a red boat on the sea at
    dusk"), and a few of these leave the place out. The plain style and a clear sky are seldom named, because a prompt
    that does not name them should give them; the natural style has no words at all.
    """
    body = _describe_body(scene, rng)
    groups = {group.kind: _describe_group(group, rng) for group in scene.things if rng.random() < 0.93}
    extras, weather, stars, lake = _describe_surroundings(scene, rng)
    time = scene.time if rng.random() < 0.93 else None
    style = scene.style if rng.random() < (0.2 if scene.style == plain else 0.97) else None
    style = None if style == NATURAL else style

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


def _describe_group(group: Group, rng: np.random.Generator) -> _ThingPhrase:
    """Return words for a group of things."""
    singular, plural = KIND_WORDS[group.kind][rng.integers(len(KIND_WORDS[group.kind]))]
    count = group.count if group.count == 1 or rng.random() < 0.88 else None
    color = group.color if rng.random() < 0.75 else None
    side = group.side if group.side is not None and rng.random() < SIDE_SAID[group.side] else None
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
