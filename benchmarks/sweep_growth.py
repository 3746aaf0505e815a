"""How the cost of a sweep itself grows with the number of runs: `python -m benchmarks.sweep_growth`.

Runs are stubs that write a manifest and nothing else, on two workers, so that planning, resuming, the scheduler and
the pages are all there is: first the runs, then, as another sweep, finding that they are all done.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.side_by_side import Growth, command_line
from synthviz.runs.sweeps import ClusterSettings, PlannedRun, read_plan, run_sweep
from synthviz.runs.sweeps.run_on_worker import RUNS, Orders, Outcome

COUNTS = (10, 100, 1000, 10_000)


def leave_manifest(run: PlannedRun, orders: Orders) -> Outcome:
    """A run that costs nothing."""
    folder = Path(orders.output_dir, RUNS, run.key)
    folder.mkdir()
    prediction = {"class_name": "ocean", "probability": 0.97, "valid": True}
    manifest = {"files": {}, "notebooks": [{"seconds": 0.0}], "results": {"prediction": prediction}, "fallbacks": []}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Outcome(run.key)


def run_and_resume(count: int) -> tuple[float, float]:
    """Seconds for so many runs, and for finding them done, each from reading the sweep's file to the last page."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sweep.yaml")
        prompts = [f"a boat {number}" for number in range(count // 10)]
        file.write_text(json.dumps({"grid": {"prompt": prompts, "seed": list(range(10))}}))  # JSON is YAML
        moments = [perf_counter()]
        for _ in range(2):
            settings = ClusterSettings(workers=2)
            run_sweep(read_plan(file), Path(folder, "out"), settings, lambda line: None, leave_manifest)
            moments.append(perf_counter())
    return moments[1] - moments[0], moments[2] - moments[1]


def measure(repeats: int, counts: tuple[int, ...] = COUNTS) -> list[Growth]:
    rounds = [[run_and_resume(count) for count in counts] for _ in range(repeats)]
    works = {"a sweep of stub runs, two workers": 0, "the same sweep again, all done": 1}
    return [
        Growth(work, "runs", counts, tuple(tuple(seconds[which] for seconds in each) for each in rounds))
        for work, which in works.items()
    ]


def main() -> None:
    command_line(measure, __doc__, repeats=5)


if __name__ == "__main__":
    main()
