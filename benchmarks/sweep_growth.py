"""How the cost of a sweep itself grows with the number of runs: `python benchmarks/sweep_growth.py`.

Runs are stubs that write a manifest and nothing else, on two workers, so that planning, resuming, the scheduler and
the pages are all there is. The cost of a run should stay the same from hundreds to many thousands.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from itertools import pairwise
from pathlib import Path

from synthviz.sweeps import ClusterSettings, PlannedRun, read_plan, run_sweep
from synthviz.sweeps.one_run import RUNS, Orders, Outcome


def leave_manifest(run: PlannedRun, orders: Orders) -> Outcome:
    """A run that costs nothing."""
    folder = Path(orders.output_dir, RUNS, run.key)
    folder.mkdir()
    prediction = {"class_name": "ocean", "probability": 0.97, "valid": True}
    manifest = {"files": {}, "notebooks": [{"seconds": 0.0}], "results": {"prediction": prediction}, "fallbacks": []}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Outcome(run.key)


def quiet(line: str) -> None:
    pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[100, 1000, 10_000])
    arguments = parser.parse_args()
    print("    runs   plan ms/run   run ms/run   resume ms/run")
    for count in arguments.counts:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "sweep.yaml")
            prompts = [f"a boat {number}" for number in range(count // 10)]
            file.write_text(json.dumps({"grid": {"prompt": prompts, "seed": list(range(10))}}))  # JSON is YAML
            moments = [time.perf_counter()]
            plan = read_plan(file)
            moments.append(time.perf_counter())
            for _ in ("run", "resume"):
                run_sweep(plan, Path(folder, "out"), ClusterSettings(workers=2), quiet, leave_manifest)
                moments.append(time.perf_counter())
            costs = [1000 * (after - before) / count for before, after in pairwise(moments)]
            print(f"{count:>8}   {costs[0]:>11.3f}   {costs[1]:>10.3f}   {costs[2]:>13.3f}", flush=True)


if __name__ == "__main__":
    main()
