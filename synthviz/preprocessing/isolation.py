"""Separate processes that decode pictures, with limits on time and memory.

Decoders are written in C. A hostile file can make one hang, crash or take all memory, and no `try` in this process
could catch that. A worker process can be stopped. It is used for one picture after another, as it takes seconds to
start, and is replaced after a crash or when a picture exceeded a limit.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import psutil
import torch

from synthviz.files import printable_name
from synthviz.preprocessing.image_files import PreprocessingError
from synthviz.preprocessing.loaded_image import LoadedImage, fallback_image

Load = Callable[[Path], LoadedImage]
SECONDS = 30.0  # of computing; other programs that keep the processor busy do not count
WAITING = 10  # times as long may pass on the clock, for a disk that does not answer or a decoder that only waits
MEMORY_GB = 2.0
CHECK_INTERVAL = 0.05  # seconds between two looks at the workers' memory
AHEAD = 4  # pictures per worker that are loaded before somebody asks for them


class DecoderStopped(PreprocessingError):
    """A worker crashed, or was stopped because a picture took too much time or memory."""


def load_isolated(path: Path, load: Load, seconds: float = SECONDS, memory_gb: float = MEMORY_GB) -> LoadedImage:
    """Load one picture in a separate process.

    Raises:
        DecoderStopped: if the process crashed or exceeded a limit.
        RuntimeError: if the process cannot start.
        Exception: everything that `load` raises.
    """
    worker = Worker(load, seconds, memory_gb)
    try:
        worker.start(path)
        while (loaded := worker.poll()) is None:
            wait([worker.pipe], CHECK_INTERVAL)
        return loaded
    finally:
        worker.stop()


def load_all_isolated(
    paths: list[Path], load: Load, workers: int = 1, seconds: float = SECONDS, memory_gb: float = MEMORY_GB
) -> Iterator[LoadedImage]:
    """Load pictures in separate processes and yield them in the order of `paths`.

    A picture whose process crashed or exceeded a limit gives the test pattern. The workers run a few pictures ahead
    of the one that is asked for.

    Raises:
        RuntimeError: if a process cannot start.
        Exception: everything that `load` raises.
    """
    idle = [Worker(load, seconds, memory_gb) for _ in range(workers)]
    busy: dict[int, Worker] = {}  # by the position of the picture in `paths`
    finished: dict[int, LoadedImage] = {}
    waiting = deque(range(len(paths)))
    try:
        for position in range(len(paths)):
            while True:
                while idle and waiting and waiting[0] < position + AHEAD * workers:
                    worker = idle.pop()
                    busy[waiting[0]] = worker
                    worker.start(paths[waiting.popleft()])
                if position in finished:
                    break
                wait([worker.pipe for worker in busy.values()], CHECK_INTERVAL)
                for other, worker in list(busy.items()):
                    loaded = _poll_or_fall_back(worker, paths[other], load)
                    if loaded is not None:
                        finished[other] = loaded
                        idle.append(busy.pop(other))
            yield finished.pop(position)
    finally:
        for worker in [*idle, *busy.values()]:
            worker.stop()


def _poll_or_fall_back(worker: Worker, path: Path, load: Load) -> LoadedImage | None:
    """Return the picture, the test pattern if the worker was stopped, or None if the worker is not done."""
    try:
        return worker.poll()
    except DecoderStopped as stopped:
        # `functools.partial(preprocess_image, size=64)` says how large the tensor has to be.
        size = load.keywords.get("size", 224) if isinstance(load, partial) else 224
        return fallback_image(printable_name(path), str(stopped), {"size": size})


class Worker:
    """A process that loads one picture at a time, with limits on time and memory.

    Attributes:
        pipe: becomes readable when an answer has arrived.
    """

    pipe: Connection

    def __init__(self, load: Load, seconds: float, memory_gb: float) -> None:
        self._load = load
        self._seconds = seconds
        self._memory_gb = memory_gb
        self._process: BaseProcess | None = None

    def start(self, path: Path) -> None:
        """Send a picture to the process; `poll` then returns it.

        Raises:
            RuntimeError: if the process cannot start.
        """
        if self._process is None or not self._process.is_alive():
            self.stop()
            self._start_process()
        self._memory_before = self._monitor.memory_info().rss
        self._computed_before = self._computed()
        self._deadline = time.monotonic() + WAITING * self._seconds
        self.pipe.send(path)

    def poll(self) -> LoadedImage | None:
        """Return the picture, or None if the process is not done.

        Raises:
            DecoderStopped: if the process crashed or exceeded a limit.
            Exception: everything that the load function raised.
        """
        answer = self._receive()
        if isinstance(answer, MemoryError):
            raise self._stop_because(f"it needed more than {self._memory_gb:g} GB of memory and was stopped")
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            return None
        return LoadedImage(**answer | {"tensor": torch.from_numpy(answer["tensor"])})

    def stop(self) -> None:
        """Stop the process, even in the middle of a picture."""
        if self._process is not None:
            self.pipe.close()
            self._process.kill()
            self._process.join()
        self._process = None

    def _start_process(self) -> None:
        # A forked process would hang in torch, whose threads do not survive a fork.
        context = multiprocessing.get_context("spawn")
        self.pipe, other_end = context.Pipe()
        self._process = context.Process(
            target=_serve, args=(other_end, self._load, int(self._memory_gb * 1e9)), daemon=True
        )
        self._process.start()
        other_end.close()
        try:
            self.pipe.recv()  # the process is ready; the time for its imports counts for no picture
        except (EOFError, ConnectionError):
            self.stop()
            raise RuntimeError(
                "the process that decodes pictures ended before it was ready; a script must call isolate=True under "
                '`if __name__ == "__main__":`, because such a process runs the script once more'
            ) from None
        self._monitor = psutil.Process(self._process.pid)

    def _receive(self) -> dict[str, Any] | Exception | None:
        """Return what the process sent, or None if it has sent nothing and is within its limits."""
        try:
            if self.pipe.poll():
                answer: dict[str, Any] | Exception = self.pipe.recv()
                return answer
            memory = self._monitor.memory_info().rss - self._memory_before
            computed = self._computed() - self._computed_before
        except (EOFError, ConnectionError, psutil.NoSuchProcess):
            raise self._stop_because("the decoder crashed") from None
        if memory > self._memory_gb * 1e9:
            raise self._stop_because(f"it took more than {self._memory_gb:g} GB of memory and was stopped")
        if computed > self._seconds or time.monotonic() > self._deadline:
            seconds = self._seconds if computed > self._seconds else WAITING * self._seconds
            raise self._stop_because(f"it took more than {seconds:g} s and was stopped")
        return None

    def _computed(self) -> float:
        """Return the seconds for which the process has computed."""
        times = self._monitor.cpu_times()
        return float(times.user + times.system)

    def _stop_because(self, reason: str) -> DecoderStopped:
        self.stop()
        return DecoderStopped(reason)


def _serve(pipe: Connection, load: Load, memory: int) -> None:
    """Load a picture for every path that arrives, until the pipe is closed; runs in the worker's process."""
    _limit_memory(memory)
    torch.set_num_threads(1)  # the threads of several workers would compete for the cores
    logging.getLogger("synthviz").setLevel(logging.ERROR)  # the parent process logs what happened
    pipe.send("ready")
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            path = pipe.recv()
            try:
                loaded = load(path)
            except Exception as error:
                pipe.send(error)
            else:
                # A tensor would travel through shared memory, of which containers have little; an array is copied.
                pipe.send(vars(loaded) | {"tensor": loaded.tensor.numpy()})


def _limit_memory(memory: int) -> None:
    """Limit this process to its memory so far and `memory` bytes more.

    macOS and Windows have no such limit; there, as everywhere, the parent process watches the memory.
    """
    with suppress(ImportError, OSError, ValueError):
        import resource

        limit = psutil.Process().memory_info().vms + memory
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
