"""From a prompt to pictures, with any text-to-image pipeline of diffusers; the embedded one needs no network."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.call_arguments import call_arguments, prompt_notes
from synthviz.diffusion.capabilities import (
    call_parameters,
    guidance_parameter,
    is_common,
    output_type,
    own_guidance,
)
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.library_logging import quiet_libraries
from synthviz.diffusion.pipeline_info import info_of
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline
from synthviz.diffusion.progress import GenerationProgress
from synthviz.diffusion.schedulers import find_scheduler, scheduler_set
from synthviz.diffusion.steering import Steering, check_steering, encode_later, mixed_noise
from synthviz.diffusion.used_settings import size_notes, used_record
from synthviz.errors import SynthvizError
from synthviz.files import user_path
from synthviz.records import versions, write_png
from synthviz.shipped_models import SHIPPED_DEFAULTS
from synthviz.shipped_pictures import open_shipped_pictures

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline
    from PIL.Image import Image
    from torch import Tensor

logger = logging.getLogger(__name__)

LARGEST_BATCH = 4
LARGEST_BATCH_OF_SHIPPED_ON_GPU = 64  # the shipped models are small

OnStep = Callable[[int, int], None]
OnBatch = Callable[[list[int]], None]
OnLatents = Callable[[float, "Tensor"], None]


class GenerationError(SynthvizError, RuntimeError):
    """A picture could not be made; the message says why."""


@dataclass(frozen=True)
class GeneratedPicture:
    """One picture and how it was made.

    Attributes:
        image: the picture, mode "RGB".
        record: prompt, seed, steps, guidance, model, versions, notes …: everything needed to make it again.
    """

    image: Image
    record: dict[str, Any] = field(repr=False)

    def _repr_png_(self) -> bytes | None:
        return self.image._repr_png_()


def generate(
    pipeline: DiffusionPipeline,
    config: GenerationConfig,
    on_step: OnStep | None = None,
    on_batch: OnBatch | None = None,
    on_latents: OnLatents | None = None,
    steering: Steering | None = None,
) -> list[GeneratedPicture]:
    """Make pictures with a pipeline.

    Each picture starts from its own noise, drawn by a CPU generator seeded with `config.seed + i`, so that it starts
    the same alone or in a batch. In a notebook and on a terminal a slow generation shows its progress.

    Args:
        pipeline: any text-to-image pipeline of diffusers.
        config: what to make.
        on_step: called after each denoising step with (steps done, steps in all), over all batches; then `generate`
            shows no progress itself.
        on_batch: called before each batch with its seeds; a batch that ran out of memory comes again, smaller.
        on_latents: called after each denoising step with (timestep, a copy of the batch's latents).
        steering: how to depart from the prompt on the way, or from the seed's noise; None for not at all.

    Returns:
        `config.count` pictures. Settings that the pipeline cannot use, and anything doubtful about a picture, are
        logged as warnings and stored in its record under "notes".

    Raises:
        ValueError: for a size, a scheduler, a number of steps or a steering that the pipeline cannot use, before any
            work.
        GenerationError: if the memory does not suffice for even one picture.
    """
    arguments, notes = call_arguments(pipeline, config)
    if steering is not None:
        check_steering(pipeline, steering, arguments["num_inference_steps"])
    scheduler = find_scheduler(pipeline, config.scheduler, arguments["num_inference_steps"])
    with scheduler_set(pipeline, scheduler), quiet_libraries() as warned, GenerationProgress(on_step) as progress:
        for name in ("prompt", "negative_prompt"):
            if arguments.get(name) or name == "prompt":
                notes += prompt_notes(pipeline, arguments[name], name.replace("_", " "))
        for note in notes:
            logger.warning("Note: %s", note)
        record = _record(pipeline, config, arguments)
        if steering is not None:
            record["steering"] = asdict(steering)
        record["notes"] = [*info_of(pipeline).notes, *notes]
        warned.clear()  # of the notes' own reading of the prompt
        call = _Call(pipeline, arguments, steering, progress, on_latents)
        return _generate_in_batches(call, config, record, warned, on_batch)


def _generate_in_batches(
    call: _Call, config: GenerationConfig, record: dict[str, Any], warned: list[str], on_batch: OnBatch | None
) -> list[GeneratedPicture]:
    """Make all pictures, in smaller batches after memory ran out."""
    pipeline = call.pipeline
    pictures: list[GeneratedPicture] = []
    size = _largest_batch(pipeline)
    while len(pictures) < config.count:
        call.progress.start_batch(math.ceil((config.count - len(pictures)) / size))
        seeds = [config.seed + i for i in range(len(pictures), min(config.count, len(pictures) + size))]
        if on_batch is not None:
            on_batch(seeds)
        try:
            images, problems = call.run(seeds)
        except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
            if not _is_out_of_memory(error):
                raise
            size = _smaller_batch(pipeline, size, error)
            note = f"memory ran out; went on with {size} picture{'s' * (size > 1)} at a time"
            logger.warning("Note: %s", note)
            record = {**record, "notes": [*record["notes"], note]}
            continue
        if not pictures:
            record = used_record(pipeline, record, warned)
        for seed, image, found in zip(seeds, images, problems, strict=True):
            found = [*size_notes(image, config), *found]
            for problem in found:
                logger.warning("Note: picture from seed %d: %s", seed, problem)
            own = {"width": image.width, "height": image.height, "seed": seed, "notes": [*record["notes"], *found]}
            pictures.append(GeneratedPicture(image, {**record, **own}))
    return pictures


def _largest_batch(pipeline: DiffusionPipeline) -> int:
    """Return how many pictures to make at a time, to begin with.

    Uncommon pipelines make one: some confuse the prompts of a batch (`StableDiffusionPanoramaPipeline`), others take a
    single generator (`AmusedPipeline`).
    """
    if not is_common(pipeline):
        return 1
    info = info_of(pipeline)
    on_gpu = info.device is not None and info.device.startswith("cuda")
    return LARGEST_BATCH_OF_SHIPPED_ON_GPU if on_gpu and info.name in SHIPPED_DEFAULTS else LARGEST_BATCH


def _smaller_batch(pipeline: DiffusionPipeline, size: int, error: BaseException) -> int:
    """Free memory and return half of the batch size.

    Raises:
        GenerationError: if the batch was a single picture.
    """
    import torch

    pipeline.maybe_free_model_hooks()  # moves offloaded parts back to the CPU
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if size == 1:
        raise GenerationError(
            "not enough memory for even one picture; ask for a smaller width and height or a smaller model"
        ) from error
    return size // 2


@dataclass(frozen=True)
class _Call:
    """Everything that the calls of a pipeline for all batches share."""

    pipeline: DiffusionPipeline
    arguments: dict[str, Any]
    steering: Steering | None
    progress: GenerationProgress
    on_latents: OnLatents | None

    def run(self, seeds: list[int]) -> tuple[list[Image], list[list[str]]]:
        """Call the pipeline once; return the pictures and the problems of each."""
        import torch

        from synthviz.diffusion.pictures import as_tensor, find_problems, to_images

        generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        output = self.pipeline(
            **self.arguments,
            **self._steered(seeds),
            num_images_per_prompt=len(seeds),
            generator=generators if len(seeds) > 1 else generators[0],
            output_type=output_type(self.pipeline),
        )
        pictures = as_tensor(output.images if hasattr(output, "images") else output.image)
        found = getattr(output, "nsfw_content_detected", None) or getattr(output, "nsfw_detected", None)
        filtered = found or [False] * len(seeds)
        return to_images(pictures), find_problems(pictures, filtered)

    def _steered(self, seeds: list[int]) -> dict[str, Any]:
        """Return the arguments that follow the steps and steer them."""
        steering = self.steering
        later: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        if steering is not None and steering.later_prompt is not None:
            later = encode_later(self.pipeline, self.arguments, steering.later_prompt, len(seeds))
        if steering is not None and steering.other_seed is not None:
            extra["latents"] = mixed_noise(self.pipeline, self.arguments, seeds, steering)

        def step_done(_pipeline: Any, index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            self.progress.step(getattr(self.pipeline, "num_timesteps", self.arguments["num_inference_steps"]))
            if self.on_latents is not None:
                self.on_latents(float(timestep), tensors["latents"].clone())
            if steering is not None and index + 1 >= steering.switch_after:
                return {**tensors, **later}
            return tensors

        if "callback_on_step_end" in call_parameters(self.pipeline):
            extra["callback_on_step_end"] = step_done
        return extra


def _record(pipeline: DiffusionPipeline, config: GenerationConfig, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the record that all pictures of one call share."""
    info = info_of(pipeline)
    return {
        "ai_generated": True,
        "model": info.name,
        "pipeline": type(pipeline).__name__,
        "prompt": config.prompt,
        "negative_prompt": arguments.get("negative_prompt", ""),
        "steps": arguments["num_inference_steps"],
        "guidance_scale": arguments.get(guidance_parameter(pipeline) or "", own_guidance(pipeline)),
        "scheduler": type(pipeline.scheduler).__name__,
        "device": info.device or str(pipeline.device),
        "dtype": str(getattr(pipeline, "dtype", "")).removeprefix("torch."),
        "engine": info.engine,
        "asked_for": asdict(config),
        "fallback_reason": None,
        "versions": versions(),
    }


def _is_out_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    message = str(error).lower()
    # CUDA and MPS; the CPU on Linux and macOS; the CPU on Windows; MPS for a single huge tensor.
    signs = ("out of memory", "can't allocate memory", "not enough memory", "invalid buffer size")
    return any(sign in message for sign in signs)


def create_pictures(config: GenerationConfig, model: str = "auto", engine: str = "torch") -> list[GeneratedPicture]:
    """Make pictures; with model="auto" there are always some.

    Args:
        config: what to make.
        model: "auto" takes the embedded model or, if that cannot run (a library that cannot be imported, missing
            weights, not enough memory), the pictures that ship with synthviz. This fallback is logged and recorded
            under "fallback_reason". Any other name is passed to `load_pipeline` and never replaced.
        engine: as for `load_pipeline`; another one than "torch" is never replaced either.

    Raises:
        ModelLoadError, GenerationError, ValueError: see `load_pipeline` and `generate`.
    """
    if model != "auto":
        return generate(load_pipeline(model, engine=engine), config)
    try:
        return generate(load_pipeline("embedded", engine=engine), config)
    except (ImportError, MemoryError, ModelLoadError, GenerationError) as error:
        if engine != "torch":
            raise
        return _fall_back(config.count, f"the embedded model cannot run here ({type(error).__name__}: {error})")


def _fall_back(count: int, reason: str) -> list[GeneratedPicture]:
    """Return shipped pictures, with the reason in their records."""
    logger.warning("Using pictures that ship with synthviz, made from other prompts and seeds, because %s", reason)
    shipped = open_shipped_pictures()[:count]
    notes = []
    if len(shipped) < count:
        notes = [f"{count} pictures were asked for, {len(shipped)} ship with synthviz"]
        logger.warning("Note: %s", notes[0])
    return [
        GeneratedPicture(image, {**record, "notes": [*record["notes"], *notes], "fallback_reason": reason})
        for image, record in shipped
    ]


def save_pictures(pictures: list[GeneratedPicture], folder: str | Path) -> list[Path]:
    """Save pictures as generated_image_1.png, …_2.png, … each with its record inside; returns the paths."""
    return [
        write_png(user_path(folder) / f"generated_image_{number}.png", picture.image, picture.record)
        for number, picture in enumerate(pictures, start=1)
    ]
