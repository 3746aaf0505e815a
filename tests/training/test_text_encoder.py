"""Known words are tokens, strange words are none, and captions become answers."""

from __future__ import annotations

import random

import numpy as np

from synthviz.scenes import Said, known_words
from training.text_encoder import (
    QUESTIONS,
    build_tokenizer,
    encode_said,
    strange_word,
)


def test_known_words_are_one_token_and_other_words_several():
    tokenizer = build_tokenizer()
    assert all(len(tokenizer.tokenize(word)) == 1 for word in known_words())
    assert len(tokenizer.tokenize("bicycle")) > 1
    for text in ("a bicycle", "château ☂"):
        assert tokenizer.unk_token_id not in tokenizer(text, add_special_tokens=False).input_ids


def test_strange_words_are_unknown_and_often_contain_pieces_of_known_words():
    rng = random.Random(1)
    strange = [strange_word(rng) for _ in range(300)]
    assert not set(strange) & known_words()
    assert np.mean([any(len(known) > 3 and known in word for known in known_words()) for word in strange]) > 0.3


def test_encoded_captions_distinguish_unnamed_from_absent():
    said = Said(place="forest", time=None, groups={"bird": (None, "red", None)})
    answers = {
        question: options[index]
        for (question, options), index in zip(QUESTIONS.items(), encode_said(said), strict=True)
    }
    assert (answers["place"], answers["time"], answers["stars"]) == ("forest", None, False)
    assert (answers["bird count"], answers["bird color"], answers["bird side"]) == (None, "red", None)
    assert answers["boat count"] == "absent"
