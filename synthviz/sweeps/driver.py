"""Run a sweep on Dask: what is done already is left alone, what fails is told, what was interrupted goes on."""

from __future__ import annotations

import os
import shutil
import socket
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.records import write_text
from synthviz.runs import RunError
from synthviz.sweeps.cluster import ClusterSettings, connected
from synthviz.sweeps.one_run import (
    FAILURES,
    RUNS,
    TOKEN,
    UNFINISHED,
    Orders,
    Outcome,
    check_worker,
    describe_failure,
    execute_run,
    verified_manifest,
)
from synthviz.sweeps.plan import PlannedRun, SweepPlan
from synthviz.sweeps.report import DONE, FAILED, Report

if TYPE_CHECKING:
    from distributed import Client

LOCK = ".lock"
SAY_EVERY = 5.0  # seconds
LEAST_IN_FLIGHT = 64  # runs that the scheduler knows of at a time; the plan may hold a hundred thousand
Work = Callable[[PlannedRun, Orders], Outcome]


@dataclass(frozen=True)
class FinishedSweep:
    """What a sweep left.

    Attributes:
        folder: where.
        done, failed: how many runs are whole, and how many failed this time.
    """

    folder: Path
    done: int
    failed: int


def find_done(plan: SweepPlan, folder: Path) -> dict[str, dict[str, Any]]:
    """The manifests of the runs that are there, whole and unchanged, by key."""
    found = {}
    for run in plan.runs:
        manifest = verified_manifest(folder / RUNS / run.key)
        if manifest is not None:
            found[run.key] = manifest
    return found


def describe_plan(plan: SweepPlan, output_dir: str | Path) -> str:
    """What a sweep would do in a folder: a line for each run, done or not, and a sum."""
    done = find_done(plan, Path(output_dir).expanduser())
    lines = [f"{'done ' if run.key in done else 'to do'}  {run.key}  {run.parameters}" for run in plan.runs]
    return "\n".join([*lines, _opening(plan, len(done), len(plan.runs) - len(done))])


def run_sweep(
    plan: SweepPlan,
    output_dir: str | Path,
    cluster: ClusterSettings | None = None,
    say: Callable[[str], None] = print,
    work: Work = execute_run,
    notebooks_dir: Path | None = None,
) -> FinishedSweep:
    """Do every run of a plan that is not done yet.

    Leaves in the folder `runs/KEY/` for each whole run, `failures/KEY/` for each that failed, `index.html` and
    `runs.csv`. Failed runs are tried again by the next call, as are those whose files were changed or removed.

    Args:
        plan: what to run.
        output_dir: where; all workers must see it under this path.
        cluster: where to run; None starts workers on this machine.
        say: where lines for the person go.
        work: does one run.
        notebooks_dir: where the notebooks are; None finds them on each worker.

    Raises:
        RunError: if the folder cannot be used, another sweep is using it, or the cluster cannot be reached or is lost.
    """
    cluster = cluster or ClusterSettings()
    folder = Path(output_dir).expanduser().resolve()
    with _folder_kept(folder):
        done = find_done(plan, folder)
        report = Report(folder, plan.runs)
        for key, manifest in done.items():
            report.add(key, manifest)
        todo = [run for run in plan.runs if run.key not in done]
        for run in todo:  # what is there is not whole
            shutil.rmtree(folder / RUNS / run.key, ignore_errors=True)
        say(_opening(plan, len(done), len(todo)))
        try:
            report.write()
            if todo:
                token = uuid.uuid4().hex
                write_text(folder / UNFINISHED / TOKEN, token)
                where = None if notebooks_dir is None else str(notebooks_dir)
                with connected(cluster, say) as (client, threads):
                    orders = Orders(str(folder), token, plan.notebooks, plan.sources, plan.limits, threads, where)
                    _check_workers(client, orders)
                    _work_through(client, todo, orders, report, say, work)
        except OSError as error:
            raise RunError(f"the sweep's folder {str(folder)!r} cannot be written to: {error.strerror}") from error
        finally:
            with suppress(OSError):
                report.write()
        say(f"The pages are in {folder / 'index.html'}, the table in runs.csv.")
        return FinishedSweep(folder, report.counts[DONE], report.counts[FAILED])


