"""A sweep's folder: kept by one process at a time, whatever the order in which they come and go."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.folder import folder_kept

TAKE_TURNS = """
import os, sys, time
from pathlib import Path
from synthviz.runs.errors import RunError
from synthviz.runs.sweeps.folder import folder_kept

folder, held = Path(sys.argv[1]), Path(sys.argv[2])
kept, end = 0, time.monotonic() + 3
while time.monotonic() < end:
    try:
        with folder_kept(folder):
            os.close(os.open(held, os.O_CREAT | os.O_EXCL))  # raises where another process is inside
            held.unlink()
            kept += 1
    except RunError as error:
        assert "another sweep is using" in str(error), error
print(kept)
"""


def test_two_processes_never_keep_it_at_once(tmp_path):
    command = [sys.executable, "-c", TAKE_TURNS, str(tmp_path / "out"), str(tmp_path / "held")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [process.communicate(timeout=60) for process in both]
    assert [errors for _, errors in said] == ["", ""]
    assert all(int(kept) > 20 for kept, _ in said)
    assert sorted(os.listdir(tmp_path / "out")) == ["failures", "runs"]


def test_it_is_let_go_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), folder_kept(tmp_path):
        raise ZeroDivisionError
    with folder_kept(tmp_path), pytest.raises(RunError, match="another sweep is using"), folder_kept(tmp_path):
        pass
    assert sorted(os.listdir(tmp_path)) == ["failures", "runs"]
