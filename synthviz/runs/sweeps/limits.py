"""The limits of one run on a worker: its time and its memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import psutil

from synthviz.runs.sweeps.cluster import memory_share


@dataclass(frozen=True)
class Limits:
    """The limits of one run.

    Attributes:
        minutes: the longest time, all attempts together; a run that takes longer is ended and counts as failed.
        memory_gb: the most memory of its kernel, in 10^9 bytes, with the same result; None for the worker's share of
            its machine's memory, at most 16.
        retries: how many times a run starts again after its kernel died for another reason.
    """

    minutes: float = 60.0
    memory_gb: float | None = None
    retries: int = 2


def exceeded_limit(limits: Limits, deadline: float, processes: Sequence[psutil.Process]) -> str | None:
    """Return which limit a run exceeds, as the beginning of a sentence; None if it exceeds none.

    Args:
        limits: the limits of the run.
        deadline: when the run must have ended, by `time.monotonic`.
        processes: the run's kernel and all that it has started.
    """
    if time.monotonic() > deadline:
        return f"it took more than {limits.minutes:g} minutes"
    most = limits.memory_gb or memory_share()
    if _memory(processes) > most * 1e9:
        return f"its kernel took more than {most:.3g} GB of memory"
    return None


def _memory(processes: Sequence[psutil.Process]) -> int:
    """Return the resident memory of all these processes, in bytes."""
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total
