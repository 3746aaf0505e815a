"""bfloat16_engine.py: the same pictures as in float32, up to rounding, and chosen where it pays."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthviz import devices
from synthviz.diffusion.capabilities import engine_of
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.denoising_film import record_film
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline
from synthviz.diffusion.word_maps import generate_with_word_maps


@pytest.fixture(scope="module")
def pipelines():
    return {engine: load_pipeline("embedded", "cpu", engine) for engine in ("torch", "bfloat16")}


def test_pictures_are_those_of_float32(pipelines):
    config = GenerationConfig("a red boat on the ocean at night", count=2, seed=3)
    wanted, found = (generate(pipeline, config) for pipeline in pipelines.values())
    for ours, theirs in zip(found, wanted, strict=True):
        difference = np.asarray(ours.image, float) - np.asarray(theirs.image, float)
        assert 0 < np.square(difference).mean() < 255**2 / 10**4  # not the same, but 40 dB near
        assert (theirs.record["engine"], ours.record["engine"]) == ("torch", "torch, bfloat16")


def test_what_goes_in_and_comes_out_is_float32(pipelines):
    pipeline = pipelines["bfloat16"]
    assert {weights.dtype for part in (pipeline.unet, pipeline.vae.decoder) for weights in part.parameters()} == {
        torch.bfloat16
    }
    latents = torch.zeros(1, 8, 32, 32)
    with torch.no_grad():
        predicted = pipeline.unet(latents, 10, torch.zeros(1, 48, 192), timestep_cond=torch.zeros(1, 256))
        as_tuple = pipeline.unet(
            latents, 10, torch.zeros(1, 48, 192), timestep_cond=torch.zeros(1, 256), return_dict=False
        )
        assert pipeline.vae.decode(latents).sample.dtype == torch.float32
    assert predicted.sample.dtype == as_tuple[0].dtype == torch.float32
    assert torch.equal(predicted.sample, as_tuple[0])


def test_one_can_look_inside(pipelines):
    config = GenerationConfig("a forest", count=1, seed=0)
    assert len(record_film(pipelines["bfloat16"], config).estimates) == 4
    maps = [generate_with_word_maps(pipeline, config)[0][1] for pipeline in pipelines.values()]
    exact, found = (each.heatmap("forest") for each in maps)
    assert torch.allclose(exact, found, atol=0.05)


@pytest.mark.usefixtures("threads")
@pytest.mark.parametrize("prompt", ["two white towers on green hills", "a city skyline at sunset", "a volcano, neon"])
def test_a_picture_is_the_same_alone_and_in_a_batch(pipelines, prompt):
    """Layers that sum up in another order for a batch made up to 28/255 of it."""
    together = generate(pipelines["bfloat16"], GenerationConfig(prompt, count=3, seed=0))
    for seed, picture in enumerate(together):
        alone = generate(pipelines["bfloat16"], GenerationConfig(prompt, count=1, seed=seed))[0]
        assert np.abs(np.asarray(alone.image, int) - np.asarray(picture.image, int)).max() <= 2


def test_with_many_threads_pictures_are_made_alone(pipelines, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 24)
    for engine, expected in (("bfloat16", [[0], [1]]), ("torch", [[0, 1]])):
        batches = []
        generate(pipelines[engine], GenerationConfig("a forest", count=2, seed=0), on_batch=batches.append)
        assert batches == expected


@pytest.mark.parametrize(("fast", "engine"), [(True, "torch, bfloat16"), (False, "torch")])
def test_it_is_taken_where_the_processor_was_made_for_it(monkeypatch, fast, engine):
    monkeypatch.setattr(devices, "has_fast_bfloat16", lambda device: fast)
    assert engine_of(load_pipeline("embedded", "cpu")) == engine
    assert engine_of(load_pipeline("embedded-teacher", "cpu")) == "torch"


def test_what_it_cannot_run(saved):
    with pytest.raises(ModelLoadError, match="on the CPU or on CUDA, not on 'mps'"):
        load_pipeline("embedded", "mps", "bfloat16")
    with pytest.raises(ModelLoadError, match="cannot run in engine 'bfloat16': a StableDiffusion3Pipeline has no UNet"):
        load_pipeline(str(saved["sd3"]), "cpu", "bfloat16")
