"""Progress of a generation across all batches, as a line that updates in place and disappears at the end."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

from synthviz.console import shows_progress

SLOW_SECONDS = 5.0  # a faster generation shows no line


class GenerationProgress:
    """Counts denoising steps; shows a line on stdout if the generation is slow and nobody else shows its progress.

    Args:
        on_step: called after each step with (steps done, steps in all); if given, no line is shown.
    """

    def __init__(self, on_step: Callable[[int, int], None] | None) -> None:
        self._on_step = on_step
        self._steps_before = 0  # in the batches that are finished
        self._steps = 0  # in this batch
        self._batches_left = 0
        self._line = tqdm(
            file=sys.stdout,
            disable=on_step is not None or not shows_progress(),
            delay=SLOW_SECONDS,
            leave=False,
            bar_format="step {n_fmt} of {total_fmt}, about {remaining} left",
        )

    def __enter__(self) -> GenerationProgress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._line.close()

    def start_batch(self, batches_left: int) -> None:
        """Begin the first of the batches that are left; a batch that ran out of memory is begun again."""
        if batches_left < self._batches_left:
            self._steps_before += self._steps
        self._steps, self._batches_left = 0, batches_left

    def step(self, steps: int) -> None:
        """Count one step of a batch that takes `steps`, which may be more than were asked for."""
        self._steps += 1
        done, total = self._steps_before + self._steps, self._steps_before + steps * self._batches_left
        self._line.total = total
        self._line.update(done - self._line.n)
        if self._on_step is not None:
            self._on_step(done, total)
