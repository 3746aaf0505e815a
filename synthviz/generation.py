"""From a prompt to pictures, with any text-to-image pipeline of diffusers; the embedded one needs no network."""

from __future__ import annotations

import difflib
import inspect
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.records import versions, write_png

if TYPE_CHECKING:
    import numpy as np
    from diffusers import DiffusionPipeline
    from PIL.Image import Image

MODELS = Path(__file__).parent / "models"
# What each shipped model is run with unless the config says otherwise: (steps, guidance scale).
SHIPPED_DEFAULTS = {"embedded": (20, 4.0)}
LARGEST_BATCH = 4
SLOW_SECONDS = 5.0  # generation that takes longer than this says how far it is


class ModelLoadError(RuntimeError):
    """A model that was asked for by name cannot be loaded; the message says which and what to do."""


class GenerationError(RuntimeError):
    """A picture could not be made; the message says why."""


@dataclass(frozen=True)
class GenerationConfig:
    """What to generate. None means: what the pipeline itself recommends.

    Attributes:
        prompt: what the picture should show; not empty.
        negative_prompt: what it should not show; "" for nothing.
        count: how many pictures, 1 to 1000.
        seed: seed of the first picture; picture i (from 0) is made from `seed + i`. 0 to 2**53 - 1000.
        steps: denoising steps, 1 to 1000.
        guidance_scale: classifier-free guidance (Ho & Salimans 2022); 1 or less switches it off. 0 to 100.
        width, height: of the picture in pixels, 16 to 4096; what multiples a pipeline needs is checked by `generate`.
        scheduler: name of a compatible diffusers scheduler, such as "DDIM" or "EulerDiscreteScheduler".

    Raises:
        ValueError: for a value outside these ranges, naming it.
    """

    prompt: str
    negative_prompt: str = ""
    count: int = 3
    seed: int = 0
    steps: int | None = None
    guidance_scale: float | None = None
    width: int | None = None
    height: int | None = None
    scheduler: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.prompt, str) or not self.prompt.strip():
            raise ValueError(f"prompt is {self.prompt!r}; it must be a text that says what to draw")
        if not isinstance(self.negative_prompt, str):
            raise ValueError(f"negative_prompt is {self.negative_prompt!r}; it must be a text, '' for none")
        if self.scheduler is not None and (not isinstance(self.scheduler, str) or not self.scheduler):
            raise ValueError(f"scheduler is {self.scheduler!r}; it must be a scheduler's name, or None")
        for name, low, high in (("count", 1, 1000), ("seed", 0, 2**53 - 1000)):
            _check_number(name, getattr(self, name), low, high, whole=True)
        for name, low, high in (("steps", 1, 1000), ("width", 16, 4096), ("height", 16, 4096)):
            if getattr(self, name) is not None:
                _check_number(name, getattr(self, name), low, high, whole=True)
        if self.guidance_scale is not None:
            _check_number("guidance_scale", self.guidance_scale, 0, 100, whole=False)


def _check_number(name: str, value: Any, low: float, high: float, whole: bool) -> None:
    kinds = (int,) if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        kind = "a whole number" if whole else "a number"
        raise ValueError(f"{name} is {value!r}; it must be {kind} from {low} to {high}")


@dataclass(frozen=True)
class GeneratedPicture:
    """One picture and how it came to be.

    Attributes:
        image: the picture, mode "RGB".
        record: prompt, seed, steps, guidance, model, versions, notes …: everything needed to make it again.
    """

    image: Image
    record: dict[str, Any] = field(repr=False)

    def _repr_png_(self) -> bytes:
        return self.image._repr_png_()


