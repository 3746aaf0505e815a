"""generation.py against diffusers itself, on random-weight pipelines of four families and on the shipped model."""

from __future__ import annotations

import builtins
import functools
import json
import sys

import numpy as np
import pytest
import tiny_pipelines
import torch
from diffusers import DiffusionPipeline
from PIL import Image

import synthviz
from synthviz import generation, pipelines
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.generation import GenerationError
from synthviz.diffusion.pipeline_info import PipelineInfo, set_info
from synthviz.diffusion.pipelines import ModelLoadError
from synthviz.records import read_record
from synthviz.scenes import unknown_words


def pixels(picture) -> np.ndarray:
    return np.asarray(picture.image).astype(int)


@pytest.fixture(scope="module")
def embedded():
    return pipelines.load_pipeline("embedded", device="cpu")


@pytest.fixture(scope="module")
def teacher():
    return pipelines.load_pipeline("embedded-teacher", device="cpu")


@pytest.fixture
def tiny():
    pipeline = tiny_pipelines.stable_diffusion()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


class TestConfig:
    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("prompt", 3),
            ("prompt", "a boat " * 2000),
            ("prompt", "half \ud83d of a character"),
            ("negative_prompt", "\udcff"),
            ("negative_prompt", None),
            ("count", 0),
            ("count", 2.5),
            ("count", True),
            ("seed", -1),
            ("seed", 2**60),
            ("steps", 0),
            ("guidance_scale", -1.0),
            ("guidance_scale", float("nan")),
            ("width", 5),
            ("height", 100_000),
            ("scheduler", ""),
        ],
    )
    def test_a_bad_value_is_named(self, field, value):
        with pytest.raises(ValueError, match=field):
            GenerationConfig(**{"prompt": "a forest", field: value})


@pytest.mark.parametrize("family", tiny_pipelines.FAMILIES)
class TestFamilies:
    def test_generate_gives_what_diffusers_gives(self, saved, family):
        pipeline = pipelines.load_pipeline(str(saved[family]), device="cpu")
        picture = generation.generate(
            pipeline, GenerationConfig("a red boat", count=1, seed=5, steps=2, guidance_scale=3)
        )[0]
        plain = DiffusionPipeline.from_pretrained(saved[family], use_safetensors=True)
        plain.set_progress_bar_config(disable=True)
        expected = plain(
            "a red boat", num_inference_steps=2, guidance_scale=3.0, generator=torch.Generator().manual_seed(5)
        ).images[0]
        assert np.array_equal(pixels(picture), np.asarray(expected).astype(int))
        assert picture.record["model"] == saved[family].name

    def test_alone_and_in_a_batch_are_alike(self, saved, family):
        pipeline = pipelines.load_pipeline(str(saved[family]), device="cpu")
        batch = generation.generate(pipeline, GenerationConfig("a red boat", count=3, seed=7, steps=2))
        alone = generation.generate(pipeline, GenerationConfig("a red boat", count=1, seed=9, steps=2))[0]
        assert [picture.record["seed"] for picture in batch] == [7, 8, 9]
        assert np.abs(pixels(batch[2]) - pixels(alone)).max() <= 2
        assert not np.array_equal(pixels(batch[0]), pixels(batch[1]))

    def test_a_size_it_cannot_make_is_refused_with_one_it_can(self, saved, family):
        pipeline = pipelines.load_pipeline(str(saved[family]), device="cpu")
        with pytest.raises(ValueError, match=r"width is 33.* multiple of"):
            generation.generate(pipeline, GenerationConfig("a boat", width=33))


