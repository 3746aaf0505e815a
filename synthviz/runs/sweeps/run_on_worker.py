"""One run of a sweep, on a worker: in a folder of its own, within its limits, put in its place when it is whole."""

from __future__ import annotations

import json
import os
import shutil
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from synthviz.files import sha256, write_json
from synthviz.runs.chain import notebooks_folder, run_notebooks
from synthviz.runs.errors import CellError, RunError
from synthviz.runs.sweeps.cluster import memory_share
from synthviz.runs.sweeps.plan import Limits, PlannedRun, hash_sources

RUNS, FAILURES, UNFINISHED = "runs", "failures", ".unfinished"  # in the sweep's folder
TOKEN = "token"  # in UNFINISHED; a worker that does not find it looks at another disk than the driver
LOOK_EVERY = 0.25  # seconds
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")

_one_at_a_time = threading.Lock()  # papermill changes the working directory, of which a process has only one


class WorkerUnfit(RunError):
    """This worker cannot do any run of the sweep, or the sweep is over; no run has failed by that."""


class LimitExceeded(RunError):
    """The run took too long or too much memory, and was ended."""


@dataclass(frozen=True)
class Orders:
    """What all runs of a sweep have in common.

    Attributes:
        output_dir: the sweep's folder, as the workers see it.
        token: what stands in its token file.
        notebooks, sources, limits: as in the plan.
        threads: of each kernel; 0 leaves them as they are.
        notebooks_dir: where the notebooks are; None finds them on the worker.
    """

    output_dir: str
    token: str
    notebooks: tuple[str, ...]
    sources: str
    limits: Limits
    threads: int = 0
    notebooks_dir: str | None = None

    def find_notebooks(self) -> Path:
        """The notebooks' folder, on this machine."""
        return notebooks_folder() if self.notebooks_dir is None else Path(self.notebooks_dir)


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes:
        key: of the run.
        failure: None if it is whole and in its place; else what stands in `failures/KEY/failure.json` too.
    """

    key: str
    failure: dict[str, Any] | None = None


def execute_run(run: PlannedRun, orders: Orders) -> Outcome:
    """Do one run; what goes wrong in it is in the outcome and in the sweep's folder.

    Raises:
        WorkerUnfit: if it has to be done by another worker; nothing is written then.
    """
    output_dir = Path(orders.output_dir)
    started = time.monotonic()
    with _one_at_a_time:
        for attempt in range(1, 2 + orders.limits.retries):
            check_worker(orders)
            unfinished = output_dir / UNFINISHED / f"{run.key}-{uuid.uuid4().hex[:8]}"
            try:
                unfinished.mkdir()
                with _threads_limited(orders.threads), _limits_kept(orders.limits):
                    given = [(name, str(value)) for name, value in run.parameters.items()]
                    folder = orders.find_notebooks()
                    run_notebooks(
                        unfinished, given, folder, lambda line: None, orders.notebooks, lessons=False, progress=False
                    )
                _put_in_place(unfinished, output_dir / RUNS / run.key)
                shutil.rmtree(output_dir / FAILURES / run.key, ignore_errors=True)
                return Outcome(run.key)
            except Exception as error:  # recorded, so that the other runs go on
                failure = describe_failure(error, run) | {
                    "attempts": attempt,
                    "seconds": round(time.monotonic() - started, 2),
                }
            if failure["kind"] != "kernel" or attempt > orders.limits.retries:
                break
            shutil.rmtree(unfinished, ignore_errors=True)
    _check_folder(orders)  # a sweep that was started anew has taken its folder away: the run has not failed by that
    with suppress(OSError):  # on a full disk the outcome still says it
        keep_failure(unfinished, output_dir, failure)
    return Outcome(run.key, failure)


def check_worker(orders: Orders) -> None:
    """See that this process has the sweep's folder, can write there, and has its notebooks.

    Raises:
        WorkerUnfit: if not.
    """
    _check_folder(orders)
    probe = Path(orders.output_dir) / UNFINISHED / f"probe-{uuid.uuid4().hex}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WorkerUnfit(
            f"{socket.gethostname()} cannot write to the sweep's folder {orders.output_dir!r}: {error.strerror}"
        ) from error
    try:
        same_notebooks = hash_sources(orders.find_notebooks(), orders.notebooks) == orders.sources
    except (RunError, OSError, ValueError):  # none there, or no notebooks
        same_notebooks = False
    if not same_notebooks:
        raise WorkerUnfit(
            f"{socket.gethostname()} has other notebooks than this sweep; install one synthviz everywhere"
        )


def _check_folder(orders: Orders) -> None:
    token = Path(orders.output_dir) / UNFINISHED / TOKEN
    try:
        same_folder = token.read_text(encoding="utf-8") == orders.token
    except OSError:
        same_folder = False
    if not same_folder:
        raise WorkerUnfit(
            f"{socket.gethostname()} does not see the sweep's folder {orders.output_dir!r}; it must be shared"
        )


def verified_manifest(folder: Path) -> dict[str, Any] | None:
    """The manifest of a run whose files are all there and unchanged; None for anything less."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        for name, entry in manifest["files"].items():
            path = folder / name
            if path.stat().st_size != entry["bytes"] or sha256(path) != entry["sha256"]:
                return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return manifest


