"""private_folders.py: gone after an error, and with the next one after a kill."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from synthviz.runs.private_folders import private_folder, remove_leftovers


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_one_is_gone_after_an_error(temporary):
    with private_folder() as folder:
        assert folder.parent == temporary
        assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(ZeroDivisionError), private_folder():
        raise ZeroDivisionError
    assert os.listdir(temporary) == []


def test_that_of_a_killed_process_goes_with_the_next_and_that_of_a_living_one_stays(temporary):
    hold = (
        "import sys, time\nfrom synthviz.runs.private_folders import private_folder\nwith private_folder() as folder:\n"
    )
    hold += "    (folder / 'kernel.json').touch()\n    print(folder, flush=True)\n    time.sleep(600)"
    command = [sys.executable, "-c", hold]
    environment = {**os.environ, "TMPDIR": str(temporary)}
    holders = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    folders = [Path(holder.stdout.readline().strip()) for holder in holders]
    holders[0].kill()
    holders[0].wait()
    assert folders[0].exists()
    with private_folder():
        assert [folder.exists() for folder in folders] == [False, True]
    holders[1].kill()
    holders[1].communicate()
    remove_leftovers()
    assert os.listdir(temporary) == []


def test_a_folder_of_somebodys_own_stays(temporary):
    for name in ("synthviz-first", "synthviz-private-notes"):
        (temporary / name).mkdir()
        (temporary / name / ".lock").touch()  # as a sweep's folder has
    remove_leftovers()
    assert sorted(os.listdir(temporary)) == ["synthviz-first", "synthviz-private-notes"]
