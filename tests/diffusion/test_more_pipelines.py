"""Pipelines beyond the four families: what they can be asked for, what is recorded, and which are refused."""

from __future__ import annotations

import more_pipelines
import numpy as np
import pytest
import tiny_pipelines
import torch
from diffusers import DiffusionPipeline

from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.denoising_film import record_film, save_animation
from synthviz.diffusion.generation import generate
from synthviz.diffusion.latents import decode_steps
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline

SIZE = {"width": 64, "height": 64}
BOAT = GenerationConfig("a boat", count=1, steps=2, seed=5, **SIZE)


def pixels(picture) -> np.ndarray:
    return np.asarray(picture.image).astype(int)


def boat(pipeline, **settings):
    pipeline.set_progress_bar_config(disable=True)
    return generate(pipeline, GenerationConfig("a boat", count=1, steps=2, seed=5, **SIZE, **settings))[0]


@pytest.mark.parametrize("name", more_pipelines.MORE)
def test_loaded_pipelines_draw_what_diffusers_draws(tmp_path, name):
    more_pipelines.MORE[name]().save_pretrained(tmp_path)
    plain = DiffusionPipeline.from_pretrained(tmp_path)
    plain.set_progress_bar_config(disable=True)
    wanted = plain(prompt="a boat", num_inference_steps=2, generator=torch.Generator().manual_seed(5), **SIZE).images[0]
    (picture,) = generate(load_pipeline(str(tmp_path), device="cpu"), BOAT)
    assert np.abs(pixels(picture) - np.asarray(wanted)).max() <= 1


class TestGuidance:
    @pytest.mark.parametrize(("name", "default"), [("sana", 4.5), ("flux2", 4.0), ("deepfloyd", 7.0)])
    def test_it_is_used_and_recorded_though_no_network_embeds_it(self, name, default):
        pipeline = more_pipelines.MORE[name]()
        assert boat(pipeline).record["guidance_scale"] == default
        weak, strong = (boat(pipeline, guidance_scale=scale) for scale in (1.0, 60.0))
        assert strong.record["guidance_scale"] == 60.0
        assert not any("guidance" in note for note in strong.record["notes"])
        assert not np.array_equal(pixels(weak), pixels(strong))

    def test_a_distilled_pipeline_has_none(self):
        pipeline = more_pipelines.flux2_klein(is_distilled=True)
        assert boat(pipeline).record["guidance_scale"] is None
        asked = boat(pipeline, guidance_scale=9.0)
        assert asked.record["guidance_scale"] is None
        assert any("runs without guidance; the scale 9 was not used" in note for note in asked.record["notes"])

    def test_a_network_that_only_embeds_a_scale_and_has_no_embedding(self):
        asked = boat(tiny_pipelines.flux(), guidance_scale=9.0)
        assert asked.record["guidance_scale"] is None
        assert any("takes no guidance scale; 9.0 was not used" in note for note in asked.record["notes"])

    def test_where_the_scale_is_called_true_cfg_scale(self):
        pipeline = more_pipelines.qwen_image()
        plain, guided, against = (
            boat(pipeline),
            boat(pipeline, guidance_scale=60.0),
            boat(pipeline, negative_prompt="x"),
        )
        assert plain.record["guidance_scale"] is None
        assert guided.record["guidance_scale"] == 60.0
        assert (against.record["guidance_scale"], against.record["negative_prompt"]) == (4.0, "x")
        assert not np.array_equal(pixels(plain), pixels(guided))
        off = boat(pipeline, guidance_scale=1.0)
        assert (off.record["guidance_scale"], off.record["negative_prompt"]) == (1.0, "")


UNCHECKED = {"requires_safety_checker": False}
NEED_A_PICTURE = {
    "StableDiffusionImg2ImgPipeline": (tiny_pipelines.stable_diffusion, UNCHECKED),
    "StableDiffusionInpaintPipeline": (tiny_pipelines.stable_diffusion, UNCHECKED),
    "StableDiffusionInstructPix2PixPipeline": (tiny_pipelines.stable_diffusion, UNCHECKED),
    "StableDiffusionXLImg2ImgPipeline": (tiny_pipelines.stable_diffusion_xl, {}),
    "StableDiffusionXLInpaintPipeline": (tiny_pipelines.stable_diffusion_xl, {}),
    "StableDiffusionXLInstructPix2PixPipeline": (tiny_pipelines.stable_diffusion_xl, {}),
    "StableDiffusion3Img2ImgPipeline": (tiny_pipelines.stable_diffusion_3, {}),
    "LatentConsistencyModelImg2ImgPipeline": (tiny_pipelines.latent_consistency, UNCHECKED),
    "FluxImg2ImgPipeline": (tiny_pipelines.flux, {}),
    "FluxInpaintPipeline": (tiny_pipelines.flux, {}),
}
WITHOUT_ENCODERS = ("FluxControlPipeline", "FluxFillPipeline", "StableDiffusionXLInstructPix2PixPipeline")


