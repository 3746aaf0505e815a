"""Whether pictures show what their prompts say: the oracle judges them, and the CNN names the places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from synthviz.cnn.network import SceneCNN
from synthviz.scenes import PLACES
from training.classifier import enlarge, grey
from training.estimates import Ratio, Score, ratio, score
from training.oracle import Oracle, ask
from training.prompts import Prompt
from training.verdicts import judge, score_prompts


@dataclass(frozen=True)
class Mistake:
    """A prompt whose picture shows something else, according to the oracle."""

    prompt: str
    seed: int
    expected: dict[str, str]
    seen: dict[str, str]


@dataclass(frozen=True)
class Obedience:
    """How often pictures show what their prompts say.

    Attributes:
        scores: of every category, its parts and wordings, from `verdicts.score_prompts`.
        held_out: of pairs that training never showed, as a share of the score of seen ones: "color", "time", "all".
        named: how often the CNN names the place of prompts about places alone.
        mistakes: everything that the oracle found wrong.
    """

    scores: dict[str, Score]
    held_out: dict[str, Ratio]
    named: Score
    mistakes: list[Mistake]


@torch.no_grad()
def judge_prompts(oracle: Oracle, cnn: SceneCNN, prompts: Sequence[Prompt], pictures: np.ndarray) -> Obedience:
    """Judge the picture of every prompt, (N, S, S, 3) uint8."""
    seen = ask(oracle, pictures)
    verdicts = [judge(prompt.expected, row) for prompt, row in zip(prompts, seen, strict=True)]
    scores = score_prompts(prompts, verdicts)
    held_out = {part: ratio(scores[f"held-out: {part}"], scores[f"seen: {part}"]) for part in ("color", "time")}
    held_out["all"] = ratio(scores["held-out"], scores["seen"])
    mistakes = [
        Mistake(prompt.text, prompt.seed, prompt.expected, {question: row[question] for question in prompt.expected})
        for prompt, row, right in zip(prompts, seen, verdicts, strict=True)
        if not right
    ]
    return Obedience(scores, held_out, _name_places(cnn, prompts, pictures), mistakes)


def _name_places(cnn: SceneCNN, prompts: Sequence[Prompt], pictures: np.ndarray) -> Score:
    right = []
    for prompt, picture in zip(prompts, pictures, strict=True):
        if (prompt.category, prompt.part) == ("single", "place"):
            view = enlarge(grey(torch.from_numpy(picture)[None])).clamp(0, 1)
            right.append(PLACES[int(cnn.logits(view).argmax())] == prompt.expected["place"])
    return score(right)
