"""The folder of a sweep: only one process at a time uses it, in whatever order processes start and end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.folder import locked_folder

TAKE_TURNS = """
import os, sys, time
from pathlib import Path
from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.folder import locked_folder

folder, held = Path(sys.argv[1]), Path(sys.argv[2])
entered, end = 0, time.monotonic() + 3
while time.monotonic() < end:
    try:
        with locked_folder(folder):
            os.close(os.open(held, os.O_CREAT | os.O_EXCL))  # raises where another process is inside
            held.unlink()
            entered += 1
    except RunError as error:
        assert "another sweep is using" in str(error), error
print(entered)
"""


def test_two_processes_never_lock_it_at_once(tmp_path):
    command = [sys.executable, "-c", TAKE_TURNS, str(tmp_path / "out"), str(tmp_path / "held")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [errors for _, errors in outputs] == ["", ""]
    assert all(int(entered) > 20 for entered, _ in outputs)
    assert sorted(os.listdir(tmp_path / "out")) == ["failures", "runs"]


def test_it_is_unlocked_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), locked_folder(tmp_path):
        raise ZeroDivisionError
    with locked_folder(tmp_path), pytest.raises(RunError, match="another sweep"), locked_folder(tmp_path):
        pass
    assert sorted(os.listdir(tmp_path)) == ["failures", "runs"]
