"""Load any text-to-image pipeline of diffusers, from safetensors only."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.call_arguments import shortened
from synthviz.diffusion.capabilities import why_no_text_to_image
from synthviz.diffusion.checkpoints import (
    UnsafeCheckpoint,
    check_checkpoint,
    check_index,
    find_variant,
)
from synthviz.diffusion.config import check_engine
from synthviz.diffusion.dry_call import why_not_from_prompt
from synthviz.diffusion.hub import fetch_index, list_files, why_not_fetched
from synthviz.diffusion.library_logging import quiet_libraries
from synthviz.diffusion.model_names import why_no_model
from synthviz.diffusion.pipeline_info import PipelineInfo, name_of, set_info
from synthviz.errors import SynthvizError
from synthviz.files import user_path
from synthviz.shipped_models import MODELS, SHIPPED_DEFAULTS, DamagedWeights, verify_shipped

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline

logger = logging.getLogger(__name__)

MEMORY_MARGIN = 1.3  # a pipeline needs about this many times the memory of its weights


class ModelLoadError(SynthvizError, RuntimeError):
    """A model that was asked for by name cannot be loaded; the message says which and what to do."""


@dataclass(frozen=True)
class _Source:
    """Where a model comes from.

    Attributes:
        model: as it was asked for.
        folder: of its files; for a hub id this folder does not exist.
        shipped: whether it is one of the models that ship with synthviz.
    """

    model: str
    folder: Path
    shipped: bool

    @property
    def is_local(self) -> bool:
        return self.folder.is_dir()

    def files(self) -> list[str]:
        """Return the names of its files, such as "unet/config.json"."""
        if not self.is_local:
            return list_files(self.model)
        return [path.relative_to(self.folder).as_posix() for path in self.folder.glob("*/*")]


def load_pipeline(model: str = "embedded", device: str | None = None, engine: str = "torch") -> DiffusionPipeline:
    """Load a text-to-image pipeline through diffusers, from safetensors only, and run no code from a checkpoint.

    Args:
        model: "embedded" (the small Stable Diffusion that ships with synthviz, distilled into four steps),
            "embedded-teacher" (the model it was distilled from: many steps, two passes a step, negative prompts), a
            local folder, or a hub id such as "stabilityai/stable-diffusion-xl-base-1.0".
        device: "cuda", "mps" or "cpu"; None takes the best one that works. The shipped models run in float32; others
            in bfloat16 (float16 on older cards) on CUDA, in float16 on MPS and in float32 on the CPU.
        engine: "torch", or "openvino" for a Stable Diffusion on the CPU: it takes about half of the time, and its
            pictures differ a little (40 dB and more). It needs `pip install synthviz[openvino]`.

    Returns:
        The diffusers pipeline, on its device. If the GPU is too small for it, diffusers' offloading is on.

    Raises:
        ValueError: for another engine.
        ModelLoadError: if the model cannot be loaded, does not make pictures from text alone, or cannot run in this
            engine.
    """
    check_engine(engine)
    if engine == "openvino" and device not in (None, "cpu"):
        raise ModelLoadError(f"engine 'openvino' runs on the CPU, not on {device!r}")
    source = _find(model)
    device, notes = _choose_device("cpu" if engine == "openvino" else device)
    _check_before_opening(source)
    pipeline = _open(source, device)
    pipeline.set_progress_bar_config(disable=True)
    _check_text_to_image(model, pipeline, why_no_text_to_image(pipeline))
    _place(model, pipeline, device)
    if not source.shipped:
        with quiet_libraries():
            _check_text_to_image(model, pipeline, why_not_from_prompt(pipeline))
    if source.shipped and device == "cpu":
        _lay_channels_last(pipeline)
    used = _start_openvino(source, pipeline) if engine == "openvino" else engine
    name = model if source.shipped else name_of(str(source.folder) if source.is_local else model)
    set_info(pipeline, PipelineInfo(name, used, device, notes))
    return pipeline


def _find(model: str) -> _Source:
    """Find out whether a model ships with synthviz, is a folder, or may be on the hub."""
    if model in SHIPPED_DEFAULTS:
        if not all((MODELS / model / part).exists() for part in ("unet", "scheduler")):
            raise ModelLoadError(f"the shipped model {model!r} is not in this installation; install synthviz again")
        # The teacher's own folder holds only the parts that it does not share with the embedded model.
        return _Source(model, MODELS / "embedded", shipped=True)
    source = _Source(model, user_path(model), shipped=False)
    if model and source.is_local:
        return source
    if problem := why_no_model(model):
        raise ModelLoadError(problem)
    return source


def _choose_device(device: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the device, and a note if a GPU that is there cannot be used."""
    try:
        import diffusers  # noqa: F401 - here, so that a broken installation gets one sentence

        from synthviz.devices import find_device
    except Exception as error:  # diffusers' lazy imports raise RuntimeError, broken libraries OSError
        raise ModelLoadError(f"torch or diffusers cannot be imported: {error}") from error
    if device is not None:
        return device, ()
    found, problem = find_device()
    if problem is None:
        return found.type, ()
    logger.warning(problem)
    return found.type, (problem,)


def _check_before_opening(source: _Source) -> None:
    """Check a checkpoint before any of it is opened; for a model on the hub, check the list of its parts.

    Raises:
        ModelLoadError: if it is not safe, is not what was shipped, or cannot be fetched.
    """
    try:
        if source.shipped:
            for folder in {source.folder, MODELS / source.model}:
                verify_shipped(folder)
        elif not source.is_local:
            check_index(fetch_index(source.model))
        elif (source.folder / "model_index.json").exists():
            ignored = check_checkpoint(source.folder)
            if ignored:
                logger.warning("Note: these files of %s are never opened: %s", source.folder.name, ", ".join(ignored))
    except DamagedWeights as error:
        raise ModelLoadError(str(error)) from error
    except UnsafeCheckpoint as error:
        raise ModelLoadError(f"{source.model!r} is not opened: {error}") from error
    except Exception as error:  # of the hub
        raise ModelLoadError(_why_not_loaded(source, error)) from error


