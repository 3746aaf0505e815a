"""Many runs of the notebooks on Dask: `python -m synthviz sweep sweep.yaml --output-dir sweeps/first`."""

from synthviz.sweeps.cluster import ClusterSettings
from synthviz.sweeps.driver import FinishedSweep, describe_plan, run_sweep
from synthviz.sweeps.plan import Limits, PlannedRun, SweepPlan, read_plan

__all__ = [
    "ClusterSettings",
    "FinishedSweep",
    "Limits",
    "PlannedRun",
    "SweepPlan",
    "describe_plan",
    "read_plan",
    "run_sweep",
]
