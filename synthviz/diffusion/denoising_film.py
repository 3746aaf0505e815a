"""The denoising film: the picture after every step, and the model's estimate of the finished picture at every step."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor

from synthviz.diffusion.capabilities import call_parameters
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import GeneratedPicture, generate
from synthviz.diffusion.latents import decode_steps
from synthviz.diffusion.schedulers import (
    estimate_of,
    find_scheduler,
    returns_estimates,
    scheduler_set,
    usable_schedulers,
)
from synthviz.files import user_path, whole_file
from synthviz.records import label_options

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from PIL.Image import Image

LAST_FRAME = 1500  # milliseconds for which an animation rests on its last frame
ANIMATIONS = (".gif", ".webp", ".png")


@dataclass(frozen=True)
class DenoisingFilm:
    """The steps from noise to one picture.

    Attributes:
        picture: the finished picture.
        frames: the decoded latents after each step, with their noise; the last one is the finished picture.
        estimates: the model's estimate of the finished picture at each step; empty if they were not recorded.
        timesteps: one for each step, falling.
    """

    picture: GeneratedPicture
    frames: tuple[Image, ...]
    estimates: tuple[Image, ...]
    timesteps: tuple[float, ...]


def record_film(pipeline: DiffusionPipeline, config: GenerationConfig, estimates: bool = True) -> DenoisingFilm:
    """Make one picture, from `config.seed`, and keep every step.

    Frames come from diffusers' step callback, estimates from the output of the scheduler's `step`. Stable Diffusion 1
    to 3, SDXL and FLUX.1 are decoded here. Any other pipeline decodes by itself, for which it takes one more denoising
    step for each frame and each estimate.

    Args:
        pipeline: any text-to-image pipeline of diffusers with a step callback.
        config: what to make; `count` is taken as 1.
        estimates: whether to record the model's estimates too.

    Raises:
        ValueError: if the pipeline has no step callback, or estimates are wanted and its scheduler does not return
            any; else as `generate`.
    """
    if "callback_on_step_end" not in call_parameters(pipeline):
        raise ValueError(f"a {type(pipeline).__name__} has no step callback, so that its steps cannot be recorded")
    scheduler = find_scheduler(pipeline, config.scheduler)
    if estimates:
        _check_estimates(pipeline, scheduler or pipeline.scheduler)
    latents: list[Tensor] = []
    timesteps: list[float] = []
    estimated: list[Tensor] = []

    def start(seeds: list[int]) -> None:  # again if the memory ran out on the way
        for steps in (latents, timesteps, estimated):
            steps.clear()

    def keep(timestep: float, current: Tensor) -> None:
        timesteps.append(timestep)
        latents.append(current)

    with scheduler_set(pipeline, scheduler):
        watched = recorded_estimates(pipeline, estimated) if estimates else nullcontext()
        with watched:
            alone = replace(config, count=1, scheduler=None)
            (picture,) = generate(pipeline, alone, on_batch=start, on_latents=keep)
    size = (picture.image.height, picture.image.width)
    frames = decode_steps(pipeline, alone, latents[:-1], size)
    return DenoisingFilm(
        picture,
        (*frames, picture.image),
        tuple(decode_steps(pipeline, alone, estimated, size)),
        tuple(timesteps),
    )


def _check_estimates(pipeline: DiffusionPipeline, scheduler: Any) -> None:
    if returns_estimates(scheduler):
        return
    names = ", ".join(name for name, each in usable_schedulers(pipeline).items() if returns_estimates(each))
    raise ValueError(_no_estimates(type(scheduler).__name__) + (f", or use one of {names}" if names else ""))


def _no_estimates(scheduler: str) -> str:
    return (
        f"{scheduler} does not return the model's estimate of the finished picture; record the film with "
        "estimates=False"
    )


@contextmanager
def recorded_estimates(pipeline: DiffusionPipeline, estimates: list[Tensor], required: bool = True) -> Iterator[None]:
    """Append the model's estimate of the finished latents to a list at every step of the pipeline in the block.

    The pipeline gets a scheduler of the same kind for the block, whose `step` also stores its output.

    Args:
        pipeline: whose scheduler to watch.
        estimates: where the estimates go.
        required: whether a scheduler that returns no estimate is an error.

    Raises:
        ValueError: at the first step, if an estimate is required and the scheduler returns none.
    """
    with scheduler_set(pipeline, _recording_scheduler(pipeline.scheduler, estimates, required)):
        yield


def _recording_scheduler(scheduler: Any, estimates: list[Tensor], required: bool) -> Any:
    kind = type(scheduler)

    @functools.wraps(kind.step)  # pipelines read the signature
    def step(self: Any, *args: Any, return_dict: bool = True, **kwargs: Any) -> Any:
        output = kind.step(self, *args, **kwargs, return_dict=True)
        estimate = estimate_of(output)
        if estimate is None and required:
            raise ValueError(_no_estimates(kind.__name__))
        if estimate is not None:
            estimates.append(estimate.detach().clone())
        return output if return_dict else output.to_tuple()

    recording: Any = type(kind.__name__, (kind,), {"step": step})
    return recording.from_config(scheduler.config)


def save_animation(film: DenoisingFilm, path: str | Path, estimates: bool = False, frame: int = 120) -> Path:
    """Write the film as an animation that loops, whole or not at all, labelled as its picture is; returns the path.

    Args:
        film: from `record_film`.
        path: ends in .gif, .webp or .png (an animated PNG).
        estimates: show the model's estimates instead of the noisy frames.
        frame: milliseconds for which a frame stays; the last one stays longer.

    Raises:
        ValueError: for another ending, or if the film has no estimates and they are wanted.
    """
    path = user_path(path)
    if path.suffix.lower() not in ANIMATIONS:
        raise ValueError(f"the path ends in {path.suffix!r}; an animation ends in {', '.join(ANIMATIONS)}")
    frames = film.estimates if estimates else film.frames
    if not frames:
        raise ValueError("the film has no estimates; record it with estimates=True")
    durations = [*(frame for _ in frames[1:]), LAST_FRAME]
    labels = label_options(film.picture.record, path.suffix.lower())
    with whole_file(path) as unfinished:
        frames[0].save(unfinished, save_all=True, append_images=frames[1:], duration=durations, loop=0, **labels)
    return path
