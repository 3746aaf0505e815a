"""openvino.py: the same pictures as PyTorch's, up to the rounding of bfloat16."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from synthviz.diffusion.capabilities import size_multiple
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.denoising_film import record_film
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline
from synthviz.diffusion.word_maps import generate_with_word_maps


@pytest.fixture(scope="module")
def pipelines(tmp_path_factory):
    pytest.importorskip("openvino")
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("platformdirs.user_cache_path", lambda name: cache)
        yield {engine: load_pipeline("embedded", "cpu", engine) for engine in ("torch", "openvino")}


def psnr(picture, wanted) -> float:
    difference = np.asarray(picture, float) - np.asarray(wanted, float)
    return 10 * np.log10(255**2 / np.square(difference).mean())


@pytest.mark.parametrize("size", [None, 192])
def test_pictures_are_those_of_pytorch(pipelines, size):
    config = GenerationConfig("a red boat on the ocean at night", count=2, seed=3, width=size, height=size)
    wanted, found = (generate(pipeline, config) for pipeline in pipelines.values())
    for ours, theirs in zip(found, wanted, strict=True):
        assert ours.image.size == theirs.image.size
        assert psnr(ours.image, theirs.image) >= 40
        assert theirs.record["engine"] == "torch"
        assert ours.record["engine"].startswith("openvino 20")
    again = generate(pipelines["openvino"], config)
    assert [each.image.tobytes() for each in again] == [each.image.tobytes() for each in found]


def test_schedulers_with_other_timesteps(pipelines):
    config = GenerationConfig("a forest", count=1, seed=0, scheduler="EulerDiscrete")
    wanted, found = (generate(pipeline, config)[0].image for pipeline in pipelines.values())
    assert psnr(found, wanted) >= 35


def test_a_size_that_its_network_cannot_draw_is_refused_before_any_work(pipelines):
    """OpenVINO's network would fail, and then draw nothing any more."""
    pipeline = pipelines["openvino"]
    for size in (40, 16):
        with pytest.raises(ValueError, match=f"width is {size}; this pipeline needs a multiple of"):
            generate(pipeline, GenerationConfig("a forest", count=1, width=size))
    smallest = size_multiple(pipeline)
    config = GenerationConfig("a forest", count=1, width=smallest, height=3 * smallest)
    (picture,) = generate(pipeline, config)
    assert picture.image.size == (smallest, 3 * smallest)


@pytest.mark.parametrize("settings", [{"steps": 1}, {"guidance_scale": 100.0}, {"seed": 2**53 - 1000}, {"count": 5}])
def test_settings_at_their_limits(pipelines, settings):
    config = GenerationConfig("a forest", **{"count": 1, "steps": 2, "width": 64, "height": 64, **settings})
    assert len(generate(pipelines["openvino"], config)) == config.count


def test_the_film_works(pipelines):
    film = record_film(pipelines["openvino"], GenerationConfig("a forest", count=1, seed=0))
    assert len(film.estimates) == 4


def test_word_maps_are_refused(pipelines):
    with pytest.raises(ValueError, match=r"word maps cannot look into openvino.*engine='torch'"):
        generate_with_word_maps(pipelines["openvino"], GenerationConfig("a forest", count=1, seed=0))


def test_unfit_pipelines_devices_and_engines_are_refused(saved):
    pytest.importorskip("openvino")
    with pytest.raises(ModelLoadError, match="runs a StableDiffusionPipeline, not a StableDiffusionXLPipeline"):
        load_pipeline(str(saved["sdxl"]), "cpu", "openvino")
    with pytest.raises(ModelLoadError, match="on the CPU, not on 'cuda'"):
        load_pipeline("embedded", "cuda", "openvino")
    with pytest.raises(ValueError, match="engine is 'onnx'; it must be one of torch, openvino"):
        load_pipeline("embedded", engine="onnx")


def test_where_openvino_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    monkeypatch.delitem(sys.modules, "synthviz.diffusion.openvino", raising=False)
    with pytest.raises(ModelLoadError, match=r"pip install synthviz\[openvino\]"):
        load_pipeline("embedded", "cpu", "openvino")
