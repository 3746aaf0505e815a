"""The process in which a worker does its runs; at a limit it is killed, with all that it has started.

Killing only the kernel would not do: whatever waits for the kernel could wait for ever. The process does one run after
the other, because importing papermill takes longer than a small run. It ends when its worker does.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from synthviz.runs.chain import run_notebooks
from synthviz.runs.errors import LimitExceeded, RunError
from synthviz.runs.kernel import private_folder
from synthviz.runs.sweeps.failures import describe_failure
from synthviz.runs.sweeps.limits import Limits, exceeded_limit
from synthviz.runs.sweeps.plan import PlannedRun

CHECK_EVERY = 0.25  # seconds between two checks of the limits
THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@dataclass(frozen=True)
class Task:
    """What the process does next; everything in it can be written as JSON.

    Attributes:
        run: the run.
        folder: the output folder of the run.
        notebooks: the names of its notebooks, in their order.
        notebooks_dir: their folder.
        threads: the number of threads of each kernel; 0 changes nothing.
    """

    run: PlannedRun
    folder: str
    notebooks: tuple[str, ...]
    notebooks_dir: str
    threads: int


class RunProcess:
    """A process that does one task after the other."""

    def __init__(self) -> None:
        # In a session of its own, Ctrl-C on the terminal does not reach it.
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="synthviz answers", daemon=True)
        self._reader.start()

    def alive(self) -> bool:
        """Whether the process can do a task."""
        return self._process.poll() is None

    def do(self, task: Task, temporary: Path, limits: Limits, deadline: float) -> dict[str, Any] | None:
        """Do a task.

        Args:
            task: the task.
            temporary: the folder for the task's temporary files.
            limits: the limits of the run.
            deadline: when the run must have ended, by `time.monotonic`.

        Returns:
            The run's failure; None if it is finished.

        Raises:
            LimitExceeded: if a limit is exceeded; the process has been killed then.
            RunError: if the process has died.
        """
        assert self._process.stdin is not None
        with suppress(OSError):  # it has died
            self._process.stdin.write(json.dumps({**asdict(task), "temporary": str(temporary)}) + "\n")
            self._process.stdin.flush()
        while True:
            with suppress(queue.Empty):
                answer = self._answers.get(timeout=CHECK_EVERY)
                if not answer:
                    self.kill()
                    raise RunError(f"the process of the run ended with status {self._process.returncode}")
                failure: dict[str, Any] | None = json.loads(answer)
                return failure
            exceeded = exceeded_limit(limits, deadline, self._started())
            if exceeded is not None:
                self.kill()
                raise LimitExceeded(f"{exceeded} and was ended")

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
        found: list[psutil.Process] = []
        with suppress(psutil.Error):
            found += psutil.Process(self._process.pid).children(recursive=True)
        return found

    def _read(self) -> None:
        """Collect the answers; an empty one means that the process has died."""
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")


_processes: list[RunProcess] = []  # none or one; a worker does one run at a time


def do_in_own_process(task: Task, limits: Limits, deadline: float) -> dict[str, Any] | None:
    """Do a task in this worker's process for runs; the arguments and errors are those of `RunProcess.do`."""
    if _processes and not _processes[0].alive():
        _processes.pop().kill()
    if not _processes:
        _processes.append(RunProcess())
    with private_folder(levels=1) as temporary:
        return _processes[0].do(task, temporary, limits, deadline)


def main() -> None:
    """Do the tasks on stdin, one per line, until stdin is closed, which it is when the worker ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a library prints is no answer
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read_tasks, args=(tasks,), daemon=True).start()
    while True:
        answers.write(json.dumps(do(json.loads(tasks.get()))) + "\n")
        answers.flush()


def _read_tasks(tasks: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        tasks.put(line)
    os._exit(0)  # in the middle of a run; its kernel notices, and ends too


def do(task: dict[str, Any]) -> dict[str, Any] | None:
    """Do one task in this process; return the run's failure, or None.

    Args:
        task: the content of a `Task`, and "temporary", the folder for temporary files.
    """
    os.environ["TMPDIR"] = tempfile.tempdir = task["temporary"]
    if task["threads"]:
        os.environ.update(dict.fromkeys(THREAD_SETTINGS, str(task["threads"])))
    run = PlannedRun(**task["run"])
    given = [(name, str(value)) for name, value in run.parameters.items()]
    try:
        run_notebooks(
            task["folder"], given, Path(task["notebooks_dir"]), task["notebooks"], lessons=False, progress=False
        )
    except Exception as error:  # the failure of a run, whatever it is
        return describe_failure(error, run)
    return None


if __name__ == "__main__":
    main()
