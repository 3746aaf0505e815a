"""The words the embedded model knows, and the nearest known words to an unknown one."""

from __future__ import annotations

import difflib
from functools import cache

from synthviz.world import captions


@cache
def known_words() -> frozenset[str]:
    """Return every word that a caption can contain, in lower case."""
    phrases = [
        *captions.STAR_WORDS,
        *captions.LAKE_WORDS,
        *captions.MOODS,
        *captions.MEDIA,
        "a an over with and",
        *(forms for kinds in captions.KIND_WORDS.values() for pair in kinds for forms in pair),
    ]
    for table in (
        captions.PLACE_WORDS,
        captions.TIME_WORDS,
        captions.AT_TIME_WORDS,
        captions.WEATHER_WORDS,
        captions.BODY_WORDS,
        captions.SIDE_WORDS,
        captions.COLOR_WORDS,
        captions.COUNT_WORDS,
        captions.STYLE_WORDS,
        captions.IN_STYLE_WORDS,
    ):
        phrases += [phrase for wordings in table.values() for phrase in wordings]
    return frozenset(word for phrase in phrases for word in _words(phrase))


def unknown_words(prompt: str) -> list[str]:
    """Return the words of a prompt that the training captions never contained, in order, each once."""
    return [word for word in dict.fromkeys(_words(prompt)) if word not in known_words()]


# Words that people try, and a known word with nearly the same meaning.
NEAR_MEANINGS = {
    "aurora": "stars", "bay": "sea", "blizzard": "snowfall", "buildings": "skyscrapers",
    "cabin": "cottages", "coast": "beach", "comic": "flat", "crimson": "red",
    "cyan": "blue", "downtown": "city", "drizzle": "rain", "eruption": "volcano", "farm": "village", "glacier": "snowy",
    "gold": "yellow", "gorge": "canyon", "haze": "mist", "hill": "hills", "home": "houses", "house": "houses",
    "island": "beach", "jungle": "forest", "lighthouse": "tower", "metropolis": "city", "navy": "blue", "orange": "red",
    "pink": "purple", "pond": "lake", "pool": "lake", "river": "water", "seagull": "gull", "sketch": "drawing",
    "solar": "sun", "storms": "storm", "sunshine": "sun", "thunder": "thunderstorm",
    "urban": "city", "valley": "canyon", "wood": "woods", "yacht": "boat",
}  # fmt: skip


def nearest_known_words(word: str, most: int = 3) -> list[str]:
    """Return the known words nearest to a word by meaning or spelling, the nearest first; empty if none is near.

    The standard library's `difflib.get_close_matches` compares the spelling (Ratcliff and Obershelp 1988).

    Args:
        word: any word; case does not matter.
        most: maximum number of words to return.
    """
    word = word.lower()
    by_meaning = [NEAR_MEANINGS[word]] if word in NEAR_MEANINGS else []
    by_spelling = difflib.get_close_matches(word, sorted(known_words()), n=most, cutoff=0.72)
    return list(dict.fromkeys([*by_meaning, *by_spelling]))[:most]


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
