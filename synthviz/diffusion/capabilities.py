"""What a pipeline can be asked for: the parameters of its call, its defaults, its sizes, the length of its prompts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.pipeline_info import info_of
from synthviz.shipped_models import SHIPPED_DEFAULTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

BACKBONES = ("unet", "transformer", "decoder")
# What is known of these pipelines, and of those derived from them: they decode as `latents.decode_latents` does, and a
# picture is the same alone and in a batch.
COMMON = (
    "StableDiffusionPipeline",
    "StableDiffusionXLPipeline",
    "StableDiffusion3Pipeline",
    "LatentConsistencyModelPipeline",
    "FluxPipeline",
)
PICTURES = ("images", "image")  # how outputs name their pictures


def why_no_text_to_image(pipeline: DiffusionPipeline) -> str | None:
    """Return why the call of a pipeline cannot make pictures from a prompt alone; None if it can, by its signature.

    Many calls have a picture as a parameter that may be None and must not be; `synthviz.diffusion.dry_call` tries that.
    """
    parameters = call_parameters(pipeline)
    wanted = [name for name in ("prompt", "num_images_per_prompt", "num_inference_steps") if name not in parameters]
    if wanted:
        return f"its call has no {' and no '.join(wanted)}"
    needed = [
        name for name, one in parameters.items() if one.default is one.empty and one.kind is one.POSITIONAL_OR_KEYWORD
    ]
    if others := [name for name in needed if name not in ("self", "prompt")]:
        return f"it needs {' and '.join(others)} too"
    if "num_frames" in parameters:
        return "it makes videos"
    kind: type = type(pipeline)
    returned = returned_names(kind)
    if returned and not set(PICTURES) & set(returned):
        return f"it returns {returned[0]}, not pictures"
    if backbone(pipeline) is None:
        return "it has no network that denoises a picture"
    return None


def backbone(pipeline: DiffusionPipeline) -> Any:
    """Return the network that denoises: the UNet, the transformer or the decoder of images; None if there is none."""
    return next((part for name in BACKBONES if (part := getattr(pipeline, name, None)) is not None), None)


def is_common(pipeline: DiffusionPipeline) -> bool:
    """Whether a pipeline is one of `COMMON`, or is derived from one."""
    return any(kind.__name__ in COMMON for kind in type(pipeline).__mro__)


@cache
def returned_names(kind: type) -> tuple[str, ...]:
    """Return the names of what the call of a class of pipelines returns; none if it passes another's output on."""
    from diffusers.utils import BaseOutput

    call = inspect.unwrap(vars(kind).get("__call__", kind.__call__))
    used = [call.__globals__.get(name) for name in call.__code__.co_names]
    outputs = [one for one in used if isinstance(one, type) and issubclass(one, BaseOutput)]
    return tuple(field.name for output in outputs for field in fields(output))


@cache
def names_used(kind: type) -> frozenset[str]:
    """Return the names of variables and attributes that the methods of a pipeline's class use."""
    methods = [inspect.unwrap(method).__code__ for _, method in inspect.getmembers(kind, inspect.isfunction)]
    return frozenset(name for code in methods for name in (*code.co_names, *code.co_varnames))


def call_parameters(pipeline: DiffusionPipeline) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a pipeline's call, by name."""
    return _parameters(type(pipeline).__call__)


@cache
def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    return inspect.signature(function).parameters


def default_steps_and_guidance(pipeline: DiffusionPipeline) -> tuple[int, float | None]:
    """Return the steps and guidance scale that `generate` uses where the config names none.

    The guidance scale is None if the pipeline has no such parameter, or decides it by itself.
    """
    shipped = SHIPPED_DEFAULTS.get(info_of(pipeline).name)
    if shipped is not None:
        return shipped
    parameters = call_parameters(pipeline)
    steps = parameters["num_inference_steps"].default
    parameter = guidance_parameter(pipeline)
    guidance = None if parameter is None or parameter == "true_cfg_scale" else parameters[parameter].default
    return steps, guidance


