from . import (
    cluster as cluster,
    dispatch as dispatch,
    failures as failures,
    folder as folder,
    plan as plan,
    report as report,
    run_on_worker as run_on_worker,
    sweep as sweep,
    sweep_file as sweep_file,
    table as table,
    typed_yaml as typed_yaml,
    workers as workers,
)
from .cluster import ClusterSettings as ClusterSettings
from .plan import PlannedRun as PlannedRun, SweepPlan as SweepPlan, read_plan as read_plan
from .sweep import FinishedSweep as FinishedSweep, describe_plan as describe_plan, run_sweep as run_sweep