class TestGenerate:
    def test_the_same_call_gives_the_same_bits(self, tiny):
        config = GenerationConfig("a boat", count=2, steps=2)
        first, second = generation.generate(tiny, config), generation.generate(tiny, config)
        assert all(np.array_equal(pixels(a), pixels(b)) for a, b in zip(first, second, strict=True))

    def test_the_record_makes_it_again(self, tiny):
        picture = generation.generate(tiny, GenerationConfig("a boat", count=2, seed=3, steps=2, guidance_scale=2.5))[1]
        record = json.loads(json.dumps(picture.record, allow_nan=False))
        config = GenerationConfig(
            record["prompt"],
            count=1,
            seed=record["seed"],
            steps=record["steps"],
            guidance_scale=record["guidance_scale"],
        )
        assert np.abs(pixels(generation.generate(tiny, config)[0]) - pixels(picture)).max() <= 2
        assert record["ai_generated"] is True

    def test_many_pictures_go_in_batches(self, tiny):
        pictures = generation.generate(tiny, GenerationConfig("a boat", count=6, steps=1))
        assert [picture.record["seed"] for picture in pictures] == list(range(6))

    @pytest.mark.parametrize(
        ("model", "device", "expected"), [("embedded", "cuda", 64), ("embedded", "cpu", 4), ("other/model", "cuda", 4)]
    )
    def test_a_gpu_draws_large_batches_of_the_small_models(self, tiny, monkeypatch, model, device, expected):
        set_info(tiny, PipelineInfo(model, device=device))
        monkeypatch.setattr("synthviz.diffusion.call_arguments.info_of", lambda pipeline: PipelineInfo("other/model"))
        batches = []
        generation.generate(tiny, GenerationConfig("a boat", count=65, steps=1), on_batch=batches.append)
        assert len(batches[0]) == expected

    def test_latents_can_be_trained_with(self, tiny):
        latents = []
        config = GenerationConfig("a boat", count=1, steps=2)
        generation.generate(tiny, config, on_latents=lambda timestep, current: latents.append(current))
        weight = torch.ones((), requires_grad=True)
        sum((weight * step).sum() for step in latents).backward()
        assert len(latents) == 2
        assert weight.grad.item() == pytest.approx(sum(step.sum().item() for step in latents))

    def test_every_step_of_a_second_order_scheduler_is_reported(self, tiny):
        reported = []
        config = GenerationConfig("a boat", count=1, steps=3, scheduler="HeunDiscrete")
        generation.generate(tiny, config, on_step=lambda done, total: reported.append((done, total)))
        assert [done for done, _ in reported] == list(range(1, len(reported) + 1))
        assert reported[-1] == (len(reported), len(reported))

    def test_unknown_words_of_the_negative_prompt_are_named_too(self, teacher):
        config = GenerationConfig("a forest", "a dragon", count=1, steps=1)
        assert any("dragon" in note for note in generation.generate(teacher, config)[0].record["notes"])

    def test_every_step_is_reported(self, tiny):
        reported = []
        generation.generate(
            tiny,
            GenerationConfig("a boat", count=5, steps=2),
            on_step=lambda done, total: reported.append((done, total)),
        )
        assert reported == [(1, 4), (2, 4), (3, 4), (4, 4)]

    def test_a_scheduler_by_name_is_used_and_put_back(self, tiny):
        before = tiny.scheduler
        picture = generation.generate(tiny, GenerationConfig("a boat", count=1, steps=2, scheduler="eulerdiscrete"))[0]
        assert picture.record["scheduler"] == "EulerDiscreteScheduler"
        assert tiny.scheduler is before

    def test_a_misspelled_scheduler_has_close_matches(self, tiny):
        with pytest.raises(ValueError, match="EulerDiscrete"):
            generation.generate(tiny, GenerationConfig("a boat", scheduler="EulerDiscret"))

    def test_a_negative_prompt_changes_the_picture(self, tiny):
        plain, changed = (
            generation.generate(tiny, GenerationConfig("a boat", negative, count=1, steps=2))[0]
            for negative in ("", "fog")
        )
        assert not np.array_equal(pixels(plain), pixels(changed))
        assert changed.record["negative_prompt"] == "fog"

    def test_settings_that_cannot_be_used_are_logged_and_recorded(self, caplog):
        distilled = tiny_pipelines.stable_diffusion(time_cond_proj_dim=8)
        distilled.set_progress_bar_config(disable=True)
        picture = generation.generate(distilled, GenerationConfig("a boat", "fog", count=1, steps=1))[0]
        assert any("negative prompt was not used" in note for note in picture.record["notes"])
        assert "negative prompt was not used" in caplog.text
        assert picture.record["negative_prompt"] == ""

    def test_broken_black_and_plain_pictures_have_a_note(self, tiny):
        for name, fill, words in (
            ("nan", float("nan"), "not numbers"),
            ("black", -1.0, "black"),
            ("plain", 0.3, "one plain colour"),
        ):
            tiny.vae.decode = lambda latents, fill=fill, **_: (torch.full((len(latents), 3, 32, 32), fill),)
            picture = generation.generate(tiny, GenerationConfig("a boat", count=1, steps=1))[0]
            assert any(words in note for note in picture.record["notes"]), name

    def test_after_running_out_of_memory_batches_are_smaller(self, tiny):
        decode = tiny.vae.decode

        def small_only(latents, **options):
            if len(latents) > 1:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return decode(latents, **options)

        tiny.vae.decode = small_only
        reported = []
        config = GenerationConfig("a boat", count=3, steps=1)
        pictures = generation.generate(tiny, config, on_step=lambda *steps: reported.append(steps))
        assert [picture.record["seed"] for picture in pictures] == [0, 1, 2]
        assert any("memory ran out" in note for note in pictures[0].record["notes"])
        assert reported[-1] == (3, 3)  # the failed batch is not counted

    def test_pictures_that_the_safety_filter_replaced_have_a_note(self, tiny, caplog):
        class Filtered(type(tiny)):
            @functools.wraps(type(tiny).__call__)
            def __call__(self, *args, **options):
                output = super().__call__(*args, **options)
                output.images[1] = 0
                output.nsfw_content_detected = [False, True]
                return output

        filtered = Filtered(**tiny.components, requires_safety_checker=False)
        pictures = generation.generate(filtered, GenerationConfig("a boat", count=2, seed=5, steps=1))
        assert pictures[0].record["notes"] == []
        assert pictures[1].record["notes"] == ["the model's safety filter replaced the picture by a black one"]
        assert "picture from seed 6: the model's safety filter" in caplog.text

    def test_a_gpu_that_cannot_be_used_is_in_every_record(self, monkeypatch):
        problem = "Using the CPU, because the GPU cannot be used: no kernel image"
        monkeypatch.setattr("synthviz.devices.find_device", lambda: (torch.device("cpu"), problem))
        (picture,) = generation.generate(pipelines.load_pipeline(), GenerationConfig("a forest", count=1, steps=1))
        assert picture.record["notes"] == [problem]

    def test_too_little_memory_for_one_picture(self, tiny):
        def never(latents, **_):
            raise torch.OutOfMemoryError("CUDA out of memory")

        tiny.vae.decode = never
        with pytest.raises(GenerationError, match="not enough memory for even one picture"):
            generation.generate(tiny, GenerationConfig("a boat", count=3, steps=1))

    def test_other_errors_are_raised(self, tiny):
        def broken(latents, **_):
            raise RuntimeError("shapes do not match")

        tiny.vae.decode = broken
        with pytest.raises(RuntimeError, match="shapes do not match"):
            generation.generate(tiny, GenerationConfig("a boat", count=1, steps=1))


