"""What a scene contains, as data: place, time of day, and what hangs in its sky."""

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
TIMES = ("sunrise", "day", "sunset", "dusk", "night")

# Places that can lie on a lake; ocean and beach always have water, desert and canyon never.
LAKE_PLACES = ("city", "mountains", "forest", "snowy hills", "village", "volcano")
SEA_PLACES = ("ocean", "beach")


@dataclass(frozen=True)
class Scene:
    """One landscape, fully described by its attributes and a seed for the details.

    Attributes:
        place: one of `PLACES`.
        time: one of `TIMES`.
        body: what shines in the sky: "sun", "moon" or "none".
        stars: whether stars are out (dusk and night only).
        clouds: whether there are clouds.
        mist: whether mist lies over the ground.
        water: whether there is water: a lake that reflects the place, or the sea.
        seed: what the painter draws every other detail from.

    Raises:
        ValueError: for a place, time or body that does not exist, a sun at night, a moon or stars by day.
    """

    place: str
    time: str
    body: str = "none"
    stars: bool = False
    clouds: bool = False
    mist: bool = False
    water: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("place", self.place, PLACES),
            ("time", self.time, TIMES),
            ("body", self.body, ("sun", "moon", "none")),
        ):
            if value not in allowed:
                raise ValueError(f"{name} is {value!r}; it must be one of {', '.join(allowed)}")
        if self.body == "sun" and self.time in ("dusk", "night"):
            raise ValueError(f"a scene at {self.time} has no sun; use body='moon' or 'none'")
        if self.time in ("sunrise", "day", "sunset") and (self.body == "moon" or self.stars):
            raise ValueError(f"a scene at {self.time} has no moon and no stars; choose 'dusk' or 'night' for them")
        if self.water != (self.place in SEA_PLACES) and self.place not in LAKE_PLACES:
            raise ValueError(f"water is {self.water}, but {self.place!r} always has the opposite")


def sample_scene(rng: np.random.Generator) -> Scene:
    """Draw a scene at random: places and times alike, the rest as often as makes a varied sky.

    Args:
        rng: a NumPy generator; equal generators give equal scenes.
    """
    place = PLACES[rng.integers(len(PLACES))]
    time = TIMES[rng.integers(len(TIMES))]
    if time in ("dusk", "night"):
        body = "moon" if rng.random() < 0.6 else "none"
        stars = bool(rng.random() < (0.8 if time == "night" else 0.4))
    else:
        body = "sun" if rng.random() < 0.75 else "none"
        stars = False
    return Scene(
        place=place,
        time=time,
        body=body,
        stars=stars,
        clouds=bool(rng.random() < 0.45),
        mist=bool(rng.random() < 0.22),
        water=place in SEA_PLACES or (place in LAKE_PLACES and bool(rng.random() < 0.4)),
        seed=int(rng.integers(2**31)),
    )
