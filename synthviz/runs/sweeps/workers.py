"""Which of a cluster's workers can do the runs of a sweep, and whether any is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.run_on_worker import Orders, check_worker

if TYPE_CHECKING:
    from distributed import Client

PATIENCE = 15.0  # seconds without any worker before that is said; a nanny needs a few for another one
SAY_AGAIN = 60.0  # seconds


class Workers:
    """A cluster's workers, each of them asked whether it can do a sweep's runs.

    Args:
        client: of the cluster.
        orders: the sweep's.
        say: where lines for the person go.

    Attributes:
        fit: the addresses of those that get runs; None while every worker does, those that come later too.

    Raises:
        RunError: if one cannot.
    """

    def __init__(self, client: Client, orders: Orders, say: Callable[[str], None]) -> None:
        self.fit: frozenset[str] | None = None
        self._client, self._orders, self._say = client, orders, say
        self._known: set[str] = set()
        self._said: set[str] = set()
        self._say_alone_at: float | None = None
        problems = self._ask()
        if problems:
            raise RunError("; ".join(sorted(set(problems.values()))))

    def leave_out_unfit(self) -> None:
        """Ask all of them again, after one that came later has refused a run.

        Raises:
            RunError: if none is left that can do it.
        """
        problems = self._ask()
        for problem in sorted(set(problems.values()) - self._said):
            self._say(f"A worker gets no runs: {problem}")
            self._said.add(problem)
        if problems and self._known == set(problems):
            reasons = "; ".join(sorted(set(problems.values())))
            raise RunError(f"no worker is left that can do a run: {reasons}; what is done is kept")
        self.fit = frozenset(self._known - set(problems)) if problems else None

    def look(self) -> frozenset[str]:
        """The addresses of those that are there; that there have been none for some time is said now and then.

        Raises:
            RunError: if there are some, but none of them can do a run.
        """
        present = frozenset(self._client.nthreads())
        now = time.monotonic()
        if present:
            self._say_alone_at = None
        elif self._say_alone_at is None:
            self._say_alone_at = now + PATIENCE
        elif now >= self._say_alone_at:
            self._say("There is no worker; waiting for one. Ctrl-C stops the sweep, and what is done is kept.")
            self._say_alone_at = now + SAY_AGAIN
        if self.fit is not None and present - self._known:
            self.leave_out_unfit()
        return present

    def _ask(self) -> dict[str, str]:
        """What keeps workers from doing runs, by address."""
        answers = self._client.run(check_worker, self._orders, on_error="return")
        self._known = set(answers)
        return {
            address: " ".join(str(answer).split()) or type(answer).__name__
            for address, answer in answers.items()
            if isinstance(answer, Exception)
        }
