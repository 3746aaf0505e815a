"""openvino_engine.py: the same pictures as PyTorch's, up to what bfloat16 leaves out."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from synthviz.diffusion.capabilities import engine_of
from synthviz.diffusion.config import GenerationConfig
from synthviz.diffusion.denoising_film import record_film
from synthviz.diffusion.generation import generate
from synthviz.diffusion.pipelines import ModelLoadError, load_pipeline
from synthviz.diffusion.word_maps import generate_with_word_maps


@pytest.fixture(scope="module")
def pipelines():
    pytest.importorskip("openvino")
    return {engine: load_pipeline("embedded", "cpu", engine) for engine in ("torch", "openvino")}


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


def test_the_film_goes_on_working(pipelines):
    film = record_film(pipelines["openvino"], GenerationConfig("a forest", count=1, seed=0))
    assert len(film.estimates) == 4


def test_word_maps_say_that_they_cannot_look_inside(pipelines):
    with pytest.raises(ValueError, match=r"word maps cannot look into openvino.*engine='torch'"):
        generate_with_word_maps(pipelines["openvino"], GenerationConfig("a forest", count=1, seed=0))


def test_what_it_cannot_run(saved):
    pytest.importorskip("openvino")
    with pytest.raises(ModelLoadError, match="runs a StableDiffusionPipeline, not a StableDiffusionXLPipeline"):
        load_pipeline(str(saved["sdxl"]), "cpu", "openvino")
    with pytest.raises(ModelLoadError, match="on the CPU, not on 'cuda'"):
        load_pipeline("embedded", "cuda", "openvino")
    with pytest.raises(ValueError, match="engine is 'onnx'; it must be one of torch, bfloat16, openvino"):
        load_pipeline("embedded", engine="onnx")


def test_where_openvino_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(ModelLoadError, match=r"pip install synthviz\[openvino\]"):
        load_pipeline("embedded", "cpu", "openvino")
    assert engine_of(load_pipeline("embedded-teacher", "cpu")) == "torch"
