"""Call a pipeline up to its first denoising step, to see whether it draws from a prompt alone."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from synthviz.diffusion.capabilities import BACKBONES, call_parameters

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

DENOISERS = (*BACKBONES, "prior", "prior_prior")  # in a combined pipeline the prior comes first
PICTURES = ("image", "images", "mask_image", "mask", "control_image", "control_mask")


def why_not_from_prompt(pipeline: DiffusionPipeline) -> str | None:
    """Return why a pipeline does not draw from a prompt alone; None if it does, or if the memory does not suffice.

    The pipeline encodes a prompt and prepares everything. It is stopped when it calls the network that denoises.
    """
    import torch

    parts = [part for name in DENOISERS if isinstance(part := getattr(pipeline, name, None), torch.nn.Module)]
    with ExitStack() as hooks:
        for part in parts:
            hooks.callback(part.register_forward_pre_hook(_stop).remove)
        try:
            pipeline(prompt="a picture", generator=torch.Generator("cpu").manual_seed(0))
        except (_FirstStep, torch.OutOfMemoryError, MemoryError):
            return None
        except NameError as error:  # diffusers imports some libraries only where they are installed
            return f"it needs the library {error.name}, which is not installed"
        except Exception as error:  # each pipeline fails in its own way
            takes = " and ".join(name for name in PICTURES if name in call_parameters(pipeline))
            reason = ": ".join([type(error).__name__, *str(error).strip().splitlines()[:1]])
            return f"it takes {takes} too; called without, it fails: {reason}" if takes else f"it fails: {reason}"
        finally:
            pipeline.maybe_free_model_hooks()  # moves offloaded parts back to the CPU
    return None


class _FirstStep(Exception):
    """Ends a pipeline's call."""


def _stop(network: Any, inputs: Any) -> None:
    raise _FirstStep
