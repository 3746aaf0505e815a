"""denoising_film.py: every step of a picture."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_pipelines
from PIL import Image

from synthviz import denoising_film, generation
from synthviz.denoising_film import DenoisingFilm, record_film, save_animation
from synthviz.generation import GenerationConfig

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
    decoded = denoising_film.decode_latents(pipeline, kept[-1], picture.image.height, picture.image.width)
    assert np.abs(pixels(decoded) - pixels(picture.image)).max() <= 1


def test_the_estimate_is_what_the_noise_would_leave(tiny):
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
    decoded = denoising_film.decode_latents(tiny, expected, 32, 32)
    assert np.abs(pixels(decoded) - pixels(unguided.estimates[0])).max() <= 1


def test_only_one_picture_is_made(tiny):
    film = record_film(tiny, GenerationConfig("a boat", count=9, seed=3, steps=2))
    assert film.picture.record["seed"] == 3


def test_the_scheduler_comes_back(tiny):
    own = tiny.scheduler
    record_film(tiny, BOAT)
    assert tiny.scheduler is own
    assert "step" not in vars(own)

    def broken(*_, **__):
        raise ZeroDivisionError

    tiny.vae.decode = broken
    with pytest.raises(ZeroDivisionError):
        record_film(tiny, BOAT)
    assert "step" not in vars(own)


def test_a_named_scheduler_is_filmed(tiny):
    film = record_film(tiny, GenerationConfig("a boat", count=1, steps=3, scheduler="DDPM"))
    assert len(film.estimates) == 3
    assert film.picture.record["scheduler"] == "DDPMScheduler"


def test_a_scheduler_without_estimates_is_said(tiny):
    config = GenerationConfig("a boat", count=1, steps=3, scheduler="DPMSolverMultistep")
    with pytest.raises(ValueError, match="DPMSolverMultistepScheduler does not tell the model's estimate"):
        record_film(tiny, config)
    assert len(record_film(tiny, config, estimates=False).frames) == 3


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

    def test_what_is_refused(self, film, tmp_path):
        with pytest.raises(ValueError, match=r"'\.mp4'; an animation ends in \.gif"):
            save_animation(film, tmp_path / "film.mp4")
        silent = DenoisingFilm(film.picture, film.frames, (), film.timesteps)
        with pytest.raises(ValueError, match="has no estimates"):
            save_animation(silent, tmp_path / "film.gif", estimates=True)
        assert list(tmp_path.iterdir()) == []
