"""A sweep of 200 runs whose processes are killed, and the same sweep undisturbed: `python -m benchmarks.sweep_kills`.

Kernels, workers and the driver are killed with SIGKILL at random moments, and the driver is started again until the
sweep is done. Then every run must be there once, with a valid manifest, and no process may be left. The runs are the
small notebooks of the tests (a third of a second of sleep each), on two workers; the code comes from the tests.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "runs" / "sweeps")]

from test_kills import Machine, endure  # noqa: E402 - the line above makes it importable

KINDS = ["kernel", "worker", "kernel", "driver"]
PAUSE = (3.0, 9.0)  # seconds between two kills


def measure(runs: int, attempts: int) -> tuple[float, int]:
    """Run a sweep with this number of attempts to kill a process, and check its folder and processes at the end.

    Returns:
        The seconds until the sweep is done, and how many processes were killed.
    """
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder), runs)
        started = time.perf_counter()
        kinds = [KINDS[attempt % len(KINDS)] for attempt in range(attempts)]
        killed = endure(machine, kinds, seed=runs, pause=PAUSE)
        seconds = time.perf_counter() - started
        machine.check()
    return seconds, killed


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--kills", type=int, default=24, help="attempts; some find no process to kill")
    arguments = parser.parse_args()
    for attempts in (0, arguments.kills):
        seconds, killed = measure(arguments.runs, attempts)
        print(f"{arguments.runs} runs, {killed} kills: {seconds:.0f} s; every run valid and there once", flush=True)


if __name__ == "__main__":
    main()
