from . import (
    cluster as cluster,
    folder as folder,
    plan as plan,
    report as report,
    run_on_worker as run_on_worker,
    sweep as sweep,
    workers as workers,
)
from .cluster import ClusterSettings as ClusterSettings
from .plan import Limits as Limits, PlannedRun as PlannedRun, SweepPlan as SweepPlan, read_plan as read_plan
from .sweep import FinishedSweep as FinishedSweep, describe_plan as describe_plan, run_sweep as run_sweep
