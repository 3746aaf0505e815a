"""Teach the UNet's cross-attention to attend to a word where its thing stands.

The painter knows where everything is, and captions consist of known words, so the right map of every noun is known. A
loss that compares attention with these maps binds colours and kinds to the right pixels, and makes word maps correct.
Xiao et al. (2023, "FastComposer") proposed supervised cross-attention for the same purpose.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import CLIPTokenizer

from synthviz.scenes import PLACES
from synthviz.world.labels import THINGS
from synthviz.world.vocabulary import place_words
from synthviz.world.wordings import BODY_WORDS, COLOR_WORDS, KIND_WORDS
from training.paintings import LAYOUT_CLASSES

REACH = 4  # the largest distance from a colour to its noun, in tokens; it is 3 in "red hot air balloons"


class KeepingProcessor:
    """Cross-attention that stores its weights in `kept`, (B, places, tokens), averaged over heads, with gradient."""

    kept: Tensor

    def __call__(self, attn: Any, hidden_states: Tensor, encoder_hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
        """Compute attention as diffusers' processors do."""
        query, key, value = (
            layer(states).unflatten(2, (attn.heads, -1)).transpose(1, 2)
            for layer, states in (
                (attn.to_q, hidden_states),
                (attn.to_k, encoder_hidden_states),
                (attn.to_v, encoder_hidden_states),
            )
        )  # (B, heads, places or tokens, width)
        shares = (query @ key.transpose(2, 3) * attn.scale).softmax(dim=3)
        self.kept = shares.mean(dim=1)
        output: Tensor = attn.to_out[1](attn.to_out[0]((shares @ value).transpose(1, 2).flatten(2)))
        return output


def noun_classes(tokenizer: CLIPTokenizer) -> Tensor:
    """Return the table of the layout classes that each token names, (vocabulary, LAYOUT_CLASSES) bool."""
    table = torch.zeros(len(tokenizer), LAYOUT_CLASSES, dtype=torch.bool)

    def name(word: str, *classes: int) -> None:
        (token,) = tokenizer(word, add_special_tokens=False).input_ids
        table[token, list(classes)] = True

    for kind, forms in KIND_WORDS.items():
        for phrase in (phrase for pair in forms for phrase in pair):
            name(phrase.split()[-1], THINGS.index(kind))
    for body, phrases in BODY_WORDS.items():
        for phrase in phrases:
            name(phrase.split()[-1], THINGS.index(body))
    for word in ("lake", "water"):
        name(word, THINGS.index("water"))
    for word, place in place_words().items():
        classes = [len(THINGS) + PLACES.index(place)] + ([THINGS.index("water")] if place == "ocean" else [])
        name(word, *classes)
    return table


def color_tokens(tokenizer: CLIPTokenizer) -> Tensor:
    """Return the mask of tokens that name the colour of a thing, (vocabulary,) bool."""
    found = torch.zeros(len(tokenizer), dtype=torch.bool)
    for words in COLOR_WORDS.values():
        for word in words:
            found[tokenizer(word, add_special_tokens=False).input_ids] = True
    return found


def classes_of_tokens(token_ids: Tensor, nouns: Tensor, colors: Tensor) -> Tensor:
    """Return the layout classes that each token of captions names, (B, tokens, LAYOUT_CLASSES) bool.

    A colour names the thing that follows it.
    """
    classes = nouns[token_ids]
    is_color = colors[token_ids]
    following = torch.zeros_like(classes)
    for distance in range(REACH, 0, -1):  # the nearest noun comes last and overwrites the others
        ahead = F.pad(classes[:, distance:], (0, 0, 0, distance))
        following = torch.where(ahead.any(dim=2, keepdim=True), ahead, following)
    return torch.where(is_color[..., None], following, classes)


def word_place_loss(shares: Tensor, layouts: Tensor, classes: Tensor) -> Tensor:
    """Return the cross-entropy between each noun's attention and the place of its thing, averaged over all nouns.

    Args:
        shares: attention averaged over heads and layers, (B, h * w, tokens).
        layouts: layouts from the painter, (B, H, W) int64; H and W are multiples of h and w.
        classes: (B, tokens, LAYOUT_CLASSES) bool, from `classes_of_tokens`.
    """
    side = int(shares.shape[1] ** 0.5)
    there = F.one_hot(layouts, LAYOUT_CLASSES).permute(0, 3, 1, 2).float()
    there = F.adaptive_avg_pool2d(there, side).flatten(2)  # (B, classes, h * w)
    wanted = torch.einsum("btc,bcp->btp", classes.float(), there)
    amount = wanted.sum(dim=2)  # (B, tokens)
    named = amount > 0
    wanted = wanted / amount.clamp(min=1e-6)[..., None]
    read = shares.float().transpose(1, 2) + 1e-6
    read = read / read.sum(dim=2, keepdim=True)
    each = -(wanted * read.log()).sum(dim=2)
    return (each * named).sum() / named.sum().clamp(min=1)
