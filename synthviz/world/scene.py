"""Scenes as data: place, time of day, weather, sky, counted things with their colours, style."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PLACES = (
    "city",
    "mountains",
    "ocean",
    "desert",
    "forest",
    "snowy hills",
    "beach",
    "village",
    "canyon",
    "volcano",
)
TIMES = ("sunrise", "day", "golden hour", "sunset", "dusk", "night")
WEATHERS = ("clear", "clouds", "fog", "rain", "snowfall", "thunderstorm")
BODIES = ("sun", "moon", "crescent moon")
SIDES = ("left", "center", "right")
STYLES = ("flat", "watercolor", "neon", "ink")
NATURAL = "natural"  # the style that needs no word

SKY_KINDS = ("bird", "lantern", "balloon")
WATER_KINDS = ("boat",)
LAND_KINDS = ("tree", "tower")
KINDS = (*SKY_KINDS, *WATER_KINDS, *LAND_KINDS)
COLORS = ("red", "yellow", "green", "blue", "purple", "white")
MOST = 4  # maximum number of things of one kind in a scene

SEA_PLACES = ("ocean", "beach")  # these always have water; every other place may have a lake
DARK_TIMES = ("dusk", "night")


@dataclass(frozen=True)
class Group:
    """One to four things of one kind and colour.

    Attributes:
        kind: one of `KINDS`.
        color: one of `COLORS`.
        count: 1 to 4.
        side: position of a single thing, one of `SIDES`; None for several things, which are spread across the picture.

    Raises:
        ValueError: if kind, colour, count or side is invalid, a single thing has no side, or several things have one.
    """

    kind: str
    color: str
    count: int = 1
    side: str | None = None

    def __post_init__(self) -> None:
        _check("kind", self.kind, KINDS)
        _check("color", self.color, COLORS)
        if not 1 <= self.count <= MOST:
            raise ValueError(f"count is {self.count}; it must be 1 to {MOST}")
        if self.count == 1:
            _check("side", self.side, SIDES)
        elif self.side is not None:
            raise ValueError(f"side is {self.side!r}, but {self.count} things have no side; leave it out")


@dataclass(frozen=True)
class Scene:
    """One landscape: its attributes, and a seed for all other details.

    Attributes:
        place: one of `PLACES`.
        time: one of `TIMES`, the time of day or its light.
        weather: one of `WEATHERS`.
        body: the sun or moon in the sky, one of `BODIES`, or None.
        body_side: its position, one of `SIDES`; None without a body.
        stars: whether stars are visible.
        water: whether there is water: a lake in front of the place, or the sea.
        things: at most one group in the sky and one on the ground or the water.
        style: one of `STYLES`, or `NATURAL`.
        seed: seed of the painter's random generator.

    Raises:
        ValueError: if a value is invalid or the scene is impossible, such as a sun at night.
    """

    place: str
    time: str
    weather: str = "clear"
    body: str | None = None
    body_side: str | None = None
    stars: bool = False
    water: bool = False
    things: tuple[Group, ...] = ()
    style: str = "flat"
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("place", self.place, PLACES),
            ("time", self.time, TIMES),
            ("weather", self.weather, WEATHERS),
            ("style", self.style, (NATURAL, *STYLES)),
        ):
            _check(name, value, allowed)
        self._check_sky()
        self._check_things()

    def _check_sky(self) -> None:
        if self.body is not None:
            _check("body", self.body, BODIES)
            _check("body_side", self.body_side, SIDES)
            if (self.body == "sun") == (self.time in DARK_TIMES):
                fitting = "the moon" if self.time in DARK_TIMES else "the sun"
                raise ValueError(f"body is {self.body!r}, but only {fitting} can shine at {self.time}")
            if self.weather in ("rain", "thunderstorm"):
                raise ValueError(f"body is {self.body!r}, but {self.weather} hides it; use None")
        elif self.body_side is not None:
            raise ValueError(f"body_side is {self.body_side!r}, but the scene has no body")
        if self.stars and not stars_can_show(self.time, self.weather):
            raise ValueError(f"stars cannot be seen at {self.time} with weather {self.weather!r}")

    def _check_things(self) -> None:
        if self.place in SEA_PLACES and not self.water:
            raise ValueError(f"water is False, but {self.place!r} always has water")
        kinds = [group.kind for group in self.things]
        if sum(kind in SKY_KINDS for kind in kinds) > 1 or sum(kind not in SKY_KINDS for kind in kinds) > 1:
            raise ValueError(f"things are {', '.join(kinds)}; at most one group can fly and one can stand or swim")
        for kind in kinds:
            if kind not in fitting_kinds(self.place, self.water):
                where = f"{self.place!r} with{'' if self.water else 'out'} water"
                raise ValueError(f"a {kind} cannot be in {where}; boats need water, trees and towers dry ground")


def _check(name: str, value: str | None, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")


def stars_can_show(time: str, weather: str) -> bool:
    """Return whether stars can be visible: at dusk or night, in a clear or cloudy sky."""
    return time in DARK_TIMES and weather in ("clear", "clouds")


def fitting_kinds(place: str, water: bool) -> tuple[str, ...]:
    """Return the kinds of things that fit a place: a beach has water and land, other places have one of the two."""
    if place == "beach":
        return KINDS
    return SKY_KINDS + (WATER_KINDS if water else LAND_KINDS)


def is_held_out_color(kind: str, color: str) -> bool:
    """Return whether training pictures never show this kind in this colour: one colour of each kind, 6 pairs of 36."""
    return (KINDS.index(kind) + COLORS.index(color)) % len(COLORS) == 4


def is_held_out_time(place: str, time: str) -> bool:
    """Return whether training pictures never show this place at this time: one time of each place, 10 pairs of 60."""
    return (PLACES.index(place) + TIMES.index(time)) % len(TIMES) == 2


def is_held_out(scene: Scene) -> bool:
    """Return whether a scene has a pair that training never shows; such scenes test whether a model generalizes."""
    return is_held_out_time(scene.place, scene.time) or any(
        is_held_out_color(group.kind, group.color) for group in scene.things
    )


def sample_scene(rng: np.random.Generator, held_out: bool = False, plain: str = "flat") -> Scene:
    """Draw a random scene: places, times and colours are equally likely, the rest is weighted for varied pictures.

    Args:
        rng: a NumPy generator; generators in the same state give the same scene.
        held_out: whether pairs that are held out of training may occur.
        plain: the style of the scenes that have none of the named styles.
    """
    while True:
        scene = _sample(rng, plain)
        if held_out or not is_held_out(scene):
            return scene


def _sample(rng: np.random.Generator, plain: str) -> Scene:
    place = _choose(rng, PLACES)
    time = _choose(rng, TIMES)
    weather = _choose(rng, WEATHERS) if rng.random() < 0.6 else "clear"
    body = None
    if weather not in ("rain", "thunderstorm") and rng.random() < 0.65:
        body = _choose(rng, ("moon", "crescent moon")) if time in DARK_TIMES else "sun"
    water = place in SEA_PLACES or rng.random() < 0.45
    kinds = fitting_kinds(place, water)
    things = []
    if rng.random() < 0.5:
        things.append(_sample_group(rng, SKY_KINDS))
    if rng.random() < 0.5 and len(kinds) > len(SKY_KINDS):
        things.append(_sample_group(rng, kinds[len(SKY_KINDS) :]))
    return Scene(
        place=place,
        time=time,
        weather=weather,
        body=body,
        body_side=_choose(rng, SIDES) if body else None,
        stars=stars_can_show(time, weather) and bool(rng.random() < 0.7),
        water=water,
        things=tuple(things),
        style=_choose(rng, STYLES) if rng.random() < (0.4 if plain == NATURAL else 0.6) else plain,
        seed=int(rng.integers(2**31)),
    )


def _sample_group(rng: np.random.Generator, kinds: tuple[str, ...]) -> Group:
    count = 1 if rng.random() < 0.4 else int(rng.integers(2, MOST + 1))
    return Group(
        kind=_choose(rng, kinds),
        color=_choose(rng, COLORS),
        count=count,
        side=_choose(rng, SIDES) if count == 1 else None,
    )


def _choose(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[rng.integers(len(options))]
