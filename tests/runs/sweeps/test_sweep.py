"""Whole sweeps on workers of this machine: what is done stays, what is missing is done, what fails is told."""

from __future__ import annotations

import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path

import pytest
from distributed.comm import CommClosedError
from small_notebooks import WORK, write_notebook, write_notebooks

from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import RunError
from synthviz.runs.sweeps import ClusterSettings, read_plan, run_sweep
from synthviz.runs.sweeps.cluster import Share, memory_share
from synthviz.runs.sweeps.run_on_worker import Outcome, WorkerUnfit, check_worker, verified_manifest

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
        more = {"cluster": ClusterSettings(workers=2), "notebooks_dir": notebooks, **more}
        finished = run_sweep(read_plan(file, notebooks), tmp_path / "out", **{"say": said.append, **more})
        return finished, "\n".join(said)

    return run


def pretend(run, orders):
    """Leaves what a run leaves, at once."""
    folder = Path(orders.output_dir, "runs", run.key)
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"files": {}, "notebooks": [], "results": {}}))
    return Outcome(run.key)


def meet_a_late_worker(run, orders):
    """Pretends, once a worker that came late has refused a run."""
    folder = Path(orders.output_dir).parent
    try:
        check_worker(orders)
    except WorkerUnfit:
        (folder / "refused").touch()
        raise
    (folder / "begun").touch()
    end = time.monotonic() + 60
    while not (folder / "refused").exists() and time.monotonic() < end:
        time.sleep(0.05)
    return pretend(run, orders)


def only_say_done(run, orders):
    return Outcome(run.key)


def lose_the_folder(run, orders):
    Path(orders.output_dir, ".unfinished", "token").unlink(missing_ok=True)
    return check_worker(orders)


def die_once(run, orders):
    """Pretends, and the first time takes the worker along."""
    mark = Path(orders.output_dir).parent / "died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pretend(run, orders)


