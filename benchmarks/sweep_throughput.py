"""A sweep on two workers against papermill in a loop: `python -m benchmarks.sweep_throughput`.

Both run the three notebooks without their lessons, one thread for each kernel, on other seeds each time. A round is
one sweep of 40 runs, from reading its file to its last page, the start of its workers included, and beside it four
runs of the loop, two before and two after: a loop has nothing to share between its runs, so that 40 of them take ten
times as long as four.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from time import perf_counter

import nbformat
import papermill

from benchmarks.side_by_side import Row, command_line, row
from synthviz import runs
from synthviz.sweeps import ClusterSettings, read_plan, run_sweep
from synthviz.sweeps.one_run import THREAD_SETTINGS

WORKERS = 2
HALF = 2  # runs of the loop before a sweep, and as many after it


@contextmanager
def notebooks_without_lessons() -> Iterator[Path]:
    """A folder with copies, for papermill."""
    with tempfile.TemporaryDirectory() as folder:
        for name in runs.NOTEBOOKS:
            notebook = nbformat.read(runs.notebooks_folder() / f"{name}.ipynb", as_version=4)
            nbformat.write(runs.without_lessons(notebook), Path(folder, f"{name}.ipynb"))
        yield Path(folder)


def papermill_loop(notebooks: Path, seeds: list[int]) -> float:
    """Seconds for a run of each seed, one after another."""
    parameters = {name: papermill.inspect_notebook(str(notebooks / f"{name}.ipynb")) for name in runs.NOTEBOOKS}
    started = perf_counter()
    for seed in seeds:
        with tempfile.TemporaryDirectory() as out:
            for name in runs.NOTEBOOKS:
                given = {"seed": seed, "count": 1, "output_dir": ".", "interactive": False}
                papermill.execute_notebook(
                    str(notebooks / f"{name}.ipynb"),
                    f"{out}/{name}.ipynb",
                    {key: value for key, value in given.items() if key in parameters[name]},
                    cwd=out,
                    kernel_name="python3",
                    progress_bar=False,
                )
    return perf_counter() - started


def sweep(size: int) -> float:
    """Seconds for so many runs as a sweep."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sweep.yaml")
        file.write_text(f"fixed: {{count: 1}}\ngrid: {{seed: {list(range(size))}}}\n")
        started = perf_counter()
        settings = ClusterSettings(workers=WORKERS)
        finished = run_sweep(read_plan(file), Path(folder, "out"), settings, lambda line: None)
        seconds = perf_counter() - started
    if finished.done != size:
        raise RuntimeError(f"{finished.failed} of {size} runs failed")
    return seconds


def measure(repeats: int, size: int = 40) -> list[Row]:
    os.environ |= {**dict.fromkeys(THREAD_SETTINGS, "1"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    seeds, here, there = count(), [], []
    with notebooks_without_lessons() as notebooks:
        papermill_loop(notebooks, [next(seeds)])  # warms the disk
        for _ in range(repeats):
            halves = [papermill_loop(notebooks, [next(seeds) for _ in range(HALF)])]
            here.append(sweep(size))
            halves.append(papermill_loop(notebooks, [next(seeds) for _ in range(HALF)]))
            there.append(sum(halves) / (2 * HALF) * size)
    work = f"a sweep of {size} runs, {WORKERS} workers of one thread"
    note = f"the loop's time is {2 * HALF} runs' in each round, times {size // (2 * HALF)}"
    return [row(work, "papermill in a loop, one thread", 1 / 1.7, here, there, note=note)]


def main() -> None:
    command_line(measure, __doc__, repeats=5)


if __name__ == "__main__":
    main()
