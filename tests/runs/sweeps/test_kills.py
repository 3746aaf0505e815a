"""Sweeps whose processes are killed at random moments: started again until done, they end whole."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from small_notebooks import WORK, write_notebooks

from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.sweeps import read_plan
from synthviz.runs.sweeps.report import RUNS_A_PAGE
from synthviz.runs.sweeps.run_on_worker import verified_manifest

DRIVER = Path(__file__).parent / "drive.py"
MARK = "SYNTHVIZ_TEST_MARK"
MOST_SECONDS = 900


class Machine:
    """The processes of one test, which all inherit its mark.

    Args:
        folder: for the sweep.
        runs: how many it has.
    """

    def __init__(self, folder: Path, runs: int) -> None:
        self.mark = uuid.uuid4().hex
        self.folder = folder
        self.runs = runs
        self.notebooks = write_notebooks(folder / "notebooks", f"import time; time.sleep(0.3)\n{WORK}")
        self.sweep = folder / "sweep.yaml"
        self.sweep.write_text(f"notebooks: [{NOTEBOOKS[0]}]\nretries: 9\ngrid:\n  seed: {list(range(runs))}\n")
        self.out = folder / "out"
        # A short path: those of sockets have a hundred characters at most.
        self.temporary = Path(tempfile.mkdtemp(prefix="sv"))

    def start(self, *command: str) -> subprocess.Popen:
        """Start a process with the mark; what it says goes to a file."""
        with (self.folder / "said.txt").open("ab") as said:
            return subprocess.Popen(
                command,
                env={**os.environ, MARK: self.mark, "TMPDIR": str(self.temporary)},
                stdout=said,
                stderr=said,
                start_new_session=True,
                # Tests that a shell runs in the background ignore SIGINT, and so would what they start.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def start_driver(self, *cluster: str, inside: tuple[str, ...] = ()) -> subprocess.Popen:
        arguments = (str(self.sweep), str(self.out), str(self.notebooks), *cluster)
        return self.start(*inside, sys.executable, str(DRIVER), *arguments)

    def processes(self, kind: str = "") -> list[psutil.Process]:
        """All that are alive and have the mark; "kernel", "worker" and "driver" narrow it down."""
        part = {"kernel": "ipykernel", "worker": "multiprocessing", "driver": "drive.py"}.get(kind, kind)
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.status() == psutil.STATUS_ZOMBIE or process.environ().get(MARK) != self.mark:
                    continue
                if part in " ".join(process.cmdline()):
                    found.append(process)
        return found

    def kill_one(self, kind: str, rng: random.Random) -> bool:
        found = self.processes(kind)
        if found:
            with suppress(psutil.Error):
                rng.choice(found).kill()
        return bool(found)

    def said(self) -> str:
        return (self.folder / "said.txt").read_text(errors="replace")[-4000:]

    def check(self) -> None:
        """Everything is done once, and nothing else is left."""
        wanted = {run.key for run in read_plan(self.sweep, self.notebooks).runs}
        assert len(wanted) == self.runs
        assert set(os.listdir(self.out / "runs")) == wanted, self.said()
        assert all(verified_manifest(self.out / "runs" / key) is not None for key in wanted)
        further_pages = {f"page-{number}.html" for number in range(2, -(-self.runs // RUNS_A_PAGE) + 1)}
        assert set(os.listdir(self.out)) == {"failures", "index.html", "runs", "runs.csv"} | further_pages
        assert os.listdir(self.out / "failures") == []
        assert wait_until(lambda: not self.processes(), 30), [process.cmdline() for process in self.processes()]
        assert list(self.temporary.glob("synthviz-*")) == []
        self.end()

    def end(self) -> None:
        """Leave nothing on the machine, whatever came of the test."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.temporary, ignore_errors=True)


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.2)
    return true()


@pytest.fixture
def machine(tmp_path, request):
    made = Machine(tmp_path, request.param)
    yield made
    made.end()


