"""Sweeps whose processes are killed at random moments: started again until done, they lose no run."""

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
from synthviz.runs.sweeps.folder import verified_manifest
from synthviz.runs.sweeps.report import RUNS_PER_PAGE

DRIVER = Path(__file__).parent / "drive.py"
MARK = "SYNTHVIZ_TEST_MARK"
MOST_SECONDS = 900


class Machine:
    """The processes of one test; they all inherit its mark in their environment.

    Args:
        folder: the folder of all files.
        runs: the number of runs of the sweep.
    """

    def __init__(self, folder: Path, runs: int) -> None:
        self.mark = uuid.uuid4().hex
        self.folder = folder
        self.runs = runs
        self.notebooks = write_notebooks(folder / "notebooks", f"import time; time.sleep(0.3)\n{WORK}")
        self.sweep = folder / "sweep.yaml"
        self.sweep.write_text(f"notebooks: [{NOTEBOOKS[0]}]\nretries: 9\ngrid:\n  seed: {list(range(runs))}\n")
        self.out = folder / "out"
        # The paths of sockets may have about a hundred characters.
        self.temporary = Path(tempfile.mkdtemp(prefix="sv"))

    def start(self, *command: str) -> subprocess.Popen:
        """Start a process with the mark; its output goes to a file."""
        with (self.folder / "output.txt").open("ab") as output:
            return subprocess.Popen(
                command,
                env={**os.environ, MARK: self.mark, "TMPDIR": str(self.temporary)},
                stdout=output,
                stderr=output,
                start_new_session=True,
                # If a shell runs the tests in the background, they ignore SIGINT, and so would their child processes.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    def start_driver(self, *cluster: str, inside: tuple[str, ...] = ()) -> subprocess.Popen:
        arguments = (str(self.sweep), str(self.out), str(self.notebooks), *cluster)
        return self.start(*inside, sys.executable, str(DRIVER), *arguments)

    def processes(self, kind: str = "") -> list[psutil.Process]:
        """Return the living processes with the mark: all, or only "kernel", "worker" or "driver"."""
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

    def output(self) -> str:
        return (self.folder / "output.txt").read_text(errors="replace")[-4000:]

    def check(self) -> None:
        """Check that every run is done, and that no other file and no process is left."""
        wanted = {run.key for run in read_plan(self.sweep, self.notebooks).runs}
        assert len(wanted) == self.runs
        assert set(os.listdir(self.out / "runs")) == wanted, self.output()
        assert all(verified_manifest(self.out / "runs" / key) is not None for key in wanted)
        further_pages = {f"page-{number}.html" for number in range(2, -(-self.runs // RUNS_PER_PAGE) + 1)}
        assert set(os.listdir(self.out)) == {"failures", "index.html", "runs", "runs.csv"} | further_pages
        assert os.listdir(self.out / "failures") == []
        assert wait_until(lambda: not self.processes(), 30), [process.cmdline() for process in self.processes()]
        self.end()

    def end(self) -> None:
        """Kill all processes and remove the temporary files."""
        for process in self.processes():
            with suppress(psutil.Error):
                process.kill()
        shutil.rmtree(self.temporary, ignore_errors=True)


def wait_until(true: Callable[[], bool], seconds: float) -> bool:
    """Whether a condition becomes true in this time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if true():
            return True
        time.sleep(0.2)
    return true()


@pytest.fixture
def machine(tmp_path, request):
    machine = Machine(tmp_path, request.param)
    yield machine
    machine.end()


def endure(
    machine: Machine, kinds: list[str], seed: int, pause: tuple[float, float], cluster: Cluster | None = None
) -> int:
    """Start the driver again until the sweep is done, and kill a process of each kind; return how many were killed."""
    rng = random.Random(seed)
    killed = 0
    end = time.monotonic() + MOST_SECONDS
    waiting = list(kinds)
    while time.monotonic() < end:
        if cluster is not None:
            cluster.start()
        driver = machine.start_driver(*([cluster.address, str(cluster.tls)] if cluster else []))
        while driver.poll() is None and time.monotonic() < end:
            if waiting and wait_until(lambda driver=driver: driver.poll() is not None, rng.uniform(*pause)):
                break
            if waiting and (machine.out / "runs").exists() and machine.kill_one(waiting[0], rng):
                waiting.pop(0)
                killed += 1
            elif not waiting:
                time.sleep(0.2)
        if driver.poll() == 0:
            return killed
        # The workers and kernels of a dead driver end by themselves; those of a cluster go on.
        if cluster is None:
            assert wait_until(lambda: not machine.processes(), 30), machine.output()
    raise AssertionError(f"not done after {MOST_SECONDS} s: {machine.output()}")


@pytest.mark.parametrize("machine", [8], indirect=True)
def test_a_small_sweep_survives_the_kill_of_a_kernel_a_worker_and_its_driver(machine):
    killed = endure(machine, ["kernel", "worker", "driver"], seed=0, pause=(0.5, 1.5))
    machine.check()
    assert killed == 3


@pytest.mark.parametrize("everybody", [True, pytest.param(False, marks=pytest.mark.long)])  # as a terminal sends it
@pytest.mark.parametrize("machine", [3], indirect=True)
def test_ctrl_c_ends_a_sweep_cleanly_and_tells_how_to_resume_it(machine, everybody):
    command = ("-m", "synthviz", "sweep", str(machine.sweep), "--output-dir", str(machine.out), "--workers=1")
    driver = machine.start(sys.executable, *command)
    assert wait_until(lambda: machine.processes("kernel"), 60), machine.output()
    if everybody:
        os.killpg(driver.pid, signal.SIGINT)
    else:
        driver.send_signal(signal.SIGINT)
    assert driver.wait(60) == 130, machine.output()
    assert "stopped; finished runs are kept, the same command goes on with the rest" in machine.output()
    assert machine.output().count("Starting 1 worker here") == 1
    assert "Traceback" not in machine.output()
    assert wait_until(lambda: not machine.processes(), 30), [process.cmdline() for process in machine.processes()]
    assert sorted(os.listdir(machine.out)) == ["failures", "index.html", "runs", "runs.csv"]
    assert os.listdir(machine.out / "failures") == os.listdir(machine.out / "runs") == []
    assert list(machine.temporary.glob("synthviz-*")) == []


class Cluster:
    """A scheduler and two workers, started by Dask's command line, with new certificates."""

    def __init__(self, machine: Machine) -> None:
        from distributed.security import Security

        self.machine = machine
        self.tls = machine.folder / "tls"
        self.tls.mkdir()
        security = Security.temporary()
        for name, text in (
            ("ca", security.tls_ca_file),
            ("cert", security.tls_scheduler_cert),
            ("key", security.tls_scheduler_key),
        ):
            (self.tls / f"{name}.pem").write_text(str(text))
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tls://127.0.0.1:{free.getsockname()[1]}"

    def start(self) -> None:
        """Start the parts that are not running."""
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
def test_sixty_runs_on_a_cluster_survive_eight_kills_two_of_them_of_the_scheduler(machine):
    cluster = Cluster(machine)
    cluster.start()
    assert wait_until(lambda: len(machine.processes("worker")) >= 2, 60)
    kinds = ["kernel", "worker", "dask_scheduler", "driver", "kernel", "worker", "dask_scheduler", "kernel"]
    try:
        killed = endure(machine, kinds, 2, (3.0, 6.0), cluster)
    finally:
        cluster.stop()
    machine.check()
    assert killed == len(kinds)


@pytest.mark.long
@pytest.mark.parametrize("machine", [60], indirect=True)
def test_sixty_runs_survive_twelve_kills(machine):
    kinds = ["kernel", "worker", "driver", "kernel"] * 3
    killed = endure(machine, kinds, seed=1, pause=(1.5, 4.0))
    machine.check()
    assert killed == len(kinds)


@pytest.fixture
def two_hosts():
    """Two network namespaces with a cable: commands to run a program in each, and one to pull the cable."""
    name = f"sv{uuid.uuid4().hex[:6]}"
    hosts = (f"{name}a", f"{name}b")
    commands = [
        *(f"ip netns add {host}" for host in hosts),
        f"ip link add {name}0 netns {hosts[0]} type veth peer name {name}1 netns {hosts[1]}",
        *(f"ip -n {host} addr add 10.77.0.{end + 1}/24 dev {name}{end}" for end, host in enumerate(hosts)),
        *(f"ip -n {host} link set {name}{end} up" for end, host in enumerate(hosts)),
        *(f"ip -n {host} link set lo up" for host in hosts),
    ]
    try:
        for command in commands:
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
def test_thirty_runs_on_two_hosts_survive_the_loss_of_one(machine, two_hosts):
    (here, there), pull_the_cable = two_hosts
    cluster = Cluster(machine)
    cluster.address = "tls://10.77.0.1:8786"
    cluster.start_scheduler("10.77.0.1", *here)
    cluster.start_workers(1, "10.77.0.1", *here)
    cluster.start_workers(1, "10.77.0.2", *there)
    assert wait_until(lambda: len(machine.processes("worker")) >= 4, 60), machine.output()
    driver = machine.start_driver(cluster.address, str(cluster.tls), inside=here)
    try:
        assert wait_until(lambda: (machine.out / "runs").exists() and len(os.listdir(machine.out / "runs")) > 5, 120)
        subprocess.run(pull_the_cable.split(), check=True)
        assert driver.wait(MOST_SECONDS) == 0, machine.output()
    finally:
        cluster.stop()
    machine.check()
