"""The process in which a run is done: it dies at a limit and with the process that started it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict

import nbformat
import psutil
import pytest
from small_notebooks import write_notebook, write_notebooks

from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import CellError, LimitExceeded, RunError
from synthviz.runs.limits import Limits
from synthviz.runs.notebook import store_unfinished
from synthviz.runs.run_process import RunProcess, Task, do, run_within

FIRST = NOTEBOOKS[:1]


@pytest.fixture
def notebooks(tmp_path):
    return write_notebooks(tmp_path / "notebooks")


@pytest.fixture
def task(tmp_path, notebooks):
    return Task(str(tmp_path / "out"), (("seed", "7"),), str(notebooks), FIRST, threads=1)


@pytest.fixture
def process():
    process = RunProcess()
    yield process
    process.kill()


def in_a_minute() -> float:
    return time.monotonic() + 60


def test_one_process_does_one_task_after_the_other(process, task, tmp_path):
    for _ in range(2):
        finished = process.do(task, Limits(), in_a_minute())
        assert finished.files == ("generated_image_7.png", "01_generation.ipynb", "manifest.json")
    assert json.loads((tmp_path / "out" / "manifest.json").read_text()) == finished.manifest


def test_errors_and_log_lines_are_those_of_the_run(process, task, notebooks, caplog):
    caplog.set_level("INFO", logger="synthviz")
    write_notebook(notebooks / f"{FIRST[0]}.ipynb", "raise ValueError('no such colour')")
    with pytest.raises(CellError, match="ValueError: no such colour") as error:
        process.do(task, Limits(), in_a_minute())
    assert (error.value.cell, error.value.source) == (3, "raise ValueError('no such colour')")
    assert ("synthviz.runs.chain", 20, "[1/1] 01_generation …") in caplog.record_tuples
    assert process.alive()


def test_at_the_deadline_it_dies_even_if_no_kernel_is_to_blame(process, task, notebooks):
    """A pipe that nobody writes to blocks the process itself, before it starts a kernel."""
    for name in FIRST:
        (notebooks / f"{name}.ipynb").unlink()
        os.mkfifo(notebooks / f"{name}.ipynb")
    with pytest.raises(LimitExceeded, match=r"more than 0\.02 minutes"):
        process.do(task, Limits(minutes=0.02), time.monotonic() + 1.2)
    assert not process.alive()


def test_a_chain_that_takes_too_long_is_ended_and_leaves_nothing_half_written(notebooks, tmp_path):
    out = tmp_path / "out"
    write = "open('.unfinished-picture.png', 'wb').write(b'half')"
    write_notebook(notebooks / f"{NOTEBOOKS[1]}.ipynb", f"{write}\nimport time; time.sleep(600)")
    others = set(psutil.Process().children(recursive=True))  # of earlier tests
    started = time.monotonic()
    with pytest.raises(LimitExceeded, match=r"more than 0\.15 minutes .*; .* 02_preprocessing\.failed\.ipynb"):
        run_within(Limits(minutes=0.15), out, (), notebooks)
    assert time.monotonic() - started < 30
    assert sorted(os.listdir(out)) == ["01_generation.ipynb", "02_preprocessing.failed.ipynb", "generated_image_0.png"]
    nbformat.validate(nbformat.read(out / "02_preprocessing.failed.ipynb", as_version=4))
    assert set(psutil.Process().children(recursive=True)) <= others


def test_a_notebook_that_is_cut_off_is_removed(tmp_path):
    (tmp_path / f".unfinished-{FIRST[0]}.ipynb").write_text('{"cells": [')
    assert store_unfinished(tmp_path, FIRST) is None
    assert os.listdir(tmp_path) == []


def test_a_process_that_dies_is_an_error(process, task):
    psutil.Process(process._process.pid).kill()
    with pytest.raises(RunError, match="ended with status"):
        process.do(task, Limits(), in_a_minute())


def test_a_process_that_cannot_be_started_is_an_error(monkeypatch):
    monkeypatch.setattr("sys.executable", "no-python")
    with pytest.raises(RunError, match="cannot start a process"):
        RunProcess()


def test_it_ends_with_the_process_that_started_it_in_the_middle_of_a_run(task, notebooks, tmp_path):
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", "import time; time.sleep(600)")
    text = json.dumps({**asdict(task), "temporary": str(tmp_path)})
    command = [sys.executable, "-m", "synthviz.runs.run_process"]
    started = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    started.stdin.write(f"{text}\n")
    started.stdin.flush()
    end = time.monotonic() + 60
    while not (kernels := psutil.Process(started.pid).children()) and time.monotonic() < end:
        time.sleep(0.1)
    started.stdin.close()
    assert started.wait(20) == 0
    assert psutil.wait_procs(kernels, timeout=20)[1] == []


def test_no_progress_bar_is_shown_if_none_is_wanted(task, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("papermill.execute_notebook", lambda *paths, **options: asked.append(options["progress_bar"]))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("tempfile.tempdir", None)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    answer = do({**asdict(task), "threads": 0, "progress": False, "temporary": str(tmp_path)})
    assert (asked, answer["error"]) == ([False], "RunError")