def endure(
    machine: Machine, kinds: list[str], seed: int, pause: tuple[float, float], cluster: Cluster | None = None
) -> int:
    """Start the driver again and again while its machine is being shot at; returns how many shots hit."""
    rng = random.Random(seed)
    hits = 0
    end = time.monotonic() + MOST_SECONDS
    plan = list(kinds)
    while time.monotonic() < end:
        if cluster is not None:
            cluster.start()
        driver = machine.start_driver(*([cluster.address, str(cluster.tls)] if cluster else []))
        while driver.poll() is None and time.monotonic() < end:
            if plan and wait_until(lambda driver=driver: driver.poll() is not None, rng.uniform(*pause)):
                break
            if plan and (machine.out / "runs").exists() and machine.kill_one(plan[0], rng):
                plan.pop(0)
                hits += 1
            elif not plan:
                time.sleep(0.2)
        if driver.poll() == 0:
            return hits
        # Workers and kernels of a dead driver end by themselves; a cluster's go on.
        if cluster is None:
            assert wait_until(lambda: not machine.processes(), 30), machine.said()
    raise AssertionError(f"not done after {MOST_SECONDS} s: {machine.said()}")


@pytest.mark.parametrize("machine", [8], indirect=True)
def test_a_small_sweep_outlives_a_kernel_a_worker_and_its_driver(machine):
    hits = endure(machine, ["kernel", "worker", "driver"], seed=0, pause=(0.5, 1.5))
    machine.check()
    assert hits == 3


@pytest.mark.parametrize("everybody", [True, pytest.param(False, marks=pytest.mark.long)])  # as a terminal sends it
@pytest.mark.parametrize("machine", [3], indirect=True)
def test_ctrl_c_ends_a_sweep_cleanly_and_says_how_it_goes_on(machine, everybody):
    command = ("-m", "synthviz", "sweep", str(machine.sweep), "--output-dir", str(machine.out), "--workers=1")
    driver = machine.start(sys.executable, *command)
    assert wait_until(lambda: machine.processes("kernel"), 60), machine.said()
    if everybody:
        os.killpg(driver.pid, signal.SIGINT)
    else:
        driver.send_signal(signal.SIGINT)
    assert driver.wait(60) == 130, machine.said()
    assert "stopped; what is done is kept, the same command goes on with the rest" in machine.said()
    assert "Traceback" not in machine.said()
    assert wait_until(lambda: not machine.processes(), 30), [process.cmdline() for process in machine.processes()]
    assert sorted(os.listdir(machine.out)) == ["failures", "index.html", "runs", "runs.csv"]
    assert os.listdir(machine.out / "failures") == os.listdir(machine.out / "runs") == []
    assert list(machine.temporary.glob("synthviz-*")) == []


class Cluster:
    """A scheduler and two workers, started by Dask's command line, with certificates of their own."""

    def __init__(self, machine: Machine) -> None:
        from distributed.security import Security

        self.machine = machine
        self.tls = machine.folder / "tls"
        self.tls.mkdir()
        made = Security.temporary()
        for name, text in (
            ("ca", made.tls_ca_file),
            ("cert", made.tls_scheduler_cert),
            ("key", made.tls_scheduler_key),
        ):
            (self.tls / f"{name}.pem").write_text(str(text))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tls://127.0.0.1:{free.getsockname()[1]}"

    def start(self) -> None:
        """Start whatever of it is not running."""
        if not self.machine.processes("dask_scheduler"):
            self.start_scheduler("127.0.0.1")
        if not self.machine.processes("dask_worker"):
            self.start_workers(2, "127.0.0.1")

    def start_scheduler(self, host: str, *inside: str) -> None:
        port = self.address.rpartition(":")[2]
        self._start("dask_scheduler", inside, f"--host={host}", f"--port={port}", "--protocol=tls")

    def start_workers(self, count: int, host: str, *inside: str) -> None:
        scratch = f"--local-directory={self.machine.folder / 'scratch'}"
        settings = (f"--nworkers={count}", "--nthreads=1", f"--host={host}", "--death-timeout=60", scratch)
        self._start("dask_worker", inside, self.address, *settings)

    def _start(self, program: str, inside: tuple[str, ...], *settings: str) -> None:
        files = [f"--tls-ca-file={self.tls}/ca.pem", f"--tls-cert={self.tls}/cert.pem", f"--tls-key={self.tls}/key.pem"]
        command = (sys.executable, "-m", f"distributed.cli.{program}", "--no-dashboard", *settings, *files)
        self.machine.start(*inside, *command)

    def stop(self) -> None:
        for kind in ("dask_worker", "dask_scheduler"):
            for process in self.machine.processes(kind):
                with suppress(psutil.Error):
                    process.kill()


