"""steering.py against a denoising loop written out with the pipeline's own parts."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tiny_pipelines
import torch

import synthviz
from synthviz import GenerationConfig, generate
from synthviz.diffusion import pipelines
from synthviz.diffusion.steering import Steering, mixed_noise

FIRST, THEN = "a red boat", "a dark forest at night"


@pytest.fixture(scope="module")
def teacher():
    return pipelines.load_pipeline("embedded-teacher", device="cpu")


def pixels(picture) -> np.ndarray:
    return np.asarray(picture.image).astype(int)


@torch.no_grad()
def draw_by_hand(pipeline, noise, prompts, guidance):
    """Denoise with a prompt for each step; return the picture, (H, W, 3) in [0, 255]."""
    pipeline.scheduler.set_timesteps(len(prompts))
    latents = noise
    for prompt, time in zip(prompts, pipeline.scheduler.timesteps, strict=True):
        text, empty = pipeline.encode_prompt(prompt, "cpu", 1, True)
        without, with_text = (pipeline.unet(latents, time, states).sample for states in (empty, text))
        latents = pipeline.scheduler.step(without + guidance * (with_text - without), time, latents).prev_sample
    decoded = pipeline.vae.decode(latents / pipeline.vae.config.scaling_factor).sample[0]
    return (decoded.permute(1, 2, 0).clamp(-1, 1).numpy() + 1) * 127.5


@pytest.mark.parametrize("after", [1, 3])
def test_the_prompt_changes_after_the_given_step(teacher, after):
    config = GenerationConfig(FIRST, count=2, seed=4, steps=4, guidance_scale=3.0)
    pictures = generate(teacher, config, steering=Steering(later_prompt=THEN, switch_after=after))
    for seed, picture in zip((4, 5), pictures, strict=True):
        noise = torch.randn((1, *_latent_shape(teacher)), generator=torch.Generator().manual_seed(seed))
        by_hand = draw_by_hand(teacher, noise, [FIRST] * after + [THEN] * (4 - after), 3.0)
        assert np.abs(by_hand - pixels(picture)).max() <= 2
    assert pictures[0].record["steering"]["later_prompt"] == THEN
    assert pictures[0].record["prompt"] == FIRST


@pytest.mark.parametrize("family", tiny_pipelines.FAMILIES)
def test_the_same_prompt_again_changes_nothing(saved, family):
    pipeline = pipelines.load_pipeline(str(saved[family]), device="cpu")
    config = GenerationConfig(FIRST, count=2, seed=4, steps=3)
    plain = generate(pipeline, config)
    same = generate(pipeline, config, steering=Steering(later_prompt=FIRST))
    other = generate(pipeline, config, steering=Steering(later_prompt=THEN))
    assert all(np.array_equal(pixels(a), pixels(b)) for a, b in zip(plain, same, strict=True))
    assert not any(np.array_equal(pixels(a), pixels(b)) for a, b in zip(plain, other, strict=True))


@pytest.mark.parametrize("family", ["sd1", "sdxl"])
def test_a_walk_between_seeds_begins_and_ends_at_their_pictures(saved, family):
    pipeline = pipelines.load_pipeline(str(saved[family]), device="cpu")
    first, last = (generate(pipeline, GenerationConfig(FIRST, count=1, seed=seed, steps=2))[0] for seed in (4, 9))
    walk = [
        generate(
            pipeline,
            GenerationConfig(FIRST, count=1, seed=4, steps=2),
            steering=Steering(other_seed=9, other_share=share),
        )[0]
        for share in (0.0, 0.5, 1.0)
    ]
    assert np.abs(pixels(walk[0]) - pixels(first)).max() <= 2
    assert np.abs(pixels(walk[2]) - pixels(last)).max() <= 2
    assert not np.array_equal(pixels(walk[1]), pixels(first))


def test_mixed_noise_is_as_strong_as_noise(teacher):
    mixed = mixed_noise(teacher, {}, range(64), Steering(other_seed=500, other_share=1 / 3))
    own = torch.randn((1, *_latent_shape(teacher)), generator=torch.Generator().manual_seed(0))
    assert mixed.std().item() == pytest.approx(1, abs=0.02)
    correlation = torch.corrcoef(torch.stack([mixed[0].flatten(), own.flatten()]))[0, 1].item()
    assert correlation == pytest.approx(math.cos(math.pi / 6), abs=0.03)


def _latent_shape(pipeline) -> tuple[int, int, int]:
    side = pipeline.unet.config.sample_size
    return pipeline.unet.config.in_channels, side, side


@pytest.mark.parametrize(
    ("field", "value"),
    [("later_prompt", 3), ("switch_after", 0), ("other_seed", -1), ("other_share", 1.5), ("other_share", math.nan)],
)
def test_a_bad_value_is_named(field, value):
    with pytest.raises(ValueError, match=field):
        Steering(**{field: value})


def test_what_a_pipeline_cannot_do_is_refused_before_work(teacher, saved):
    config = GenerationConfig(FIRST, count=1, steps=4)
    with pytest.raises(ValueError, match="switch_after is 4"):
        generate(teacher, config, steering=Steering(later_prompt=THEN, switch_after=4))
    flux = pipelines.load_pipeline(str(saved["flux"]), device="cpu")
    with pytest.raises(ValueError, match="no UNet"):
        generate(flux, config, steering=Steering(other_seed=1))


def test_an_empty_prompt_is_drawn_and_noted(teacher):
    (picture,) = synthviz.generate(teacher, GenerationConfig("", count=1, seed=1, steps=2, guidance_scale=1.0))
    assert any("prompt is empty" in note for note in picture.record["notes"])
