"""Run every benchmark and write `benchmarks/RESULTS.md` and its charts: `make bench`, or `python -m benchmarks`.

Each benchmark runs in its own process, so that none uses another's caches or threads. A benchmark that takes longer
than the remaining time is ended, and the page says so.
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

MINUTES = 60  # for all benchmarks
AGAINST, GROWTH, FEEL, CPU = (
    "Compared with the alternatives",
    "How time grows with size",
    "Response times of the explorers",
    "Other ways on a CPU, for comparison",
)
INTROS = {
    AGAINST: "The alternatives are the tools that a user would otherwise choose, used as their documentation says.",
    GROWTH: "The exponent is that of time over size: 1 is linear. Sweeps of stub runs show the overhead of a sweep.",
    FEEL: "In JupyterLab in Chromium, from a key press or click to the new picture; the ratio is to a limit.",
    CPU: "The embedded model, computed in other ways. Users can choose the first; the others are for comparison only.",
}
# In the order in which they run; the least important ones come last, in case the time runs out.
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
    "world_painting": AGAINST,
    "cpu_best_effort": CPU,
    "growth": GROWTH,
    "sweep_throughput": AGAINST,
    "explorers": FEEL,
    "sweep_growth": GROWTH,
}


class NotMeasured(RuntimeError):
    """A benchmark gave no numbers; the message says why."""


def run(name: str, seconds: float) -> list[Row | Growth]:
    """Run one benchmark in a new process; return its numbers.

    Raises:
        NotMeasured: if it failed or took longer than `seconds`.
    """
    if seconds <= 0:
        raise NotMeasured(f"{name}: no time was left")
    with tempfile.TemporaryDirectory() as folder:
        numbers = Path(folder, "numbers.json")
        command = [sys.executable, "-m", f"benchmarks.{name}", "--json", str(numbers)]
        process = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise NotMeasured(f"{name}: it did not finish in the remaining time") from None
        finally:
            if process.poll() is None:  # ends its workers too; kernels end with their parent process
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if code:
            raise NotMeasured(f"{name}: it failed")
        return read_numbers(numbers)


def main() -> None:
    """Run all benchmarks and write the page and the charts."""
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
