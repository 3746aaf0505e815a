"""The limits of one run on a worker: its time, its memory and its threads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

from synthviz.runs.errors import LimitExceeded
from synthviz.runs.sweeps.cluster import memory_share

CHECK_EVERY = 0.25  # seconds between two checks of a kernel
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Limits:
    """The limits of one run.

    Attributes:
        minutes: the longest time; a run that takes longer is ended and counts as failed.
        memory_gb: the most memory of its kernel, in 10^9 bytes, with the same result; None for the worker's share of
            its machine's memory, at most 16.
        retries: how many times a run starts again after its kernel died for another reason.
    """

    minutes: float = 60.0
    memory_gb: float | None = None
    retries: int = 2


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Let kernels that start inside the block compute with this number of threads; 0 changes nothing."""
    before = {name: os.environ.get(name) for name in THREAD_SETTINGS}
    if threads:
        os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(threads)))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def enforced_limits(limits: Limits) -> Iterator[None]:
    """Kill this process's kernels when they take more time or memory than allowed.

    Dask's nanny watches only the worker itself; a kernel is a child process of the worker.

    Raises:
        LimitExceeded: if the kernels were killed.
    """
    watcher = _Watcher(limits)
    watcher.start()
    try:
        yield
    except Exception as error:
        if watcher.exceeded is not None:
            raise LimitExceeded(f"{watcher.exceeded} and was ended") from error
        raise
    finally:
        watcher.stop()


class _Watcher(threading.Thread):
    """Checks this process's kernels a few times a second, and kills them once a limit is exceeded.

    Attributes:
        exceeded: which limit was exceeded, as the beginning of a sentence; None so far.
    """

    def __init__(self, limits: Limits) -> None:
        super().__init__(name="synthviz limits", daemon=True)
        self.exceeded: str | None = None
        self._minutes = limits.minutes
        self._deadline = time.monotonic() + 60 * limits.minutes
        self._memory_gb = limits.memory_gb or memory_share()
        self._stopped = threading.Event()

    def run(self) -> None:
        """Check until `stop` is called."""
        while not self._stopped.wait(CHECK_EVERY):
            kernels = _kernels()
            self.exceeded = self.exceeded or self._exceeded_by(kernels)
            if self.exceeded is not None:
                for process in kernels:
                    with suppress(psutil.Error):
                        process.kill()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self.join()

    def _exceeded_by(self, kernels: list[psutil.Process]) -> str | None:
        if time.monotonic() > self._deadline:
            return f"it took more than {self._minutes:g} minutes"
        if _memory(kernels) > self._memory_gb * 1e9:
            return f"its kernel took more than {self._memory_gb:.3g} GB of memory"
        return None


def _kernels() -> list[psutil.Process]:
    """Return the kernels that this process started, and all their child processes."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if any("ipykernel" in part for part in child.cmdline()):
                found += [child, *child.children(recursive=True)]
    return found


def _memory(processes: list[psutil.Process]) -> int:
    """Return the resident memory of all these processes, in bytes."""
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total
