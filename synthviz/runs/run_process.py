"""The process in which a run is done; at a limit it is killed, with all that it has started.

Killing only the kernel would not do: whatever waits for the kernel could wait for ever. The process can do one run
after the other, because importing papermill takes longer than a small run. It ends when the process that started it
does.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from synthviz.files import user_path
from synthviz.runs.chain import NOTEBOOKS, FinishedRun, notebooks_folder, run_notebooks
from synthviz.runs.errors import CellError, LimitExceeded, RunError
from synthviz.runs.kernel import private_folder
from synthviz.runs.limits import Limits, exceeded_limit
from synthviz.runs.notebook import store_unfinished

CHECK_EVERY = 0.25  # seconds between two checks of the limits
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
ERRORS = {kind.__name__: kind for kind in (CellError, RunError)}


@dataclass(frozen=True)
class Task:
    """What the process does next; everything in it can be written as JSON.

    Attributes:
        output_dir: the output folder of the run.
        parameters: (name, value as text) pairs.
        notebooks_dir: the folder of the notebooks.
        notebooks: their names, in their order.
        threads: the number of threads of each kernel; 0 changes nothing.
        lessons, progress: as for `run_notebooks`.
    """

    output_dir: str
    parameters: tuple[tuple[str, str], ...]
    notebooks_dir: str
    notebooks: tuple[str, ...]
    threads: int = 0
    lessons: bool = True
    progress: bool = True


class RunProcess:
    """A process that does one task after the other.

    Raises:
        RunError: if it cannot be started.
    """

    def __init__(self) -> None:
        try:
            # In a session of its own, Ctrl-C on the terminal does not reach it.
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
                start_new_session=True,
            )
        except OSError as error:
            raise RunError(f"this machine cannot start a process for the run: {error.strerror}") from error
        self._last_started: list[psutil.Process] = []
        self._messages: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="synthviz messages", daemon=True)
        self._reader.start()

    def alive(self) -> bool:
        """Whether the process can do a task."""
        return self._process.poll() is None

    def do(self, task: Task, limits: Limits, deadline: float) -> FinishedRun:
        """Do a task; its log lines are logged here.

        Args:
            task: the task.
            limits: the limits of the run.
            deadline: when the run must have ended, by `time.monotonic`.

        Raises:
            LimitExceeded: if a limit is exceeded; the process has been killed then.
            RunError, OSError: if the run fails, or the process has died.
        """
        assert self._process.stdin is not None
        try:
            with private_folder(levels=1) as temporary:
                with suppress(OSError):  # it has died
                    self._process.stdin.write(json.dumps({**asdict(task), "temporary": str(temporary)}) + "\n")
                    self._process.stdin.flush()
                answer = self._wait_for_answer(limits, deadline)
        except BaseException as error:
            self.kill()
            stored = store_unfinished(user_path(task.output_dir), task.notebooks)
            if isinstance(error, LimitExceeded) and stored is not None:
                raise LimitExceeded(f"{error}; its last notebook so far is {stored}") from None
            raise
        if "error" in answer:
            raise ERRORS.get(answer["error"], OSError)(*answer["arguments"])
        return FinishedRun(Path(answer["folder"]), tuple(answer["files"]), answer["manifest"])

    def _wait_for_answer(self, limits: Limits, deadline: float) -> dict[str, Any]:
        while True:
            with suppress(queue.Empty):
                line = self._messages.get(timeout=CHECK_EVERY)
                if not line:
                    raise RunError(f"the process of the run ended with status {self._process.wait()}")
                message: dict[str, Any] = json.loads(line)
                if "log" not in message:
                    return message
                logging.getLogger(message["log"]).log(message["level"], "%s", message["text"])
            exceeded = exceeded_limit(limits, deadline, self._started())
            if exceeded is not None:
                raise LimitExceeded(f"the run {exceeded} and was ended")

    def kill(self) -> None:
        """Kill the process and all that it has started."""
        started = self._started()
        self._process.kill()
        for process in started:
            with suppress(psutil.Error):
                process.kill()
        self._process.wait()
        psutil.wait_procs(started, timeout=10)
        self._reader.join(10)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _started(self) -> list[psutil.Process]:
        """Return what the process has started; once it has died, what it had started when this was last asked."""
        with suppress(psutil.Error):
            self._last_started = psutil.Process(self._process.pid).children(recursive=True) or self._last_started
        return self._last_started

    def _read(self) -> None:
        """Collect the messages; an empty one means that the process has died."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._messages.put(line)
        self._messages.put("")


def run_within(
    limits: Limits,
    output_dir: str | Path,
    parameters: Sequence[tuple[str, str]] = (),
    folder: Path | None = None,
    notebooks: Sequence[str] = NOTEBOOKS,
) -> FinishedRun:
    """Do what `run_notebooks` does, in a process that is killed at a limit, with all that it has started.

    Args:
        limits: the limits of the run; its retries are not used.
        output_dir: as for `run_notebooks`, like the other arguments.
        parameters: (name, value as text) pairs.
        folder: the folder of the notebooks; None finds it.
        notebooks: the names of the notebooks to run, in this order.

    Raises:
        LimitExceeded: if a limit is exceeded; the notebook so far is stored as `NAME.failed.ipynb`.
        RunError, OSError: as `run_notebooks`.
    """
    deadline = time.monotonic() + 60 * limits.minutes
    task = Task(str(output_dir), tuple(parameters), str(folder or notebooks_folder()), tuple(notebooks))
    process = RunProcess()
    try:
        return process.do(task, limits, deadline)
    finally:
        process.kill()


def main() -> None:
    """Do the tasks on stdin, one per line, until stdin is closed, which it is when the process that writes it ends."""
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no message
    _send_log_lines(messages)
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(tasks,), daemon=True).start()
    while True:
        _send(messages, do(json.loads(tasks.get())))


def _send_log_lines(messages: IO[str]) -> None:
    class Sender(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            _send(messages, {"log": record.name, "level": record.levelno, "text": record.getMessage()})

    logger = logging.getLogger("synthviz")
    logger.addHandler(Sender())
    logger.setLevel(logging.INFO)


def _send(messages: IO[str], message: dict[str, Any]) -> None:
    messages.write(json.dumps(message) + "\n")
    messages.flush()


def _read_tasks(tasks: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)  # in the middle of a run; its kernel notices, and ends too


def do(task: dict[str, Any]) -> dict[str, Any]:
    """Do one task in this process.

    Args:
        task: the content of a `Task`, and "temporary", the folder for temporary files.

    Returns:
        The content of a `FinishedRun`; or "error", the type of the error, and its "arguments".
    """
    os.environ["TMPDIR"] = tempfile.tempdir = task.pop("temporary")
    threads = task.pop("threads")
    if threads:
        os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(threads)))
    folder = Path(task.pop("notebooks_dir"))
    try:
        finished = run_notebooks(folder=folder, **task)
    except RunError as error:
        return {"error": type(error).__name__, "arguments": error.args}
    except Exception as error:  # the failure of a run, whatever it is
        return {"error": "OSError", "arguments": [str(error) or type(error).__name__]}
    return {"folder": str(finished.folder), "files": finished.files, "manifest": finished.manifest}


if __name__ == "__main__":
    main()