def _open(source: _Source, device: str) -> DiffusionPipeline:
    """Read the pipeline into memory, on the CPU."""
    from diffusers import DiffusionPipeline

    try:
        with quiet_libraries(bars_too=source.is_local) as warned:
            pipeline: DiffusionPipeline = DiffusionPipeline.from_pretrained(
                str(source.folder) if source.is_local else source.model,
                **(_teacher_parts() if source.model == "embedded-teacher" else {}),
                dtype=_dtype(source, device),
                variant=find_variant(source.files()),
                use_safetensors=True,
                trust_remote_code=False,
                low_cpu_mem_usage=True,
            )
    except Exception as error:
        raise ModelLoadError(_why_not_loaded(source, error)) from error
    _check_complete(source, pipeline, warned)
    return pipeline


def _check_complete(source: _Source, pipeline: DiffusionPipeline, warned: list[str]) -> None:
    """Check that a checkpoint has all weights: diffusers leaves the missing ones empty, transformers draws them."""
    import torch

    for name, part in pipeline.components.items():
        weights = part.named_parameters() if isinstance(part, torch.nn.Module) else ()
        missing = [weight for weight, value in weights if value.is_meta]
        if missing:
            raise ModelLoadError(f"{source.model!r} is not complete: its {name} has no weights for {missing[0]}")
    for text in warned:
        if "newly initialized because missing" in text:  # so transformers reports it
            raise ModelLoadError(f"{source.model!r} is not complete: {shortened(text)}")


def _teacher_parts() -> dict[str, Any]:
    """Load the parts that the teacher does not share with the embedded model."""
    from diffusers import DDIMScheduler, UNet2DConditionModel

    folder = MODELS / "embedded-teacher"
    return {
        "unet": UNet2DConditionModel.from_pretrained(folder / "unet", use_safetensors=True),
        "scheduler": DDIMScheduler.from_pretrained(folder / "scheduler"),
    }


def _dtype(source: _Source, device: str) -> torch.dtype:
    import torch

    if source.shipped or device not in ("cuda", "mps"):
        return torch.float32
    # Older cards only emulate bfloat16, which is slow.
    bfloat16 = device == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if bfloat16 else torch.float16


def _check_text_to_image(model: str, pipeline: DiffusionPipeline, problem: str | None) -> None:
    if problem is not None:
        kind = type(pipeline).__name__
        raise ModelLoadError(
            f"{model!r} holds a {kind}, with which synthviz cannot draw from a prompt alone: {problem}"
        )


def _place(model: str, pipeline: DiffusionPipeline, device: str) -> None:
    """Move a pipeline to its device, or let diffusers offload it if the GPU is too small.

    Raises:
        ModelLoadError: if the device does not take it.
    """
    try:
        if device == "cuda" and _offload_if_too_large(pipeline):
            return
        if device == "mps":
            pipeline.enable_attention_slicing()
        pipeline.to(device)
    except RuntimeError as error:  # of CUDA
        raise ModelLoadError(f"{model!r} cannot be moved to {device}: {str(error).splitlines()[0]}") from error


def _offload_if_too_large(pipeline: DiffusionPipeline) -> bool:
    """Turn offloading on if the GPU is too small: whole parts take turns there if each fits, else single layers."""
    import torch

    modules = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
    sizes = [sum(weight.numel() * weight.element_size() for weight in part.parameters()) for part in modules]
    free, _ = torch.cuda.mem_get_info()
    if MEMORY_MARGIN * sum(sizes) <= free:
        return False
    if hasattr(getattr(pipeline, "vae", None), "enable_tiling"):
        pipeline.vae.enable_tiling()
    if MEMORY_MARGIN * max(sizes) > free:
        pipeline.enable_sequential_cpu_offload()
    else:
        pipeline.enable_model_cpu_offload()
    return True


def _lay_channels_last(pipeline: DiffusionPipeline) -> None:
    """Lay the autoencoder's weights out so that a CPU decodes a quarter faster."""
    import torch

    pipeline.vae.to(memory_format=torch.channels_last)


def _start_openvino(source: _Source, pipeline: DiffusionPipeline) -> str:
    """Let OpenVINO compute the pipeline's networks; returns the engine's name for records."""
    try:
        from synthviz.diffusion.openvino import run_in_openvino

        return run_in_openvino(pipeline, cache_as=source.model if source.shipped else None)
    except ImportError as error:
        raise ModelLoadError(
            f"engine 'openvino' needs a library that is not installed: pip install synthviz[openvino] ({error})"
        ) from error
    except Exception as error:  # of OpenVINO
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelLoadError(f"{source.model!r} cannot run in engine 'openvino': {reason}") from error


def _why_not_loaded(source: _Source, error: Exception) -> str:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(str(source.folder), source.model)
    if not source.is_local:
        return why_not_fetched(source.model, error) or f"the model {source.model!r} cannot be loaded: {reason}"
    if (source.folder / "model_index.json").exists():
        return f"the pipeline in the folder {source.model!r} cannot be loaded: {reason}"
    below = [*source.folder.glob("*/model_index.json"), *source.folder.glob("*/*/model_index.json")]
    inside = sorted(path.parent.relative_to(source.folder).as_posix() for path in below)
    hint = f"; its folder {inside[0]!r} has one" if inside else ""
    return f"the folder {source.model!r} holds no diffusers pipeline: it has no model_index.json{hint}"
