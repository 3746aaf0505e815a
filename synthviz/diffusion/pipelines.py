"""Load any text-to-image pipeline of diffusers, and ask it what it can take."""

from __future__ import annotations

import difflib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.capabilities import makes_pictures_from_text
from synthviz.diffusion.library_logging import quiet_libraries
from synthviz.errors import SynthvizError
from synthviz.shipped_models import MODELS, SHIPPED_DEFAULTS

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline


ENGINES = ("torch", "bfloat16", "openvino")


class ModelLoadError(SynthvizError, RuntimeError):
    """A model that was asked for by name cannot be loaded; the message says which and what to do."""


def load_pipeline(model: str = "embedded", device: str | None = None, engine: str | None = None) -> DiffusionPipeline:
    """Load a text-to-image pipeline through diffusers, from safetensors only, never running code from a checkpoint.

    Args:
        model: "embedded" (the small Stable Diffusion that ships with synthviz, distilled into four steps),
            "embedded-teacher" (what it was distilled from: many steps, two passes a step, negative prompts), a local
            folder, or a hub id such as "stabilityai/stable-diffusion-xl-base-1.0".
        device: "cuda", "mps" or "cpu"; None takes the best there is. The shipped models run in float32; others in
            bfloat16 (float16 on older cards) on CUDA, float16 on MPS and float32 on the CPU.
        engine: what computes. "torch" is PyTorch as it is; "bfloat16" PyTorch with the UNet and the decoder in
            bfloat16, for a pipeline with a UNet on CUDA or a CPU made for it; "openvino" is for a Stable Diffusion on
            the CPU: loading takes some seconds more, each picture about half of the time. It needs `pip install
            synthviz[openvino]`. Pictures of the last two differ by a little. None takes "bfloat16" for "embedded" on a
            CPU with instructions for it, else "torch".

    Returns:
        The diffusers pipeline, on its device; on a GPU too small for it, with diffusers' own memory savers on.

    Raises:
        ValueError: for another engine.
        ModelLoadError: if it cannot be loaded, makes pictures from something other than text, or cannot run in this
            engine.
    """
    if engine not in (None, *ENGINES):
        raise ValueError(f"engine is {engine!r}; it must be one of {', '.join(ENGINES)}")
    if engine == "openvino":
        if device not in (None, "cpu"):
            raise ModelLoadError(f"engine 'openvino' runs on the CPU, not on {device!r}")
        device = "cpu"
    try:
        import torch
        from diffusers import DiffusionPipeline

        from synthviz.devices import has_fast_bfloat16, pick_device
    except Exception as error:  # diffusers' lazy imports raise RuntimeError, broken libraries OSError
        raise ModelLoadError(f"torch or diffusers cannot be imported: {error}") from error

    notes: list[str] = []
    device = device or pick_device(notes.append).type
    for note in notes:
        print(note)
    if engine == "bfloat16" and not device.startswith(("cpu", "cuda")):
        raise ModelLoadError(f"engine 'bfloat16' runs on the CPU or on CUDA, not on {device!r}")
    shipped = model in SHIPPED_DEFAULTS
    # The teacher is stored as what it does not share with its student.
    folder = MODELS / "embedded" if shipped else Path(model).expanduser()
    if shipped and not all((MODELS / model / part).exists() for part in ("unet", "scheduler")):
        raise ModelLoadError(f"the shipped model {model!r} is not in this installation; install synthviz again")
    if not shipped and not folder.is_dir() and model.count("/") != 1:
        close = difflib.get_close_matches(model, SHIPPED_DEFAULTS, n=1)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ModelLoadError(f"{model!r} is neither 'embedded', nor a local folder, nor a hub id 'owner/name'{hint}")
    dtype = torch.float32
    if not shipped and device == "cuda":
        # Older cards only emulate bfloat16, slowly.
        dtype = torch.bfloat16 if torch.cuda.is_bf16_supported(including_emulation=False) else torch.float16
    elif not shipped and device == "mps":
        dtype = torch.float16
    _check_before_opening(model, folder)
    try:
        with quiet_libraries(bars_too=folder.is_dir()):
            pipeline = DiffusionPipeline.from_pretrained(
                str(folder) if folder.is_dir() else model,
                **(_teacher_parts() if model == "embedded-teacher" else {}),
                dtype=dtype,
                use_safetensors=True,
                trust_remote_code=False,
                low_cpu_mem_usage=True,
            )
    except Exception as error:
        raise ModelLoadError(_why_not_loaded(model, folder, error)) from error
    if not makes_pictures_from_text(pipeline):
        kind = type(pipeline).__name__
        raise ModelLoadError(f"{model!r} holds a {kind}, which does not make pictures from text alone")
    try:
        _place(pipeline, device)
    except RuntimeError as error:  # CUDA's own
        raise ModelLoadError(f"{model!r} cannot be moved to {device}: {str(error).splitlines()[0]}") from error
    pipeline.set_progress_bar_config(disable=True)
    pipeline.notes = notes  # for the records of its pictures
    if shipped and device == "cpu":
        pipeline.vae.to(memory_format=torch.channels_last)  # decodes a quarter faster
    if shipped:
        pipeline.register_to_config(_name_or_path=str(MODELS / model))
    if engine is None and model == "embedded" and device == "cpu" and has_fast_bfloat16(torch.device("cpu")):
        engine = "bfloat16"
    if engine == "openvino":
        _start_openvino(model, pipeline)
    elif engine == "bfloat16":
        _start_bfloat16(model, pipeline)
    return pipeline


