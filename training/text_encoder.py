"""Train the text encoder to understand captions before the diffusion stage: `python -m training.text_encoder`.

The CLIP text encoder (Radford et al. 2021, through transformers) is small and starts untrained. In this stage it learns
from captions alone to tell what each caption says: the place, the light, how many things of which colour stand where.
The answers are read from its token states by attention, as the UNet will read them. So the diffusion stage starts with
words that already have a meaning.
"""

from __future__ import annotations

import argparse
import json
import random
import string
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from synthviz.devices import pick_device
from synthviz.world import (
    BODIES,
    COLORS,
    KINDS,
    NATURAL,
    PLACES,
    SIDES,
    STYLES,
    TIMES,
    WEATHERS,
    Said,
    describe,
    known_words,
    sample_scene,
)
from synthviz.world.captions import SHORT
from synthviz.world.wordings import SIGHT_WORDS
from training.loop import TrainingRun, autocast
from training.optimizers import MuonAndAdamW

TOKENS = 48  # the longest prompt the text encoder reads, start and end included
WIDTH = 192

# Every question about a caption, with its possible answers; None means that the caption does not say it.
QUESTIONS: dict[str, tuple[object, ...]] = {
    "place": (None, *PLACES),
    "time": (None, *TIMES),
    "weather": (None, *WEATHERS),
    "style": (None, *STYLES),
    "body": (None, *BODIES),
    "body_side": (None, *SIDES),
    "stars": (False, True),
    "water": (False, True),
    **{f"{kind} count": ("absent", None, 1, 2, 3, 4) for kind in KINDS},
    **{f"{kind} color": (None, *COLORS) for kind in KINDS},
    **{f"{kind} side": (None, *SIDES) for kind in KINDS},
}


@dataclass(frozen=True)
class TextEncoderTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 5
    batch: int = 128
    rate: float = 1e-3
    captions: int = 60_000
    strange_word_share: float = 0.1
    seed: int = 0


def build_tokenizer() -> CLIPTokenizer:
    """Return a CLIP tokenizer with one token for each of the painter's words; it spells other words in bytes."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    byte_pairs = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    byte_pairs.pre_tokenizer = pre_tokenizers.Split(" ", "removed")
    trainer = trainers.BpeTrainer(
        vocab_size=10_000, min_frequency=1, initial_alphabet=letters, end_of_word_suffix="</w>", show_progress=False
    )
    byte_pairs.train_from_iterator(sorted(known_words()), trainer)
    merges: list[Any] = [tuple(merge) for merge in json.loads(byte_pairs.to_str())["model"]["merges"]]
    pieces = [*letters, *(letter + "</w>" for letter in letters), *(first + second for first, second in merges)]
    vocabulary = dict.fromkeys([*pieces, "<|startoftext|>", "<|endoftext|>"])
    return CLIPTokenizer(
        vocab={piece: index for index, piece in enumerate(vocabulary)}, merges=merges, model_max_length=TOKENS
    )


def build_text_encoder(tokenizer: CLIPTokenizer) -> CLIPTextModel:
    """Return the untrained CLIP text encoder: two layers, 192 wide."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(tokenizer),
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=2,
            num_attention_heads=6,
            max_position_embeddings=TOKENS,
            projection_dim=WIDTH,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )


class Reader(nn.Module):
    """Answers every question about a caption from its token states, (B, 48, 192), by one attention over them."""

    def __init__(self) -> None:
        super().__init__()
        self.queries = nn.Parameter(torch.randn(len(QUESTIONS), WIDTH) * 0.05)
        self.attention = nn.MultiheadAttention(WIDTH, 4, batch_first=True)
        self.heads = nn.ModuleList(nn.Linear(WIDTH, len(options)) for options in QUESTIONS.values())

    def forward(self, states: torch.Tensor) -> list[torch.Tensor]:
        """Return the logits of each question, (B, number of its answers)."""
        queries = self.queries.expand(len(states), -1, -1)
        read, _ = self.attention(queries, states, states, need_weights=False)
        return [head(read[:, index]) for index, head in enumerate(self.heads)]


def encode_said(said: Said) -> list[int]:
    """Return what a caption says, as indices of answers in the order of `QUESTIONS`."""
    answers: dict[str, object] = {
        name: getattr(said, name)
        for name in ("place", "time", "weather", "style", "body", "body_side", "stars", "water")
    }
    for kind in KINDS:
        count, color, side = said.groups.get(kind, ("absent", None, None))
        answers |= {f"{kind} count": count, f"{kind} color": color, f"{kind} side": side}
    return [options.index(answers[question]) for question, options in QUESTIONS.items()]


