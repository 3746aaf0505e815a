"""The captions of a training set as token ids, so that no step of a training waits for the tokenizer."""

from __future__ import annotations

import random
from collections.abc import Sequence

import torch
from transformers import CLIPTokenizer

from training.text_encoder import tokenize, with_strange_word


class CaptionIds:
    """Every caption of a set, on the device, with variants that a model must learn to read.

    Args:
        captions: for each painting, its captions, equally many.
        tokenizer: the text encoder's.
        dropout: share of captions that are empty, for classifier-free guidance.
        strange_word_share: share of captions with meaningless words, which models must ignore; a painting has one such
            caption.
        seed: chooses the meaningless words.
        device: where the token ids are kept.
    """

    def __init__(
        self,
        captions: Sequence[Sequence[str]],
        tokenizer: CLIPTokenizer,
        dropout: float,
        strange_word_share: float,
        seed: int,
        device: torch.device,
    ) -> None:
        words = random.Random(seed)
        self._each = len(captions[0])
        strange = [with_strange_word(words.choice(several), words) for several in captions]
        every = [caption for row, several in enumerate(captions) for caption in (*several, strange[row], "")]
        token_ids = tokenize(tokenizer, every).reshape(len(captions), self._each + 2, -1)
        self._token_ids = token_ids.to(torch.int32).to(device)  # (paintings, captions and two variants, tokens)
        self._dropout, self._strange_word_share, self._device = dropout, strange_word_share, device

    def pick(self, rows: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the token ids of one caption, or of a variant, for each of the paintings `rows`, (B,).

        Returns:
            (B, tokens) int64 on the device.
        """
        chance = torch.rand(len(rows), generator=generator)
        column = torch.randint(self._each, (len(rows),), generator=generator)
        column = torch.where(chance < self._dropout + self._strange_word_share, self._each, column)
        column = torch.where(chance < self._dropout, self._each + 1, column)
        picked: torch.Tensor = self._token_ids[rows.to(self._device), column.to(self._device)]
        return picked.long()