@pytest.mark.parametrize("kind", [*NEED_A_PICTURE, *WITHOUT_ENCODERS[:2]])
def test_kinds_that_need_a_picture_are_refused_when_they_are_loaded(tmp_path, kind):
    build, others = NEED_A_PICTURE.get(kind, (tiny_pipelines.flux, {}))
    left_out = ("image_encoder", "feature_extractor") if kind in WITHOUT_ENCODERS else ()
    tiny_pipelines.with_parts_of(build, kind, left_out, **others).save_pretrained(tmp_path)
    with pytest.raises(ModelLoadError, match=rf"a {kind}, with which .* prompt alone: it takes .*image") as error:
        load_pipeline(str(tmp_path), device="cpu")
    assert "\n" not in str(error.value)


def test_a_kind_that_may_have_a_picture_is_accepted(tmp_path):
    tiny_pipelines.with_parts_of(tiny_pipelines.flux, "FluxKontextPipeline").save_pretrained(tmp_path)
    assert type(load_pipeline(str(tmp_path), device="cpu")).__name__ == "FluxKontextPipeline"


class TestWhatLibrariesWarnOf:
    def test_another_size_than_was_asked_for(self):
        (picture,) = generate(more_pipelines.kandinsky_3(), GenerationConfig("a boat", count=1, steps=1, **SIZE))
        assert picture.image.size == (16, 16)  # its small autoencoder enlarges by 2 only
        assert "64×64 pixels were asked for; this pipeline drew 16×16" in picture.record["notes"]

    def test_what_diffusers_warns_of_is_a_note(self, caplog):
        picture = boat(more_pipelines.qwen_image())
        (note,) = picture.record["notes"]
        assert "classifier-free guidance is not enabled since no negative_prompt is provided" in note
        assert note in caplog.text

    def test_a_prompt_that_is_cut_off_has_one_note(self):
        pipeline = tiny_pipelines.stable_diffusion()
        pipeline.set_progress_bar_config(disable=True)
        (picture,) = generate(pipeline, GenerationConfig("boat " * 40, count=1, steps=1))
        assert len([note for note in picture.record["notes"] if "never sees" in note or "truncated" in note]) == 1

    def test_a_prompt_that_only_the_pipeline_cuts_off_has_a_note(self):
        """DeepFloyd IF reads 77 tokens, and its tokenizer could read more."""
        pipeline = more_pipelines.deepfloyd()
        pipeline.tokenizer.model_max_length = 512
        pipeline.set_progress_bar_config(disable=True)
        (picture,) = generate(pipeline, GenerationConfig("boat " * 40, count=1, steps=1, **SIZE))
        assert any("truncated" in note for note in picture.record["notes"])


class TestFilm:
    @pytest.mark.parametrize("name", ["sana", "flux2", "qwen-image", "kandinsky-3"])
    def test_frames_are_what_the_pipeline_makes_of_its_latents(self, name, tmp_path):
        pipeline = more_pipelines.MORE[name]()
        pipeline.set_progress_bar_config(disable=True)
        config = GenerationConfig("a boat", count=1, steps=3, seed=5, **SIZE)
        film = record_film(pipeline, config, estimates=False)
        assert len(film.frames) == 3
        assert {frame.size for frame in film.frames} == {film.picture.image.size}
        kept = []
        generate(pipeline, config, on_latents=lambda timestep, latents: kept.append(latents))
        size = (film.picture.image.height, film.picture.image.width)
        (decoded,) = decode_steps(pipeline, config, kept[-1:], size)
        assert np.abs(np.asarray(decoded).astype(int) - pixels(film.picture)).max() <= 1
        assert not np.array_equal(np.asarray(film.frames[0]), np.asarray(film.frames[-1]))
        for suffix in (".webp", ".gif", ".png"):
            assert save_animation(film, tmp_path / f"film{suffix}").stat().st_size > 0

    def test_estimates(self):
        pipeline = more_pipelines.kandinsky_3()
        pipeline.set_progress_bar_config(disable=True)
        film = record_film(pipeline, GenerationConfig("a boat", count=1, steps=2, **SIZE))
        assert [frame.size for frame in film.estimates] == [film.picture.image.size] * 2

    def test_a_pipeline_without_a_step_callback_is_refused_before_any_work(self, monkeypatch):
        pipeline = more_pipelines.deepfloyd()
        monkeypatch.setattr(type(pipeline.text_encoder), "forward", lambda *_, **__: pytest.fail("work was begun"))
        with pytest.raises(ValueError, match="IFPipeline has no step callback"):
            record_film(pipeline, BOAT)
