"""Find out which workers of a cluster can do the runs of a sweep, and whether any is left."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.run_on_worker import Orders, check_worker

if TYPE_CHECKING:
    from distributed import Client

logger = logging.getLogger(__name__)

GO_ON = "finished runs are kept, the same command goes on with the rest"
PATIENCE = 15.0  # seconds without any worker before a warning; a nanny needs a few to start a new worker
WARN_AGAIN = 60.0  # seconds
LONGEST_WAIT = 600.0  # seconds without any worker before the sweep ends


class Workers:
    """The workers of a cluster; each is asked whether it can do the runs of a sweep.

    Args:
        client: the cluster's client.
        orders: the sweep's settings.

    Attributes:
        fit: the addresses of the workers that get runs; None for all, including those that join later.

    Raises:
        RunError: if one of the first workers cannot do the runs.
    """

    def __init__(self, client: Client, orders: Orders) -> None:
        self.fit: frozenset[str] | None = None
        self._client, self._orders = client, orders
        self._known: set[str] = set()
        self._reported: set[str] = set()
        self._seen = time.monotonic()  # when there was a worker
        self._warn_at = self._seen + PATIENCE  # when to warn that there is none
        problems = self._check()
        if problems:
            raise RunError("; ".join(sorted(set(problems.values()))))

    def exclude_unfit(self) -> None:
        """Check all workers again, after a worker that joined later has refused a run.

        Raises:
            RunError: if no worker is left that can do a run.
        """
        problems = self._check()
        for problem in sorted(set(problems.values()) - self._reported):
            logger.warning("A worker gets no runs: %s", problem)
            self._reported.add(problem)
        if problems and self._known == set(problems):
            reasons = "; ".join(sorted(set(problems.values())))
            raise RunError(f"no worker is left that can do a run: {reasons}; finished runs are kept")
        self.fit = frozenset(self._known - set(problems)) if problems else None

    def present(self) -> frozenset[str]:
        """Return the addresses of the connected workers; warn if there have been none for some time.

        Raises:
            RunError: if there are workers, but none can do a run, or if there has been none for too long.
        """
        present = frozenset(self._client.nthreads())
        now = time.monotonic()
        if present:
            self._seen, self._warn_at = now, now + PATIENCE
        elif now - self._seen > LONGEST_WAIT:
            raise RunError(f"there has been no worker for {now - self._seen:.0f} s; {GO_ON}")
        elif now >= self._warn_at:
            logger.warning("There is no worker; waiting for one. Ctrl-C stops the sweep, and finished runs are kept.")
            self._warn_at = now + WARN_AGAIN
        if self.fit is not None and present - self._known:
            self.exclude_unfit()
        return present

    def _check(self) -> dict[str, str]:
        """Return the problem of each worker that cannot do the runs, by address."""
        answers = self._client.run(check_worker, self._orders, on_error="return")
        self._known = set(answers)
        return {
            address: " ".join(str(answer).split()) or type(answer).__name__
            for address, answer in answers.items()
            if isinstance(answer, Exception)
        }
