"""Verdicts: whether pictures match their prompts, the confidence interval of a score, and the judge's confusions."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from training.oracle import QUESTIONS
from training.prompts import SINGLES, Prompt

NORMAL_95 = 1.959964  # 95% of a normal distribution lie within this many standard deviations


@dataclass(frozen=True)
class Score:
    """The number of right verdicts and the number of all."""

    right: int
    count: int

    @property
    def accuracy(self) -> float:
        """Share of right verdicts, 0 to 1; NaN if there are none."""
        return self.right / self.count if self.count else math.nan

    def record(self, target: float | None = None) -> dict[str, Any]:
        """Return values for JSON: counts, accuracy, its 95% interval and, given a target, whether it is reached."""
        low, high = wilson_interval(self.right, self.count)
        record = {"count": self.count, "right": self.right, "accuracy": self.accuracy, "low": low, "high": high}
        if target is None:
            return record
        return {**record, "target": target, "reached": self.accuracy >= target}


def score(verdicts: Iterable[bool]) -> Score:
    """Count the right verdicts."""
    verdicts = list(verdicts)
    return Score(sum(verdicts), len(verdicts))


def wilson_interval(right: int, count: int) -> tuple[float, float]:
    """Return the 95% confidence interval of a share (Wilson 1927), which is valid near 0 and 1 too."""
    if count == 0:
        return 0.0, 1.0
    share, z2 = right / count, NORMAL_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def judge(expected: Mapping[str, str], seen: Mapping[str, str]) -> bool:
    """Tell whether every answer is right; a colour or a side counts only if the thing itself is in the picture."""
    return all(seen[question] == answer and _is_visible(question, seen) for question, answer in expected.items())


def _is_visible(question: str, seen: Mapping[str, str]) -> bool:
    thing, _, what = question.rpartition(" ")
    if what not in ("color", "side"):
        return True
    return seen["body"] != "none" if thing == "body" else seen[f"{thing} count"] != "0"


def score_prompts(prompts: Sequence[Prompt], verdicts: Sequence[bool]) -> dict[str, Score]:
    """Return the score of every category ("single"), each of its parts ("single: place") and each wording."""
    names = [
        (prompt.category, f"{prompt.category}: {prompt.part}", f"wording: {prompt.wording}", "all")
        for prompt in prompts
    ]
    every = dict.fromkeys(name for group in names for name in group)
    return {
        name: score(verdict for group, verdict in zip(names, verdicts, strict=True) if name in group) for name in every
    }


def score_answers(known: Sequence[Mapping[str, str]], seen: Sequence[Mapping[str, str]]) -> dict[str, Score]:
    """Score a judge on pictures whose scenes are known: on each question, and on all single attributes together.

    Args:
        known: the right answers for each picture; questions without one do not count.
        seen: the judge's answers.
    """
    pairs = list(zip(known, seen, strict=True))
    scores = {
        question: score(row[question] == right[question] for right, row in pairs if question in right)
        for question in QUESTIONS
    }
    singles = [scores[question] for question in SINGLES]
    together = Score(sum(one.right for one in singles), sum(one.count for one in singles))
    return {"single attributes": together, **scores}


def find_confusions(
    known: Sequence[Mapping[str, str]], seen: Sequence[Mapping[str, str]], question: str, most: int = 3
) -> list[str]:
    """Return the most frequent confusions, most frequent first: "dusk read as night 3 of 500"."""
    pairs = [(right[question], row[question]) for right, row in zip(known, seen, strict=True) if question in right]
    totals = Counter(right for right, _ in pairs)
    mistakes = Counter(pair for pair in pairs if pair[0] != pair[1])
    return [f"{right} read as {read} {count} of {totals[right]}" for (right, read), count in mistakes.most_common(most)]
