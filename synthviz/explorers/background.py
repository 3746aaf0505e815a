"""Background work for explorers: one task at a time in a thread; a newer task cancels the older one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

Checkpoint = Callable[[], None]


class Cancelled(Exception):
    """Raised at a checkpoint of a task that was stopped or replaced by a newer one."""


class Background:
    """Runs the newest task in a thread; updates of widgets run in the thread that created this object.

    A task is a function with one argument, a checkpoint. The task calls the checkpoint often; the checkpoint raises
    `Cancelled` once a newer task was started or `stop` was called. A task changes widgets only through `show`: in a
    kernel, `show` passes the update to the kernel's event loop; elsewhere it runs the update at once. Callbacks of
    widgets are wrapped by `guarded`, because JupyterLab calls them in another thread (a subshell). Updates and
    callbacks never run at the same time.

    Args:
        on_error: called with the exception of a task, an update or a callback, so that the explorer can show it; a
            kernel would only log it.
    """

    def __init__(self, on_error: Callable[[Exception], None]) -> None:
        self._on_error = on_error
        self._widgets = threading.RLock()
        self._changed = threading.Condition()
        self._pending: Callable[[Checkpoint], None] | None = None
        self._newest = 0  # number of the newest task; `stop` takes a number too
        self._running = 0  # number of the running task
        self._ended = 0  # number of the newest task that has ended
        self._thread: threading.Thread | None = None
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None

    def start(self, task: Callable[[Checkpoint], None]) -> None:
        """Cancel the running task, and run this one when the running task has ended."""
        with self._changed:
            self._pending = task
            self._newest += 1
            if self._thread is None:
                self._thread = threading.Thread(target=self._run_tasks, name="synthviz explorer", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Cancel the running task and drop a waiting one."""
        with self._changed:
            self._pending = None
            self._newest += 1
            self._ended = self._newest

    @property
    def busy(self) -> bool:
        """Whether a task runs or waits and was not cancelled."""
        return self._ended < self._newest

    def guarded(self, function: Callable[..., None]) -> Callable[..., None]:
        """Wrap an update or a widget's callback: nothing else touches widgets meanwhile, and errors are reported."""

        def run(*values: Any) -> None:
            with self._widgets:
                try:
                    function(*values)
                except Exception as error:  # the kernel would only log it
                    self._on_error(error)

        return run

    def show(self, update: Callable[..., None], *values: Any) -> None:
        """Call `update` with these values in the thread of the widgets; skip it if the task is cancelled by then."""
        number = self._running if threading.current_thread() is self._thread else None

        def update_unless_cancelled() -> None:
            if number is None or number == self._newest:
                update(*values)

        guarded_update = self.guarded(update_unless_cancelled)
        if self._loop is None:
            guarded_update()
        else:
            self._loop.call_soon_threadsafe(guarded_update)

    def wait(self, seconds: float) -> bool:
        """Wait until no task runs; return False if that takes longer than `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._thread is None, seconds)

    def _run_tasks(self) -> None:
        """Run pending tasks until there are none; the body of the thread."""
        while True:
            with self._changed:
                task, number = self._pending, self._newest
                self._running = number
                self._pending = None
                if task is None:
                    self._thread = None
                    self._changed.notify_all()
                    return
            error = self._run(task, number)
            with self._changed:
                self._ended = max(self._ended, number)
            if error is not None:
                self.show(self._on_error, error)

    def _run(self, task: Callable[[Checkpoint], None], number: int) -> Exception | None:
        """Run one task; return its error, if it raised one."""

        def checkpoint() -> None:
            if number != self._newest:
                raise Cancelled

        try:
            task(checkpoint)
        except Cancelled:
            return None
        except Exception as error:  # the explorer shows it; nobody would see the traceback of a thread
            return error
        return None