def strange_word(rng: random.Random) -> str:
    """Return a word that means nothing to the painter: letters, often with the beginning or the end of a known word.

    Tokens of known words stand inside such words, as *ship* in *spaceship*, and must not be taken for them.
    """
    letters = "".join(rng.choices(string.ascii_lowercase, k=rng.randint(2, 9)))
    known, other = (rng.choice(_KNOWN) for _ in range(2))
    word = rng.choice((letters, letters[:4] + known, known + letters[:4], known + other, known[:3] + letters))
    return letters + "x" if word in known_words() else word


_KNOWN = sorted(known_words())


def with_strange_word(caption: str, rng: random.Random) -> str:
    """Return the caption with one or two strange words at random places, which models must ignore."""
    words = caption.split(" ")
    for _ in range(rng.randint(1, 2)):
        words.insert(rng.randint(0, len(words)), strange_word(rng))
    return " ".join(words)


def tokenize(tokenizer: CLIPTokenizer, captions: list[str]) -> torch.Tensor:
    """Return captions as token ids, (B, 48) int64, padded or cut to that length."""
    encoded = tokenizer(captions, padding="max_length", truncation=True, max_length=TOKENS, return_tensors="pt")
    token_ids: torch.Tensor = encoded.input_ids
    return token_ids


def _write_captions(
    count: int, strange_word_share: float, held_out: bool, seed: list[int]
) -> tuple[list[str], torch.Tensor]:
    rng, words = np.random.default_rng(seed), random.Random(str(seed))
    captions, answers = [], []
    for _ in range(count):
        sights = rng.choice(list(SIGHT_WORDS), int(rng.integers(4)), replace=False).tolist()
        caption, said = describe(sample_scene(rng, held_out, NATURAL), rng, NATURAL, sights, SHORT)
        captions.append(with_strange_word(caption, words) if words.random() < strange_word_share else caption)
        answers.append(encode_said(said))
    return captions, torch.tensor(answers)


def train_text_encoder(output_dir: Path, settings: TextEncoderTraining) -> CLIPTextModel:
    """Train until the budget is spent, resuming from the folder's checkpoint; return the averaged text encoder.

    Saves `tokenizer/` and `text_encoder/` in `output_dir`.
    """
    torch.manual_seed(settings.seed)
    device = pick_device()
    output_dir.mkdir(parents=True, exist_ok=True)
    tokenizer = build_tokenizer()
    tokenizer.save_pretrained(output_dir / "tokenizer")
    captions, answers = _write_captions(
        settings.captions, settings.strange_word_share, held_out=False, seed=[settings.seed, 1]
    )
    token_ids = tokenize(tokenizer, captions)
    text_encoder = build_text_encoder(tokenizer)
    model = nn.ModuleDict({"text_encoder": text_encoder, "reader": Reader()}).to(device)
    optimizer = MuonAndAdamW(model, settings.rate)
    run = TrainingRun(model, optimizer, output_dir / "text_encoder.checkpoint", settings.minutes)
    generator = torch.Generator().manual_seed(settings.seed + run.step)
    while run.clock.progress < 1:
        run.set_learning_rate(settings.rate)
        rows = torch.randint(len(captions), (settings.batch,), generator=generator)
        with autocast(device):
            logits = model["reader"](model["text_encoder"](token_ids[rows].to(device)).last_hidden_state)
        target = answers[rows].to(device)
        losses = [F.cross_entropy(part.float(), target[:, index]) for index, part in enumerate(logits)]
        loss = torch.stack(losses).sum()
        run.descend(loss)
        run.losses.update(loss=loss)
        run.print_losses()
    run.save()
    model.load_state_dict(run.average.state)
    test_captions, test_answers = _write_captions(2000, 0.0, held_out=True, seed=[settings.seed, 2])
    test_ids = tokenize(tokenizer, test_captions)
    accuracy = measure_reading(model.eval(), test_ids.to(device), test_answers.to(device))
    run.write_log(output_dir / "text_encoder.log", **accuracy)
    text_encoder.cpu().save_pretrained(output_dir / "text_encoder")
    return text_encoder


@torch.no_grad()
def measure_reading(model: nn.ModuleDict, token_ids: torch.Tensor, answers: torch.Tensor) -> dict[str, float]:
    """Return the share of right answers to each question, from captions padded to full length as in use."""
    logits = model["reader"](model["text_encoder"](token_ids).last_hidden_state)
    return {
        question: (part.argmax(dim=1) == answers[:, index]).float().mean().item()
        for index, (question, part) in enumerate(zip(QUESTIONS, logits, strict=True))
    }


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output-dir", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=TextEncoderTraining.minutes)
    arguments = parser.parse_args()
    train_text_encoder(arguments.output_dir, TextEncoderTraining(minutes=arguments.minutes))


if __name__ == "__main__":
    main()
