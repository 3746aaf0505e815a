"""The folder of a sweep: locked by one driver at a time; finished runs and failures each have their place in it."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from synthviz.files import sha256, write_json, write_text
from synthviz.runs.errors import RunError

RUNS, FAILURES, UNFINISHED = "runs", "failures", ".unfinished"
LOCK = ".lock"
DRIVER = "driver"  # in UNFINISHED: which process uses the folder
TOKEN = "token"  # in UNFINISHED: a worker that does not find it sees another disk than the driver


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Create a sweep's folder, lock it for this process, and remove unfinished runs from it, before and after.

    Raises:
        RunError: if the folder cannot be used, or another sweep is using it.
    """
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / LOCK, timeout=0)
        lock.acquire()
    except Timeout:
        holder = ""
        with suppress(OSError):
            holder = (folder / UNFINISHED / DRIVER).read_text(encoding="utf-8")
        raise RunError(f"another sweep is using {str(folder)!r} {holder}; wait for it, or stop it first") from None
    except OSError as error:
        raise RunError(f"the sweep's folder {str(folder)!r} cannot be used: {error.strerror}") from error
    try:
        for name in (RUNS, FAILURES, UNFINISHED):
            (folder / name).mkdir(exist_ok=True)
        _empty(folder / UNFINISHED)
        write_text(folder / UNFINISHED / DRIVER, f"(process {os.getpid()} on {socket.gethostname()})")
        yield
    except OSError as error:
        raise RunError(f"the sweep's folder {str(folder)!r} cannot be used: {error.strerror}") from error
    finally:
        with suppress(OSError):
            _empty(folder / UNFINISHED)
            (folder / UNFINISHED).rmdir()
        # Remove the file while it is locked: afterwards it could be the lock of another process. A process that waits
        # for the removed file notices that it is gone.
        with suppress(OSError):
            (folder / LOCK).unlink()
        lock.release()


def verified_manifest(folder: Path) -> dict[str, Any] | None:
    """Return the manifest of a finished run whose files all exist and are unchanged; None for any other folder."""
    try:
        manifest: dict[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        for name, entry in manifest["files"].items():
            path = folder / name
            if path.stat().st_size != entry["bytes"] or sha256(path) != entry["sha256"]:
                return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest


def store_run(unfinished: Path, folder: Path, key: str) -> None:
    """Move a finished run to `runs/KEY`, and remove its earlier failure.

    If another worker has finished the same run first, its files stay.

    Args:
        unfinished: the folder where the run was done, on the same disk.
        folder: the sweep's folder.
        key: the run's key.
    """
    place = folder / RUNS / key
    try:
        unfinished.rename(place)
    except OSError:
        if verified_manifest(place) is None:
            raise
        shutil.rmtree(unfinished, ignore_errors=True)
    shutil.rmtree(folder / FAILURES / key, ignore_errors=True)


def store_failure(unfinished: Path, folder: Path, failure: dict[str, Any]) -> None:
    """Move a failed run to `failures/KEY`, with `failure.json` beside the files it has written.

    Args:
        unfinished: the folder where the run was done, on the same disk; created if missing.
        folder: the sweep's folder.
        failure: the content of `failure.json`; "key" is the run's key.
    """
    place = folder / FAILURES / failure["key"]
    unfinished.mkdir(exist_ok=True)
    write_json(unfinished / "failure.json", failure)
    shutil.rmtree(place, ignore_errors=True)
    unfinished.rename(place)


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