@pytest.fixture
def scheduler():
    """The address of one that has no workers of its own."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def start_worker(scheduler):
    """Starts a worker in a folder, once there is a file, and ends it after the test."""
    started = []

    def start(folder: Path, after: Path) -> None:
        wait = f"import os, time\nwhile not os.path.exists({str(after)!r}): time.sleep(0.05)\n"
        arguments = [scheduler, "--nthreads=1", "--no-nanny", "--no-dashboard", "--host=127.0.0.1"]
        command = [sys.executable, "-c", f"{wait}from distributed.cli.dask_worker import main\nmain({arguments!r})"]
        path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
        environment = {**os.environ, "PYTHONPATH": path}
        started.append(subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL))

    yield start
    for process in started:
        process.kill()
        process.wait()


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


def test_a_failure_that_only_the_driver_sees_is_kept_like_any_other(sweep, tmp_path):
    finished, said = sweep(1, work=only_say_done)
    assert finished.failed == 1
    (key,) = os.listdir(tmp_path / "out" / "failures")
    failure = json.loads((tmp_path / "out" / "failures" / key / "failure.json").read_text())
    assert failure["error"] == "it was done, but its files do not verify"
    assert f"failures/{key}" in (tmp_path / "out" / "index.html").read_text()
    assert f"Failed: {key}: it was done" in said


class TestWorkersThatComeAndGo:
    """As they may in a cluster that exists."""

    def test_an_unfit_one_that_comes_late_gets_no_runs_and_fails_none(
        self, sweep, tmp_path, monkeypatch, scheduler, start_worker
    ):
        # Each worker finds the notebooks beside itself; the late one stands elsewhere, with others.
        monkeypatch.chdir(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        write_notebooks(tmp_path / "elsewhere" / "notebooks", "print('another version')")
        start_worker(tmp_path, after=tmp_path)
        start_worker(tmp_path / "elsewhere", after=tmp_path / "begun")
        more = {"notebooks_dir": Path("notebooks"), "work": meet_a_late_worker}
        finished, said = sweep(*range(10, 16), cluster=ClusterSettings(scheduler), **more)
        assert (tmp_path / "refused").exists()
        assert (finished.done, finished.failed) == (6, 0)
        assert os.listdir(tmp_path / "out" / "failures") == []
        assert len(re.findall("A worker gets no runs: .* has other notebooks", said)) == 1

    def test_while_there_is_none_that_is_said(self, sweep, tmp_path, monkeypatch, scheduler, start_worker):
        monkeypatch.setattr("synthviz.runs.sweeps.sweep.LOOK_EVERY", 0.2)
        monkeypatch.setattr("synthviz.runs.sweeps.workers.PATIENCE", 0.2)
        start_worker(tmp_path, after=tmp_path)
        said = []

        def say(line: str) -> None:
            said.append(line)
            if line.startswith("There is no worker; waiting for one."):
                start_worker(tmp_path, after=tmp_path)

        finished, _ = sweep(1, 2, cluster=ClusterSettings(scheduler), work=die_once, say=say)
        assert finished.done == 2
        assert len([line for line in said if line.startswith("There is no worker")]) == 1

    def test_a_sweep_whose_workers_are_all_unfit_says_so_and_ends(self, sweep, tmp_path):
        with pytest.raises(RunError, match=r"no worker is left that can do a run: .* must be shared"):
            sweep(1, 2, work=lose_the_folder)
        assert os.listdir(tmp_path / "out" / "failures") == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CommClosedError("in <TLS>: Stream is closed"), "the scheduler went away; what is done is kept"),
        (TimeoutError("timed out"), "the scheduler went away"),
        (OSError(28, "No space left on device"), r"'.*out' cannot be written to: No space left on device"),
    ],
)
def test_a_lost_scheduler_is_not_taken_for_a_bad_disk(sweep, monkeypatch, error, words):
    def lost(*_):
        raise error

    monkeypatch.setattr("synthviz.runs.sweeps.sweep._work_through", lost)
    with pytest.raises(RunError, match=words):
        sweep(1)


def test_workers_that_cannot_be_started_are_one_sentence(sweep, monkeypatch):
    def fail(**_):
        raise RuntimeError("Cluster failed to start: no\nports")

    monkeypatch.setattr("distributed.LocalCluster", fail)
    with pytest.raises(RunError, match="no workers can be started on this machine: Cluster failed to start: no ports"):
        sweep(1)


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


@pytest.mark.parametrize(
    ("total", "workers", "share"),
    [(64e9, 1, 16.0), (8e9, 1, 7.2), (8e9, 2, 3.6), (8e9, 8, 2.0), (1e9, 1, 2.0)],
)
def test_a_kernel_may_take_its_share_of_the_machines_memory(monkeypatch, total, workers, share):
    monkeypatch.setattr("distributed.system.MEMORY_LIMIT", total)
    assert memory_share(workers) == pytest.approx(share)


@pytest.mark.parametrize(("said", "limit"), [("", 4.05), ("memory_gb: 3", 3)])
def test_the_share_is_the_limit_unless_the_file_says_another(monkeypatch, tmp_path, notebooks, said, limit):
    seen = []
    connection = nullcontext((None, Share(1, 4.05)))
    monkeypatch.setattr("synthviz.runs.sweeps.sweep.connected", lambda *_: connection)
    monkeypatch.setattr(
        "synthviz.runs.sweeps.sweep._work_through", lambda client, todo, orders, *_: seen.append(orders)
    )
    (tmp_path / "sweep.yaml").write_text(f"{said}\nruns: [{{seed: 2}}]")
    run_sweep(read_plan(tmp_path / "sweep.yaml", notebooks), tmp_path / "out", say=str)
    assert [orders.limits.memory_gb for orders in seen] == [limit]


def test_missing_certificates_are_named(sweep):
    settings = ClusterSettings("tls://127.0.0.1:1", tls_ca_file="/nowhere/ca.pem")
    with pytest.raises(RunError, match=r"no file '/nowhere/ca\.pem'"):
        sweep(1, cluster=settings)


class TestCommand:
    def command(self, tmp_path, *arguments: str, out: str | None = "out") -> subprocess.CompletedProcess:
        (tmp_path / "sweep.yaml").write_text("grid: {seed: [1, 2]}")
        where = [] if out is None else ["--output-dir", out]
        command = [sys.executable, "-m", "synthviz", "sweep", "sweep.yaml", *where, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    def test_a_dry_run_without_a_folder_says_what_there_is_to_run(self, tmp_path):
        done = self.command(tmp_path, "--dry-run", out=None)
        assert done.returncode == 0, done.stderr
        assert re.search(r"^[0-9a-f]{16}  \{'isolate': True, 'seed': 1\}$", done.stdout, re.MULTILINE)
        assert done.stdout.endswith("\n2 runs.\n")
        assert "done" not in done.stdout
        assert os.listdir(tmp_path) == ["sweep.yaml"]

    def test_a_sweep_needs_a_folder(self, tmp_path):
        done = self.command(tmp_path, out=None)
        assert done.returncode == 2
        assert "error: a sweep needs --output-dir; only a --dry-run goes without it" in done.stderr

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
