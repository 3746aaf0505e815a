"""Whole sweeps on workers of this machine: what is done stays, what is missing is done, what fails is told."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small_notebooks import WORK, write_notebook, write_notebooks

from synthviz.runs import NOTEBOOKS, RunError
from synthviz.sweeps import ClusterSettings, read_plan, run_sweep
from synthviz.sweeps.one_run import Outcome, verified_manifest

UNSHARE = shutil.which("unshare")
FAIL_AT_2 = f"{WORK}\nassert seed != 2, 'no <b>2</b>'"


@pytest.fixture
def notebooks(tmp_path):
    return write_notebooks(tmp_path / "notebooks", FAIL_AT_2)


@pytest.fixture
def sweep(tmp_path, notebooks):
    """Runs a sweep of these seeds; returns what it left and what it said."""

    def run(*seeds: int, **more):
        file = tmp_path / "sweep.yaml"
        file.write_text(f"notebooks: [{NOTEBOOKS[0]}]\nretries: 0\ngrid:\n  seed: {list(seeds)}\n")
        said = []
        settings = more.pop("cluster", ClusterSettings(workers=2))
        plan = read_plan(file, notebooks)
        finished = run_sweep(plan, tmp_path / "out", settings, said.append, notebooks_dir=notebooks, **more)
        return finished, "\n".join(said)

    return run


def pretend(run, orders):
    """Leaves what a run leaves, at once."""
    folder = Path(orders.output_dir, "runs", run.key)
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"files": {}, "notebooks": [], "results": {}}))
    return Outcome(run.key)


def test_from_nothing_to_done_then_only_what_is_missing(sweep, tmp_path):
    out = tmp_path / "out"
    finished, said = sweep(1, 2, 3)
    assert (finished.done, finished.failed) == (2, 1)
    assert "3 runs: 0 done already, 3 to do." in said
    assert re.search("Failed: [0-9a-f]{16}: 01_generation.ipynb failed: code cell 3 raised AssertionError: no", said)
    keys = os.listdir(out / "runs")
    assert len(keys) == 2
    manifests = {key: verified_manifest(out / "runs" / key) for key in keys}
    assert sorted(manifest["results"]["seen"]["seed"] for manifest in manifests.values()) == [1, 3]
    assert sorted(os.listdir(out)) == ["failures", "index.html", "runs", "runs.csv"]
    rows = list(csv.DictReader((out / "runs.csv").open(encoding="utf-8")))
    assert [(row["seed"], row["status"]) for row in rows] == [("1", "done"), ("2", "failed"), ("3", "done")]
    page = (out / "index.html").read_text()
    assert "no &lt;b&gt;2&lt;/b&gt;" in page
    assert "<b>2</b>" not in page

    # A damaged run is done anew, a whole one is left alone, a failed one is tried again.
    whole, damaged = keys
    before = (out / "runs" / whole / "manifest.json").stat().st_mtime_ns
    (next((out / "runs" / damaged).glob("*.png"))).write_bytes(b"")
    finished, said = sweep(1, 2, 3)
    assert "3 runs: 1 done already, 2 to do." in said
    assert (out / "runs" / whole / "manifest.json").stat().st_mtime_ns == before
    assert verified_manifest(out / "runs" / damaged) is not None


def test_nothing_to_do_starts_no_workers(sweep):
    sweep(1, work=pretend)
    finished, said = sweep(1, work=pretend)
    assert "1 done already, 0 to do" in said
    assert "Starting" not in said
    assert finished.done == 1


def test_what_another_run_left_unfinished_is_removed(sweep, tmp_path):
    (tmp_path / "out" / ".unfinished" / "0123-dead").mkdir(parents=True)
    (tmp_path / "out" / ".unfinished" / "0123-dead" / "half.png").touch()
    sweep(1, work=pretend)
    assert not (tmp_path / "out" / ".unfinished").exists()


def test_a_second_sweep_in_the_same_folder_is_refused(sweep, tmp_path):
    from filelock import FileLock

    (tmp_path / "out" / ".unfinished").mkdir(parents=True)
    (tmp_path / "out" / ".unfinished" / "driver").write_text("(process 12 on elsewhere)")
    with FileLock(tmp_path / "out" / ".lock"), pytest.raises(RunError, match=r"another sweep.*process 12 on elsewhere"):
        sweep(1, work=pretend)


def test_a_folder_that_cannot_be_made_is_named(tmp_path, sweep):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(RunError, match="cannot be used"):
        sweep(1, work=pretend)


class TestBadDisk:
    """In a mount namespace of its own, where this machine allows one, a sweep meets a full or a read-only disk."""

    def drive(self, tmp_path, notebooks, mount: str, before: str = "") -> subprocess.CompletedProcess:
        (tmp_path / "sweep.yaml").write_text(f"notebooks: [{NOTEBOOKS[0]}]\nretries: 0\ngrid: {{seed: [1, 3, 4]}}")
        (tmp_path / "disk").mkdir()
        drive = [sys.executable, Path(__file__).with_name("drive.py"), "sweep.yaml", "disk/out", notebooks]
        script = f"{mount} disk && {before} {shlex.join(map(str, drive))}; code=$?; ls -A disk/out; exit $code"
        possible = subprocess.run(["unshare", "-rm", "true"], capture_output=True, check=False) if UNSHARE else None
        if possible is None or possible.returncode:
            pytest.skip("this machine allows no mount namespace")
        command = ["unshare", "-rm", "sh", "-c", script]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    def test_a_full_one_is_said_and_leaves_nothing_unfinished(self, tmp_path, notebooks):
        write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", "open('big.png', 'wb').write(bytes(900_000))")
        done = self.drive(tmp_path, notebooks, "mount -t tmpfs -o size=400k tmpfs")
        assert done.returncode == 1, done.stderr
        assert "No space left on device" in done.stdout + done.stderr
        assert all("No space left" in line for line in done.stdout.splitlines() if line.startswith("Failed"))
        assert "Traceback" not in done.stderr
        assert ".unfinished" not in done.stdout

    def test_a_read_only_one_is_named_before_work_starts(self, tmp_path, notebooks):
        mount = "mount -t tmpfs -o size=400k tmpfs"
        done = self.drive(tmp_path, notebooks, mount, "mount -o remount,ro disk &&")
        assert done.returncode == 1
        assert "cannot be used: Read-only file system" in done.stderr
        assert "Traceback" not in done.stderr
        assert "Starting" not in done.stdout


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"scheduler": "tcp://10.0.0.1:8786"}, "must be at tls://"),
        ({"scheduler": "10.0.0.1:8786"}, "must be an address such as tls://"),
        ({"workers": 0}, "it must be 1 or more"),
    ],
)
def test_a_cluster_that_would_be_open_or_is_none_is_refused(settings, words):
    with pytest.raises(RunError, match=words):
        ClusterSettings(**settings)


def test_missing_certificates_are_named(sweep):
    settings = ClusterSettings("tls://127.0.0.1:1", tls_ca_file="/nowhere/ca.pem")
    with pytest.raises(RunError, match=r"no file '/nowhere/ca\.pem'"):
        sweep(1, cluster=settings)


class TestCommand:
    def command(self, tmp_path, *more: str) -> subprocess.CompletedProcess:
        (tmp_path / "sweep.yaml").write_text("grid: {seed: [1, 2]}")
        arguments = ["sweep", str(tmp_path / "sweep.yaml"), "--output-dir", str(tmp_path / "out"), *more]
        return subprocess.run(
            [sys.executable, "-m", "synthviz", *arguments], capture_output=True, text=True, check=False, timeout=120
        )

    def test_a_dry_run_says_what_would_run_and_makes_nothing(self, tmp_path):
        done = self.command(tmp_path, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert re.search(r"to do  [0-9a-f]{16}  \{'isolate': True, 'seed': 1\}", done.stdout)
        assert "2 runs: 0 done already, 2 to do." in done.stdout
        assert not (tmp_path / "out").exists()

    def test_what_is_wrong_is_one_sentence(self, tmp_path):
        done = self.command(tmp_path, "--scheduler", "tcp://10.0.0.1:8786")
        assert done.returncode == 1
        assert done.stderr.startswith("error: 'tcp://10.0.0.1:8786' is not protected")
        assert "Traceback" not in done.stderr


def test_a_lesson_is_no_part_of_a_sweep(sweep, notebooks, tmp_path):
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", WORK, lessons=("raise ValueError",))
    assert sweep(1)[0].done == 1