class TestEmbedded:
    def test_it_opens_with_plain_diffusers_in_one_dtype(self):
        pipeline = DiffusionPipeline.from_pretrained(pipelines.MODELS / "embedded")
        dtypes = {part.dtype for part in (pipeline.unet, pipeline.vae, pipeline.text_encoder)}
        assert dtypes == {torch.float32}
        assert type(pipeline).__name__ == "StableDiffusionPipeline"

    def test_plain_diffusers_and_synthviz_agree(self):
        plain = DiffusionPipeline.from_pretrained(pipelines.MODELS / "embedded")
        embedded = pipelines.load_pipeline("embedded", "cpu", "torch")
        plain.vae.to(
            memory_format=torch.channels_last
        )  # as synthviz lays it out on a CPU; otherwise the rounding differs
        plain.set_progress_bar_config(disable=True)
        prompt = "a sunset over mountains"
        expected = plain(
            prompt, num_inference_steps=3, guidance_scale=4.0, generator=torch.Generator().manual_seed(2)
        ).images[0]
        picture = generation.generate(embedded, GenerationConfig(prompt, count=1, seed=2, steps=3, guidance_scale=4.0))[
            0
        ]
        assert np.array_equal(pixels(picture), np.asarray(expected).astype(int))

    def test_only_safetensors_and_no_large_file_ship(self):
        files = [path for path in pipelines.MODELS.rglob("*") if path.is_file()]
        assert not [path for path in files if path.suffix in (".bin", ".ckpt", ".pt", ".pth", ".pkl")]
        assert all(path.stat().st_size < 16 * 2**20 for path in files)
        assert sum(path.stat().st_size for path in files) <= 60e6

    def test_four_steps_take_four_passes_of_one_picture(self, embedded, monkeypatch):
        batches = []
        forward = embedded.unet.forward
        monkeypatch.setattr(
            embedded.unet,
            "forward",
            lambda sample, *args, **kw: (batches.append(len(sample)), forward(sample, *args, **kw))[1],
        )
        generation.generate(embedded, GenerationConfig("a forest", count=1))
        assert batches == [1, 1, 1, 1]

    def test_the_guidance_scale_still_steers(self, embedded):
        weak, strong = (
            pixels(generation.generate(embedded, GenerationConfig("a red boat", count=1, guidance_scale=scale))[0])
            for scale in (1.0, 5.0)
        )
        assert np.abs(weak - strong).mean() > 2

    def test_a_negative_prompt_is_not_used_and_the_note_names_who_could(self, embedded):
        config = GenerationConfig("a forest", negative_prompt="stars", count=1, steps=1)
        (picture,) = generation.generate(embedded, config)
        assert any("embedded-teacher can use one" in note for note in picture.record["notes"])
        assert picture.record["negative_prompt"] == ""

    def test_the_teacher_uses_a_negative_prompt(self, teacher):
        plain, against = (
            generation.generate(teacher, GenerationConfig("a forest", negative_prompt=no, count=1, steps=3))[0]
            for no in ("", "night")
        )
        assert against.record["negative_prompt"] == "night"
        assert np.abs(pixels(plain) - pixels(against)).mean() > 1

    def test_at_least_128_pixels(self, embedded):
        image = generation.generate(embedded, GenerationConfig("a forest", count=1, steps=1))[0].image
        assert min(image.size) >= 128

    def test_it_follows_the_time_of_day(self, embedded):
        day, night = (
            pixels(generation.generate(embedded, GenerationConfig(f"mountains at {time}", count=2, seed=1))[1]).mean()
            for time in ("midday", "night")
        )
        assert day > night + 40

    def test_unknown_words_are_named(self, embedded, caplog):
        picture = generation.generate(embedded, GenerationConfig("a dragon at night", count=1, steps=1))[0]
        assert any("dragon" in note for note in picture.record["notes"])
        assert "dragon" in caplog.text
        assert unknown_words("A futuristic city, at NIGHT") == []


