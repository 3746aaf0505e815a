"""Run a sweep on Dask: what is done already is left alone, what fails is told, what was interrupted goes on."""

from __future__ import annotations

import itertools
import shutil
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from synthviz.files import write_text
from synthviz.runs.errors import RunError
from synthviz.runs.private_folders import remove_leftovers
from synthviz.runs.sweeps.cluster import ClusterSettings, connected
from synthviz.runs.sweeps.folder import folder_kept
from synthviz.runs.sweeps.plan import PlannedRun, SweepPlan
from synthviz.runs.sweeps.report import DONE, FAILED, Report
from synthviz.runs.sweeps.run_on_worker import (
    RUNS,
    TOKEN,
    UNFINISHED,
    Orders,
    Outcome,
    WorkerUnfit,
    describe_failure,
    execute_run,
    keep_failure,
    verified_manifest,
)
from synthviz.runs.sweeps.workers import Workers

if TYPE_CHECKING:
    from distributed import Client

SAY_EVERY = 5.0  # seconds
LOOK_EVERY = 5.0  # seconds between two looks at which workers are there
LEAST_IN_FLIGHT = 64  # runs that the scheduler knows of at a time; the plan may hold a hundred thousand
LOST = "the scheduler went away; what is done is kept, the same command goes on with the rest"
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


@dataclass(frozen=True)
class _HandedOut:
    """A run that the scheduler has, as a future, which must be kept, and the workers it may go to; None for all."""

    run: PlannedRun
    future: Any
    to: frozenset[str] | None


def find_done(plan: SweepPlan, folder: Path) -> dict[str, dict[str, Any]]:
    """The manifests of the runs that are there, whole and unchanged, by key."""
    found = {}
    for run in plan.runs:
        manifest = verified_manifest(folder / RUNS / run.key)
        if manifest is not None:
            found[run.key] = manifest
    return found


def describe_plan(plan: SweepPlan, output_dir: str | Path | None = None) -> str:
    """What a sweep would do: a line for each run, done in this folder already or not, and a sum."""
    if output_dir is None:
        return "\n".join([*(f"{run.key}  {run.parameters}" for run in plan.runs), f"{_count(plan)}."])
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
    with folder_kept(folder):
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
                with connected(cluster, say) as (client, share):
                    limits = replace(plan.limits, memory_gb=plan.limits.memory_gb or share.memory_gb)
                    orders = Orders(str(folder), token, plan.notebooks, plan.sources, limits, share.threads, where)
                    _work_through(client, todo, orders, report, say, work)
        except OSError as error:
            if error.strerror is None:  # Dask's own, of a connection; the disk's say what they are
                raise RunError(LOST) from error
            raise RunError(f"the sweep's folder {str(folder)!r} cannot be written to: {error.strerror}") from error
        finally:
            remove_leftovers()  # of workers that were killed here
            with suppress(OSError):
                report.write()
        say(f"The pages are in {folder / 'index.html'}, the table in runs.csv.")
        return FinishedSweep(folder, report.counts[DONE], report.counts[FAILED])


def _opening(plan: SweepPlan, done: int, todo: int) -> str:
    return f"{_count(plan)}: {done} done already, {todo} to do."


def _count(plan: SweepPlan) -> str:
    twice = f" ({plan.duplicates} more were the same as others)" if plan.duplicates else ""
    return f"{len(plan.runs)} runs{twice}"


def _work_through(
    client: Client,
    todo: Sequence[PlannedRun],
    orders: Orders,
    report: Report,
    say: Callable[[str], None],
    work: Work,
) -> None:
    """Hand the runs to the cluster, a few at a time, and note how each ends."""
    workers = Workers(client, orders, say)
    progress = _Progress(len(todo), say)
    waiting = iter(todo)
    out: dict[str, _HandedOut] = {}
    ended: SimpleQueue[Any] = SimpleQueue()

    def hand_out(run: PlannedRun) -> None:
        key = f"synthviz-{run.key}-{uuid.uuid4().hex[:8]}"
        fit = None if workers.fit is None else sorted(workers.fit)
        future = client.submit(work, run, orders, key=key, pure=False, workers=fit)
        out[key] = _HandedOut(run, future, workers.fit)
        future.add_done_callback(ended.put)

    for run in itertools.islice(waiting, max(LEAST_IN_FLIGHT, 4 * sum(client.nthreads().values()))):
        hand_out(run)
    look_at = time.monotonic() + LOOK_EVERY
    while out:
        if time.monotonic() >= look_at:
            present = workers.look()
            for key, one in list(out.items()):
                if present and one.to is not None and not one.to & present:  # all who might have done it are gone
                    del out[key]
                    hand_out(one.run)
            look_at = time.monotonic() + LOOK_EVERY
        try:
            future = ended.get(timeout=max(0.0, look_at - time.monotonic()))
        except Empty:
            continue
        if future.key not in out:  # handed out anew
            continue
        one = out.pop(future.key)
        if future.cancelled():
            raise RunError(LOST)
        if isinstance(future.exception(), WorkerUnfit):
            if one.to == workers.fit:
                workers.leave_out_unfit()
            hand_out(one.run)
            continue
        end = _end(future, one.run, Path(orders.output_dir))
        if "error" in end:
            say(f"Failed: {one.run.key}: {end['error']}")
        report.add(one.run.key, end)
        progress.one_ended(report.counts[FAILED])
        report.write_if_due()
        for run in itertools.islice(waiting, 1):
            hand_out(run)


def _end(future: Any, run: PlannedRun, output_dir: Path) -> dict[str, Any]:
    """A run's manifest, or what went wrong in it; one that took its workers down with it has failed too."""
    error = future.exception()
    if error is not None:
        failure = describe_failure(RunError(f"its workers died: {error}"), run) | {"kind": "worker"}
    elif future.result().failure is not None:
        return future.result().failure
    else:
        manifest = verified_manifest(output_dir / RUNS / run.key)
        if manifest is not None:
            return manifest
        failure = describe_failure(RunError("it was done, but its files do not verify"), run)
    with suppress(OSError):  # on a full disk the report still says it
        keep_failure(output_dir / UNFINISHED / f"{run.key}-{uuid.uuid4().hex[:8]}", output_dir, failure)
    return failure


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
