"""The embedded model on an NVIDIA GPU, in batches of 64: `python -m benchmarks.on_gpu --json FILE`.

`generate` in float32 is compared with diffusers alone in float32 and in bfloat16, and with diffusers whose UNet and
decoder are compiled into CUDA graphs (`torch.compile`, mode "reduce-overhead"). The results also contain two lower
bounds of the time: the operations of a batch at the rate of a large matrix product, and the bytes that its layers read
and write at the rate of a large copy. Both rates are measured in bfloat16. `make bench` does not include this
benchmark, because it must run on any machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from diffusers import DiffusionPipeline
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.side_by_side import in_turns
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.records import versions
from synthviz.shipped_models import MODELS, SHIPPED_DEFAULTS

PROMPT = "a quiet village at dusk with two yellow lanterns"
COMPILE_MODE = "reduce-overhead"  # CUDA graphs


def stock_pipeline(device: str, dtype: torch.dtype = torch.bfloat16) -> DiffusionPipeline:
    """Load the embedded model with diffusers alone."""
    pipeline = DiffusionPipeline.from_pretrained(MODELS / "embedded", dtype=dtype).to(device)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def compiled(pipeline: DiffusionPipeline) -> DiffusionPipeline:
    """Compile the UNet and the decoder of a pipeline, as in diffusers' documentation."""
    pipeline.unet = torch.compile(pipeline.unet.to(memory_format=torch.channels_last), mode=COMPILE_MODE)
    pipeline.vae.decode = torch.compile(pipeline.vae.to(memory_format=torch.channels_last).decode, mode=COMPILE_MODE)
    return pipeline


def draw(pipeline: DiffusionPipeline, count: int) -> list[Any]:
    """Draw pictures in one call of diffusers alone."""
    steps, guidance = SHIPPED_DEFAULTS["embedded"]
    generators = [torch.Generator("cpu").manual_seed(seed) for seed in range(count)]
    pictures: list[Any] = pipeline(
        PROMPT,
        num_images_per_prompt=count,
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=generators,
    ).images
    return pictures


def count_work(pipeline: DiffusionPipeline, count: int) -> tuple[float, float]:
    """Count the operations of one call, and the bytes that its layers read and write.

    A multiplication and an addition are two operations. Each layer reads its weights and its input once, and writes its
    output once.
    """
    moved = 0

    def size(value: Any) -> int:
        return value.numel() * value.element_size() if torch.is_tensor(value) else 0

    def count_bytes(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        nonlocal moved
        moved += sum(map(size, [*inputs, *module.parameters(), output]))

    parts = (pipeline.unet, pipeline.vae.decoder, pipeline.text_encoder)
    leaves = [module for part in parts for module in part.modules() if not list(module.children())]
    handles = [module.register_forward_hook(count_bytes) for module in leaves]
    try:
        with FlopCounterMode(display=False) as counter:
            draw(pipeline, count)
    finally:
        for handle in handles:
            handle.remove()
    return float(counter.get_total_flops()), float(moved)


def ceilings(device: str, side: int) -> tuple[float, float]:
    """Measure the operations per second of a `side` × `side` matrix product, and the bytes per second of a copy.

    Both are in bfloat16.
    """
    one, other = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    source = torch.empty(16 * side * side, device=device, dtype=torch.bfloat16)
    target = torch.empty_like(source)
    multiply = _seconds(lambda: one @ other, device)
    copying = _seconds(lambda: target.copy_(source), device)
    return 2 * side**3 / multiply, 2 * source.numel() * source.element_size() / copying


def _seconds(do: Callable[[], object], device: str, repeats: int = 10) -> float:
    def run() -> None:
        do()
        if device == "cuda":
            torch.cuda.synchronize()

    return median(in_turns({"": run}, repeats, warm_up=3)[""])


def measure(repeats: int, count: int = 64, device: str = "cuda", side: int = 8192) -> dict[str, Any]:
    """Return the seconds of each way and the lower bounds; see the module's description."""
    config = GenerationConfig(PROMPT, count=count, seed=0)
    stock = stock_pipeline(device)
    ways: dict[str, Callable[[], object]] = {
        "generate, float32": partial(generate, load_pipeline("embedded", device), config),
        "diffusers, float32": partial(draw, stock_pipeline(device, torch.float32), count),
        "diffusers, bfloat16": partial(draw, stock, count),
    }
    if device == "cuda":
        fast = compiled(stock_pipeline(device))
        ways["diffusers, bfloat16, compiled"] = partial(draw, fast, count)
    seconds = in_turns(ways, repeats, warm_up=3)
    work, moved = count_work(stock, count)
    rate, bandwidth = ceilings(device, side)
    return {
        "device": torch.cuda.get_device_name() if device == "cuda" else device,
        "versions": versions(),
        "pictures": count,
        "seconds": seconds,
        "pictures_a_second": {name: count / median(each) for name, each in seconds.items()},
        "operations": work,
        "bytes": moved,
        "operations_a_second": rate,
        "bytes_a_second": bandwidth,
        "lower_bound_seconds": {"operations": work / rate, "bytes": moved / bandwidth},
    }


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("this benchmark needs an NVIDIA GPU; `make bench` runs all others")
    text = json.dumps(measure(arguments.repeats), indent=2)
    print(text)
    if arguments.json is not None:
        arguments.json.write_text(text)


if __name__ == "__main__":
    main()
