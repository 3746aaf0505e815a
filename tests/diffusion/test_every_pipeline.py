"""Small pipelines of the other text-to-image classes of diffusers: each draws with a true record, or is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import tiny_pipelines
import torch
import transformer_pipelines
import unet_pipelines
from diffusers import AdaptiveProjectedMixGuidance, DiffusionPipeline

from synthviz.diffusion.call_arguments import call_arguments
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline

SIZE = {"width": 64, "height": 64}
BOAT = GenerationConfig("a boat", count=1, steps=2, seed=5, **SIZE)
EVERY = {**unet_pipelines.UNETS, **transformer_pipelines.TRANSFORMERS}
# They draw a megapixel, or have many layers.
LARGE = ("kandinsky-5", "hunyuan-dit", "pag-hunyuan-dit", "hidream", "ideogram", "longcat", "sana-sprint")
# What the pipeline needs in a plain call with two steps.
OWN_WAY = {"ideogram": {"guidance_scale": 7.0, "guidance_schedule": None}}
ANOTHER_SIZE = {
    **dict.fromkeys(("kandinsky-5", "hunyuan-dit", "pag-hunyuan-dit"), (1024, 1024)),
    "hidream": (128, 128),
}


def quiet(pipeline: DiffusionPipeline) -> DiffusionPipeline:
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def pixels(image) -> np.ndarray:
    return np.asarray(image).astype(int)


@pytest.mark.parametrize("name", [pytest.param(one, marks=[pytest.mark.long] * (one in LARGE)) for one in EVERY])
def test_it_draws_what_diffusers_draws_and_records_it(tmp_path, name):
    EVERY[name]().save_pretrained(tmp_path)
    plain = quiet(DiffusionPipeline.from_pretrained(tmp_path))
    asked = {"prompt": "a boat", "num_inference_steps": 2, **SIZE, **OWN_WAY.get(name, {})}
    output = plain(**asked, generator=torch.Generator().manual_seed(5))
    (picture,) = generate(load_pipeline(str(tmp_path), device="cpu"), BOAT)
    (wanted,) = output.images if hasattr(output, "images") else output.image
    assert np.abs(pixels(picture.image) - pixels(wanted)).max() <= 1
    assert picture.image.size == ANOTHER_SIZE.get(name, (64, 64))
    assert picture.record["pipeline"] == type(plain).__name__
    assert any("rewrites the prompt" in note for note in picture.record["notes"]) == (name == "longcat")
    assert not any("guid" in note.lower() and "not used" in note for note in picture.record["notes"])
    assert not any("not numbers" in note or "black" in note or "plain" in note for note in picture.record["notes"])


@pytest.mark.parametrize("name", ["panorama", "amused", "cogview-4"])
def test_a_picture_is_the_same_alone_and_as_one_of_several(name):
    """Panorama confuses the prompts of a batch, and aMUSEd takes a single generator."""
    pipeline = quiet(EVERY[name]())
    several = generate(pipeline, replace(BOAT, count=2, seed=4))
    assert np.abs(pixels(several[1].image) - pixels(generate(pipeline, BOAT)[0].image)).max() <= 2


class TestGuidanceByAnotherName:
    def test_of_a_distilled_network(self):
        pipeline = quiet(transformer_pipelines.hunyuan_image(guidance_embeds=True))
        (usual,) = generate(pipeline, BOAT)
        (strong,) = generate(pipeline, replace(BOAT, guidance_scale=60.0))
        assert (usual.record["guidance_scale"], strong.record["guidance_scale"]) == (3.25, 60.0)
        assert not np.array_equal(pixels(usual.image), pixels(strong.image))

    def test_of_a_part_that_guides(self):
        pipeline = quiet(transformer_pipelines.hunyuan_image())
        assert generate(pipeline, BOAT)[0].record["guidance_scale"] is None
        pipeline.guider = AdaptiveProjectedMixGuidance(guidance_scale=6.5)
        assert generate(pipeline, BOAT)[0].record["guidance_scale"] == 6.5

    def test_of_a_prior(self):
        pipeline = unet_pipelines.stable_cascade()
        asked, _ = call_arguments(pipeline, GenerationConfig("a boat", guidance_scale=7.0))
        assert asked["prior_guidance_scale"] == 7.0
        assert call_arguments(pipeline, GenerationConfig("a boat"))[0]["prior_guidance_scale"] == 4.0

    def test_of_a_schedule(self):
        pipeline = transformer_pipelines.ideogram()
        usual, notes = call_arguments(pipeline, GenerationConfig("a boat"))
        assert not {"guidance_scale", "guidance_schedule"} & set(usual)
        assert any("scale of its own, 7 at most" in note for note in notes)
        fewer, _ = call_arguments(pipeline, GenerationConfig("a boat", steps=2))
        assert (fewer["guidance_scale"], fewer["guidance_schedule"]) == (7.0, None)
        asked, _ = call_arguments(pipeline, GenerationConfig("a boat", guidance_scale=3.0))
        assert (asked["guidance_scale"], asked["guidance_schedule"]) == (3.0, None)


@pytest.mark.parametrize(
    ("build", "reason"),
    [
        (unet_pipelines.ldm_3d, "it returns rgb, not pictures"),
        (unet_pipelines.wuerstchen, r"WuerstchenDiffNeXt, which is not one of diffusers'"),
        (unet_pipelines.stable_cascade, r"PaellaVQModel, which is not one of diffusers'"),
        (unet_pipelines.latent_diffusion, "its call has no num_images_per_prompt"),
    ],
)
def test_others_are_refused_when_they_are_loaded(tmp_path, build, reason):
    """Diffusers cannot open its own saved Würstchen and Stable Cascade either."""
    build().save_pretrained(tmp_path)
    with pytest.raises(ModelLoadError, match=reason) as error:
        load_pipeline(str(tmp_path), device="cpu")
    assert "\n" not in str(error.value)


def test_a_missing_library_of_a_pipeline_is_named(tmp_path, monkeypatch):
    def encode(*_, **__):
        raise NameError("name 'ftfy' is not defined", name="ftfy")

    tiny_pipelines.stable_diffusion().save_pretrained(tmp_path)
    monkeypatch.setattr("diffusers.StableDiffusionPipeline.encode_prompt", encode)
    with pytest.raises(ModelLoadError, match="it needs the library ftfy, which is not installed"):
        load_pipeline(str(tmp_path), device="cpu")
