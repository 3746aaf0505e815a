"""Decode pictures in processes of their own, with limits on time and memory."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from dataclasses import replace
from multiprocessing.connection import Connection, wait
from pathlib import Path

import torch

from synthviz.files import printable_name
from synthviz.preprocessing.loaded_image import LoadedImage, test_pattern

Load = Callable[[Path], LoadedImage]
LOOK_EVERY = 0.05  # seconds between two looks at a worker's memory


def load_isolated(path: Path, load: Load, seconds: float = 30.0, memory_gb: float = 2.0) -> LoadedImage:
    """Load one picture in a process of its own, with the limits of `preprocess_folder`."""
    (loaded,) = load_all_isolated([path], [Worker(load, seconds, memory_gb)])
    return loaded


def load_all_isolated(paths: list[Path], idle: list[Worker]) -> Iterator[LoadedImage]:
    """The pictures in the order of their paths; a worker that is done goes on with the next, up to some ahead."""
    most_ahead = 4 * len(idle)
    busy: dict[int, Worker] = {}
    done: dict[int, LoadedImage] = {}
    started = 0
    try:
        for number in range(len(paths)):
            while True:
                while idle and started < min(len(paths), number + most_ahead):
                    busy[started] = idle.pop()
                    busy[started].start(paths[started])
                    started += 1
                if number in done:
                    break
                wait([worker.pipe for worker in busy.values()], LOOK_EVERY)
                for at, worker in list(busy.items()):
                    if (loaded := worker.answer()) is not None:
                        done[at] = loaded
                        idle.append(busy.pop(at))
            yield done.pop(number)
    finally:
        for worker in [*idle, *busy.values()]:
            worker.stop()


class Worker:
    """A process that loads pictures, and is replaced when one of them was too much for it."""

    def __init__(self, load: Load, seconds: float, memory_gb: float) -> None:
        self._load, self._seconds, self._memory = load, seconds, memory_gb * 1e9
        self._process: multiprocessing.process.BaseProcess | None = None

    def start(self, path: Path) -> None:
        """Begin with a picture."""
        import psutil

        if self._process is None or not self._process.is_alive():
            self.stop()
            context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
            self.pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, self._load, self._memory), daemon=True)
            self._process.start()
            theirs.close()
            try:
                self.pipe.recv()  # its imports count against no picture
            except (EOFError, ConnectionError):
                self.stop()
                raise RuntimeError(
                    "the process that decodes pictures ended before it began; a script must call isolate=True under "
                    '`if __name__ == "__main__":`, as such a process runs the script once more'
                ) from None
        self._path = path
        self.pipe.send(path)
        self._watched = psutil.Process(self._process.pid)
        self._memory_before = self._watched.memory_info().rss
        self._deadline = time.monotonic() + self._seconds

    def answer(self) -> LoadedImage | None:
        """The picture, or the test pattern with the reason, or None if it is not done yet."""
        import psutil

        try:
            if self.pipe.poll():
                answer = self.pipe.recv()
                if isinstance(answer, LoadedImage):
                    if answer.fallback_reason is not None:
                        _say(answer.name, answer.fallback_reason)
                    return replace(answer, tensor=torch.from_numpy(answer.tensor))
                if not isinstance(answer, MemoryError):
                    raise answer
                reason = f"it wanted more than {self._memory / 1e9:g} GB of memory and was stopped"
            elif self._watched.memory_info().rss - self._memory_before > self._memory:
                reason = f"it took more than {self._memory / 1e9:g} GB of memory and was stopped"
            elif time.monotonic() > self._deadline:
                reason = f"it took more than {self._seconds:g} s and was stopped"
            else:
                return None
        except (EOFError, ConnectionError, psutil.NoSuchProcess):
            reason = "the decoder crashed"
        self.stop()
        name = printable_name(self._path)
        _say(name, reason)
        size = getattr(self._load, "keywords", {}).get("size", 224)
        record = {"file": name, "size": size, "steps": [], "warnings": [], "fallback_reason": reason}
        return LoadedImage(name, test_pattern(size), (), (), reason, record)

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None:
            self.pipe.close()
            self._process.kill()
            self._process.join()
        self._process = None


def _serve(pipe: Connection, load: Load, memory: float) -> None:
    """What the process does: load a picture for every path, until the pipe ends."""
    with suppress(ImportError, OSError, ValueError):  # where there are no such limits, the other process looks on
        import resource

        import psutil

        most = psutil.Process().memory_info().vms + int(memory)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    torch.set_num_threads(1)  # or the threads of several workers wait in each other's way
    pipe.send("ready")
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            path = pipe.recv()
            try:
                with redirect_stdout(None):  # said by the other process, where a notebook hears it
                    loaded = load(path)
            except Exception as error:  # a wrong parameter: raised where it was given
                pipe.send(error)
            else:  # as an array: a tensor would come through shared memory, which is scarce
                pipe.send(replace(loaded, tensor=loaded.tensor.numpy()))  # type: ignore[arg-type]


def _say(name: str, reason: str) -> None:
    print(f"Using the test pattern instead of {name}: {reason}")
