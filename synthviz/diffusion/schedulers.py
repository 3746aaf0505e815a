"""Give a pipeline another scheduler, by name, for the length of a block."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

# DPMSolverSDE draws its own noise, so that the seed would not decide the picture.
UNSEEDED = "DPMSolverSDEScheduler"


def find_scheduler(pipeline: DiffusionPipeline, name: str | None) -> Any:
    """Build the scheduler of this name from the configuration of the pipeline's own.

    Args:
        pipeline: whose scheduler to replace.
        name: such as "DDIM" or "EulerDiscreteScheduler"; None returns None, which keeps the pipeline's own.

    Raises:
        ValueError: if the pipeline cannot use it, or a library that it needs is missing.
    """
    if name is None:
        return None
    own = type(pipeline.scheduler)
    classes = {own.__name__: own} | {kind.__name__: kind for kind in pipeline.scheduler.compatibles}
    classes.pop(UNSEEDED, None)
    wanted = _short(name).lower()
    for class_name, scheduler_class in classes.items():
        if _short(class_name).lower() == wanted:
            try:
                return scheduler_class.from_config(pipeline.scheduler.config)
            except ImportError as error:
                reason = str(error).strip().splitlines()[0]
                raise ValueError(
                    f"scheduler is {name!r}, which needs a library that is not installed: {reason}"
                ) from error
    names = sorted(map(_short, classes))
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names
    raise ValueError(f"scheduler is {name!r}, which this pipeline cannot use; try {', '.join(close)}")


def _short(class_name: str) -> str:
    return class_name[: -len("Scheduler")] if class_name.lower().endswith("scheduler") else class_name


@contextmanager
def scheduler_set(pipeline: DiffusionPipeline, scheduler: Any) -> Iterator[None]:
    """Give the pipeline another scheduler in the block; None leaves it as it is."""
    before = pipeline.scheduler
    if scheduler is not None:
        pipeline.scheduler = scheduler
    try:
        yield
    finally:
        pipeline.scheduler = before
