"""The limits of one run: its time and its memory."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from synthviz.runs.errors import RunError

WANTED = {
    "minutes": "a number above 0, such as 10",
    "memory_gb": "a number above 0, such as 10",
    "retries": "0, 1, 2 …",
}


@dataclass(frozen=True)
class Limits:
    """The limits of one run.

    Attributes:
        minutes: the longest time, all attempts together; a run that takes longer is ended and counts as failed.
        memory_gb: the most memory of its kernel, in 10^9 bytes, with the same result; None for no limit. Each run of a
            sweep gets one: its worker's share of the machine's memory, at most 16.
        retries: how many times a run of a sweep starts again after its kernel died for another reason.

    Raises:
        RunError: if a limit is not a number above 0, or `retries` is below 0.
    """

    minutes: float = 60.0
    memory_gb: float | None = None
    retries: int = 2

    def __post_init__(self) -> None:
        for name, wanted in WANTED.items():
            value = getattr(self, name)
            if value is not None and not (0 < value < math.inf or (value == 0 and name == "retries")):
                raise RunError(f"{name} is {value:g}; it must be {wanted}")


def exceeded_limit(limits: Limits, deadline: float, processes: Sequence[psutil.Process]) -> str | None:
    """Return which limit a run exceeds, as the middle of a sentence; None if it exceeds none.

    Args:
        limits: the limits of the run.
        deadline: when the run must have ended, by `time.monotonic`.
        processes: the run's kernel and all that it has started.
    """
    if time.monotonic() > deadline:
        return f"took more than {limits.minutes:g} minutes"
    if limits.memory_gb is not None and _memory(processes) > limits.memory_gb * 1e9:
        return f"took more than {limits.memory_gb:.3g} GB of memory"
    return None


def _memory(processes: Sequence[psutil.Process]) -> int:
    """Return the resident memory of all these processes, in bytes."""
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total
