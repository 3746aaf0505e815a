"""A whole folder of pictures, in order, whatever is in it; on demand decoded in processes that can be stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.isolation import Load, Worker, load_all_isolated
from synthviz.preprocessing.loaded_image import LoadedImage


def preprocess_folder(
    folder: str | Path,
    *,
    load: Load = preprocess_image,
    isolate: bool = False,
    workers: int = 1,
    seconds: float = 30.0,
    memory_gb: float = 2.0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[LoadedImage]:
    """Turn every file of a folder and its subfolders into a tensor, in the order of their paths.

    A few pictures for each worker are in memory at a time. A file that is no usable picture gives the test pattern with
    its reason, as from `preprocess_image`, and the next one follows. Hidden files are left out, and links are not
    followed.

    Args:
        folder: where the pictures are.
        load: how to load one; `functools.partial(preprocess_image, fit="crop")` sets what is not the default.
        isolate: decode in a process of its own, for files that nobody vouches for: one that hangs, crashes the
            decoder or wants too much memory is stopped, and gives the test pattern too.
        workers: how many such processes decode at once; each takes a core, and seconds to start.
        seconds: how long an isolated file may take.
        memory_gb: how much memory an isolated file may take, in 10^9 bytes.
        on_progress: called after each file with (files done, files in all).

    Raises:
        ValueError: if there is no such folder, a limit is not above 0, or there are several workers without
            `isolate`; before the first file.
        RuntimeError: if a process of its own cannot start, as from a script without `if __name__ == "__main__":`.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is not a folder of pictures")
    for name, value in (("seconds", seconds), ("memory_gb", memory_gb)):
        if not value > 0:
            raise ValueError(f"{name} is {value!r}; it must be above 0")
    if not isinstance(workers, int) or workers < 1 or (workers > 1 and not isolate):
        raise ValueError(f"workers is {workers!r}; it must be 1, or with isolate=True a whole number of at least 1")
    paths = _files(folder)
    team = [Worker(load, seconds, memory_gb) for _ in range(workers)]
    loaded = load_all_isolated(paths, team) if isolate else map(load, paths)
    return _reporting(loaded, len(paths), on_progress)


def _files(folder: Path) -> list[Path]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if not path.is_symlink())


def _reporting(
    loaded: Iterable[LoadedImage], count: int, on_progress: Callable[[int, int], None] | None
) -> Iterator[LoadedImage]:
    for done, picture in enumerate(loaded, start=1):
        yield picture
        if on_progress is not None:
            on_progress(done, count)
