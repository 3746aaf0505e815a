"""The kernel of a headless run: this Python, whatever surrounds it, in a private folder that is removed."""

from __future__ import annotations

import gc
import json
import os
import socket
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
import zmq
from small_notebooks import write_notebook

from synthviz.runs.errors import CellError, RunError
from synthviz.runs.kernel import holds_sockets, private_folder, short_temporary_folder
from synthviz.runs.notebook import execute

pytestmark = pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="Windows has no such sockets")
WHERE = "import os\nfrom ipykernel import get_connection_file\nfolder = os.path.dirname(get_connection_file())\n"
WHERE += "print(folder, os.stat(folder).st_mode & 0o077)"


@pytest.fixture
def run(tmp_path):
    """Execute a cell in a folder, and return what it printed."""

    def run(cell: str, folder: str = "out") -> str:
        write_notebook(tmp_path / "small.ipynb", cell)
        (tmp_path / folder).mkdir(exist_ok=True)
        (output,) = execute(tmp_path / "small.ipynb", tmp_path / folder, {})[-1].outputs
        return output.text.strip()

    return run


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """A temporary folder that is too deep for sockets."""
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


def test_the_kernel_listens_in_a_private_folder_that_is_removed(run, monkeypatch):
    with tempfile.TemporaryDirectory(prefix="sv") as temporary:  # the paths of sockets must be short
        monkeypatch.setattr("tempfile.tempdir", temporary)
        folder, permissions_of_others = run(WHERE).split()
        assert Path(folder).parent == Path(temporary)
        assert permissions_of_others == "0"
        with pytest.raises(CellError):
            run("1 / 0", folder="failed")
        assert os.listdir(temporary) == []


def test_where_the_temporary_folder_is_too_deep_for_sockets_they_lie_elsewhere(run, deep):
    folder, permissions_of_others = run(WHERE).split()
    assert not Path(folder).is_relative_to(deep)
    assert permissions_of_others == "0"
    assert not Path(folder).exists()
    assert os.listdir(deep) == []


def test_where_no_folder_can_hold_sockets_the_kernel_listens_on_the_loopback_interface(run, monkeypatch, caplog):
    monkeypatch.setattr("synthviz.runs.kernel.LONGEST_SOCKET", "x" * 200)
    assert short_temporary_folder() is None
    ask = "import json\nfrom ipykernel import get_connection_file\nprint(json.load(open(get_connection_file()))['ip'])"
    assert run(ask) == "127.0.0.1"
    assert "loopback" in caplog.text


def test_a_folder_that_is_missing_holds_no_sockets(tmp_path, monkeypatch):
    assert not holds_sockets(tmp_path / "missing")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "missing"))
    with private_folder() as private:
        assert private.is_dir()


def test_the_surroundings_of_the_user_do_not_reach_the_kernel(run, tmp_path, monkeypatch):
    def write(path: Path, text: str) -> str:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    other = {"argv": ["false"], "display_name": "another Python", "language": "python"}
    write(tmp_path / "jupyter" / "kernels" / "python3" / "kernel.json", json.dumps(other))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    leaks = "leaked = True\nimport builtins\nbuiltins.leaked = True\n"
    monkeypatch.setenv("PYTHONSTARTUP", write(tmp_path / "startup.py", leaks))
    profile = tmp_path / "ipython" / "profile_default"
    write(profile / "startup" / "first.py", leaks)
    write(profile / "ipython_config.py", "c.InteractiveShellApp.exec_lines = ['leaked = True']")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("MATPLOTLIBRC", write(tmp_path / "matplotlibrc", "image.origin: lower\ntext.usetex: True\n"))
    monkeypatch.setenv("MPLBACKEND", "no-such-backend")
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    write(tmp_path / "out" / "numpy.py", "raise SystemError('imported from the output folder')")
    write(tmp_path / "beside" / "found_beside.py", "")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(["beside", os.environ.get("PYTHONPATH", "")]))
    cell = "import sys, numpy, found_beside, matplotlib\n"
    cell += "print(sys.executable, 'leaked' in globals() or 'leaked' in dir(__builtins__), __debug__,"
    cell += " matplotlib.rcParams['image.origin'])"
    assert run(cell) == f"{sys.executable} False True upper"


def test_the_log_of_the_kernel_itself_does_not_reach_the_console(run, capfd):
    assert run("get_ipython().kernel.log.error('KeyboardInterrupt caught in kernel')\nprint('done')") == "done"
    assert "KeyboardInterrupt" not in capfd.readouterr().err


def test_a_kernel_that_cannot_be_reached_is_killed_and_no_socket_stays_open(run, deep, monkeypatch):
    """Python would otherwise wait for ever, at its end or when it collects garbage, for the sockets to close."""

    def open_contexts() -> list[zmq.Context]:
        return [found for found in gc.get_objects() if isinstance(found, zmq.Context) and not found.closed]

    monkeypatch.setattr("synthviz.runs.kernel.short_temporary_folder", lambda levels: None)
    monkeypatch.setattr("synthviz.runs.kernel.holds_sockets", lambda folder: True)
    before = len(open_contexts())
    with pytest.raises(RunError, match="too long"):
        run("1 + 1")
    assert len(open_contexts()) == before
    assert [child for child in psutil.Process().children() if "ipykernel" in str(child.cmdline())] == []
