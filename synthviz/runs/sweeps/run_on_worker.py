"""Do one run of a sweep on a worker: in its own folder, within its limits, moved to its place when it is finished."""

from __future__ import annotations

import shutil
import socket
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthviz.runs.chain import notebooks_folder
from synthviz.runs.errors import RunError, WorkerUnfit
from synthviz.runs.limits import Limits
from synthviz.runs.run_process import RunProcess, Task
from synthviz.runs.sweeps.cluster import memory_share
from synthviz.runs.sweeps.failures import describe_failure
from synthviz.runs.sweeps.folder import TOKEN, UNFINISHED, store_failure, store_run
from synthviz.runs.sweeps.plan import PlannedRun, hash_sources

_one_at_a_time = threading.Lock()  # a run may use all threads and all memory of its worker
_processes: list[RunProcess] = []  # none or one, which does one run after the other


@dataclass(frozen=True)
class Orders:
    """The settings that all runs of a sweep share.

    Attributes:
        output_dir: the sweep's folder, as the workers see it.
        token: the content of the token file in it.
        notebooks, sources, limits: as in the plan.
        threads: the number of threads of each kernel; 0 changes nothing.
        notebooks_dir: the folder of the notebooks; None finds it on the worker.
    """

    output_dir: str
    token: str
    notebooks: tuple[str, ...]
    sources: str
    limits: Limits
    threads: int = 0
    notebooks_dir: str | None = None

    def find_notebooks(self) -> Path:
        """Return the folder of the notebooks on this machine."""
        return notebooks_folder() if self.notebooks_dir is None else Path(self.notebooks_dir)


@dataclass(frozen=True)
class Outcome:
    """The result of a run on a worker.

    Attributes:
        key: the run's key.
        failure: None if the run is finished and in its place; otherwise the content of `failures/KEY/failure.json`.
    """

    key: str
    failure: dict[str, Any] | None = None


def execute_run(run: PlannedRun, orders: Orders) -> Outcome:
    """Do one run, and store its files or its failure in the sweep's folder.

    Raises:
        WorkerUnfit: if another worker has to do the run; nothing is written then.
    """
    output_dir = Path(orders.output_dir)
    with _one_at_a_time:
        started = time.monotonic()
        deadline = started + 60 * orders.limits.minutes
        for attempt in range(1, 2 + orders.limits.retries):
            check_worker(orders)
            unfinished = output_dir / UNFINISHED / f"{run.key}-{uuid.uuid4().hex[:8]}"
            try:
                _run_in(unfinished, run, orders, deadline)
                store_run(unfinished, output_dir, run.key)
                return Outcome(run.key)
            except Exception as error:  # stored, so that the other runs go on
                failure = describe_failure(error, run)
            failure |= {"attempts": attempt, "seconds": round(time.monotonic() - started, 2)}
            if failure["kind"] != "kernel" or attempt > orders.limits.retries:
                break
            shutil.rmtree(unfinished, ignore_errors=True)
    _check_folder(orders)  # if a new sweep has emptied the folder during this run, the run has not failed
    with suppress(OSError):  # on a full disk the outcome still carries the failure
        store_failure(unfinished, output_dir, failure)
    return Outcome(run.key, failure)


def _run_in(folder: Path, run: PlannedRun, orders: Orders, deadline: float) -> None:
    """Run the notebooks in a new folder, within the limits, in this worker's process for runs."""
    folder.mkdir()
    parameters = tuple((name, str(value)) for name, value in run.parameters.items())
    notebooks_dir = str(orders.find_notebooks())
    task = Task(str(folder), parameters, notebooks_dir, orders.notebooks, orders.threads, lessons=False, progress=False)
    limits = replace(orders.limits, memory_gb=orders.limits.memory_gb or memory_share())
    if _processes and not _processes[0].alive():
        _processes.pop().kill()
    if not _processes:
        _processes.append(RunProcess())
    _processes[0].do(task, limits, deadline)


def check_worker(orders: Orders) -> None:
    """Check that this process sees the sweep's folder, can write there, and has the same notebooks.

    Raises:
        WorkerUnfit: if not.
    """
    _check_folder(orders)
    host = socket.gethostname()
    probe = Path(orders.output_dir) / UNFINISHED / f"probe-{uuid.uuid4().hex}"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise WorkerUnfit(
            f"{host} cannot write to the sweep's folder {orders.output_dir!r}: {error.strerror}"
        ) from error
    try:
        same_notebooks = hash_sources(orders.find_notebooks(), orders.notebooks) == orders.sources
    except (RunError, OSError, ValueError):  # there are none, or the files are no notebooks
        same_notebooks = False
    if not same_notebooks:
        raise WorkerUnfit(f"{host} has other notebooks than this sweep; install one synthviz everywhere")


def _check_folder(orders: Orders) -> None:
    """Check that this process sees the sweep's folder.

    Raises:
        WorkerUnfit: if not.
    """
    token = Path(orders.output_dir) / UNFINISHED / TOKEN
    try:
        same_folder = token.read_text(encoding="utf-8") == orders.token
    except OSError:
        same_folder = False
    if not same_folder:
        host = socket.gethostname()
        raise WorkerUnfit(f"{host} does not see the sweep's folder {orders.output_dir!r}; it must be shared")
