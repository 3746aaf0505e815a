"""From a prompt to pictures, with any text-to-image pipeline of diffusers; the embedded one needs no network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.capabilities import (
    call_parameters,
    default_steps_and_guidance,
    engine_of,
    model_name,
    size_multiple,
    unread_words,
)
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.library_logging import quiet_libraries
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline
from synthviz.diffusion.progress import GenerationProgress
from synthviz.diffusion.schedulers import find_scheduler, scheduler_set
from synthviz.errors import SynthvizError
from synthviz.records import versions, write_png
from synthviz.shipped_models import SHIPPED_DEFAULTS

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline
    from PIL.Image import Image
    from torch import Tensor

LARGEST_BATCH = 4
# With more, the embedded model's attention in bfloat16 adds up in another order for one picture than for several.
MOST_THREADS_OF_BATCHES = 23
LARGEST_BATCH_OF_SHIPPED_ON_GPU = 64  # the shipped models are small


class GenerationError(SynthvizError, RuntimeError):
    """A picture could not be made; the message says why."""


@dataclass(frozen=True)
class GeneratedPicture:
    """One picture and how it came to be.

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
    on_step: Callable[[int, int], None] | None = None,
    on_batch: Callable[[list[int]], None] | None = None,
    on_latents: Callable[[float, Tensor], None] | None = None,
    say: Callable[[str], None] = print,
) -> list[GeneratedPicture]:
    """Make pictures with a pipeline.

    Each picture starts from its own noise, drawn by a CPU generator seeded with `config.seed + i`, so that it starts
    the same alone or in a batch.

    Args:
        pipeline: any text-to-image pipeline of diffusers.
        config: what to make.
        on_step: called after each denoising step with (steps done, steps in all), over all batches.
        on_batch: called before each batch with its seeds; a batch that ran out of memory comes again, smaller.
        on_latents: called after each denoising step with (timestep, a copy of the batch's latents).
        say: where lines for the person go: notes, and how far it is when it takes long.

    Returns:
        `config.count` pictures. What the pipeline could not honour, and anything doubtful about a picture, is said
        and stands in its record under "notes".

    Raises:
        ValueError: for a size or scheduler the pipeline cannot take, before any work.
        GenerationError: if memory does not suffice for even one picture.
    """
    import torch

    arguments, notes = _call_arguments(pipeline, config)
    loaded = list(getattr(pipeline, "notes", ()))  # said when it was loaded
    scheduler = find_scheduler(pipeline, config.scheduler)
    tell = GenerationProgress(on_step, say)
    pictures: list[GeneratedPicture] = []
    device = _device(pipeline)
    size = _largest_batch(pipeline, device)
    with scheduler_set(pipeline, scheduler), quiet_libraries():
        notes += _prompt_notes(pipeline, config.prompt, "prompt")
        if "negative_prompt" in arguments:
            notes += _prompt_notes(pipeline, arguments["negative_prompt"], "negative prompt")
        for note in notes:
            say(f"Note: {note}")
        base = _record(pipeline, config, arguments, device)
        while len(pictures) < config.count:
            tell.batch_starts(math.ceil((config.count - len(pictures)) / size))
            seeds = [config.seed + i for i in range(len(pictures), min(config.count, len(pictures) + size))]
            if on_batch is not None:
                on_batch(seeds)
            try:
                images, doubtful = _run(pipeline, arguments, seeds, tell, on_latents)
            except (RuntimeError, MemoryError) as error:  # torch.OutOfMemoryError is a RuntimeError
                if not _is_out_of_memory(error):
                    raise
                pipeline.maybe_free_model_hooks()  # parts that take turns on the GPU go back to the CPU
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                if size == 1:
                    raise GenerationError(
                        "not enough memory for even one picture; ask for a smaller width and height or a smaller model"
                    ) from error
                size = max(1, size // 2)
                notes.append(f"memory ran out; went on with {size} picture{'s' * (size > 1)} at a time")
                say(f"Note: {notes[-1]}")
                continue
            for seed, image, doubts in zip(seeds, images, doubtful, strict=True):
                for doubt in doubts:
                    say(f"Note: picture from seed {seed}: {doubt}")
                width, height = image.size
                record = {**base, "width": width, "height": height, "seed": seed, "notes": [*loaded, *notes, *doubts]}
                pictures.append(GeneratedPicture(image, record))
    return pictures


def _device(pipeline: DiffusionPipeline) -> torch.device:
    """Where a pipeline computes, also where its parts take turns there."""
    if _rests(pipeline):
        return next(_backbone(pipeline).parameters()).device  # diffusers looks at every module to know
    try:
        return pipeline._execution_device
    except AttributeError:
        return pipeline.device


def _rests(pipeline: DiffusionPipeline) -> bool:
    """Whether a pipeline's weights stay where they are while it computes: no hooks bring them to a GPU and back."""
    modules = map(vars, _backbone(pipeline).modules())  # hasattr would take four times as long
    return not any("_hf_hook" in module or "_diffusers_hook" in module for module in modules)


def _backbone(pipeline: DiffusionPipeline) -> Any:
    return pipeline.unet if hasattr(pipeline, "unet") else pipeline.transformer


def _largest_batch(pipeline: DiffusionPipeline, device: torch.device) -> int:
    """How many pictures to begin to make at a time."""
    import torch

    if device.type == "cpu" and "bfloat16" in engine_of(pipeline) and torch.get_num_threads() > MOST_THREADS_OF_BATCHES:
        return 1
    shipped_on_gpu = device.type == "cuda" and model_name(pipeline) in SHIPPED_DEFAULTS
    return LARGEST_BATCH_OF_SHIPPED_ON_GPU if shipped_on_gpu else LARGEST_BATCH


def _run(
    pipeline: DiffusionPipeline,
    arguments: dict[str, Any],
    seeds: list[int],
    tell: GenerationProgress,
    on_latents: Callable[[float, Tensor], None] | None,
) -> tuple[list[Image], list[list[str]]]:
    """One call of the pipeline: its pictures, and what is doubtful about each."""
    import torch

    def step_done(_pipeline: Any, _index: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tell.step(pipeline.num_timesteps)
        if on_latents is not None:
            with torch.inference_mode(False):  # for tensors without the mode's limits
                on_latents(float(timestep), tensors["latents"].clone())
        return tensors

    accepted = call_parameters(pipeline)
    watch = {"callback_on_step_end": step_done} if "callback_on_step_end" in accepted else {}
    # PyTorch keeps fewer books in this mode, 3% of a picture's time; weights that move would become part of it.
    with torch.inference_mode(_rests(pipeline)):
        output = pipeline(
            **arguments,
            **watch,
            num_images_per_prompt=len(seeds),
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
            output_type="pt",
        )
        pictures = output.images.float()
        hidden = getattr(output, "nsfw_content_detected", None) or [False] * len(seeds)
        return _to_images(pictures), _doubts(pictures, hidden)


def create_pictures(config: GenerationConfig, model: str = "auto") -> list[GeneratedPicture]:
    """Make pictures; with model="auto" never without any.

    Args:
        config: what to make.
        model: "auto" takes the embedded model or, where it cannot run (a library that cannot be imported, missing
            weights, not enough memory), the pictures that ship with synthviz, which is said and recorded under
            "fallback_reason". Any other name is used as `load_pipeline` would, without a way out.

    Raises:
        ModelLoadError, GenerationError, ValueError: see `load_pipeline` and `generate`.
    """
    if model != "auto":
        return generate(load_pipeline(model), config)
    try:
        return generate(load_pipeline("embedded"), config)
    except (ImportError, MemoryError, ModelLoadError, GenerationError) as error:
        reason = f"the embedded model cannot run here ({type(error).__name__}: {error})"
    from synthviz.shipped_pictures import open_shipped_pictures

    print(f"Using pictures that ship with synthviz, made from other prompts and seeds, because {reason}")
    shipped = open_shipped_pictures()[: config.count]
    notes = []
    if len(shipped) < config.count:
        notes = [f"{config.count} pictures were asked for, {len(shipped)} ship with synthviz"]
        print(f"Note: {notes[0]}")
    return [
        GeneratedPicture(image, {**record, "notes": [*record["notes"], *notes], "fallback_reason": reason})
        for image, record in shipped
    ]


def save_pictures(pictures: list[GeneratedPicture], folder: str | Path) -> list[Path]:
    """Save pictures as generated_image_1.png, …_2.png, … each with its record inside; returns the paths."""
    return [
        write_png(Path(folder) / f"generated_image_{number}.png", picture.image, picture.record)
        for number, picture in enumerate(pictures, start=1)
    ]


def _call_arguments(pipeline: DiffusionPipeline, config: GenerationConfig) -> tuple[dict[str, Any], list[str]]:
    """What to call the pipeline with, and what of the config it cannot honour."""
    accepted = call_parameters(pipeline)
    steps, guidance = default_steps_and_guidance(pipeline)
    guidance = guidance if config.guidance_scale is None else float(config.guidance_scale)
    arguments: dict[str, Any] = {"prompt": config.prompt, "num_inference_steps": config.steps or steps}
    for name in ("width", "height"):
        value, multiple = getattr(config, name), size_multiple(pipeline)
        if value is None:
            continue  # the pipeline knows what it was trained at
        if value % multiple:
            nearest = max(multiple, round(value / multiple) * multiple)
            raise ValueError(f"{name} is {value}; this pipeline needs a multiple of {multiple}, such as {nearest}")
        arguments[name] = value
    notes = []
    backbone = _backbone(pipeline)
    guided = "guidance_scale" in accepted and getattr(backbone.config, "guidance_embeds", True)
    if guided and guidance is not None:
        arguments["guidance_scale"] = guidance
    elif config.guidance_scale is not None:
        notes.append(f"this model takes no guidance scale; {config.guidance_scale} was not used")
    if config.negative_prompt:
        true_guidance = accepted["true_cfg_scale"].default if "true_cfg_scale" in accepted else guidance
        distilled = getattr(backbone.config, "time_cond_proj_dim", None) is not None
        if "negative_prompt" not in accepted or distilled:
            hint = " (embedded-teacher can use one)" if model_name(pipeline) == "embedded" else ""
            notes.append(f"this model runs without a second guidance pass; the negative prompt was not used{hint}")
        elif true_guidance is not None and true_guidance <= 1:
            notes.append(
                f"guidance against a prompt is off (scale {true_guidance:g}); the negative prompt was not used"
            )
        else:
            arguments["negative_prompt"] = config.negative_prompt
    return arguments, notes


def _begin(text: str, longest: int = 500) -> str:
    """A text, or where it is too long for a note, its beginning."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def _prompt_notes(pipeline: DiffusionPipeline, prompt: str, name: str) -> list[str]:
    """What of a prompt the model will not read or does not know."""
    notes = []
    unread = unread_words(pipeline, prompt)
    if unread:
        notes.append(f"the {name} is longer than the text encoder reads; it never sees: {_begin(unread)!r}")
    if model_name(pipeline) in SHIPPED_DEFAULTS:
        from synthviz.scenes import nearest_known_words, unknown_words

        unknown = unknown_words(prompt)
        if unknown:
            words = _begin(", ".join(word + _hint(nearest_known_words(word)) for word in unknown))
            notes.append(f"the embedded model never learnt these words of the {name} and ignores them: {words}")
    return notes


def _hint(nearest: list[str]) -> str:
    return f" (nearest known: {', '.join(nearest)})" if nearest else ""


def _record(
    pipeline: DiffusionPipeline, config: GenerationConfig, arguments: dict[str, Any], device: torch.device
) -> dict[str, Any]:
    """What every picture of one call shares."""
    return {
        "ai_generated": True,
        "model": model_name(pipeline),
        "pipeline": type(pipeline).__name__,
        "prompt": config.prompt,
        "negative_prompt": arguments.get("negative_prompt", ""),
        "steps": arguments["num_inference_steps"],
        "guidance_scale": arguments.get("guidance_scale"),
        "scheduler": type(pipeline.scheduler).__name__,
        "device": str(device),
        "dtype": str(getattr(pipeline, "dtype", "")).removeprefix("torch."),
        "engine": engine_of(pipeline),
        "asked_for": asdict(config),
        "fallback_reason": None,
        "versions": versions(),
    }


def _doubts(pictures: Tensor, hidden: list[bool]) -> list[list[str]]:
    """What is suspicious about each picture of (B, 3, H, W) float."""
    import torch

    values = pictures.flatten(1)
    # Whatever is not a number is an extreme too.
    measured = torch.stack([values.amin(1), values.amax(1), values.std(1)]).T.tolist()
    doubts = []
    for each, (lowest, highest, spread), is_hidden in zip(values, measured, hidden, strict=True):
        if is_hidden:
            doubt = "the model's safety filter replaced the picture by a black one"
        elif not (math.isfinite(lowest) and math.isfinite(highest)):
            broken = 1 - each.isfinite().float().mean().item()
            doubt = f"{broken:.0%} of its values are not numbers (shown black); try float32 or another scheduler"
        elif highest < 0.02:
            doubt = "it is black; try float32, more steps or another scheduler"
        elif spread < 0.004:
            doubt = "it is one plain colour; try more steps or another scheduler"
        else:
            doubt = ""
        doubts.append([doubt] if doubt else [])
    return doubts


def _to_images(pictures: Tensor) -> list[Image]:
    """(B, 3, H, W) float in [0, 1] to PIL pictures, as diffusers rounds; what is not a number becomes black."""
    import torch
    from PIL import Image

    pixels = pictures.nan_to_num(nan=0, posinf=0, neginf=0).mul_(255).round_().to(torch.uint8)
    return [Image.merge("RGB", [Image.fromarray(plane) for plane in picture]) for picture in pixels.cpu().numpy()]


def _is_out_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    # In turn: CUDA and MPS, the CPU on Linux and macOS, the CPU on Windows, MPS for a single huge tensor.
    signs = ("out of memory", "can't allocate memory", "not enough memory", "invalid buffer size")
    return any(sign in text for sign in signs)