def guidance_parameter(pipeline: DiffusionPipeline) -> str | None:
    """Return the parameter of a pipeline's call that is the scale of its guidance; None if it has none, or ignores it.

    Some pipelines of guidance-distilled networks (FLUX.1, HunyuanImage) take a scale only to embed it, which networks
    without `guidance_embeds` cannot. In Qwen-Image the scale of classifier-free guidance is `true_cfg_scale`. Stable
    Cascade and Würstchen guide above all their prior.
    """
    parameters = call_parameters(pipeline)
    true_scale = parameters["true_cfg_scale"].default if "true_cfg_scale" in parameters else None
    if true_scale is not None and (true_scale > 1 or "guidance_scale" not in parameters):
        return "true_cfg_scale"
    embeds = getattr(backbone(pipeline).config, "guidance_embeds", True)
    if "distilled_guidance_scale" in parameters:
        return "distilled_guidance_scale" if embeds else None
    if "guidance_scale" in parameters:
        kind: type = type(pipeline)
        return "guidance_scale" if embeds or "do_classifier_free_guidance" in names_used(kind) else None
    return "prior_guidance_scale" if "prior_guidance_scale" in parameters else None


def own_guidance(pipeline: DiffusionPipeline) -> float | None:
    """Return the guidance scale that is set in a part of the pipeline; None if no part guides by itself."""
    scale: float | None = getattr(getattr(pipeline, "guider", None), "guidance_scale", None)
    return scale


def ignored_guidance(pipeline: DiffusionPipeline, scale: float | None) -> bool:
    """Tell, after a call with this guidance scale, whether the pipeline did not guide at all.

    Most pipelines say so in `do_classifier_free_guidance`. Those that have a variable of this name decide by the scale,
    whatever they say. A distilled network may embed the scale instead.
    """
    decided_by_scale = "do_classifier_free_guidance" in inspect.unwrap(type(pipeline).__call__).__code__.co_varnames
    if scale is None or scale <= 1 or decided_by_scale or getattr(pipeline, "do_classifier_free_guidance", True):
        return False
    config = backbone(pipeline).config
    return not (getattr(config, "guidance_embeds", False) or getattr(config, "time_cond_proj_dim", None))


def default_size(pipeline: DiffusionPipeline) -> tuple[int, int]:
    """Return the height and width in pixels that a pipeline draws by default."""
    size = getattr(pipeline, "default_sample_size", None) or backbone(pipeline).config.sample_size
    height, width = (size, size) if isinstance(size, int) else size
    return height * pipeline.vae_scale_factor, width * pipeline.vae_scale_factor


def size_multiple(pipeline: DiffusionPipeline) -> int:
    """Return the number of pixels of which width and height must be multiples."""
    if not hasattr(pipeline, "image_processor"):  # it denoises pixels, or rounds the size by itself
        return 8
    multiple = int(pipeline.image_processor.config.vae_scale_factor * getattr(pipeline, "patch_size", 1))
    if info_of(pipeline).engine.startswith("openvino"):  # its converted UNet halves the latents without a rest
        multiple *= 2 ** (len(backbone(pipeline).config.block_out_channels) - 1)
    return max(8, multiple)


def encoded_prompt(pipeline: DiffusionPipeline, prompt: str, tokenizer: Any = None) -> str:
    """Return the text that a pipeline gives to a tokenizer of its own, its `tokenizer` if none is given.

    It differs from the prompt where this has a name learnt by textual inversion (Gal et al. 2022) as several vectors.
    """
    convert = getattr(pipeline, "maybe_convert_prompt", None)
    text: str = prompt if convert is None else convert(prompt, tokenizer or pipeline.tokenizer)
    return text


def output_type(pipeline: DiffusionPipeline) -> str:
    """Return the type of output that is in [0, 1]: tensors, "pt", or without an image processor arrays, "np".

    Pipelines without an image processor return tensors as the network made them, and past the safety filter.
    """
    return "pt" if hasattr(pipeline, "image_processor") else "np"


def unread_words(pipeline: DiffusionPipeline, prompt: str) -> str:
    """Return the end of a prompt that no text encoder of the pipeline reads; "" if one of them reads all of it."""
    parameters = call_parameters(pipeline)
    unread = []
    for name in ("tokenizer", "tokenizer_2", "tokenizer_3"):
        tokenizer = getattr(pipeline, name, None)
        if tokenizer is None:
            continue
        limit = tokenizer.model_max_length
        if "CLIP" not in type(tokenizer).__name__ and "max_sequence_length" in parameters:
            limit = parameters["max_sequence_length"].default
        ids = tokenizer(encoded_prompt(pipeline, prompt, tokenizer), truncation=False).input_ids
        if len(ids) <= limit:
            return ""
        unread.append(tokenizer.decode(ids[limit - 1 :], skip_special_tokens=True).strip())
    return min(unread, key=len) if unread else ""
