"""The process in which a worker does its runs: it dies at a limit and with its worker, and another one follows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict

import psutil
import pytest
from small_notebooks import write_notebook

from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import LimitExceeded, RunError
from synthviz.runs.sweeps import Limits, PlannedRun
from synthviz.runs.sweeps.run_process import RunProcess, Task, do

FIRST = NOTEBOOKS[:1]


@pytest.fixture
def task(tmp_path, notebooks):
    (tmp_path / "out").mkdir()
    return Task(PlannedRun("0123456789abcdef", {"seed": 7}), str(tmp_path / "out"), FIRST, str(notebooks), 1)


@pytest.fixture
def process():
    process = RunProcess()
    yield process
    process.kill()


def in_a_minute() -> float:
    return time.monotonic() + 60


def test_one_process_does_one_task_after_the_other(process, task, tmp_path):
    for _ in range(2):
        assert process.do(task, tmp_path, Limits(), in_a_minute()) is None
    assert (tmp_path / "out" / "manifest.json").exists()


def test_at_the_deadline_it_dies_even_if_no_kernel_is_to_blame(process, task, tmp_path):
    """A pipe that nobody writes to blocks the process itself, before it starts a kernel."""
    for name in FIRST:
        (tmp_path / "notebooks" / f"{name}.ipynb").unlink()
        os.mkfifo(tmp_path / "notebooks" / f"{name}.ipynb")
    with pytest.raises(LimitExceeded, match=r"more than 0\.02 minutes"):
        process.do(task, tmp_path, Limits(minutes=0.02), time.monotonic() + 1.2)
    assert not process.alive()


def test_a_process_that_dies_is_an_error(process, task, tmp_path):
    psutil.Process(process._process.pid).kill()
    with pytest.raises(RunError, match="ended with status"):
        process.do(task, tmp_path, Limits(), in_a_minute())


def test_it_ends_with_its_worker_in_the_middle_of_a_run(task, notebooks, tmp_path):
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", "import time; time.sleep(600)")
    text = json.dumps({**asdict(task), "temporary": str(tmp_path)})
    command = [sys.executable, "-m", "synthviz.runs.sweeps.run_process"]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    started.stdin.write(f"{text}\n")
    started.stdin.flush()
    end = time.monotonic() + 60
    while not (kernels := psutil.Process(started.pid).children()) and time.monotonic() < end:
        time.sleep(0.1)
    started.stdin.close()
    assert started.wait(20) == 0
    assert psutil.wait_procs(kernels, timeout=20)[1] == []


def test_a_sweep_shows_no_progress_bar_of_its_notebooks(task, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("papermill.execute_notebook", lambda *paths, **options: asked.append(options["progress_bar"]))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    failure = do({**asdict(task), "threads": 0, "temporary": str(tmp_path)})
    assert (asked, failure["kind"]) == ([False], "kernel")
