"""denoising_film.py: every step of a picture."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_pipelines
import torch
from PIL import Image

from synthviz import denoising_film, generation
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.denoising_film import DenoisingFilm, record_film, save_animation
from synthviz.diffusion.latents import decode_latents
from synthviz.inspection import describe_picture

BOAT = GenerationConfig("a boat", count=1, seed=3, steps=4)


def pixels(image) -> np.ndarray:
    return np.asarray(image).astype(int)


@pytest.fixture
def tiny():
    return tiny_pipelines.stable_diffusion()


@pytest.mark.parametrize("family", tiny_pipelines.FAMILIES)
def test_frames_of_every_family(family):
    pipeline = tiny_pipelines.FAMILIES[family]()
    film = record_film(pipeline, BOAT, estimates=False)
    assert len(film.frames) == len(film.timesteps) == 4
    assert film.estimates == ()
    assert list(film.timesteps) == sorted(film.timesteps, reverse=True)
    (plain,) = generation.generate(pipeline, BOAT)
    assert np.abs(pixels(film.picture.image) - pixels(plain.image)).max() <= 2
    assert film.frames[-1] is film.picture.image


@pytest.mark.parametrize("family", tiny_pipelines.FAMILIES)
def test_decoded_latents_are_the_picture(family):
    pipeline = tiny_pipelines.FAMILIES[family]()
    kept = []
    (picture,) = generation.generate(pipeline, BOAT, on_latents=lambda timestep, latents: kept.append(latents))
    decoded = decode_latents(pipeline, kept[-1], picture.image.height, picture.image.width)
    assert np.abs(pixels(decoded) - pixels(picture.image)).max() <= 1


def test_the_estimate_is_the_latents_without_the_predicted_noise(tiny):
    film = record_film(tiny, BOAT)
    assert len(film.estimates) == 4
    # DDIM's last step goes to no noise at all, so that its estimate is the picture.
    assert np.abs(pixels(film.estimates[-1]) - pixels(film.frames[-1])).max() <= 1
    noises, starts = [], []
    handle = tiny.unet.register_forward_hook(lambda module, inputs, output: noises.append(output[0]))
    before = tiny.unet.register_forward_pre_hook(lambda module, inputs: starts.append(inputs[0]))
    generation.generate(tiny, GenerationConfig("a boat", count=1, seed=3, steps=4, guidance_scale=1.0))
    handle.remove()
    before.remove()
    tiny.scheduler.set_timesteps(4)
    alpha = tiny.scheduler.alphas_cumprod[tiny.scheduler.timesteps[0]]
    expected = (starts[0] - (1 - alpha).sqrt() * noises[0]) / alpha.sqrt()
    unguided = record_film(tiny, GenerationConfig("a boat", count=1, seed=3, steps=4, guidance_scale=1.0))
    decoded = decode_latents(tiny, expected, 32, 32)
    assert np.abs(pixels(decoded) - pixels(unguided.estimates[0])).max() <= 1


def test_estimates_of_a_latent_consistency_model():
    pipeline = tiny_pipelines.latent_consistency()
    film = record_film(pipeline, BOAT)
    assert len(film.frames) == len(film.estimates) == 4
    (plain,) = generation.generate(pipeline, BOAT)
    assert np.array_equal(pixels(film.picture.image), pixels(plain.image))


def test_steps_from_before_memory_ran_out_are_not_in_the_film(tiny):
    decode, failures = tiny.vae.decode, [torch.OutOfMemoryError("CUDA out of memory")]

    def small_only(latents, **options):
        if failures:
            raise failures.pop()
        return decode(latents, **options)

    tiny.vae.decode = small_only
    film = record_film(tiny, BOAT)
    assert failures == []
    assert len(film.frames) == len(film.estimates) == len(film.timesteps) == 4


def test_a_pipeline_without_a_step_callback_is_refused(tiny):
    class Silent(type(tiny)):
        def __call__(self, prompt, num_inference_steps=50, guidance_scale=1.0, num_images_per_prompt=1):
            raise AssertionError("work was begun")

    silent = Silent(**tiny.components, requires_safety_checker=False)
    with pytest.raises(ValueError, match="Silent has no step callback"):
        record_film(silent, BOAT)


def test_an_autoencoder_that_overflows_in_float16_decodes_in_float32():
    pipeline = tiny_pipelines.stable_diffusion_xl()
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    expected = decode_latents(pipeline, latents, 32, 32)
    pipeline.vae.half()
    pipeline.vae.register_to_config(force_upcast=True)
    used = []
    pipeline.vae.decoder.register_forward_pre_hook(lambda module, inputs: used.append(inputs[0].dtype))
    found = decode_latents(pipeline, latents.half(), 32, 32)
    assert used == [torch.float32]
    assert pipeline.vae.dtype == torch.float16
    assert np.abs(pixels(found) - pixels(expected)).max() <= 2


def test_latents_with_a_mean_and_a_standard_deviation():
    pipeline = tiny_pipelines.stable_diffusion_xl()
    factor = pipeline.vae.config.scaling_factor
    latents = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    mean, std = [0.1, -0.2, 0.3, 0.0], [0.5, 1.0, 1.5, 2.0]
    shifted = latents * torch.tensor(std).view(1, 4, 1, 1) + factor * torch.tensor(mean).view(1, 4, 1, 1)
    expected = decode_latents(pipeline, shifted, 32, 32)
    pipeline.vae.register_to_config(latents_mean=mean, latents_std=std)
    found = decode_latents(pipeline, latents, 32, 32)
    assert np.abs(pixels(found) - pixels(expected)).max() <= 1


def test_only_one_picture_is_made(tiny):
    film = record_film(tiny, GenerationConfig("a boat", count=9, seed=3, steps=2))
    assert film.picture.record["seed"] == 3


def test_the_pipeline_has_its_own_scheduler_again_also_after_an_error(tiny):
    own, attributes = tiny.scheduler, set(vars(tiny.scheduler))
    record_film(tiny, BOAT)
    assert tiny.scheduler is own

    def broken(*_, **__):
        raise ZeroDivisionError

    tiny.vae.decode = broken
    with pytest.raises(ZeroDivisionError):
        record_film(tiny, BOAT)
    assert tiny.scheduler is own
    assert set(vars(own)) == attributes


def test_a_recording_scheduler_takes_the_steps_of_the_pipelines_own(tiny):
    estimates = []
    with denoising_film.recorded_estimates(tiny, estimates):
        recorded = generation.generate(tiny, BOAT)[0]
    assert np.array_equal(pixels(recorded.image), pixels(generation.generate(tiny, BOAT)[0].image))
    assert len(estimates) == BOAT.steps
    assert recorded.record["scheduler"] == type(tiny.scheduler).__name__


def test_a_named_scheduler_is_filmed(tiny):
    film = record_film(tiny, GenerationConfig("a boat", count=1, steps=3, scheduler="DDPM"))
    assert len(film.estimates) == 3
    assert film.picture.record["scheduler"] == "DDPMScheduler"


def test_a_scheduler_without_estimates_is_refused_before_any_work(tiny, monkeypatch):
    config = GenerationConfig("a boat", count=1, steps=3, scheduler="DPMSolverMultistep")
    assert len(record_film(tiny, config, estimates=False).frames) == 3
    monkeypatch.setattr(type(tiny.text_encoder), "forward", lambda *_, **__: pytest.fail("work was begun"))
    with pytest.raises(ValueError, match=r"DPMSolverMultistepScheduler does not return .*, or use one of .*DDIM"):
        record_film(tiny, config)


def test_a_flow_matching_pipeline_is_offered_no_scheduler_that_it_lacks():
    with pytest.raises(ValueError, match=r"with estimates=False$"):
        record_film(tiny_pipelines.flux(), BOAT)


class TestAnimation:
    @pytest.fixture
    def film(self):
        frames = tuple(Image.new("RGB", (16, 16), color) for color in ("red", "lime", "blue"))
        picture = generation.GeneratedPicture(frames[-1], {})
        return DenoisingFilm(picture, frames, frames[::-1], (3.0, 2.0, 1.0))

    @pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
    def test_all_frames_are_in_it_and_the_last_one_stays(self, film, tmp_path, suffix):
        path = save_animation(film, tmp_path / f"film{suffix}", frame=100)
        with Image.open(path) as animation:
            assert animation.n_frames == 3
            durations = []
            for index in range(3):
                animation.seek(index)
                animation.load()
                durations.append(animation.info["duration"])
            assert durations == [100, 100, denoising_film.LAST_FRAME]
            assert np.abs(np.asarray(animation.convert("RGB"))[8, 8].astype(int) - (0, 0, 255)).max() < 12

    def test_estimates_instead(self, film, tmp_path):
        path = save_animation(film, tmp_path / "film.gif", estimates=True)
        with Image.open(path) as animation:
            assert animation.convert("RGB").getpixel((8, 8)) == (0, 0, 255)

    def test_an_animation_is_labelled_as_its_picture_is(self, tmp_path, tiny):
        film = record_film(tiny, BOAT, estimates=False)
        for suffix, label in (
            (".webp", "made by AI (IPTC digital source type): yes"),
            (".png", "source type): yes"),
            (".gif", "a boat"),
        ):
            assert label in describe_picture(save_animation(film, tmp_path / f"film{suffix}"))

    def test_unknown_endings_and_missing_estimates_are_refused(self, film, tmp_path):
        with pytest.raises(ValueError, match=r"'\.mp4'; an animation ends in \.gif"):
            save_animation(film, tmp_path / "film.mp4")
        silent = DenoisingFilm(film.picture, film.frames, (), film.timesteps)
        with pytest.raises(ValueError, match="has no estimates"):
            save_animation(silent, tmp_path / "film.gif", estimates=True)
        assert list(tmp_path.iterdir()) == []
