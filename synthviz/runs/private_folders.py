"""Temporary folders that go with their process, even if it is killed: the next one sees to that."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

# Names that nothing else has: what bears them is removed.
PREFIX, LOCK = "synthviz-private-", ".synthviz-private-lock"


@contextmanager
def private_folder() -> Iterator[Path]:
    """A temporary folder that nobody else can read, and that is removed: by whoever makes the next one at the latest.

    A process that is killed removes nothing; that it is gone is seen from its lock, which no other process can hold.
    """
    from filelock import FileLock, Timeout

    remove_leftovers()
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        lock = FileLock(folder / LOCK, timeout=0)
        with suppress(Timeout):  # taken for a leftover in the moment between its making and its locking
            lock.acquire()
            break
    try:
        yield folder
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the private folders of processes that were killed."""
    from filelock import FileLock, Timeout

    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/{LOCK}"):
        with suppress(Timeout, OSError), FileLock(path, timeout=0):  # else it is in use, or somebody else's
            shutil.rmtree(path.parent, ignore_errors=True)