def _opening(plan: SweepPlan, done: int, todo: int) -> str:
    twice = f" ({plan.duplicates} more were the same as others)" if plan.duplicates else ""
    return f"{len(plan.runs)} runs{twice}: {done} done already, {todo} to do."


def _work_through(
    client: Client,
    todo: Sequence[PlannedRun],
    orders: Orders,
    report: Report,
    say: Callable[[str], None],
    work: Work,
) -> None:
    """Hand the runs to the cluster, a few at a time, and note how each ends."""
    from distributed import as_completed

    progress = _Progress(len(todo), say)
    waiting = iter(todo)
    known: dict[Any, PlannedRun] = {}
    finished = as_completed()

    def hand_out(count: int) -> None:
        for _, run in zip(range(count), waiting, strict=False):
            future = client.submit(work, run, orders, key=f"synthviz-{run.key}-{orders.token[:8]}", pure=False)
            known[future.key] = run
            finished.add(future)

    hand_out(max(LEAST_IN_FLIGHT, 4 * sum(client.nthreads().values())))
    for future in finished:
        run = known.pop(future.key)
        if future.cancelled():
            raise RunError("the scheduler went away; what is done is kept, the same command goes on with the rest")
        failure = _failure(future, run)
        manifest = verified_manifest(Path(orders.output_dir) / RUNS / run.key) if failure is None else None
        if failure is None and manifest is None:
            failure = describe_failure(RunError("it was done, but its files do not verify"), run)
        if failure is not None:
            say(f"Failed: {run.key}: {failure['error']}")
        report.add(run.key, failure or manifest or {})
        progress.one_ended(report.counts[FAILED])
        report.write_if_due()
        hand_out(1)


def _failure(future: Any, run: PlannedRun) -> dict[str, Any] | None:
    """What went wrong in a run, if anything; one that took its workers down with it has failed too."""
    error = future.exception()
    if error is None:
        return future.result().failure
    return describe_failure(RunError(f"its workers died: {error}"), run) | {"kind": "worker"}


def _check_workers(client: Client, orders: Orders) -> None:
    """See that every worker has the folder and the notebooks, before work starts."""
    checked = client.run(check_worker, orders, on_error="return")
    problems = sorted({str(error) for error in checked.values() if isinstance(error, Exception)})
    if problems:
        raise RunError("; ".join(problems))


@contextmanager
def _folder_kept(folder: Path) -> Iterator[None]:
    """Make the sweep's folder and keep it for this process; what was left unfinished there is removed."""
    from filelock import FileLock, Timeout

    try:
        for name in (RUNS, FAILURES, UNFINISHED):
            (folder / name).mkdir(parents=True, exist_ok=True)
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
        _empty(folder / UNFINISHED)
        write_text(folder / UNFINISHED / "driver", f"(process {os.getpid()} on {socket.gethostname()})")
        yield
    except OSError as error:
        raise RunError(f"the sweep's folder {str(folder)!r} cannot be used: {error.strerror}") from error
    finally:
        with suppress(OSError):
            _empty(folder / UNFINISHED)
            (folder / UNFINISHED).rmdir()
        lock.release()
        with suppress(OSError):
            (folder / LOCK).unlink()


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


class _Progress:
    """How far it is, at most every few seconds: over itself on a terminal, line by line elsewhere."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self.total, self.ended = total, 0
        self._say = say
        self._started = self._said = time.monotonic()

    def one_ended(self, failed: int) -> None:
        self.ended += 1
        now = time.monotonic()
        if self.ended < self.total and now - self._said < SAY_EVERY:
            return
        self._said = now
        left = (now - self._started) / self.ended * (self.total - self.ended)
        failures = f", {failed} failed" if failed else ""
        self._say(f"{self.ended} of {self.total} ended{failures}, about {_duration(left)} left")


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
