"""A sweep's folder: one driver at a time, and nothing unfinished left in it."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from synthviz.files import write_text
from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.run_on_worker import FAILURES, RUNS, UNFINISHED

LOCK = ".lock"


@contextmanager
def folder_kept(folder: Path) -> Iterator[None]:
    """Make a sweep's folder and keep it for this process; what was left unfinished there is removed.

    Raises:
        RunError: if it cannot be used, or another sweep is using it.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        holder = ""
        with suppress(OSError):
            holder = (folder / UNFINISHED / "driver").read_text(encoding="utf-8")
        raise RunError(f"another sweep is using {str(folder)!r} {holder}; wait for it, or stop it first") from None
    except OSError as error:
        raise RunError(f"the sweep's folder {str(folder)!r} cannot be used: {error.strerror}") from error
    try:
        for name in (RUNS, FAILURES, UNFINISHED):
            (folder / name).mkdir(exist_ok=True)
        _empty(folder / UNFINISHED)
        write_text(folder / UNFINISHED / "driver", f"(process {os.getpid()} on {socket.gethostname()})")
        yield
    except OSError as error:
        raise RunError(f"the sweep's folder {str(folder)!r} cannot be used: {error.strerror}") from error
    finally:
        with suppress(OSError):
            _empty(folder / UNFINISHED)
            (folder / UNFINISHED).rmdir()
        # While it is held: whoever locks a file that is gone by then notices, and nobody else's can be removed.
        with suppress(OSError):
            (folder / LOCK).unlink()
        lock.release()


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
