"""A sweep on two workers, compared with papermill in a loop: `python -m benchmarks.sweep_throughput`.

Both run the three notebooks without their lessons. The sweep is timed from reading its file to its last page, including
the start of its workers, with one thread for each kernel. The runs of a loop share nothing, so one run is measured and
its time is multiplied. It is measured with one thread for each kernel, and with all threads of the machine, the usual
setting without a sweep.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from unittest import mock

import nbformat
import numpy as np
import papermill

from benchmarks.side_by_side import Row, as_times, command_line, in_turns, row
from synthviz import runs
from synthviz.runs.notebook import without_lessons
from synthviz.runs.run_process import THREAD_SETTINGS
from synthviz.runs.sweeps import ClusterSettings, cluster, read_plan, run_sweep

SIZE = 40  # runs of the sweep; five rounds take half an hour on two cores


@contextmanager
def notebooks_without_lessons() -> Iterator[Path]:
    """Yield a folder with copies of the notebooks for papermill."""
    with tempfile.TemporaryDirectory() as folder:
        for name in runs.NOTEBOOKS:
            notebook = nbformat.read(runs.notebooks_folder() / f"{name}.ipynb", as_version=4)
            nbformat.write(without_lessons(notebook), Path(folder, f"{name}.ipynb"))
        yield Path(folder)


def papermill_run(notebooks: Path, seed: int, threads: int) -> None:
    """Run the three notebooks once with papermill; each kernel has this number of threads."""
    parameters = {name: papermill.inspect_notebook(str(notebooks / f"{name}.ipynb")) for name in runs.NOTEBOOKS}
    limited = mock.patch.dict(os.environ, dict.fromkeys(THREAD_SETTINGS, str(threads)))
    with limited, tempfile.TemporaryDirectory() as out:
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


def sweep(size: int, workers: int) -> None:
    """Run a sweep of this size on this number of workers, with one thread for each kernel.

    Raises:
        RuntimeError: if a run failed.
    """
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(cluster, "size_workers", lambda count: (count, 1)):
        file = Path(folder, "sweep.yaml")
        file.write_text(f"fixed: {{count: 1}}\ngrid: {{seed: {list(range(size))}}}\n")
        finished = run_sweep(read_plan(file), Path(folder, "out"), ClusterSettings(workers=workers))
    if finished.done != size:
        raise RuntimeError(f"{finished.failed} of {size} runs failed")


def measure(repeats: int, size: int = SIZE) -> list[Row]:
    """Compare the sweep with the loop."""
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    seeds, cores = count(), os.cpu_count() or 1
    with notebooks_without_lessons() as notebooks:
        papermill_run(notebooks, next(seeds), threads=1)  # a warm-up for the disk cache
        seconds = in_turns(
            {
                "sweep": lambda: sweep(size, workers=2),
                "loop": lambda: papermill_run(notebooks, next(seeds), threads=1),
                "all threads": lambda: papermill_run(notebooks, next(seeds), threads=cores),
            },
            repeats,
            warm_up=0,
        )
    here, loop, all_threads = map(np.array, seconds.values())
    loop, all_threads = loop * size, all_threads * size
    note = f"in each round the time of one run in the loop is multiplied by {size}; with the threads of all {cores} "
    note += f"cores the loop takes {np.median(all_threads):.0f} s, and the ratio is "
    note += f"{as_times(float(np.median(here / all_threads)))}"
    work = f"a sweep of {size} runs, two workers, one thread for each kernel"
    against = "papermill in a loop, one thread"
    return [row(work, against, 1 / 1.7, here.tolist(), loop.tolist(), note=note)]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=5)


if __name__ == "__main__":
    main()
