"""The default run on a machine without a network: it succeeds and attempts no connection."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# As sitecustomize.py, Python imports this first in every process. It writes each attempted connection to a file.
RECORDER = """
import os, sys
def record(event, arguments):
    if event == "socket.getaddrinfo" or (event == "socket.connect" and isinstance(arguments[1], tuple)):
        with open(os.environ["SYNTHVIZ_TEST_CONNECTIONS"], "a") as file:
            print(event, arguments[0 if event == "socket.getaddrinfo" else 1], file=file)
sys.addaudithook(record)
"""


@pytest.mark.long
def test_the_three_notebooks_attempt_no_connection(tmp_path: Path):
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine does not allow network namespaces")
    (tmp_path / "recorder").mkdir()
    (tmp_path / "recorder" / "sitecustomize.py").write_text(RECORDER)
    connections = tmp_path / "connections.txt"
    environment = {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        "PYTHONPATH": str(tmp_path / "recorder"),
        "SYNTHVIZ_TEST_CONNECTIONS": str(connections),
    }
    check = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass"
    subprocess.run([unshare, "-rn", sys.executable, "-c", check], env=environment, check=True)
    assert "192.0.2.1" in connections.read_text()  # the recorder works
    connections.unlink()
    command = [unshare, "-rn", sys.executable, "-m", "synthviz", "run", "--output-dir", str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "manifest.json").exists()
    assert not connections.exists(), connections.read_text()
