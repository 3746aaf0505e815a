"""Give a pipeline another scheduler, by name, and try every scheduler on empty latents before it draws."""

from __future__ import annotations

import difflib
import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.capabilities import names_used

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

# DPMSolverSDE draws its own noise, so that the seed would not decide the picture.
UNSEEDED = "DPMSolverSDEScheduler"
# What some pipelines use of a scheduler and some schedulers do not have, such as those for flow matching.
SOMETIMES_MISSING = ("init_noise_sigma", "scale_model_input")
USUAL_STEPS = (999, 100, 50, 25, 10, 4)


def find_scheduler(pipeline: DiffusionPipeline, name: str | None, steps: int | None = None) -> Any:
    """Build the scheduler of this name from the configuration of the pipeline's own.

    The scheduler is tried first: it takes its steps on empty latents, which costs little.

    Args:
        pipeline: whose scheduler to replace.
        name: such as "DDIM" or "EulerDiscreteScheduler"; None returns None, which keeps the pipeline's own.
        steps: how many denoising steps it will take; None does not try that.

    Raises:
        ValueError: if the pipeline cannot use it, it cannot take so many steps, or a library that it needs is missing;
            the message offers only schedulers that can be used with so many steps.
    """
    if name is None:
        _check_own(pipeline, steps)
        return None
    classes = _offered(pipeline)
    wanted = _short(name).lower()
    chosen = next((kind for class_name, kind in classes.items() if _short(class_name).lower() == wanted), None)
    scheduler = None if chosen is None else _build(pipeline, chosen, name)
    if scheduler is None or _missing(pipeline, scheduler):
        raise ValueError(f"scheduler is {name!r}, which this pipeline cannot use{_others(pipeline, name, steps)}")
    if steps is not None and (problem := _problem_with_steps(scheduler, steps)):
        raise ValueError(f"scheduler is {name!r}, which {problem}{_others(pipeline, name, steps, ', or another: ')}")
    return scheduler


def usable_schedulers(pipeline: DiffusionPipeline, steps: int | None = None) -> dict[str, Any]:
    """Build every scheduler that a pipeline can use, with so many steps; by short name, sorted."""
    usable = {}
    for class_name, kind in sorted(_offered(pipeline).items()):
        try:
            scheduler = kind.from_config(pipeline.scheduler.config)
        except ImportError:  # an optional library is missing
            continue
        if not _missing(pipeline, scheduler) and (steps is None or not _problem_with_steps(scheduler, steps)):
            usable[_short(class_name)] = scheduler
    return usable


def returns_estimates(scheduler: Any) -> bool:
    """Tell whether the steps of a scheduler return the model's estimate of the finished latents."""
    try:
        output = _take_steps(_diffusers_class(scheduler)(), 2)
    except Exception:  # it cannot be tried alone
        return True
    return estimate_of(output) is not None


def estimate_of(output: Any) -> Any:
    """Return the estimate of the finished latents from the output of a scheduler's step; None if there is none.

    `LCMScheduler` calls it "denoised", most others "pred_original_sample".
    """
    return getattr(output, "pred_original_sample", getattr(output, "denoised", None))


def fewest_steps(scheduler: Any) -> int:
    """Return the smallest of some small numbers of steps that a scheduler takes; 1 if it cannot be tried alone."""
    return next((steps for steps in (1, 2, 4, 10) if _takes(scheduler, steps)), 1)


def _offered(pipeline: DiffusionPipeline) -> dict[str, Any]:
    own = _diffusers_class(pipeline.scheduler)
    classes = {own.__name__: own} | {kind.__name__: kind for kind in pipeline.scheduler.compatibles}
    classes.pop(UNSEEDED, None)
    return classes


def _diffusers_class(scheduler: Any) -> Any:
    """Return the scheduler's class; for one that records what it does, the class of diffusers that it comes from."""
    import diffusers

    return getattr(diffusers, type(scheduler).__name__, type(scheduler))


def _build(pipeline: DiffusionPipeline, kind: Any, name: str) -> Any:
    try:
        return kind.from_config(pipeline.scheduler.config)
    except ImportError as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"scheduler is {name!r}, which needs a library that is not installed: {reason}") from error


def _others(pipeline: DiffusionPipeline, name: str, steps: int | None, before: str = "; try ") -> str:
    names = [other for other in usable_schedulers(pipeline, steps) if other.lower() != _short(name).lower()]
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names
    return before + ", ".join(close) if close else ""


def _check_own(pipeline: DiffusionPipeline, steps: int | None) -> None:
    own = pipeline.scheduler
    if missing := _missing(pipeline, own):
        raise ValueError(
            f"the scheduler of this pipeline is a {type(own).__name__}, which has no {' and no '.join(missing)}; a "
            f"{type(pipeline).__name__} needs that"
        )
    if steps is not None and (problem := _problem_with_steps(own, steps)):
        raise ValueError(f"the scheduler of this pipeline, a {type(own).__name__}, {problem}")


def _missing(pipeline: DiffusionPipeline, scheduler: Any) -> list[str]:
    """Return what the pipeline's code uses of a scheduler and this one does not have.

    Code that also names the scheduler's class may use it in another way, as `BriaPipeline` does.
    """
    kind: type = type(pipeline)
    used = names_used(kind)
    if _diffusers_class(scheduler).__name__ in used:
        return []
    return [name for name in SOMETIMES_MISSING if name in used and not hasattr(scheduler, name)]


def _problem_with_steps(scheduler: Any, steps: int) -> str | None:
    """Return why a scheduler cannot take so many steps; None if it can, or if no other number works either."""
    if _takes(scheduler, steps):
        return None
    fewer = [number for number in dict.fromkeys((steps - 1, *USUAL_STEPS)) if number < steps]
    more = [number for number in reversed(USUAL_STEPS) if number > steps]
    other = next((number for number in (*fewer, *more) if number > 0 and _takes(scheduler, number)), None)
    return None if other is None else f"cannot take {steps} step{'s' * (steps > 1)}; try {other} steps"


def _takes(scheduler: Any, steps: int) -> bool:
    # Pipelines for flow matching choose the noise levels themselves; those of OmniGen are the only ones that work.
    chosen: list[list[float] | None] = [None]
    if "sigmas" in inspect.signature(scheduler.set_timesteps).parameters:
        chosen.append([1 - step / steps for step in range(steps)])
    for sigmas in chosen:
        with suppress(Exception):  # each scheduler fails in its own way
            _take_steps(_diffusers_class(scheduler).from_config(scheduler.config), steps, sigmas)
            return True
    return False


def _take_steps(scheduler: Any, steps: int, sigmas: list[float] | None = None) -> Any:
    """Let a scheduler take its steps on empty latents, at these noise levels or its own; returns the last output."""
    import torch

    own = {"generator": torch.Generator()} if "generator" in inspect.signature(scheduler.step).parameters else {}
    latents = torch.zeros(1, 4, 2, 2)
    learnt_variance = str(scheduler.config.get("variance_type")).startswith("learned")
    predicted = torch.zeros(1, 8 if learnt_variance else 4, 2, 2)
    output = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they come again when the scheduler draws
        scheduler.set_timesteps(**({"num_inference_steps": steps} if sigmas is None else {"sigmas": sigmas}))
        for timestep in scheduler.timesteps:
            output = scheduler.step(predicted, timestep, latents, **own)
            latents = output.prev_sample
    return output


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
