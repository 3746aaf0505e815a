"""Verdicts: whether pictures match their prompts, and what the judge confuses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from training.estimates import Score, score
from training.oracle import QUESTIONS
from training.prompts import SINGLES, Prompt


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
