"""A whole folder of pictures, one after another, whatever is in it; on demand each in a process that can be stopped."""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from synthviz.preprocessing import LoadedImage, preprocess_image, test_pattern
from synthviz.records import printable_name

Load = Callable[[Path], LoadedImage]
LOOK_EVERY = 0.05  # seconds between two looks at a worker's memory


def preprocess_folder(
    folder: str | Path,
    *,
    load: Load = preprocess_image,
    isolate: bool = False,
    seconds: float = 30.0,
    memory_gb: float = 2.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[LoadedImage]:
    """Turn every file of a folder and its subfolders into a tensor, in the order of their paths.

    One picture is in memory at a time. A file that is no usable picture gives the test pattern with its reason, as
    from `preprocess_image`, and the next one follows. Hidden files are left out, and links are not followed.

    Args:
        folder: where the pictures are.
        load: how to load one; `functools.partial(preprocess_image, fit="crop")` sets what is not the default.
        isolate: decode in a process of its own, for files that nobody vouches for: one that hangs, crashes the
            decoder or wants too much memory is stopped, and gives the test pattern too.
        seconds: how long an isolated file may take.
        memory_gb: how much memory an isolated file may take, in 10^9 bytes.
        on_progress: called after each file with (files done, files in all).

    Raises:
        ValueError: if there is no such folder, or a limit is not above 0; before the first file.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is not a folder of pictures")
    for name, value in (("seconds", seconds), ("memory_gb", memory_gb)):
        if not value > 0:
            raise ValueError(f"{name} is {value!r}; it must be above 0")
    return _load_all(_files(folder), load, _Worker(load, seconds, memory_gb) if isolate else None, on_progress)


def load_isolated(path: Path, load: Load, seconds: float = 30.0, memory_gb: float = 2.0) -> LoadedImage:
    """Load one picture in a process of its own, with the limits of `preprocess_folder`."""
    worker = _Worker(load, seconds, memory_gb)
    try:
        return worker.load(path)
    finally:
        worker.stop()


def _files(folder: Path) -> list[Path]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if not path.is_symlink())


def _load_all(
    paths: list[Path], load: Load, worker: _Worker | None, on_progress: Callable[[int, int], None] | None
) -> Iterator[LoadedImage]:
    try:
        for done, path in enumerate(paths, start=1):
            yield load(path) if worker is None else worker.load(path)
            if on_progress is not None:
                on_progress(done, len(paths))
    finally:
        if worker is not None:
            worker.stop()


class _Worker:
    """A process that loads pictures, and is replaced when one of them was too much for it."""

    def __init__(self, load: Load, seconds: float, memory_gb: float) -> None:
        self._load, self._seconds, self._memory = load, seconds, memory_gb * 1e9
        self._process: multiprocessing.process.BaseProcess | None = None
        self._pipe: Connection | None = None

    def load(self, path: Path) -> LoadedImage:
        """The picture, or the test pattern with the reason."""
        import psutil

        pipe, process = self._running()
        pipe.send(path)
        watched = psutil.Process(process.pid)
        memory_before = watched.memory_info().rss
        deadline = time.monotonic() + self._seconds
        reason = None
        while reason is None:
            try:
                if pipe.poll(LOOK_EVERY):
                    answer = pipe.recv()
                    if isinstance(answer, MemoryError):
                        reason = f"it wanted more than {self._memory / 1e9:g} GB of memory and was stopped"
                        break
                    if isinstance(answer, Exception):
                        raise answer
                    if answer.fallback_reason is not None:
                        _say(answer.name, answer.fallback_reason)
                    return answer
                if watched.memory_info().rss - memory_before > self._memory:
                    reason = f"it took more than {self._memory / 1e9:g} GB of memory and was stopped"
                elif time.monotonic() > deadline:
                    reason = f"it took more than {self._seconds:g} s and was stopped"
            except (EOFError, ConnectionError, psutil.NoSuchProcess):
                reason = "the decoder crashed"
        self.stop()
        _say(printable_name(path), reason)
        size = getattr(self._load, "keywords", {}).get("size", 224)
        record = {"file": printable_name(path), "size": size, "steps": [], "warnings": [], "fallback_reason": reason}
        return LoadedImage(printable_name(path), test_pattern(size), (), (), reason, record)

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        if self._process is not None and self._pipe is not None:
            self._pipe.close()
            self._process.kill()
            self._process.join()
        self._process = self._pipe = None

    def _running(self) -> tuple[Connection, multiprocessing.process.BaseProcess]:
        if self._process is None or self._pipe is None or not self._process.is_alive():
            self.stop()
            context = multiprocessing.get_context("spawn")  # torch's threads do not survive a fork
            self._pipe, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, self._load, self._memory), daemon=True)
            self._process.start()
            theirs.close()
            self._pipe.recv()  # its imports count against no picture
        return self._pipe, self._process


def _serve(pipe: Connection, load: Load, memory: float) -> None:
    """What the process does: load a picture for every path, until the pipe ends."""
    with suppress(ImportError, OSError, ValueError):  # where there are no such limits, the other process looks on
        import resource

        import psutil

        most = psutil.Process().memory_info().vms + int(memory)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    pipe.send("ready")
    with suppress(EOFError, KeyboardInterrupt):
        while True:
            path = pipe.recv()
            try:
                with redirect_stdout(None):  # said by the other process, where a notebook hears it
                    answer: LoadedImage | Exception = load(path)
            except Exception as error:  # a wrong parameter: raised where it was given
                answer = error
            pipe.send(answer)


def _say(name: str, reason: str) -> None:
    print(f"Using the test pattern instead of {name}: {reason}")
