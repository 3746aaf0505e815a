"""Run a sweep on Dask: finished runs are skipped, failures reported, interrupted sweeps resumed."""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthviz.files import user_path, write_text
from synthviz.runs.errors import RunError
from synthviz.runs.html import export_html
from synthviz.runs.sweeps.cluster import ClusterSettings, connect
from synthviz.runs.sweeps.dispatch import SCHEDULER_LOST, Dispatcher, Work
from synthviz.runs.sweeps.folder import RUNS, TOKEN, UNFINISHED, locked_folder, verified_manifest
from synthviz.runs.sweeps.plan import PlannedRun, SweepPlan
from synthviz.runs.sweeps.report import DONE, FAILED, Report
from synthviz.runs.sweeps.run_on_worker import Orders, execute_run

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinishedSweep:
    """The result of a sweep.

    Attributes:
        folder: the sweep's folder.
        done: how many runs are finished, those of earlier calls included.
        failed: how many runs failed in this call.
    """

    folder: Path
    done: int
    failed: int


def describe_plan(plan: SweepPlan, output_dir: str | Path | None = None) -> str:
    """Return what a sweep would do: a line per run, which says whether the folder has the run already, and a sum."""
    if output_dir is None:
        return "\n".join([*(f"{run.key}  {run.parameters}" for run in plan.runs), f"{_count(plan)}."])
    done = _find_done(plan, user_path(output_dir))
    lines = [f"{'done ' if run.key in done else 'to do'}  {run.key}  {run.parameters}" for run in plan.runs]
    return "\n".join([*lines, _opening(plan, len(done))])


def run_sweep(
    plan: SweepPlan,
    output_dir: str | Path,
    cluster: ClusterSettings | None = None,
    work: Work = execute_run,
    notebooks_dir: Path | None = None,
    pages: bool = False,
) -> FinishedSweep:
    """Do every run of a plan that is not done yet.

    The folder then holds `runs/KEY/` for each finished run, `failures/KEY/` for each failed one, `index.html` and
    `runs.csv`. The next call repeats the failed runs, and the finished ones whose files were changed or removed.

    Args:
        plan: the runs.
        output_dir: the sweep's folder; all workers must see it under this path.
        cluster: where to run; None starts workers on this machine.
        work: the function that does one run on a worker.
        notebooks_dir: the folder of the notebooks; None finds it on each worker.
        pages: whether to write the executed notebooks of all finished runs as HTML pages too, at the end.

    Raises:
        RunError: if the folder cannot be used, another sweep is using it, or the cluster cannot be reached or is lost.
    """
    folder = user_path(output_dir).resolve()
    with locked_folder(folder):
        done = _find_done(plan, folder)
        report = Report(folder, plan.runs)
        for key, manifest in done.items():
            report.add(key, manifest)
        missing = [run for run in plan.runs if run.key not in done]
        logger.info(_opening(plan, len(done)))
        try:
            report.write()
            if missing:
                _run_missing(plan, missing, report, cluster or ClusterSettings(), work, notebooks_dir)
            if pages:
                _write_pages(plan, report)
        except OSError as error:
            if error.strerror is None:  # an error of Dask's connections; errors of the disk have a description
                raise RunError(SCHEDULER_LOST) from error
            raise RunError(f"the sweep's folder {str(folder)!r} cannot be written to: {error.strerror}") from error
        finally:
            with suppress(OSError):
                report.write()
        logger.info("The pages are in %s, the table in runs.csv.", folder / "index.html")
        return FinishedSweep(folder, report.counts[DONE], report.counts[FAILED])


def _find_done(plan: SweepPlan, folder: Path) -> dict[str, dict[str, Any]]:
    """Return the manifests of the runs that are finished and unchanged, by key."""
    manifests = {run.key: verified_manifest(folder / RUNS / run.key) for run in plan.runs}
    return {key: manifest for key, manifest in manifests.items() if manifest is not None}


def _run_missing(
    plan: SweepPlan,
    missing: Sequence[PlannedRun],
    report: Report,
    settings: ClusterSettings,
    work: Work,
    notebooks_dir: Path | None,
) -> None:
    """Do the missing runs of a plan on a cluster."""
    folder = report.folder
    for run in missing:  # the files of a run that is not whole
        shutil.rmtree(folder / RUNS / run.key, ignore_errors=True)
    token = uuid.uuid4().hex
    write_text(folder / UNFINISHED / TOKEN, token)
    where = None if notebooks_dir is None else str(notebooks_dir)
    with connect(settings) as (client, share):
        limits = replace(plan.limits, memory_gb=plan.limits.memory_gb or share.memory_gb)
        orders = Orders(str(folder), token, plan.notebooks, plan.sources, limits, share.threads, where)
        Dispatcher(client, orders, report, work).work_through(missing)


def _write_pages(plan: SweepPlan, report: Report) -> None:
    """Write the executed notebooks of all finished runs as HTML pages, where they are missing."""
    finished = [report.folder / RUNS / run.key for run in plan.runs if report.status(run) == DONE]
    notebooks = [folder / f"{name}.ipynb" for folder in finished for name in plan.notebooks]
    missing = [notebook for notebook in notebooks if not notebook.with_suffix(".html").exists()]
    if missing:
        logger.info("Writing %d notebooks as pages …", len(missing))
        report.mark_changed()
    for notebook in missing:
        try:
            export_html(notebook)
        except ValueError as error:
            raise RunError(str(error)) from error


def _opening(plan: SweepPlan, done: int) -> str:
    return f"{_count(plan)}: {done} done already, {len(plan.runs) - done} to do."


def _count(plan: SweepPlan) -> str:
    duplicates = f" ({plan.duplicates} more were the same as others)" if plan.duplicates else ""
    return f"{len(plan.runs)} runs{duplicates}"
