"""Sweeps against papermill in a loop: `python benchmarks/sweep_throughput.py`.

The same runs four ways, one thread for each kernel: papermill alone, one notebook after another (without the lessons,
as a sweep runs them); a sweep on one worker; a sweep on two. Last, papermill alone with all cores' threads.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import nbformat
import papermill

from synthviz import runs
from synthviz.sweeps import ClusterSettings, read_plan, run_sweep

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def quiet(line: str) -> None:
    pass


def papermill_loop(count: int, threads: int | None) -> float:
    """Seconds for the runs, one after another."""
    for name in THREADS:
        os.environ.pop(name, None)
        if threads is not None:
            os.environ[name] = str(threads)
    with tempfile.TemporaryDirectory() as folder:
        for name in runs.NOTEBOOKS:
            notebook = nbformat.read(runs.notebooks_folder() / f"{name}.ipynb", as_version=4)
            nbformat.write(runs.without_lessons(notebook), Path(folder, f"{name}.ipynb"))
        started = time.perf_counter()
        for seed in range(count):
            out = Path(folder, f"out{seed}")
            out.mkdir()
            for name in runs.NOTEBOOKS:
                parameters = {"seed": seed, "count": 1, "output_dir": ".", "interactive": False}
                known = runs.read_parameters(Path(folder, f"{name}.ipynb"))
                papermill.execute_notebook(
                    f"{folder}/{name}.ipynb",
                    f"{out}/{name}.ipynb",
                    {key: value for key, value in parameters.items() if key in known},
                    cwd=str(out),
                    kernel_name="python3",
                    progress_bar=False,
                )
        return time.perf_counter() - started


def sweep(count: int, workers: int) -> float:
    """Seconds for the runs as a sweep, from reading the file to the last page."""
    for name in THREADS:
        os.environ[name] = "1"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sweep.yaml")
        file.write_text(f"fixed: {{count: 1}}\ngrid: {{seed: {list(range(count))}}}\n")
        started = time.perf_counter()
        finished = run_sweep(read_plan(file), Path(folder, "out"), ClusterSettings(workers=workers), quiet)
        seconds = time.perf_counter() - started
        if finished.done != count:
            raise RuntimeError(f"{finished.failed} of {count} runs failed")
        return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=12)
    arguments = parser.parse_args()
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    count = arguments.runs
    papermill_loop(1, 1)  # warms the disk
    alone = papermill_loop(count, 1)
    print(f"papermill in a loop, one thread:   {alone / count:6.2f} s a run", flush=True)
    for workers in (1, 2):
        seconds = sweep(count, workers)
        print(f"sweep, {workers} worker(s), one thread:    {seconds / count:6.2f} s a run, ", end="")
        print(f"{alone / seconds:.2f} times papermill's throughput", flush=True)
    threaded = papermill_loop(count, None)
    print(
        f"papermill in a loop, all threads:  {threaded / count:6.2f} s a run, {alone / threaded:.2f} times", flush=True
    )


if __name__ == "__main__":
    main()
