"""Hand the runs of a sweep out to the workers of a cluster, and collect how each run ends."""

from __future__ import annotations

import itertools
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any

from synthviz.runs.errors import RunError, WorkerUnfit
from synthviz.runs.sweeps.failures import describe_failure
from synthviz.runs.sweeps.folder import RUNS, UNFINISHED, store_failure, verified_manifest
from synthviz.runs.sweeps.plan import PlannedRun
from synthviz.runs.sweeps.report import FAILED, Report
from synthviz.runs.sweeps.run_on_worker import Orders, Outcome
from synthviz.runs.sweeps.workers import GO_ON, Workers

if TYPE_CHECKING:
    from distributed import Client, Future

logger = logging.getLogger(__name__)

CHECK_EVERY = 5.0  # seconds between two checks of which workers are connected
LOG_EVERY = 5.0  # seconds between two lines of progress
LEAST_SUBMITTED = 64  # runs that the scheduler knows at a time; a plan may hold a hundred thousand
# Minutes without the end of any run, besides the longest time of a run, which Dask starts up to four times if its
# workers die; in these minutes a cluster may start.
MARGIN = 10.0
SCHEDULER_LOST = f"the scheduler went away; {GO_ON}"
Work = Callable[[PlannedRun, Orders], Outcome]


@dataclass(frozen=True)
class _Submitted:
    """A run that the scheduler has.

    Attributes:
        run: the run.
        future: Dask's future; the scheduler forgets the run if nobody keeps it.
        workers: the addresses of the workers that may do the run; None for all.
    """

    run: PlannedRun
    future: Future[Outcome]
    workers: frozenset[str] | None


class Dispatcher:
    """Hands runs out to a cluster, a few at a time, and adds the result of each to the report.

    Args:
        client: the cluster's client.
        orders: the sweep's settings.
        report: the sweep's report.
        work: the function that does one run on a worker.

    Raises:
        RunError: if one of the workers cannot do the runs.
    """

    def __init__(self, client: Client, orders: Orders, report: Report, work: Work) -> None:
        self._client, self._orders, self._report, self._work = client, orders, report, work
        self._workers = Workers(client, orders)
        self._submitted: dict[str, _Submitted] = {}  # by the future's key
        self._ended: SimpleQueue[Future[Outcome]] = SimpleQueue()
        self._longest_silence = 60 * (4 * orders.limits.minutes + MARGIN)  # seconds
        self._last_ended = time.monotonic()
        self._check_at = self._last_ended + CHECK_EVERY

    def work_through(self, runs: Sequence[PlannedRun]) -> None:
        """Have the cluster do all these runs.

        Raises:
            RunError: if the scheduler is lost, no worker is left that can do a run, or no run ends any more.
        """
        progress = _Progress(len(runs))
        waiting = iter(runs)
        for run in itertools.islice(waiting, max(LEAST_SUBMITTED, 4 * sum(self._client.nthreads().values()))):
            self._submit(run)
        while self._submitted:
            if time.monotonic() >= self._check_at:
                self._check_workers()
            ended = self._next_ended()
            if ended is not None and self._collect(ended):
                self._last_ended = time.monotonic()
                progress.run_ended(self._report.counts[FAILED])
                for run in itertools.islice(waiting, 1):
                    self._submit(run)

    def _submit(self, run: PlannedRun) -> None:
        """Give a run to the scheduler, for the workers that are fit."""
        key = f"synthviz-{run.key}-{uuid.uuid4().hex[:8]}"
        fit = self._workers.fit
        future = self._client.submit(
            self._work, run, self._orders, key=key, pure=False, workers=None if fit is None else sorted(fit)
        )
        self._submitted[key] = _Submitted(run, future, fit)
        future.add_done_callback(self._ended.put)

    def _check_workers(self) -> None:
        """Submit runs again that no connected worker may do; raise an error if no run ends any more."""
        silence = time.monotonic() - self._last_ended
        if silence > self._longest_silence:
            raise RunError(f"no run has ended for {silence / 60:.0f} minutes, as if all workers hang; {GO_ON}")
        present = self._workers.present()
        for key, submitted in list(self._submitted.items()):
            if present and submitted.workers is not None and not submitted.workers & present:
                del self._submitted[key]
                self._submit(submitted.run)
        self._check_at = time.monotonic() + CHECK_EVERY

    def _next_ended(self) -> _Submitted | None:
        """Wait for the next run to end; None if none ends before the next check, or if it was submitted again."""
        try:
            future = self._ended.get(timeout=max(0.0, self._check_at - time.monotonic()))
        except Empty:
            return None
        return self._submitted.pop(str(future.key), None)

    def _collect(self, ended: _Submitted) -> bool:
        """Add the result of a run to the report, or submit the run again if its worker has refused it.

        Returns:
            Whether the run has a result.
        """
        if ended.future.cancelled():
            raise RunError(SCHEDULER_LOST)
        if isinstance(ended.future.exception(), WorkerUnfit):
            if ended.workers == self._workers.fit:
                self._workers.exclude_unfit()
            self._submit(ended.run)
            return False
        result = _result(ended.future, ended.run, Path(self._orders.output_dir))
        if "error" in result:
            logger.warning("Failed: %s: %s", ended.run.key, result["error"])
        self._report.add(ended.run.key, result)
        self._report.write_if_due()
        return True


def _result(future: Future[Outcome], run: PlannedRun, output_dir: Path) -> dict[str, Any]:
    """Return a run's manifest, or its failure; a run that killed its workers has failed too."""
    error = future.exception()
    if error is not None:
        failure = describe_failure(RunError(f"its workers died: {error}"), run) | {"kind": "worker"}
    else:
        outcome = future.result()
        if outcome.failure is not None:
            return outcome.failure
        manifest = verified_manifest(output_dir / RUNS / run.key)
        if manifest is not None:
            return manifest
        failure = describe_failure(RunError("the worker reports it as done, but its files do not verify"), run)
    with suppress(OSError):  # on a full disk the report still shows the failure
        store_failure(output_dir / UNFINISHED / f"{run.key}-{uuid.uuid4().hex[:8]}", output_dir, failure)
    return failure


class _Progress:
    """Logs how many runs have ended, at most every few seconds.

    Args:
        total: the number of runs.
    """

    def __init__(self, total: int) -> None:
        self._total, self._ended = total, 0
        self._started = self._logged = time.monotonic()

    def run_ended(self, failed: int) -> None:
        """Count a run.

        Args:
            failed: how many runs have failed so far.
        """
        self._ended += 1
        now = time.monotonic()
        if self._ended < self._total and now - self._logged < LOG_EVERY:
            return
        self._logged = now
        left = _duration((now - self._started) / self._ended * (self._total - self._ended))
        failures = f", {failed} failed" if failed else ""
        logger.info("%d of %d ended%s, about %s left", self._ended, self._total, failures, left)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
