"""Run every benchmark and write `benchmarks/RESULTS.md` and its charts: `make bench`, or `python -m benchmarks`.

Each benchmark is a process of its own, so that none finds another's caches or threads. What does not fit into the
time that is left is ended, and the page says so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from time import monotonic

from benchmarks.results import PAGE, ROOT, write_results
from benchmarks.side_by_side import Growth, Row, read_numbers

MINUTES = 60  # for everything
AGAINST, GROWTH, FEEL, CPU = (
    "What it costs",
    "How it grows",
    "How the explorers feel",
    "How fast a CPU can be",
)
INTROS = {
    AGAINST: "Against what a user would pick instead, as its own documentation says.",
    GROWTH: "Exponents of time over size: 1 is linear. Sweeps of stub runs show what a sweep costs beside its runs.",
    FEEL: "In JupyterLab in Chromium, from a key press or a click to another picture; the ratio is to a limit.",
    CPU: "The embedded model run in other ways. The first two can be chosen; the others were tried beside them.",
}
# In the order in which they run: what would hurt least if the time ran out comes last.
BENCHMARKS = {
    "four_steps": AGAINST,
    "generation": AGAINST,
    "cold_start": AGAINST,
    "folders": AGAINST,
    "capture": AGAINST,
    "grad_cam": AGAINST,
    "mosaic": AGAINST,
    "figures": AGAINST,
    "notebooks": AGAINST,
    "word_maps": AGAINST,
    "cpu_best_effort": CPU,
    "growth": GROWTH,
    "sweep_throughput": AGAINST,
    "explorers": FEEL,
    "sweep_growth": GROWTH,
}


class NotMeasured(RuntimeError):
    """A benchmark that gave no numbers; the message says why."""


def run(name: str, seconds: float) -> list[Row | Growth]:
    """One benchmark's numbers, from a process of its own that has so many seconds.

    Raises:
        NotMeasured: if it failed or the time was over.
    """
    if seconds <= 0:
        raise NotMeasured(f"{name}, for which no time was left")
    with tempfile.TemporaryDirectory() as folder:
        numbers = Path(folder, "numbers.json")
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(numbers)]
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise NotMeasured(f"{name}, which was not done when the time was over") from None
        finally:
            if process.poll() is None:  # with the workers that it started; kernels end once their parent has
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if code:
            raise NotMeasured(f"{name}, which failed")
        return read_numbers(numbers)


def main() -> None:
    started = monotonic()
    sections: dict[str, list[Row | Growth]] = {heading: [] for heading in INTROS}
    left_out = []
    for name, heading in BENCHMARKS.items():
        print(f"\n{name}, after {(monotonic() - started) / 60:.1f} minutes\n", flush=True)
        try:
            sections[heading] += run(name, 60 * MINUTES - (monotonic() - started))
        except NotMeasured as reason:
            left_out.append(f"{reason}.")
            print(left_out[-1])
    write_results(sections, INTROS, left_out, (monotonic() - started) / 60)
    print(f"\n{PAGE.relative_to(ROOT)} is written.")


if __name__ == "__main__":
    main()