@pytest.mark.long
@pytest.mark.parametrize("machine", [60], indirect=True)
def test_sixty_runs_on_a_cluster_outlive_eight_kills_two_of_them_the_schedulers(machine):
    cluster = Cluster(machine)
    cluster.start()
    assert wait_until(lambda: len(machine.processes("worker")) >= 2, 60)
    kinds = ["kernel", "worker", "dask_scheduler", "driver", "kernel", "worker", "dask_scheduler", "kernel"]
    try:
        hits = endure(machine, kinds, 2, (3.0, 6.0), cluster)
    finally:
        cluster.stop()
    machine.check()
    assert hits == len(kinds)


@pytest.mark.long
@pytest.mark.parametrize("machine", [60], indirect=True)
def test_sixty_runs_outlive_twelve_kills(machine):
    kinds = ["kernel", "worker", "driver", "kernel"] * 3
    hits = endure(machine, kinds, seed=1, pause=(1.5, 4.0))
    machine.check()
    assert hits == len(kinds)


@pytest.fixture
def two_hosts():
    """Two network namespaces with a cable between them: how to run something inside each, and how to pull it."""
    name = f"sv{uuid.uuid4().hex[:6]}"
    hosts = (f"{name}a", f"{name}b")
    made = [
        *(f"ip netns add {host}" for host in hosts),
        f"ip link add {name}0 netns {hosts[0]} type veth peer name {name}1 netns {hosts[1]}",
        *(f"ip -n {host} addr add 10.77.0.{end + 1}/24 dev {name}{end}" for end, host in enumerate(hosts)),
        *(f"ip -n {host} link set {name}{end} up" for end, host in enumerate(hosts)),
        *(f"ip -n {host} link set lo up" for host in hosts),
    ]
    try:
        for command in made:
            subprocess.run(command.split(), check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"this machine allows no network namespaces: {error}")
    else:
        yield [("ip", "netns", "exec", host) for host in hosts], f"ip -n {hosts[1]} link set {name}1 down"
    finally:
        for host in hosts:
            subprocess.run(["ip", "netns", "del", host], check=False, capture_output=True)


@pytest.mark.long
@pytest.mark.parametrize("machine", [30], indirect=True)
def test_thirty_runs_on_two_hosts_outlive_one_that_vanishes(machine, two_hosts):
    (here, there), pull_the_cable = two_hosts
    cluster = Cluster(machine)
    cluster.address = "tls://10.77.0.1:8786"
    cluster.start_scheduler("10.77.0.1", *here)
    cluster.start_workers(1, "10.77.0.1", *here)
    cluster.start_workers(1, "10.77.0.2", *there)
    assert wait_until(lambda: len(machine.processes("worker")) >= 4, 60), machine.said()
    driver = machine.start_driver(cluster.address, str(cluster.tls), inside=here)
    try:
        assert wait_until(lambda: (machine.out / "runs").exists() and len(os.listdir(machine.out / "runs")) > 5, 120)
        subprocess.run(pull_the_cable.split(), check=True)
        assert driver.wait(MOST_SECONDS) == 0, machine.said()
    finally:
        cluster.stop()
    machine.check()
