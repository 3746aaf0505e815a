"""Give a pipeline another scheduler, by name and for a while."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


def find_scheduler(pipeline: DiffusionPipeline, name: str | None) -> Any:
    """The scheduler of that name, made from the pipeline's own configuration; None keeps the pipeline's.

    Raises:
        ValueError: if the pipeline cannot use it, or a library it needs is missing.
    """
    if name is None:
        return None
    own = type(pipeline.scheduler)
    classes = {own.__name__: own} | {one.__name__: one for one in pipeline.scheduler.compatibles}
    classes.pop("DPMSolverSDEScheduler", None)  # draws noise of its own, whatever the seed
    wanted = name.lower().removesuffix("scheduler")
    for class_name, scheduler_class in classes.items():
        if class_name.lower().removesuffix("scheduler") == wanted:
            try:
                return scheduler_class.from_config(pipeline.scheduler.config)
            except ImportError as error:
                why = str(error).strip().splitlines()[0]
                raise ValueError(
                    f"scheduler is {name!r}, which needs a library that is not installed: {why}"
                ) from error
    short = sorted(class_name.removesuffix("Scheduler") for class_name in classes)
    close = difflib.get_close_matches(name, short, n=3, cutoff=0.4) or short
    raise ValueError(f"scheduler is {name!r}, which this pipeline cannot use; try {', '.join(close)}")


@contextmanager
def scheduler_set(pipeline: DiffusionPipeline, scheduler: Any) -> Iterator[None]:
    """Give the pipeline another scheduler for a while."""
    before = pipeline.scheduler
    if scheduler is not None:
        pipeline.scheduler = scheduler
    try:
        yield
    finally:
        pipeline.scheduler = before
