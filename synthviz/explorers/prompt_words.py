"""The words of a prompt as an explorer shows them: cut into the tokenizer's pieces, known or not, with alternatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthviz import scenes
from synthviz.diffusion.attention_recording import WORD, words_and_tokens
from synthviz.diffusion.pipeline_info import info_of
from synthviz.shipped_models import SHIPPED_DEFAULTS
from synthviz.world.meanings import exchangeable_words

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

MOST_ALTERNATIVES = 9


@dataclass(frozen=True)
class PromptWord:
    """One word of a prompt.

    Attributes:
        text: the word as it was typed.
        start, end: where it stands in the prompt, in characters.
        pieces: the parts into which the tokenizer cuts it; one if the tokenizer knows the whole word.
        read: whether the text encoder reads it; the end of a long prompt is not read.
        known: whether the training captions contained it; True for models whose captions nobody listed.
        alternatives: words to try in its place.
    """

    text: str
    start: int
    end: int
    pieces: tuple[str, ...]
    read: bool
    known: bool
    alternatives: tuple[str, ...]


def prompt_words(prompt: str, pipeline: DiffusionPipeline) -> list[PromptWord]:
    """Return the words of a prompt as a pipeline reads them.

    Args:
        prompt: any text.
        pipeline: with a fast tokenizer, as all pipelines with word maps have; the words of others are whole.
    """
    shipped = info_of(pipeline).name in SHIPPED_DEFAULTS
    pieces = _pieces(pipeline, prompt)
    words = []
    for index, match in enumerate(WORD.finditer(prompt)):
        text = match[0]
        known = not shipped or not scenes.unknown_words(text)
        words.append(
            PromptWord(
                text,
                match.start(),
                match.end(),
                pieces[index] if index < len(pieces) else (text,),
                read=index < len(pieces),
                known=known,
                alternatives=_alternatives(text, known)[:MOST_ALTERNATIVES] if shipped else (),
            )
        )
    return words


def _pieces(pipeline: DiffusionPipeline, prompt: str) -> list[tuple[str, ...]]:
    """Return the pieces of each word that the text encoder reads."""
    tokenizer: Any = getattr(pipeline, "tokenizer", None)
    if not getattr(tokenizer, "is_fast", False):
        return [(match[0],) for match in WORD.finditer(prompt)]
    ids = tokenizer(prompt, truncation=True, max_length=tokenizer.model_max_length).input_ids
    names = [name.replace("</w>", "") for name in tokenizer.convert_ids_to_tokens(ids)]
    return [
        tuple(names[position] if position < len(names) else word for position in positions)
        for word, positions in words_and_tokens(pipeline, prompt)
    ]


def _alternatives(word: str, known: bool) -> tuple[str, ...]:
    return tuple(exchangeable_words(word) if known else scenes.nearest_known_words(word))
