"""Captions are dropped, or get a word that means nothing."""

from __future__ import annotations

import random

import torch

from synthviz.scenes import known_words
from training.caption_ids import CaptionIds
from training.text_encoder import (
    build_tokenizer,
    with_strange_word,
)


def test_captions_become_empty_or_get_a_meaningless_word():
    tokenizer = build_tokenizer()
    captions = [["a calm forest", "a forest"], ["a beach", "a beach at noon"]]
    rows = torch.tensor([0, 1, 1] * 40)

    def pick(dropout, strange_word_share):
        ids = CaptionIds(captions, tokenizer, dropout, strange_word_share, seed=0, device=torch.device("cpu"))
        return tokenizer.batch_decode(ids.pick(rows, torch.Generator()), skip_special_tokens=True)

    assert set(pick(1, 0)) == {""}
    plain = [text.strip() for text in pick(0, 0)]
    assert {text for text, row in zip(plain, rows.tolist(), strict=True) if row == 0} == set(captions[0])
    assert {text for text, row in zip(plain, rows.tolist(), strict=True) if row == 1} == set(captions[1])
    assert len(set(pick(0, 1))) == 2
    assert all(set(text.split()) - known_words() for text in pick(0, 1))


def test_strange_words_are_added_to_captions():
    words = with_strange_word("a calm forest", random.Random(0)).split()
    assert len(words) in (4, 5)
    assert [word for word in words if word in known_words()] == ["a", "calm", "forest"]