class TestCreateAndSave:
    def test_three_pictures_with_their_records(self, tmp_path):
        pictures = synthviz.create_pictures(GenerationConfig("a beach at sunset", steps=2))
        paths = synthviz.save_pictures(pictures, tmp_path)
        assert [path.name for path in paths] == [f"generated_image_{number}.png" for number in (1, 2, 3)]
        for seed, path in enumerate(paths):
            record = read_record(path)
            assert (record["prompt"], record["seed"], record["fallback_reason"]) == ("a beach at sunset", seed, None)
            with Image.open(path) as image:
                assert "AI-generated: yes" in image.info["parameters"]
                assert b"trainedAlgorithmicMedia" in str(image.info).encode()

    def test_without_diffusers_the_shipped_pictures_are_used(self, monkeypatch, caplog):
        real_import = builtins.__import__

        def no_diffusers(name, *rest, **options):
            if name.startswith("diffusers"):
                raise ImportError("No module named 'diffusers'")
            return real_import(name, *rest, **options)

        monkeypatch.setattr(builtins, "__import__", no_diffusers)
        pictures = synthviz.create_pictures(GenerationConfig("a forest", count=40))
        assert 3 <= len(pictures) < 40
        assert "diffusers" in pictures[0].record["fallback_reason"]
        assert pictures[0].record["prompt"] != "a forest"
        assert f"40 pictures were asked for, {len(pictures)} ship with synthviz" in pictures[0].record["notes"]
        assert "ship with synthviz" in caplog.text

    def test_too_little_memory_falls_back_too(self, monkeypatch):
        def too_big(*_, **__):
            raise MemoryError("too big")

        monkeypatch.setattr(generation, "generate", too_big)
        assert synthviz.create_pictures(GenerationConfig("a forest", count=1))[0].record["fallback_reason"]

    def test_a_named_engine_never_falls_back(self, monkeypatch):
        monkeypatch.setitem(sys.modules, "openvino", None)
        monkeypatch.delitem(sys.modules, "synthviz.diffusion.openvino", raising=False)
        with pytest.raises(ModelLoadError, match="openvino"):
            synthviz.create_pictures(GenerationConfig("a forest", count=1), engine="openvino")

    def test_a_named_model_never_falls_back(self, monkeypatch, tmp_path):
        with pytest.raises(ModelLoadError):
            synthviz.create_pictures(GenerationConfig("a forest"), model=str(tmp_path))
        monkeypatch.setattr(pipelines, "MODELS", tmp_path)
        with pytest.raises(ModelLoadError, match="install synthviz again"):
            synthviz.create_pictures(GenerationConfig("a forest"), model="embedded")

    def test_a_bad_scheduler_is_an_error_with_auto_too(self):
        with pytest.raises(ValueError, match="scheduler"):
            synthviz.create_pictures(GenerationConfig("a forest", scheduler="Euler9"))
