"""Whole sweeps on workers of this machine: finished runs are skipped, missing ones done, failures reported."""

from __future__ import annotations

import csv
import json
import logging
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
from synthviz.runs.errors import RunError, WorkerUnfit
from synthviz.runs.sweeps import ClusterSettings, read_plan, run_sweep
from synthviz.runs.sweeps.cluster import Share
from synthviz.runs.sweeps.folder import verified_manifest
from synthviz.runs.sweeps.run_on_worker import Outcome, check_worker

UNSHARE = shutil.which("unshare")
FAIL_AT_2 = f"{WORK}\nassert seed != 2, 'no <b>2</b>'"


@pytest.fixture
def notebooks(tmp_path):
    return write_notebooks(tmp_path / "notebooks", FAIL_AT_2)


@pytest.fixture
def sweep(tmp_path, notebooks, caplog):
    """Runs a sweep of these seeds; returns its result and its log lines."""
    caplog.set_level("INFO", logger="synthviz")

    def run(*seeds: int, **more):
        file = tmp_path / "sweep.yaml"
        file.write_text(f"notebooks: [{NOTEBOOKS[0]}]\nretries: 0\ngrid:\n  seed: {list(seeds)}\n")
        caplog.clear()
        settings = {"cluster": ClusterSettings(workers=2), "notebooks_dir": notebooks, **more}
        finished = run_sweep(read_plan(file, notebooks), tmp_path / "out", **settings)
        return finished, [record.getMessage() for record in caplog.records if record.name.startswith("synthviz")]

    return run


