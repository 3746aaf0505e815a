"""How far a generation is."""

from __future__ import annotations

import time
from collections.abc import Callable

SLOW_SECONDS = 5.0  # generation that takes longer than this says how far it is


class GenerationProgress:
    """Counts steps over all batches; once it takes long, says so in a plain line now and then."""

    def __init__(self, on_step: Callable[[int, int], None] | None, say: Callable[[str], None]) -> None:
        self.on_step, self.say = on_step, say
        self.before = self.done = 0  # steps of earlier batches, steps of this one
        self.batches_left = 0
        self.started = self.said = time.monotonic()

    def batch_starts(self, batches_left: int) -> None:
        """A batch begins, the first of so many; one that ran out of memory counts for nothing."""
        if batches_left < self.batches_left:
            self.before += self.done
        self.done, self.batches_left = 0, batches_left

    def step(self, steps: int) -> None:
        """One of a batch's steps is done; `steps` is how many the scheduler takes, which may exceed those asked for."""
        self.done += 1
        done, total = self.before + self.done, self.before + steps * self.batches_left
        now = time.monotonic()
        if now - self.said > SLOW_SECONDS and done < total:
            left = (now - self.started) / done * (total - done)
            self.say(f"step {done} of {total}, about {left:.0f} s left")
            self.said = now
        if self.on_step is not None:
            self.on_step(done, total)
