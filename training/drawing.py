"""Draw the pictures of many prompts in batches, as `synthviz.generate` would draw them one by one."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from diffusers import DiffusionPipeline

from synthviz.diffusion.capabilities import default_steps_and_guidance
from synthviz.diffusion.library_logging import quiet_libraries

PROGRESS_INTERVAL = 30.0  # seconds between two lines of progress


def generate_batch(
    pipeline: DiffusionPipeline, prompts: Sequence[str], seeds: Sequence[int], bfloat16: bool = False
) -> np.ndarray:
    """Draw one picture for each prompt, (B, H, W, 3) uint8, with the pipeline's default steps and guidance.

    Each picture has its own CPU generator, as in `synthviz.generate`, so that both give the same picture up to
    rounding, which is coarser in bfloat16.
    """
    steps, guidance = default_steps_and_guidance(pipeline)
    scale = {} if guidance is None else {"guidance_scale": guidance}
    with quiet_libraries(), torch.autocast(pipeline.device.type, torch.bfloat16, enabled=bfloat16):
        output = pipeline(
            list(prompts),
            num_inference_steps=steps,
            **scale,
            generator=[torch.Generator("cpu").manual_seed(seed) for seed in seeds],
            output_type="np",
        )
    pictures: np.ndarray = (np.nan_to_num(output.images) * 255).round().astype(np.uint8)
    return pictures


def draw(
    pipeline: DiffusionPipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    batch: int,
    name: str,
    bfloat16: bool = False,
) -> Iterator[np.ndarray]:
    """Yield the pictures of many prompts, batch by batch, as `generate_batch` returns them, and print the progress."""
    started = printed = time.monotonic()
    for start in range(0, len(prompts), batch):
        yield generate_batch(pipeline, prompts[start : start + batch], seeds[start : start + batch], bfloat16)
        done, now = min(len(prompts), start + batch), time.monotonic()
        if now - printed > PROGRESS_INTERVAL:
            left = (now - started) / done * (len(prompts) - done) / 60
            print(f"{name}: {done} of {len(prompts)} pictures, about {left:.0f} min left", flush=True)
            printed = now


def time_pictures(pipeline: DiffusionPipeline, prompts: Sequence[str], count: int) -> float | None:
    """Return the median seconds of `count` pictures drawn one by one, after one to warm up; None if `count` is 0."""
    seconds = []
    for index in range(count + 1 if count else 0):
        started = time.perf_counter()
        generate_batch(pipeline, [prompts[index % len(prompts)]], [index])
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds[1:]) if count else None
