"""Work beside the page: one task at a time in a thread, where a newer task cancels the older one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

Checkpoint = Callable[[], None]


class Cancelled(Exception):
    """Ends a task that nobody waits for any more."""


class Background:
    """Runs the newest task; what it has to show is shown by the thread that made this object.

    A task is a function of one argument, a checkpoint: it calls that often, and is ended there, by `Cancelled`, once
    a newer task has come or `stop` was called. It touches widgets only through `show`: in a kernel that hands the
    call to the kernel's event loop, elsewhere it calls at once. What widgets call is wrapped in `answering`, since
    JupyterLab has a thread of its own for them (a subshell). Of all these only one runs at a time.

    Args:
        on_error: called with the exception of a task, or of what was shown or called, so that it can be said where
            the person looks; a kernel would only log it.
    """

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        self._on_error = on_error
        self._page = threading.RLock()
        self._changed = threading.Condition()
        self._pending: Callable[[Checkpoint], None] | None = None
        self._number = 0  # of the newest task; stopping counts as one
        self._running = 0  # the number of the task that runs
        self._ended = 0  # the number of the newest task that has ended
        self._thread: threading.Thread | None = None
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def start(self, task: Callable[[Checkpoint], None]) -> None:
        """Run a task as soon as the one that is running has ended, which it is asked to do."""
        with self._changed:
            self._pending = task
            self._number += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="synthviz explorer", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End the running task at its next checkpoint, and forget one that waits."""
        with self._changed:
            self._pending = None
            self._number += 1
            self._ended = self._number

    @property
    def busy(self) -> bool:
        """Whether there is a task that is still wanted."""
        return self._ended < self._number

    def answering(self, answer: Callable[..., None]) -> Callable[..., None]:
        """What a widget may call in place of `answer`: alone, and with every error said."""

        def answer_alone(*values: Any) -> None:
            with self._page:
                try:
                    answer(*values)
                except Exception as error:  # the kernel would only log it
                    self._on_error(error)

        return answer_alone

    def show(self, update: Callable[..., None], *values: Any) -> None:
        """Call `update` with these values where widgets may be touched, unless the task has been cancelled by then."""
        number = self._running if threading.current_thread() is self._thread else None

        def update_if_wanted() -> None:
            if number is None or number == self._number:
                update(*values)

        update_alone = self.answering(update_if_wanted)

        if self._loop is None:
            update_alone()
        else:
            self._loop.call_soon_threadsafe(update_alone)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing runs; returns whether that came about."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                task, number = self._pending, self._number
                self._running = number
                self._pending = None
                if task is None:
                    self._thread = None
                    self._changed.notify_all()
                    return

            def checkpoint(number: int = number) -> None:
                if number != self._number:
                    raise Cancelled

            failed: Exception | None = None
            try:
                task(checkpoint)
            except Cancelled:
                pass
            except Exception as error:  # said in the explorer, where a thread's traceback would be seen by nobody
                failed = error
            with self._changed:
                self._ended = max(self._ended, number)
            if failed is not None:
                self.show(self._on_error, failed)
