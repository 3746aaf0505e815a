"""A sweep of 200 runs under fire, beside the same left in peace: `python -m benchmarks.sweep_kills`.

Kernels, workers and the driver are killed with SIGKILL at random moments, and the driver is started again until the
sweep is done. Then every run must be there once and verify, and no process and no temporary folder may be left. The
runs are small ones of the tests (a third of a second of sleep each), on two workers; the tools are the tests' own.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent / "tests"
sys.path[:0] = [str(TESTS), str(TESTS / "sweeps")]

from test_kills import Machine, endure  # noqa: E402 - found through the line above

KINDS = ["kernel", "worker", "kernel", "driver"]
PAUSE = (3.0, 9.0)  # seconds between two shots


def measure(runs: int, shots: int) -> tuple[float, int]:
    """How many seconds a sweep takes that is shot at so often, and how many shots hit; checks what it leaves."""
    with tempfile.TemporaryDirectory() as folder:
        machine = Machine(Path(folder), runs)
        started = time.perf_counter()
        hits = endure(machine, [KINDS[shot % len(KINDS)] for shot in range(shots)], seed=runs, pause=PAUSE)
        seconds = time.perf_counter() - started
        machine.check()
    return seconds, hits


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--shots", type=int, default=24)
    arguments = parser.parse_args()
    for shots in (0, arguments.shots):
        seconds, hits = measure(arguments.runs, shots)
        print(f"{arguments.runs} runs, {hits} kills: {seconds:.0f} s, all valid, none twice, nothing left", flush=True)


if __name__ == "__main__":
    main()
