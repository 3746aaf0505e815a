"""The denoising film: what the picture looks like at every step, and where the model thinks it will end."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from synthviz.diffusion.capabilities import call_parameters
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import GeneratedPicture, generate
from synthviz.diffusion.schedulers import find_scheduler, scheduler_set
from synthviz.files import whole_file

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from PIL.Image import Image

LAST_FRAME = 1500  # milliseconds for which an animation rests on its last frame


@dataclass(frozen=True)
class DenoisingFilm:
    """One picture coming into being.

    Attributes:
        picture: the finished picture.
        frames: after each step the decoded latents, noise and all; the last one is the finished picture.
        estimates: at each step what the model takes for the finished picture; empty where the scheduler does not say.
        timesteps: one for each step, falling.
    """

    picture: GeneratedPicture
    frames: tuple[Image, ...]
    estimates: tuple[Image, ...]
    timesteps: tuple[float, ...]


def record_film(pipeline: DiffusionPipeline, config: GenerationConfig, estimates: bool = True) -> DenoisingFilm:
    """Make one picture, from `config.seed`, and keep every step.

    Frames come from diffusers' step callback. It does not carry the model's estimate, so that is read from what the
    scheduler's `step` returns, on this one scheduler, which is afterwards as it was.

    Args:
        pipeline: any text-to-image pipeline of diffusers with a step callback.
        config: what to make; `count` is taken as 1.
        estimates: whether to keep the model's estimates too.

    Raises:
        ValueError: if the pipeline has no step callback, or estimates are wanted and its scheduler does not give any;
            else as `generate`.
    """
    if "callback_on_step_end" not in call_parameters(pipeline):
        raise ValueError(f"a {type(pipeline).__name__} does not tell of its steps, so that there is nothing to film")
    latents: list[Tensor] = []
    timesteps: list[float] = []
    guesses: list[Tensor] = []

    def begin(seeds: list[int]) -> None:
        """Also once more, if memory ran out on the way."""
        for each in (latents, timesteps, guesses):
            each.clear()

    def keep(timestep: float, now: Tensor) -> None:
        timesteps.append(timestep)
        latents.append(now)

    scheduler = find_scheduler(pipeline, config.scheduler)
    with scheduler_set(pipeline, scheduler):
        alone = replace(config, count=1, scheduler=None)
        if estimates:
            with estimates_kept(pipeline.scheduler, guesses):
                (picture,) = generate(pipeline, alone, on_batch=begin, on_latents=keep)
        else:
            (picture,) = generate(pipeline, alone, on_batch=begin, on_latents=keep)
    size = (picture.image.height, picture.image.width)
    frames = [decode_latents(pipeline, each, *size) for each in latents]
    return DenoisingFilm(
        picture,
        (*frames[:-1], picture.image),
        tuple(decode_latents(pipeline, each, *size) for each in guesses),
        tuple(timesteps),
    )


@contextmanager
def estimates_kept(scheduler: Any, guesses: list[Tensor], needed: bool = True) -> Iterator[None]:
    """Append to `guesses` what the model takes for the finished latents at every step of this scheduler in the block.

    Raises:
        ValueError: at the first step, if the scheduler does not tell and it is `needed`.
    """
    step, own = scheduler.step, vars(scheduler).get("step")

    @functools.wraps(step)
    def watching(*args: Any, **kwargs: Any) -> Any:
        wants_output = kwargs.pop("return_dict", True)
        output = step(*args, **kwargs, return_dict=True)
        # LCMScheduler calls it "denoised", most others "pred_original_sample".
        guess = getattr(output, "pred_original_sample", getattr(output, "denoised", None))
        if guess is None and needed:
            raise ValueError(
                f"{type(scheduler).__name__} does not tell the model's estimate of the finished picture; ask for the "
                "film with estimates=False, or use another scheduler, such as DDIM"
            )
        if guess is not None:
            guesses.append(guess.detach().clone())
        return output if wants_output else output.to_tuple()

    scheduler.step = watching
    try:
        yield
    finally:
        del scheduler.step  # the class's own is found again
        if own is not None:
            scheduler.step = own


@torch.no_grad()
def decode_latents(pipeline: DiffusionPipeline, latents: Tensor, height: int, width: int) -> Image:
    """One picture from latents as a pipeline's step callback hands them out.

    Args:
        pipeline: whose autoencoder to use.
        latents: (1, C, h, w), or (1, tokens, channels) as FLUX packs them.
        height, width: of the picture in pixels.
    """
    if latents.dim() == 3:
        latents = pipeline._unpack_latents(latents, height, width, pipeline.vae_scale_factor)
    vae, config = pipeline.vae, pipeline.vae.config
    dtype = vae.dtype
    # SDXL's autoencoder overflows in float16, and its pipeline decodes in float32 too.
    if dtype == torch.float16 and getattr(config, "force_upcast", False):
        vae.to(torch.float32)
    try:
        latents = latents.to(vae.dtype) / config.scaling_factor
        if getattr(config, "latents_mean", None) is not None and getattr(config, "latents_std", None) is not None:
            mean, std = (
                torch.tensor(each).view(1, -1, 1, 1).to(latents) for each in (config.latents_mean, config.latents_std)
            )
            latents = latents * std + mean
        if getattr(config, "shift_factor", None):
            latents = latents + config.shift_factor
        pixels = vae.decode(latents, return_dict=False)[0]
    finally:
        if vae.dtype != dtype:
            vae.to(dtype)
    return pipeline.image_processor.postprocess(pixels, output_type="pil")[0]


def save_animation(film: DenoisingFilm, path: str | Path, estimates: bool = False, frame: int = 120) -> Path:
    """Write the film as an animation that loops, whole or not at all; returns the path.

    Args:
        film: from `record_film`.
        path: ends in .gif, .webp or .png (an animated PNG).
        estimates: show the model's estimates instead of the noisy frames.
        frame: milliseconds for which a frame stays; the last one stays longer.

    Raises:
        ValueError: for another ending, or estimates that the film does not have.
    """
    path = Path(path)
    if path.suffix.lower() not in (".gif", ".webp", ".png"):
        raise ValueError(f"the path ends in {path.suffix!r}; an animation ends in .gif, .webp or .png")
    frames = film.estimates if estimates else film.frames
    if not frames:
        raise ValueError("the film has no estimates; record it with estimates=True")
    durations = [*(frame for _ in frames[1:]), LAST_FRAME]
    with whole_file(path) as unfinished:
        frames[0].save(unfinished, save_all=True, append_images=frames[1:], duration=durations, loop=0)
    return path
