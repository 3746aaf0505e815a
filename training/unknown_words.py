"""Whether a word that the model never learnt leaves the picture as it is.

A word is added to a prompt and the picture drawn anew from the same seed. Its change is measured against the change
that another place in the same prompt makes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthviz.world import unknown_words

# Half of the words end or begin with a word that captions have; a tokenizer may take them apart.
WORDS = ("spaceship", "treehouse", "starfish", "dragon", "robot", "pizza")
# Prompts, and the same with another place.
PROMPTS = {
    "a beach at sunset": "a village at sunset",
    "a futuristic city at night": "a canyon at night",
    "mountains by day": "a desert by day",
    "a forest at sunrise with a red balloon": "the ocean at sunrise with a red balloon",
    "snowy hills at dusk with clouds": "a volcano at dusk with clouds",
}


@dataclass(frozen=True)
class UnknownWords:
    """The change that each word makes, averaged over the prompts and relative to that of another place."""

    each: dict[str, float]

    @property
    def worst(self) -> float:
        """The change of the word that changes most; a model may know a piece of one word and of no other."""
        return max(self.each.values())


def prompts_and_seeds() -> list[tuple[str, int]]:
    """Return what to draw: for each prompt the plain one, the one with another place, and one with each word.

    Raises:
        ValueError: if the model learnt one of the words.
    """
    learnt = [word for word in WORDS if not unknown_words(word)]
    if learnt:
        raise ValueError(f"{', '.join(learnt)} stands in captions, so the model knows it; try another word")
    return [
        (text, seed)
        for seed, (prompt, elsewhere) in enumerate(PROMPTS.items())
        for text in (prompt, elsewhere, *(f"{prompt} with a {word}" for word in WORDS))
    ]


def measure_unknown_words(pictures: np.ndarray) -> UnknownWords:
    """Measure the changes in the pictures of `prompts_and_seeds`, (N, S, S, 3) uint8, by mean absolute differences.

    Values are NaN if another place changes nothing.
    """
    rows = pictures.reshape(len(PROMPTS), 2 + len(WORDS), -1).astype(np.float64)
    changes = np.abs(rows[:, 1:] - rows[:, :1]).mean(axis=(0, 2))  # by another place, and by each word
    ratios = (changes[1:] / changes[0] if changes[0] else np.full(len(WORDS), np.nan)).tolist()
    return UnknownWords(dict(zip(WORDS, ratios, strict=True)))
