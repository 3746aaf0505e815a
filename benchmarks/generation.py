"""The overhead of `generate`, and the gain of a batch: `python -m benchmarks.generation`.

`generate` is compared with the bare loop of a tutorial, which calls the same pipeline's text encoder, UNet, scheduler
and decoder one after another, without records, checks or progress. Then three pictures in one call are compared with
three calls. Everything runs in one process, after a warm-up.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers import DiffusionPipeline
from PIL import Image

from benchmarks.side_by_side import Check, Row, command_line, in_turns, row
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import load_pipeline
from synthviz.shipped_models import SHIPPED_DEFAULTS

PROMPT = "a quiet village at dusk with two yellow lanterns"


@torch.no_grad()
def bare_loop(pipeline: DiffusionPipeline) -> Image.Image:
    """Draw the embedded model's picture of seed 0 without `generate`."""
    steps, guidance = SHIPPED_DEFAULTS["embedded"]
    tokenizer, unet, scheduler, vae = pipeline.tokenizer, pipeline.unet, pipeline.scheduler, pipeline.vae
    ids = tokenizer(
        PROMPT, padding="max_length", max_length=tokenizer.model_max_length, truncation=True, return_tensors="pt"
    ).input_ids
    text = pipeline.text_encoder(ids).last_hidden_state
    condition = pipeline.get_guidance_scale_embedding(
        torch.tensor([guidance - 1]), embedding_dim=unet.config.time_cond_proj_dim
    )
    generator = torch.Generator().manual_seed(0)
    side = unet.config.sample_size
    latents = torch.randn((1, unet.config.in_channels, side, side), generator=generator)
    scheduler.set_timesteps(steps)
    for time in scheduler.timesteps:
        velocity = unet(latents, time, text, timestep_cond=condition).sample
        latents = scheduler.step(velocity, time, latents, generator=generator).prev_sample
    picture = vae.decode(latents / vae.config.scaling_factor).sample[0]
    pixels = (picture / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy()
    return Image.fromarray((255 * pixels).round().astype(np.uint8))


def pictures(pipeline: DiffusionPipeline, count: int, seed: int = 0) -> list[Image.Image]:
    """Draw pictures with `generate`."""
    return [each.image for each in generate(pipeline, GenerationConfig(PROMPT, count=count, seed=seed))]


def largest_difference(some: list[Image.Image], others: list[Image.Image]) -> int:
    """Return the largest difference, of 255, between pixels in the same place."""
    pairs = zip(some, others, strict=True)
    return max(int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max()) for one, other in pairs)


def measure(repeats: int) -> list[Row]:
    """Measure both comparisons."""
    pipeline = load_pipeline("embedded", "cpu")

    def one_by_one() -> list[Image.Image]:
        return [pictures(pipeline, 1, seed)[0] for seed in range(3)]

    single = in_turns({"here": lambda: pictures(pipeline, 1), "there": lambda: bare_loop(pipeline)}, repeats)
    triple = in_turns({"here": lambda: pictures(pipeline, 3), "there": one_by_one}, repeats)
    off = largest_difference(pictures(pipeline, 1), [bare_loop(pipeline)])
    apart = largest_difference(pictures(pipeline, 3), one_by_one())
    return [
        row(
            "`generate`, one picture",
            "a bare loop of the same pipeline's parts",
            1.03,
            single["here"],
            single["there"],
            [Check(f"largest difference of pixels {off}/255, limit 0", off == 0)],
        ),
        row(
            "three pictures in one call",
            "three calls",
            1.0,
            triple["here"],
            triple["there"],
            [Check(f"largest difference of pixels {apart}/255, limit 2/255", apart <= 2)],
        ),
    ]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
