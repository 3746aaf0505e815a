"""How the overhead of a sweep grows with the number of runs: `python -m benchmarks.sweep_growth`.

The runs are stubs that write only a manifest, on two workers, so that only planning, the scheduler and the pages take
time. Each sweep is started twice: the first time all runs are executed, the second time all are skipped.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from time import perf_counter

from benchmarks.side_by_side import Growth, command_line
from synthviz.runs.sweeps import ClusterSettings, PlannedRun, read_plan, run_sweep
from synthviz.runs.sweeps.folder import RUNS
from synthviz.runs.sweeps.run_on_worker import Orders, Outcome

COUNTS = (10, 100, 1000, 10_000)


def write_manifest(run: PlannedRun, orders: Orders) -> Outcome:
    """Write the manifest of a run without running anything."""
    folder = Path(orders.output_dir, RUNS, run.key)
    folder.mkdir()
    prediction = {"class_name": "ocean", "probability": 0.97, "valid": True}
    manifest = {"files": {}, "notebooks": [{"seconds": 0.0}], "results": {"prediction": prediction}, "fallbacks": []}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Outcome(run.key)


def run_and_resume(count: int) -> tuple[float, float]:
    """Return the seconds for this number of runs and for skipping them, from reading the file to the last page."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "sweep.yaml")
        prompts = [f"a boat {number}" for number in range(count // 10)]
        file.write_text(json.dumps({"grid": {"prompt": prompts, "seed": list(range(10))}}))  # JSON is YAML
        moments = [perf_counter()]
        for _ in range(2):
            run_sweep(read_plan(file), Path(folder, "out"), ClusterSettings(workers=2), work=write_manifest)
            moments.append(perf_counter())
    return moments[1] - moments[0], moments[2] - moments[1]


def measure(repeats: int, counts: tuple[int, ...] = COUNTS) -> list[Growth]:
    """Measure both starts of sweeps of all sizes."""
    rounds = [[run_and_resume(count) for count in counts] for _ in range(repeats)]
    works = {"a sweep of stub runs, two workers": 0, "the same sweep again, all runs skipped": 1}
    return [
        Growth(work, "runs", counts, tuple(tuple(seconds[which] for seconds in each) for each in rounds))
        for work, which in works.items()
    ]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=5)


if __name__ == "__main__":
    main()