def describe_failure(error: Exception, run: PlannedRun) -> dict[str, Any]:
    """What went wrong, as JSON can hold it."""
    kinds = {CellError: "cell", LimitExceeded: "limit", RunError: "kernel"}
    kind = next((name for error_type, name in kinds.items() if isinstance(error, error_type)), "system")
    failure: dict[str, Any] = {"key": run.key, "parameters": run.parameters, "kind": kind, "host": socket.gethostname()}
    failure["error"] = " ".join(str(error).partition("\n\n")[0].split()) or type(error).__name__
    if isinstance(error, CellError):
        failure |= {
            "notebook": error.notebook,
            "cell": error.cell,
            "source": error.source,
            "traceback": error.traceback,
        }
    return failure


def _put_in_place(unfinished: Path, place: Path) -> None:
    """Rename a whole run into its place, where another worker may have been quicker."""
    try:
        unfinished.rename(place)
    except OSError:
        if verified_manifest(place) is None:
            raise
        shutil.rmtree(unfinished, ignore_errors=True)


def keep_failure(unfinished: Path, output_dir: Path, failure: dict[str, Any]) -> None:
    """Leave what was made so far, and why it ended there, in the place for failures in the sweep's folder."""
    place = output_dir / FAILURES / failure["key"]
    unfinished.mkdir(exist_ok=True)
    write_json(unfinished / "failure.json", failure)
    shutil.rmtree(place, ignore_errors=True)
    unfinished.rename(place)


@contextmanager
def _threads_limited(threads: int) -> Iterator[None]:
    """Kernels started inside compute with so many threads."""
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
def _limits_kept(limits: Limits) -> Iterator[None]:
    """End this process's kernels once they have taken too long or too much.

    Dask's nanny watches only the worker itself; a kernel is a process below it.

    Raises:
        LimitExceeded: if they had to be ended.
    """
    deadline = time.monotonic() + 60 * limits.minutes
    most_gb = limits.memory_gb or memory_share()
    exceeded: list[str] = []
    done = threading.Event()

    def watch() -> None:
        while not done.wait(LOOK_EVERY):
            kernels = _kernels()
            if time.monotonic() > deadline:
                exceeded.append(f"it took more than {limits.minutes:g} minutes")
            elif _memory(kernels) > most_gb * 1e9:
                exceeded.append(f"its kernel took more than {most_gb:.3g} GB of memory")
            if exceeded:
                for process in kernels:
                    with suppress(psutil.Error):
                        process.kill()

    watcher = threading.Thread(target=watch, name="synthviz limits", daemon=True)
    watcher.start()
    try:
        yield
    except Exception as error:
        if exceeded:
            raise LimitExceeded(f"{exceeded[0]} and was ended") from error
        raise
    finally:
        done.set()
        watcher.join()


def _kernels() -> list[psutil.Process]:
    """The kernels below this process, and all processes below those."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if any("ipykernel" in part for part in child.cmdline()):
                found += [child, *child.children(recursive=True)]
    return found


def _memory(processes: list[psutil.Process]) -> int:
    total = 0
    for process in processes:
        with suppress(psutil.Error):
            total += process.memory_info().rss
    return total