def _start_bfloat16(model: str, pipeline: DiffusionPipeline) -> None:
    from synthviz.diffusion.bfloat16_engine import run_in_bfloat16

    if not hasattr(pipeline, "unet"):
        raise ModelLoadError(f"{model!r} cannot run in engine 'bfloat16': a {type(pipeline).__name__} has no UNet")
    run_in_bfloat16(pipeline)


def _start_openvino(model: str, pipeline: DiffusionPipeline) -> None:
    from synthviz.diffusion.openvino import run_in_openvino

    try:
        run_in_openvino(pipeline)
    except ImportError as error:
        raise ModelLoadError(
            f"engine 'openvino' needs a library that is not installed: pip install synthviz[openvino] ({error})"
        ) from error
    except Exception as error:  # OpenVINO's own
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelLoadError(f"{model!r} cannot run in engine 'openvino': {why}") from error


def _check_before_opening(model: str, folder: Path) -> None:
    """Look at a checkpoint before any of it is opened; of one on the hub, at the list of its parts.

    Raises:
        ModelLoadError: if it is not safe, not what was shipped, or the hub does not give it.
    """
    from synthviz.diffusion.checkpoints import UnsafeCheckpoint, check_checkpoint, check_index
    from synthviz.shipped_models import DamagedWeights, verify_shipped

    try:
        if model in SHIPPED_DEFAULTS:
            for needed in {folder, MODELS / model}:
                verify_shipped(needed)
        elif not folder.is_dir():
            from huggingface_hub import hf_hub_download

            check_index(json.loads(Path(hf_hub_download(model, "model_index.json")).read_text(encoding="utf-8")))
        elif (folder / "model_index.json").exists():
            ignored = check_checkpoint(folder)
            if ignored:
                print(f"Note: of {folder.name} these files are never opened: {', '.join(ignored)}")
    except DamagedWeights as error:
        raise ModelLoadError(str(error)) from error
    except UnsafeCheckpoint as error:
        raise ModelLoadError(f"{model!r} is not opened: {error}") from error
    except Exception as error:  # the hub's own
        raise ModelLoadError(_why_not_loaded(model, folder, error)) from error


def _teacher_parts() -> dict[str, Any]:
    """What of the embedded model its teacher has of its own."""
    from diffusers import DDIMScheduler, UNet2DConditionModel

    folder = MODELS / "embedded-teacher"
    return {
        "unet": UNet2DConditionModel.from_pretrained(folder / "unet", use_safetensors=True),
        "scheduler": DDIMScheduler.from_pretrained(folder / "scheduler"),
    }


def _why_not_loaded(model: str, folder: Path, error: Exception) -> str:
    why = (str(error).strip().splitlines() or [type(error).__name__])[0].replace(str(folder), model)
    if folder.is_dir():
        if not (folder / "model_index.json").exists():
            return f"the folder {model!r} holds no diffusers pipeline: it has no model_index.json"
        return f"the pipeline in the folder {model!r} cannot be loaded: {why}"
    everything = str(error).lower()
    if any(word in everything for word in ("offline", "connect", "cached", "not found", "resolve")):
        return (
            f"the model {model!r} is neither a local folder nor downloaded yet, and the hub cannot be reached or "
            f"does not have it; with a network, fetch it once with `hf download {model}`"
        )
    return f"the model {model!r} cannot be loaded from the hub: {why}"


def _place(pipeline: DiffusionPipeline, device: str) -> None:
    """Move a pipeline to its device; on a GPU too small for all of it, with diffusers' memory savers.

    Where the largest part fits, parts take turns on the GPU; where not even that fits, single layers do.
    """
    import torch

    if device == "cuda":
        modules = [part for part in pipeline.components.values() if isinstance(part, torch.nn.Module)]
        sizes = [sum(weight.numel() * weight.element_size() for weight in part.parameters()) for part in modules]
        free, _ = torch.cuda.mem_get_info()
        if 1.3 * sum(sizes) > free:
            if hasattr(getattr(pipeline, "vae", None), "enable_tiling"):
                pipeline.vae.enable_tiling()
            if 1.3 * max(sizes) > free:
                pipeline.enable_sequential_cpu_offload()
            else:
                pipeline.enable_model_cpu_offload()
            return
    elif device == "mps":
        pipeline.enable_attention_slicing()
    pipeline.to(device)