def test_a_sweep_can_leave_its_notebooks_as_pages(sweep, tmp_path):
    finished, _ = sweep(1, 2)
    assert not list((tmp_path / "out").rglob("01_generation.html"))
    finished, _ = sweep(1, 2, pages=True)
    (page,) = (tmp_path / "out" / "runs").rglob("01_generation.html")  # the other run has failed
    assert "seed" in page.read_text(encoding="utf-8")
    assert f"{page.parent.name}/01_generation.html" in (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert finished.done == 1
    assert sweep(1, pages=True)[1][0] == "1 runs: 1 done already, 0 to do."  # a page is no reason to repeat a run


def pretend(run, orders):
    """Leaves the files of a finished run, without running anything."""
    folder = Path(orders.output_dir, "runs", run.key)
    folder.mkdir()
    (folder / "manifest.json").write_text(json.dumps({"files": {}, "notebooks": [], "results": {}}))
    return Outcome(run.key)


def meet_a_late_worker(run, orders):
    """Pretends, after a worker that has joined late has refused a run."""
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


def report_as_done(run, orders):
    return Outcome(run.key)


def lose_the_folder(run, orders):
    Path(orders.output_dir, ".unfinished", "token").unlink(missing_ok=True)
    return check_worker(orders)


def die_once(run, orders):
    """Pretends, but kills its worker the first time."""
    mark = Path(orders.output_dir).parent / "died"
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return pretend(run, orders)


def never_end(run, orders):
    time.sleep(600)


@pytest.fixture
def scheduler():
    """The address of a scheduler without workers."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address=None) as cluster:
        yield cluster.scheduler_address


@pytest.fixture
def start_worker(scheduler):
    """Starts a worker in a folder as soon as a file exists, and ends it after the test."""
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


def test_a_sweep_and_a_second_call_that_does_only_what_is_missing(sweep, tmp_path):
    out = tmp_path / "out"
    finished, lines = sweep(1, 2, 3)
    assert (finished.done, finished.failed) == (2, 1)
    assert "3 runs: 0 done already, 3 to do." in lines
    (failed,) = [line for line in lines if line.startswith("Failed: ")]
    assert re.search("[0-9a-f]{16}: 01_generation.ipynb .* cell 3 raised AssertionError: no", failed)
    assert any(line.startswith("3 of 3 ended, 1 failed") for line in lines)
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

    # The second call skips the intact run and repeats the damaged and the failed one.
    intact, damaged = keys
    before = (out / "runs" / intact / "manifest.json").stat().st_mtime_ns
    (next((out / "runs" / damaged).glob("*.png"))).write_bytes(b"")
    finished, lines = sweep(1, 2, 3)
    assert "3 runs: 1 done already, 2 to do." in lines
    assert (out / "runs" / intact / "manifest.json").stat().st_mtime_ns == before
    assert verified_manifest(out / "runs" / damaged) is not None


def test_a_sweep_without_missing_runs_starts_no_workers(sweep):
    sweep(1, work=pretend)
    finished, lines = sweep(1, work=pretend)
    assert lines[0] == "1 runs: 1 done already, 0 to do."
    assert not any(line.startswith("Starting") for line in lines)
    assert finished.done == 1


def test_unfinished_runs_of_an_earlier_sweep_are_removed(sweep, tmp_path):
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


def test_a_failure_that_only_the_driver_sees_is_stored_like_any_other(sweep, tmp_path):
    finished, lines = sweep(1, work=report_as_done)
    assert finished.failed == 1
    (key,) = os.listdir(tmp_path / "out" / "failures")
    failure = json.loads((tmp_path / "out" / "failures" / key / "failure.json").read_text())
    assert "do not verify" in failure["error"]
    assert f"failures/{key}" in (tmp_path / "out" / "index.html").read_text()
    assert f"Failed: {key}: {failure['error']}" in lines


class TestWorkersThatJoinAndLeave:
    """In an existing cluster they may do so at any time."""

    def test_an_unfit_worker_that_joins_late_gets_no_runs_and_fails_none(
        self, sweep, tmp_path, monkeypatch, scheduler, start_worker
    ):
        # Each worker finds the notebooks in its own working directory; those of the late worker differ.
        monkeypatch.chdir(tmp_path)
        (tmp_path / "elsewhere").mkdir()
        write_notebooks(tmp_path / "elsewhere" / "notebooks", "print('another version')")
        start_worker(tmp_path, after=tmp_path)
        start_worker(tmp_path / "elsewhere", after=tmp_path / "begun")
        more = {"notebooks_dir": Path("notebooks"), "work": meet_a_late_worker}
        finished, lines = sweep(*range(10, 16), cluster=ClusterSettings(scheduler), **more)
        assert (tmp_path / "refused").exists()
        assert (finished.done, finished.failed) == (6, 0)
        assert os.listdir(tmp_path / "out" / "failures") == []
        assert len([line for line in lines if re.search("A worker gets no runs: .* other notebooks", line)]) == 1

    def test_a_sweep_without_workers_warns_and_waits_for_one(
        self, sweep, tmp_path, monkeypatch, scheduler, start_worker
    ):
        monkeypatch.setattr("synthviz.runs.sweeps.dispatch.CHECK_EVERY", 0.2)
        monkeypatch.setattr("synthviz.runs.sweeps.workers.PATIENCE", 0.2)
        start_worker(tmp_path, after=tmp_path)

        def start_another(record: logging.LogRecord) -> bool:
            if record.levelno == logging.WARNING:
                start_worker(tmp_path, after=tmp_path)
            return True

        logger = logging.getLogger("synthviz.runs.sweeps.workers")
        logger.addFilter(start_another)
        try:
            finished, lines = sweep(1, 2, cluster=ClusterSettings(scheduler), work=die_once)
        finally:
            logger.removeFilter(start_another)
        assert finished.done == 2
        assert len([line for line in lines if "There is no worker" in line]) == 1

    def test_a_sweep_ends_if_no_worker_comes(self, sweep, tmp_path, monkeypatch, scheduler, start_worker):
        monkeypatch.setattr("synthviz.runs.sweeps.dispatch.CHECK_EVERY", 0.2)
        monkeypatch.setattr("synthviz.runs.sweeps.workers.LONGEST_WAIT", 1.0)
        start_worker(tmp_path, after=tmp_path)
        with pytest.raises(RunError, match="no worker for"):
            sweep(1, 2, cluster=ClusterSettings(scheduler), work=die_once)

    def test_a_sweep_whose_runs_never_end_ends(self, sweep, monkeypatch):
        monkeypatch.setattr("synthviz.runs.sweeps.dispatch.CHECK_EVERY", 0.2)
        monkeypatch.setattr("synthviz.runs.sweeps.dispatch.MARGIN", -240 + 1 / 60)  # beside 4 times 60 minutes
        with pytest.raises(RunError, match="no run has ended"):
            sweep(1, work=never_end)

    def test_a_sweep_whose_workers_are_all_unfit_ends_with_an_error(self, sweep, tmp_path):
        with pytest.raises(RunError, match=r"no worker is left .* shared"):
            sweep(1, 2, work=lose_the_folder)
        assert os.listdir(tmp_path / "out" / "failures") == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (CommClosedError("in <TLS>: Stream is closed"), "the scheduler went away"),
        (TimeoutError("timed out"), "the scheduler went away"),
        (OSError(28, "No space left on device"), r"out' .*: No space left on device"),
    ],
)
def test_a_lost_scheduler_is_not_reported_as_a_bad_disk(sweep, monkeypatch, error, words):
    def lost(*_):
        raise error

    monkeypatch.setattr("synthviz.runs.sweeps.sweep.connect", lost)
    with pytest.raises(RunError, match=words):
        sweep(1)


def test_a_folder_that_cannot_be_used_is_named(tmp_path, sweep):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(RunError, match=r"out.* cannot be used"):
        sweep(1, work=pretend)


class TestBadDisk:
    """A sweep on a full or a read-only disk, in a mount namespace; skipped where this machine allows none."""

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

    def test_a_full_disk_is_reported_and_no_unfinished_run_is_left(self, tmp_path, notebooks):
        write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", "open('big.png', 'wb').write(bytes(900_000))")
        done = self.drive(tmp_path, notebooks, "mount -t tmpfs -o size=400k tmpfs")
        assert done.returncode == 1, done.stderr
        assert "No space left on device" in done.stdout + done.stderr
        assert all("No space left" in line for line in done.stdout.splitlines() if line.startswith("Failed"))
        assert "Traceback" not in done.stderr
        assert ".unfinished" not in done.stdout

    def test_a_read_only_disk_is_reported_before_work_starts(self, tmp_path, notebooks):
        mount = "mount -t tmpfs -o size=400k tmpfs"
        done = self.drive(tmp_path, notebooks, mount, "mount -o remount,ro disk &&")
        assert done.returncode == 1
        assert "Read-only file system" in done.stderr
        assert "Traceback" not in done.stderr
        assert "Starting" not in done.stdout


@pytest.mark.parametrize(("setting", "limit"), [("", 4.05), ("memory_gb: 3", 3)])
def test_the_memory_limit_is_the_workers_share_unless_the_file_sets_it(monkeypatch, tmp_path, plan, setting, limit):
    seen = []

    class Dispatcher:
        def __init__(self, client, orders, *_):
            seen.append(orders)

        def work_through(self, runs):
            pass

    monkeypatch.setattr("synthviz.runs.sweeps.sweep.connect", lambda _: nullcontext((None, Share(1, 4.05))))
    monkeypatch.setattr("synthviz.runs.sweeps.sweep.Dispatcher", Dispatcher)
    run_sweep(plan(f"{setting}\nruns: [{{seed: 3}}]"), tmp_path / "out")
    assert [orders.limits.memory_gb for orders in seen] == [limit]


class TestCommand:
    def command(self, tmp_path, *arguments: str, out: str | None = "out") -> subprocess.CompletedProcess:
        (tmp_path / "sweep.yaml").write_text("grid: {seed: [1, 2]}")
        where = [] if out is None else ["--output-dir", out]
        command = [sys.executable, "-m", "synthviz", "sweep", "sweep.yaml", *where, *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)

    def test_a_dry_run_without_a_folder_lists_the_runs(self, tmp_path):
        done = self.command(tmp_path, "--dry-run", out=None)
        assert done.returncode == 0, done.stderr
        assert re.search(r"^[0-9a-f]{16}  \{'isolate': True, 'seed': 1\}$", done.stdout, re.MULTILINE)
        assert done.stdout.endswith("\n2 runs.\n")
        assert "done" not in done.stdout
        assert os.listdir(tmp_path) == ["sweep.yaml"]

    def test_a_dry_run_lists_what_is_missing_and_creates_nothing(self, tmp_path):
        done = self.command(tmp_path, "--dry-run")
        assert done.returncode == 0, done.stderr
        assert re.search(r"to do  [0-9a-f]{16}  \{'isolate': True, 'seed': 1\}", done.stdout)
        assert "2 runs: 0 done already, 2 to do." in done.stdout
        assert not (tmp_path / "out").exists()

    def test_an_error_is_one_sentence_on_stderr(self, tmp_path):
        done = self.command(tmp_path, "--scheduler", "tcp://10.0.0.1:8786")
        assert done.returncode == 1
        assert done.stderr.startswith("error: 'tcp://10.0.0.1:8786'")
        assert "Traceback" not in done.stderr


def test_lessons_are_left_out_of_a_sweep(sweep, notebooks, tmp_path):
    write_notebook(notebooks / f"{NOTEBOOKS[0]}.ipynb", WORK, lessons=("raise ValueError",))
    assert sweep(1)[0].done == 1
