"""All pictures of a folder as tensors, in order; optionally decoded in separate processes that can be stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from synthviz.files import user_path
from synthviz.preprocessing.image import preprocess_image
from synthviz.preprocessing.isolation import MEMORY_GB, SECONDS, Load, load_all_isolated
from synthviz.preprocessing.loaded_image import LoadedImage, log_fallback


def preprocess_folder(
    folder: str | Path,
    *,
    load: Load = preprocess_image,
    isolate: bool = False,
    workers: int = 1,
    seconds: float = SECONDS,
    memory_gb: float = MEMORY_GB,
    on_progress: Callable[[int, int], None] | None = None,
) -> Iterator[LoadedImage]:
    """Turn every file of a folder and its subfolders into a tensor, in the order of their paths.

    The pictures are loaded while you iterate, so only a few for each worker are in memory. An unusable file gives
    the test pattern with its reason, as from `preprocess_image`, and the next file follows. Hidden files and links
    are skipped.

    Args:
        folder: where the pictures are.
        load: the function that loads one file; `functools.partial(preprocess_image, fit="crop")` sets parameters.
        isolate: decode in separate processes, for files from unknown sources. A file that hangs, crashes the decoder
            or takes too much memory is stopped and gives the test pattern too.
        workers: number of separate processes; each takes one core, and seconds to start.
        seconds: of computing, the time limit for an isolated file; ten times as many may pass on the clock.
        memory_gb: memory limit for an isolated file, in 10^9 bytes.
        on_progress: called after each file with (files done, all files).

    Raises:
        ValueError: if the folder does not exist, a limit is not above 0, or `workers` is not 1 without `isolate`;
            before the first file.
        RuntimeError: if a separate process cannot start, as in a script without `if __name__ == "__main__":`.
    """
    folder = user_path(folder)
    if folder == Path():  # a file in it may be called "~x"; without the folder this would be a home folder
        folder = Path.cwd()
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is not a folder of pictures")
    for name, value in (("seconds", seconds), ("memory_gb", memory_gb)):
        if not value > 0:
            raise ValueError(f"{name} is {value!r}; it must be above 0")
    if not isinstance(workers, int) or workers < 1 or (workers > 1 and not isolate):
        raise ValueError(f"workers is {workers!r}; it must be 1, or with isolate=True a whole number of at least 1")
    paths = _find_files(folder)
    loaded = _with_log(load_all_isolated(paths, load, workers, seconds, memory_gb)) if isolate else map(load, paths)
    return _with_progress(loaded, len(paths), on_progress)


def _find_files(folder: Path) -> list[Path]:
    """Return the files of a folder and its subfolders, sorted, without hidden files and links."""
    found = []
    for parent, subfolders, names in os.walk(folder):
        subfolders[:] = [name for name in subfolders if not name.startswith(".")]
        found += [Path(parent, name) for name in names if not name.startswith(".")]
    return sorted(path for path in found if not path.is_symlink())


def _with_log(pictures: Iterable[LoadedImage]) -> Iterator[LoadedImage]:
    """Log fallbacks here, in the parent process; the worker processes log nothing."""
    for loaded in pictures:
        if loaded.fallback_reason is not None:
            log_fallback(loaded)
        yield loaded


def _with_progress(
    pictures: Iterable[LoadedImage], count: int, on_progress: Callable[[int, int], None] | None
) -> Iterator[LoadedImage]:
    for done, loaded in enumerate(pictures, start=1):
        yield loaded
        if on_progress is not None:
            on_progress(done, count)
