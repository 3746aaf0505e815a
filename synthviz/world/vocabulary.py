"""The words the embedded model knows, and the nearest known words to an unknown one."""

from __future__ import annotations

import difflib
from functools import cache

from synthviz.world import wordings


@cache
def known_words() -> frozenset[str]:
    """Return every word that a caption can contain, in lower case."""
    phrases = [
        *wordings.STAR_WORDS,
        *wordings.LAKE_WORDS,
        *wordings.MOODS,
        *wordings.MEDIA,
        "a an over with and",
        *(forms for kinds in wordings.KIND_WORDS.values() for pair in kinds for forms in pair),
    ]
    for table in (
        wordings.PLACE_WORDS,
        wordings.TIME_WORDS,
        wordings.AT_TIME_WORDS,
        wordings.WEATHER_WORDS,
        wordings.BODY_WORDS,
        wordings.SIDE_WORDS,
        wordings.COLOR_WORDS,
        wordings.COUNT_WORDS,
        wordings.STYLE_WORDS,
        wordings.IN_STYLE_WORDS,
        wordings.SIGHT_WORDS,
    ):
        phrases += [phrase for wordings in table.values() for phrase in wordings]
    return frozenset(word for phrase in phrases for word in _words(phrase))


def unknown_words(prompt: str) -> list[str]:
    """Return the words of a prompt that the training captions never contained, in order, each once."""
    return [word for word in dict.fromkeys(_words(prompt)) if word not in known_words()]


# Words that people try, and a known word with nearly the same meaning.
NEAR_MEANINGS = {
    "aurora": "stars", "blizzard": "snowfall", "buildings": "skyscrapers",
    "cabin": "cottages", "comic": "flat", "crimson": "red",
    "cyan": "blue", "downtown": "city", "drizzle": "rain", "eruption": "volcano", "farm": "village", "glacier": "snowy",
    "gold": "yellow", "gorge": "canyon", "haze": "mist", "home": "houses", "house": "houses",
    "jungle": "forest", "lighthouse": "tower", "metropolis": "city", "navy": "blue", "orange": "red",
    "pink": "purple", "pond": "lake", "pool": "lake", "seagull": "gull", "sketch": "drawing",
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
