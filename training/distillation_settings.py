"""Settings of the distillation."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class DistillationTraining:
    """Settings of this stage; `minutes` counts all runs that resume one another."""

    minutes: float = 120
    batch: int = 24  # at least 4, one for each step
    rate: float = 2e-4
    steps: int = 4  # of the student
    teacher_steps: int = 4  # for each step of the student
    least_guidance: float = 1.0
    most_guidance: float = 6.0
    early_guidance: float = 1.0  # strength of autoguidance; 0 turns it off
    first_guidance: float = 0.25  # in the first step, as a share of the guidance in the others
    huber: float = 0.001
    adversarial_weight: float = 0.02
    adversarial_start: float = 0.2  # share of the budget after which pictures must pass for paintings
    caption_dropout: float = 0.05
    strange_word_share: float = 0.1
    compile: bool = False
    seed: int = 0