def load_pipeline(model: str = "embedded", device: str | None = None) -> DiffusionPipeline:
    """Load a text-to-image pipeline through diffusers, from safetensors only, never running code from a checkpoint.

    Args:
        model: "embedded" (the small Stable Diffusion that ships with synthviz), a local folder, or a hub id such as
            "stabilityai/stable-diffusion-xl-base-1.0".
        device: "cuda", "mps" or "cpu"; None takes the best there is. The embedded model always runs in float32;
            others in bfloat16 (float16 on older cards) on CUDA, float16 on MPS and float32 on the CPU.

    Returns:
        The diffusers pipeline, on its device; on a GPU too small for it, with diffusers' own memory savers on.

    Raises:
        ModelLoadError: if it cannot be loaded, or makes pictures from something other than text.
    """
    import torch
    from diffusers import DiffusionPipeline

    from synthviz.devices import pick_device

    device = device or pick_device().type
    shipped = model in SHIPPED_DEFAULTS
    folder = MODELS / model if shipped else Path(model).expanduser()
    if shipped and not (folder / "model_index.json").exists():
        raise ModelLoadError(f"the shipped model {model!r} is not in this installation; install synthviz again")
    dtype = torch.float32
    if not shipped and device == "cuda":
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    elif not shipped and device == "mps":
        dtype = torch.float16
    source = str(folder) if folder.is_dir() else model
    try:
        with _quiet_libraries():
            pipeline = DiffusionPipeline.from_pretrained(
                source, dtype=dtype, use_safetensors=True, trust_remote_code=False, low_cpu_mem_usage=True
            )
    except Exception as error:
        raise ModelLoadError(_why_not_loaded(model, folder, error)) from error
    parameters = inspect.signature(pipeline.__call__).parameters
    takes_picture = "image" in parameters and parameters["image"].default is inspect.Parameter.empty
    if "prompt" not in parameters or takes_picture:
        kind = type(pipeline).__name__
        raise ModelLoadError(f"{model!r} holds a {kind}, which does not make pictures from text alone")
    _place(pipeline, device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def _why_not_loaded(model: str, folder: Path, error: Exception) -> str:
    first_line = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(str(folder), model)
    if folder.is_dir():
        if not (folder / "model_index.json").exists():
            return f"the folder {model!r} holds no diffusers pipeline: it has no model_index.json"
        return f"the pipeline in the folder {model!r} cannot be loaded: {first_line}"
    close = difflib.get_close_matches(model, SHIPPED_DEFAULTS, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    if model.count("/") == 1 and not model.startswith((".", "/", "~")):
        return (
            f"the model {model!r} is neither a local folder nor downloaded yet, and the hub did not give it; "
            f"with a network, fetch it once with `hf download {model}`"
        )
    return f"{model!r} is neither 'embedded', nor a local folder, nor a hub id such as 'owner/name'{hint}"


def _place(pipeline: DiffusionPipeline, device: str) -> None:
    """Move a pipeline to its device, with diffusers' memory savers where the GPU is too small for all of it."""
    import torch

    if device == "cuda":
        modules = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
        need = sum(weight.numel() * weight.element_size() for part in modules for weight in part.parameters())
        free, _ = torch.cuda.mem_get_info()
        if need * 1.3 > free:
            pipeline.enable_model_cpu_offload()
            if hasattr(getattr(pipeline, "vae", None), "enable_tiling"):
                pipeline.vae.enable_tiling()
            return
    elif device == "mps":
        pipeline.enable_attention_slicing()
    pipeline.to(device)


def generate(
    pipeline: DiffusionPipeline, config: GenerationConfig, on_step: Callable[[int, int], None] | None = None
) -> list[GeneratedPicture]:
    """Make pictures with a pipeline.

    Each picture starts from its own noise, drawn by a CPU generator seeded with `config.seed + i`, so that it starts
    the same alone or in a batch.

    Args:
        pipeline: any text-to-image pipeline of diffusers.
        config: what to make.
        on_step: called after each denoising step with (steps done, steps in all), over all batches.

    Returns:
        `config.count` pictures. What the pipeline could not honour, and anything doubtful about a picture, is printed
        and stands in its record under "notes".

    Raises:
        ValueError: for a size or scheduler the pipeline cannot take, before any work.
        GenerationError: if memory does not suffice for even one picture.
    """
    import torch

    arguments, notes = _call_arguments(pipeline, config)
    scheduler = _find_scheduler(pipeline, config.scheduler)
    notes += _prompt_notes(pipeline, config.prompt)
    for note in notes:
        print(f"Note: {note}")
    steps = arguments["num_inference_steps"]
    batches = math.ceil(config.count / LARGEST_BATCH)
    tell = _Progress(steps * batches, on_step)
    pictures: list[GeneratedPicture] = []
    size = LARGEST_BATCH
    with _scheduler_set(pipeline, scheduler), _quiet_libraries():
        base = _record(pipeline, config, arguments)
        while len(pictures) < config.count:
            seeds = [config.seed + i for i in range(len(pictures), min(config.count, len(pictures) + size))]
            try:
                pixels, flagged = _run(pipeline, arguments, seeds, tell)
            except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
                if not _is_out_of_memory(error):
                    raise
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                if size == 1:
                    raise GenerationError(
                        f"not enough memory for one {arguments['width']}×{arguments['height']} picture; "
                        "ask for a smaller width and height or a smaller model"
                    ) from error
                size = max(1, size // 2)
                notes.append(f"memory ran out; went on with {size} picture{'s' * (size > 1)} at a time")
                print(f"Note: {notes[-1]}")
                continue
            for seed, picture, hidden in zip(seeds, pixels, flagged, strict=True):
                doubts = _picture_doubts(picture, hidden)
                for doubt in doubts:
                    print(f"Note: picture from seed {seed}: {doubt}")
                record = {**base, "seed": seed, "notes": [*notes, *doubts]}
                pictures.append(GeneratedPicture(_to_image(picture), record))
    return pictures


def _run(
    pipeline: DiffusionPipeline, arguments: dict[str, Any], seeds: list[int], tell: _Progress
) -> tuple[np.ndarray, list[bool]]:
    """One call of the pipeline: pictures (B, H, W, 3) float in [0, 1], and which ones its safety filter hid."""
    import torch

    def step_done(_pipeline: Any, _index: int, _timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        tell.step()
        return tensors

    accepted = inspect.signature(pipeline.__call__).parameters
    watch = {"callback_on_step_end": step_done} if "callback_on_step_end" in accepted else {}
    output = pipeline(
        **arguments,
        **watch,
        num_images_per_prompt=len(seeds),
        generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
        output_type="np",
    )
    flagged = getattr(output, "nsfw_content_detected", None) or [False] * len(seeds)
    return output.images, flagged


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
    if len(shipped) < config.count:
        print(f"Note: {config.count} pictures were asked for, {len(shipped)} ship with synthviz")
    return [GeneratedPicture(image, {**record, "fallback_reason": reason}) for image, record in shipped]


def save_pictures(pictures: list[GeneratedPicture], folder: str | Path) -> list[Path]:
    """Save pictures as generated_image_1.png, …_2.png, … each with its record inside; returns the paths."""
    return [
        write_png(Path(folder) / f"generated_image_{number}.png", picture.image, picture.record)
        for number, picture in enumerate(pictures, start=1)
    ]


def model_name(pipeline: DiffusionPipeline) -> str:
    """What to call a pipeline's model in a record: a shipped name, a hub id, or a folder's own name, never a path."""
    origin = str(getattr(pipeline.config, "_name_or_path", "") or type(pipeline).__name__)
    path = Path(origin)
    if path.parent == MODELS:
        return path.name
    return path.name if path.is_dir() else origin


def default_steps_and_guidance(pipeline: DiffusionPipeline) -> tuple[int, float]:
    """The steps and guidance scale that `generate` uses where the config names none."""
    if model_name(pipeline) in SHIPPED_DEFAULTS:
        return SHIPPED_DEFAULTS[model_name(pipeline)]
    parameters = inspect.signature(pipeline.__call__).parameters
    steps = parameters["num_inference_steps"].default
    guidance = parameters["guidance_scale"].default if "guidance_scale" in parameters else 1.0
    return steps, guidance


def _call_arguments(pipeline: DiffusionPipeline, config: GenerationConfig) -> tuple[dict[str, Any], list[str]]:
    """What to call the pipeline with, and what of the config it cannot honour."""
    accepted = inspect.signature(pipeline.__call__).parameters
    steps, guidance = default_steps_and_guidance(pipeline)
    guidance = guidance if config.guidance_scale is None else config.guidance_scale
    backbone = getattr(pipeline, "unet", None) or getattr(pipeline, "transformer", None)
    width, height = _default_size(pipeline, backbone)
    arguments: dict[str, Any] = {
        "prompt": config.prompt,
        "num_inference_steps": config.steps or steps,
        "width": config.width or width,
        "height": config.height or height,
    }
    multiple = 2 * pipeline.vae_scale_factor if hasattr(pipeline, "transformer") else 8
    for name in ("width", "height"):
        if arguments[name] % multiple:
            nearest = max(multiple, round(arguments[name] / multiple) * multiple)
            raise ValueError(
                f"{name} is {arguments[name]}; this pipeline needs a multiple of {multiple}, such as {nearest}"
            )
    notes = []
    if "guidance_scale" in accepted:
        arguments["guidance_scale"] = float(guidance)
    elif config.guidance_scale is not None:
        notes.append(f"{type(pipeline).__name__} takes no guidance scale; {config.guidance_scale} was not used")
    distilled = getattr(backbone.config, "time_cond_proj_dim", None) is not None or "true_cfg_scale" in accepted
    if config.negative_prompt:
        if "negative_prompt" not in accepted or distilled:
            notes.append("this model runs without a second guidance pass; the negative prompt was not used")
        elif guidance <= 1:
            notes.append(f"guidance is off at scale {guidance}; the negative prompt was not used")
        else:
            arguments["negative_prompt"] = config.negative_prompt
    return arguments, notes


def _default_size(pipeline: DiffusionPipeline, backbone: Any) -> tuple[int, int]:
    """The width and height in pixels that the model was trained at."""
    sample = getattr(pipeline, "default_sample_size", None) or backbone.config.sample_size
    height, width = sample if isinstance(sample, (list, tuple)) else (sample, sample)
    return width * pipeline.vae_scale_factor, height * pipeline.vae_scale_factor


def _find_scheduler(pipeline: DiffusionPipeline, name: str | None) -> Any:
    """The scheduler to use, made from the pipeline's own configuration; None keeps the pipeline's."""
    if name is None:
        return None
    own = type(pipeline.scheduler)
    classes = {own.__name__: own} | {one.__name__: one for one in pipeline.scheduler.compatibles}
    wanted = name.lower().removesuffix("scheduler")
    for class_name, scheduler_class in classes.items():
        if class_name.lower().removesuffix("scheduler") == wanted:
            return scheduler_class.from_config(pipeline.scheduler.config)
    short = sorted(class_name.removesuffix("Scheduler") for class_name in classes)
    close = difflib.get_close_matches(name, short, n=3, cutoff=0.4) or short
    raise ValueError(f"scheduler is {name!r}, which this pipeline cannot use; try {', '.join(close)}")


@contextmanager
def _scheduler_set(pipeline: DiffusionPipeline, scheduler: Any) -> Iterator[None]:
    """Give the pipeline another scheduler for a while."""
    before = pipeline.scheduler
    if scheduler is not None:
        pipeline.scheduler = scheduler
    try:
        yield
    finally:
        pipeline.scheduler = before


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Keep diffusers' and transformers' own warnings down: what matters in them is said by synthviz itself."""
    import diffusers.utils.logging as diffusers_logging
    import transformers.utils.logging as transformers_logging

    before = [(each, each.get_verbosity()) for each in (diffusers_logging, transformers_logging)]
    bar = transformers_logging.is_progress_bar_enabled()
    for each, _ in before:
        each.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        for each, verbosity in before:
            each.set_verbosity(verbosity)
        diffusers_logging.enable_progress_bar()
        if bar:
            transformers_logging.enable_progress_bar()


def _prompt_notes(pipeline: DiffusionPipeline, prompt: str) -> list[str]:
    """What of a prompt the model will not read or does not know."""
    notes = []
    unread = unread_words(pipeline, prompt)
    if unread:
        notes.append(f"the prompt is longer than the text encoder reads; it never sees: {unread!r}")
    if model_name(pipeline) in SHIPPED_DEFAULTS:
        unknown = unknown_words(prompt)
        if unknown:
            notes.append(f"the embedded model never learnt these words and ignores them: {', '.join(unknown)}")
    return notes


def unread_words(pipeline: DiffusionPipeline, prompt: str) -> str:
    """The end of a prompt that no text encoder of the pipeline reads; "" where one reads it all."""
    parameters = inspect.signature(pipeline.__call__).parameters
    unread = []
    for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
        tokenizer = getattr(pipeline, name, None)
        if tokenizer is None:
            continue
        limit = tokenizer.model_max_length
        if "T5" in type(tokenizer).__name__ and "max_sequence_length" in parameters:
            limit = parameters["max_sequence_length"].default
        ids = tokenizer(prompt, truncation=False).input_ids
        if len(ids) <= limit:
            return ""
        unread.append(tokenizer.decode(ids[limit - 1 :], skip_special_tokens=True).strip())
    return min(unread, key=len) if unread else ""


def unknown_words(prompt: str) -> list[str]:
    """The words of a prompt that the embedded model was never taught, in order, each once."""
    from synthviz.scenes import known_words

    words = "".join(letter if letter.isalnum() else " " for letter in prompt.lower()).split()
    return [word for word in dict.fromkeys(words) if word not in known_words()]


def _record(pipeline: DiffusionPipeline, config: GenerationConfig, arguments: dict[str, Any]) -> dict[str, Any]:
    """What every picture of one call shares."""
    return {
        "ai_generated": True,
        "model": model_name(pipeline),
        "pipeline": type(pipeline).__name__,
        "prompt": config.prompt,
        "negative_prompt": arguments.get("negative_prompt", ""),
        "steps": arguments["num_inference_steps"],
        "guidance_scale": arguments.get("guidance_scale"),
        "width": arguments["width"],
        "height": arguments["height"],
        "scheduler": type(pipeline.scheduler).__name__,
        "device": str(getattr(pipeline, "_execution_device", pipeline.device)),
        "dtype": str(getattr(pipeline, "dtype", "")).removeprefix("torch."),
        "asked_for": asdict(config),
        "fallback_reason": None,
        "versions": versions(),
    }


def _picture_doubts(picture: np.ndarray, hidden: bool) -> list[str]:
    """What is suspicious about one picture, (H, W, 3) float."""
    import numpy as np

    if hidden:
        return ["the model's safety filter replaced the picture by a black one"]
    broken = ~np.isfinite(picture)
    if broken.any():
        return [f"{broken.mean():.0%} of its values are not numbers (shown black); try float32 or another scheduler"]
    if picture.max() < 0.02:
        return ["it is black; try float32, more steps or another scheduler"]
    if picture.std() < 0.004:
        return ["it is one plain colour; try more steps or another scheduler"]
    return []


def _to_image(picture: np.ndarray) -> Image:
    """(H, W, 3) float in [0, 1] to a PIL picture, as diffusers rounds; what is not a number becomes black."""
    import numpy as np
    from PIL import Image

    return Image.fromarray((np.nan_to_num(picture, nan=0.0, posinf=0.0, neginf=0.0) * 255).round().astype(np.uint8))


def _is_out_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return "out of memory" in text or "can't allocate memory" in text


class _Progress:
    """Counts steps over all batches; once it takes long, prints a plain line now and then."""

    def __init__(self, total: int, on_step: Callable[[int, int], None] | None) -> None:
        self.total = total
        self.done = 0
        self.on_step = on_step
        self.started = self.said = time.monotonic()

    def step(self) -> None:
        self.done = min(self.done + 1, self.total)
        now = time.monotonic()
        if now - self.said > SLOW_SECONDS and self.done < self.total:
            left = (now - self.started) / self.done * (self.total - self.done)
            print(f"step {self.done} of {self.total}, about {left:.0f} s left", flush=True)
            self.said = now
        if self.on_step is not None:
            self.on_step(self.done, self.total)
