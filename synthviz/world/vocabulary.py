"""The words the embedded model knows, and the nearest known words to an unknown one."""

from __future__ import annotations

import difflib
from collections import Counter
from functools import cache

from synthviz.world import wordings
from synthviz.world.meanings import words_of_near_meaning


@cache
def known_words() -> frozenset[str]:
    """Return every word that a caption can contain, in lower case."""
    places = (phrase for phrases in wordings.PLACE_WORDS.values() for phrase in phrases)
    return _other_words() | {word for phrase in places for word in _words(phrase)}


@cache
def _other_words() -> frozenset[str]:
    """Return every word that a caption can contain besides those of its place."""
    phrases = [
        *wordings.STAR_WORDS,
        *wordings.LAKE_WORDS,
        *wordings.MOODS,
        *wordings.MEDIA,
        "a an over with and",
        *(forms for kinds in wordings.KIND_WORDS.values() for pair in kinds for forms in pair),
    ]
    for table in (
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


@cache
def place_words() -> dict[str, str]:
    """Return each word that names a single place and nothing else, such as "skyline", with that place."""
    named = {
        place: {w for phrase in phrases for w in _words(phrase)} for place, phrases in wordings.PLACE_WORDS.items()
    }
    uses = Counter(word for words in named.values() for word in words)
    return {
        word: place
        for place, words in named.items()
        for word in words
        if uses[word] == 1 and (word not in _other_words() or word in place.split())
    }


def named_place(prompt: str) -> str | None:
    """Return the place that a prompt names; None if it names none, or several."""
    places = {place_words()[word] for word in _words(prompt) if word in place_words()}
    return places.pop() if len(places) == 1 else None


def nearest_known_words(word: str, most: int = 3) -> list[str]:
    """Return the known words nearest to a word by meaning, else by spelling, the nearest first; empty if none is near.

    The standard library's `difflib.get_close_matches` compares the spelling (Ratcliff and Obershelp 1988).

    Args:
        word: any word; case does not matter.
        most: maximum number of words to return.
    """
    word = word.lower()
    by_meaning = words_of_near_meaning(word)
    if by_meaning:  # a word that looks like another rarely means the same
        return by_meaning[:most]
    by_spelling = difflib.get_close_matches(word, sorted(known_words()), n=most, cutoff=0.72)
    return list(by_spelling)


def _words(text: str) -> list[str]:
    return "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()
