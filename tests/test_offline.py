"""The default run on a machine without a network: it needs none, and it does not even try."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Python calls this in every process before anything else; what it hears of goes to a file.
EAR = """
import os, sys
def hear(event, arguments):
    if event == "socket.getaddrinfo" or (event == "socket.connect" and isinstance(arguments[1], tuple)):
        with open(os.environ["SYNTHVIZ_TEST_HEARD"], "a") as file:
            print(event, arguments[0 if event == "socket.getaddrinfo" else 1], file=file)
sys.addaudithook(hear)
"""


@pytest.mark.long
def test_the_three_notebooks_attempt_no_connection(tmp_path: Path):
    unshare = shutil.which("unshare")
    if unshare is None or subprocess.run([unshare, "-rn", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine allows no network namespace")
    (tmp_path / "ear").mkdir()
    (tmp_path / "ear" / "sitecustomize.py").write_text(EAR)
    heard = tmp_path / "heard.txt"
    environment = {
        **{name: value for name, value in os.environ.items() if "proxy" not in name.lower()},
        "PYTHONPATH": str(tmp_path / "ear"),
        "SYNTHVIZ_TEST_HEARD": str(heard),
    }
    check = "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError: pass"
    subprocess.run([unshare, "-rn", sys.executable, "-c", check], env=environment, check=True)
    assert "192.0.2.1" in heard.read_text()  # the ear hears
    heard.unlink()
    command = [unshare, "-rn", sys.executable, "-m", "synthviz", "run", "--output-dir", str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "manifest.json").exists()
    assert not heard.exists(), heard.read_text()
