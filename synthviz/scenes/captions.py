"""Captions: the same scene said in many wordings, and what each of them says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from synthviz.scenes.scene import SEA_PLACES, SKY_KINDS, Group, Scene

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
# As a noun, "a … over a city", and as an adverbial, "a city …".
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
# How often captions say where a single thing is. As people do, they leave out the middle, and say what is unusual; were
# the place anyone's guess, a model that is trained on means would draw the thing everywhere a little, or nowhere.
SIDE_SAID = {"left": 0.95, "center": 0.4, "right": 0.95}
THINGS_FIRST = 0.35  # of the captions that name things
PLACE_UNSAID = 0.12  # of these
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
    """What one caption says of a scene; None or False where it leaves something out.

    Attributes:
        groups: for each kind it names, the count, colour and side it gives.
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


def write_caption(scene: Scene, rng: np.random.Generator) -> str:
    """Describe a scene in words: one lower-case line, such as "a serene sunset over a futuristic city, with clouds".

    Args:
        scene: what to describe.
        rng: what to say and in which of the wordings.
    """
    return describe(scene, rng)[0]


def describe(scene: Scene, rng: np.random.Generator) -> tuple[str, Said]:
    """Describe a scene in words; also returns what the words say, as data.

    The place is said first and everything else mostly, but a flat style and a clear sky seldom, since they are what a
    prompt that does not name them should give. A third of the captions begin with things, as people do ("a red boat
    on the sea at dusk"), and some of these leave the place out.
    """
    things: list[tuple[str, bool]] = []  # and whether it is up in the air
    extras: list[str] = []
    body, body_side = None, None
    if scene.body is not None and rng.random() < 0.85:
        body = scene.body
        words = _choose(BODY_WORDS[scene.body], rng)
        if scene.body_side is not None and rng.random() < SIDE_SAID[scene.body_side]:
            body_side = scene.body_side
            words += " " + _choose(SIDE_WORDS[scene.body_side], rng)
        things.append((words, True))
    groups = {}
    for group in scene.things:
        if rng.random() < 0.93:
            words, groups[group.kind] = _describe_group(group, rng)
            things.append((words, group.kind in SKY_KINDS))
    weather = scene.weather if rng.random() < (0.12 if scene.weather == "clear" else 0.93) else None
    if weather is not None:
        extras.append(_choose(WEATHER_WORDS[weather], rng))
    stars = scene.stars and bool(rng.random() < 0.8)
    if stars:
        extras.append(_choose(STAR_WORDS, rng))
    lake = scene.water and scene.place not in ("ocean", "beach") and bool(rng.random() < 0.75)
    if lake:
        extras.append(_choose(LAKE_WORDS, rng))
    time = scene.time if rng.random() < 0.93 else None
    style = scene.style if rng.random() < (0.2 if scene.style == "flat" else 0.97) else None

    rng.shuffle(things)
    things_first = bool(things) and rng.random() < THINGS_FIRST
    place = None if things_first and rng.random() < PLACE_UNSAID else scene.place
    if things_first:
        first = int(rng.integers(1, len(things) + 1))
        flying = any(flies for _, flies in things[:first])
        caption = listed([words for words, _ in things[:first]]) + _behind(place, time, flying, rng)
    else:
        first = 0
        caption = _opening(scene.place, time, style, rng)
    extras += [words for words, _ in things[first:]]
    if extras:
        rng.shuffle(extras)
        caption += _choose((" with ", ", with ", ", "), rng) + listed(extras)
    if style is not None:
        before = rng.random() < 0.5
        caption = (
            f"{_choose(STYLE_WORDS[style], rng)} {caption}"
            if before
            else f"{caption}, {_choose(IN_STYLE_WORDS[style], rng)}"
        )
    return caption, Said(place, time, weather, style, body, body_side, stars, lake, groups)


def _behind(place: str | None, time: str | None, flying: bool, rng: np.random.Generator) -> str:
    """What follows the things a caption begins with: " over a city at night"."""
    when = "" if time is None else " " + _choose(AT_TIME_WORDS[time], rng)
    if place is None:
        return when
    link = " over " if flying else " on " if place in SEA_PLACES else " in "
    return _choose((link, link, ", "), rng) + _choose(PLACE_WORDS[place], rng) + when


def listed(phrases: Sequence[str]) -> str:
    """Phrases as in a sentence: "a, b and c"."""
    return ", ".join(phrases[:-1]) + (" and " if len(phrases) > 1 else "") + phrases[-1]


def _opening(place: str, time: str | None, style: str | None, rng: np.random.Generator) -> str:
    """The place, mostly with its time of day, at times with a mood or a medium."""
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


def _describe_group(group: Group, rng: np.random.Generator) -> tuple[str, tuple[int | None, str | None, str | None]]:
    singular, plural = KIND_WORDS[group.kind][rng.integers(len(KIND_WORDS[group.kind]))]
    count = group.count if group.count == 1 or rng.random() < 0.88 else None
    color = group.color if rng.random() < 0.75 else None
    side = group.side if group.side is not None and rng.random() < SIDE_SAID[group.side] else None
    number = _choose(COUNT_WORDS[count], rng) if count is not None else ""
    noun = f"{_choose(COLOR_WORDS[color], rng)} " if color is not None else ""
    noun += singular if group.count == 1 else plural
    words = f"{number} {noun}".strip()
    if side is not None:
        words += " " + _choose(SIDE_WORDS[side], rng)
    return words, (count, color, side)


def _choose(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[rng.integers(len(options))]
