"""plots/diagrams.py."""

from __future__ import annotations

import numpy as np
import pytest
import tiny_pipelines
import torch

import synthviz
from synthviz import plots


def texts(figure) -> list[str]:
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_the_pipeline_shows_the_shapes_of_what_goes_from_part_to_part():
    pipeline = tiny_pipelines.stable_diffusion()
    shown = " ".join(texts(plots.pipeline_diagram(pipeline)))
    unet, width = pipeline.unet.config, pipeline.text_encoder.config.hidden_size
    latents = f"{unet.in_channels}×{unet.sample_size}×{unet.sample_size}"
    assert f"noise {latents}" in shown
    assert f"{pipeline.tokenizer.model_max_length}×{width}" in shown
    side = unet.sample_size * pipeline.vae_scale_factor
    assert f"3×{side}×{side}" in shown


def test_the_unet_shows_every_level_twice_and_which_levels_read_the_words():
    unet = synthviz.load_pipeline("embedded-teacher", "cpu").unet
    shown = texts(plots.unet_diagram(unet))
    for level, width in enumerate(unet.config.block_out_channels):
        side = unet.config.sample_size // 2**level
        assert shown.count(f"{width} channels\n{side}×{side} places") == 2
    assert shown.count("reads the words") == sum("CrossAttn" in kind for kind in unet.config.down_block_types)


def test_the_network_shows_every_layer_with_its_shape():
    shown = texts(plots.network_diagram(synthviz.SceneCNN(seed=0)))
    for name, shape in {"picture": "1×224×224", "conv3": "64×52×52", "flatten": "43264", "softmax": "10"}.items():
        assert shown[shown.index(name) + 1] == shape


def test_the_numbers_of_the_map_are_those_of_a_convolution():
    rng = np.random.default_rng(0)
    patch, kernel = rng.random((6, 5)), rng.normal(size=(3, 3))
    figure = plots.sliding_filter(patch, kernel, place=(2, 1))
    expected = torch.nn.functional.conv2d(torch.tensor(patch)[None, None], torch.tensor(kernel)[None, None])[0, 0]
    shown = [float(text.get_text()) for text in figure.axes[2].texts]
    assert shown == pytest.approx(expected.flatten().tolist(), abs=0.0051)
    assert f"{expected[2, 1]:.2f}" in figure._supxlabel.get_text()
    over, here = figure.axes[0].patches[-1], figure.axes[2].patches[-1]
    assert over.get_xy() == here.get_xy() == (0.5, 1.5)
    assert (over.get_width(), here.get_width()) == (3, 1)


def test_a_place_or_patch_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match=r"place is \(4, 0\).* 0 to 3"):
        plots.sliding_filter(np.zeros((6, 6)), np.zeros((3, 3)), (4, 0))
    with pytest.raises(ValueError, match=r"\(9, 9\).*at most"):
        plots.sliding_filter(np.zeros((9, 9)), np.zeros((3, 3)))
