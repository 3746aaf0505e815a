"""Captions: the same scene said in many wordings."""

from __future__ import annotations

from functools import cache

import numpy as np

from synthviz.scenes.painter import Painting

PLACE_WORDS = {
    "city": (
        "a futuristic city",
        "a city of the future",
        "a futuristic skyline",
        "a city",
        "tall futuristic towers",
        "a city skyline",
    ),
    "mountains": (
        "mountains",
        "snow-capped mountains",
        "a mountain range",
        "high mountains",
        "rocky peaks",
        "the mountains",
    ),
    "ocean": ("the ocean", "the open sea", "an ocean", "the sea", "ocean waves"),
    "desert": ("a desert", "sand dunes", "desert dunes", "the desert", "a sandy desert"),
    "forest": ("a forest", "a pine forest", "the woods", "a forest of pine trees", "tall pine trees"),
    "snowy hills": (
        "snowy hills",
        "hills covered in snow",
        "a snowy landscape",
        "snow covered hills",
        "white winter hills",
    ),
    "beach": ("a beach", "a tropical beach", "a sandy beach", "a beach with palm trees", "the seaside with palms"),
    "village": ("a village", "a small village", "houses on a hillside", "a little town", "a quiet village", "cottages"),
    "canyon": ("a canyon", "a red canyon", "a rocky canyon", "canyon walls", "a deep canyon"),
    "volcano": (
        "a volcano",
        "an erupting volcano",
        "a volcano with lava",
        "a smoking volcano",
        "a volcano with flowing lava",
    ),
}
TIME_WORDS = {
    "sunrise": ("sunrise", "dawn", "daybreak", "morning"),
    "day": ("day", "noon", "midday", "daytime", "afternoon"),
    "sunset": ("sunset", "sundown", "evening", "golden hour"),
    "dusk": ("dusk", "twilight", "nightfall"),
    "night": ("night", "midnight", "nighttime"),
}
SKY_WORDS = {
    "sun": ("the sun", "a bright sun", "the shining sun", "a big sun"),
    "moon": ("the moon", "a bright moon", "a moon", "the shining moon"),
    "stars": ("stars", "many stars", "bright stars", "a starry sky"),
    "clouds": ("clouds", "drifting clouds", "a cloudy sky", "some clouds"),
    "mist": ("mist", "fog", "drifting mist", "low fog"),
}
LAKE_WORDS = (
    "reflections in the water",
    "a calm lake",
    "water reflections",
    "still water",
    "a lake",
    "a reflection in the lake",
)
MOODS = (
    "serene", "calm", "peaceful", "beautiful", "quiet", "dramatic", "colorful", "vivid", "dreamy", "majestic",
    "glowing", "lovely", "stunning", "wonderful",
)  # fmt: skip
MEDIA = (
    "a painting of",
    "an illustration of",
    "a picture of",
    "a view of",
    "a landscape with",
    "a scene of",
    "an image of",
    "art of",
)
VISIBLE = 0.002  # a thing is named only if it covers at least this share of the picture


def write_caption(painting: Painting, rng: np.random.Generator) -> str:
    """Describe a painting in words, naming only what can be seen in it.

    Place and time are always said; sun, moon, stars, clouds, mist and water mostly, in random order.

    Args:
        painting: what to describe.
        rng: which of the wordings to take.

    Returns:
        One lower-case line, such as "a serene sunset over a futuristic city, with clouds".
    """
    scene = painting.scene
    place = _choose(PLACE_WORDS[scene.place], rng)
    time = _choose(TIME_WORDS[scene.time], rng)
    mood = _choose(MOODS, rng)
    medium = _choose(MEDIA, rng)
    article = "an" if time[0] in "aeiou" else "a"
    patterns = (
        f"a {mood} {time} over {place}",
        f"{article} {time} over {place}",
        f"{place} at {time}",
        f"{medium} {place} at {time}",
        f"{time}, {place}",
        f"{mood} {time} at {place}",
        f"{medium} {article} {time} over {place}",
        f"{place}, {time}, {mood}",
        f"{time} over {place}",
    )
    sentence = _choose(patterns, rng)
    extras = [
        _choose(SKY_WORDS[thing], rng)
        for thing in ("sun", "moon", "stars", "clouds", "mist")
        if rng.random() < 0.8 and painting.masks.get(thing, np.zeros(1)).mean() >= VISIBLE
    ]
    if scene.water and scene.place not in ("ocean", "beach") and rng.random() < 0.85:
        extras.append(_choose(LAKE_WORDS, rng))
    if extras:
        rng.shuffle(extras)
        joined = ", ".join(extras[:-1]) + (" and " if len(extras) > 1 else "") + extras[-1]
        sentence += _choose((" with ", ", with ", ", "), rng) + joined
    return sentence


@cache
def known_words() -> frozenset[str]:
    """Every word that captions can contain, lower case."""
    groups = [
        *PLACE_WORDS.values(),
        *TIME_WORDS.values(),
        *SKY_WORDS.values(),
        LAKE_WORDS,
        MOODS,
        MEDIA,
        ("a an at over with and",),
    ]
    return frozenset(word for group in groups for phrase in group for word in phrase.replace("-", " ").split())


def unknown_words(prompt: str) -> list[str]:
    """The words of a prompt that the embedded model was never taught, in order, each once."""
    words = "".join(letter if letter.isalnum() else " " for letter in prompt.lower()).split()
    return [word for word in dict.fromkeys(words) if word not in known_words()]


def _choose(options: tuple[str, ...], rng: np.random.Generator) -> str:
    return options[rng.integers(len(options))]
