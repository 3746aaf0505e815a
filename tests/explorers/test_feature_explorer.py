"""The feature explorer, driven through its widgets without a browser."""

from __future__ import annotations

import gc
import io
import tracemalloc

import numpy as np
import pytest
import torch
from PIL import Image

import synthviz
from synthviz import attributions, cnn
from synthviz.explorers import FeatureExplorer
from synthviz.explorers.features import BY_NUMBER, GRAD_CAM, GRADIENTS, NOTHING, OCCLUSION
from synthviz.explorers.map_grid import MapGrid
from synthviz.shipped_pictures import shipped_pictures

WAIT = 120  # seconds


@pytest.fixture(scope="module")
def model():
    return synthviz.SceneCNN.pretrained()


@pytest.fixture(scope="module")
def tensor():
    return synthviz.preprocess_image(shipped_pictures()[0]).tensor


@pytest.fixture
def explorer(model, tensor):
    return FeatureExplorer(tensor, model, synthviz.SceneCNN(seed=0).eval())


def shown(explorer, panel: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(explorer.panels[panel][0].value)).convert("RGB"))


def test_the_strongest_channel_comes_first(explorer, model, tensor):
    with torch.no_grad(), synthviz.capture(model, ["conv2"]) as maps:
        model(tensor)
    explorer.layer.value = "conv2"
    assert explorer.grid.channels == cnn.strongest_channels(maps["conv2"], 32)
    assert explorer.channel() == explorer.grid.channels[0]
    explorer.order.value = BY_NUMBER
    explorer.grid.chosen = 31
    assert explorer.channel() == 31


def test_a_tile_is_its_map_from_the_least_value_to_nearly_the_largest(explorer):
    explorer.layer.value = "conv1"
    height, width = explorer.grid.map_size
    tiles = np.frombuffer(explorer.grid.maps, np.uint8).reshape(16, height, width)
    wanted = explorer._maps["trained"]["conv1"][explorer.grid.channels[3]].numpy()[::4, ::4]
    assert tiles[3].shape == wanted.shape
    assert np.corrcoef(tiles[3].ravel(), wanted.ravel())[0, 1] > 0.98
    assert (tiles[3] == 255).mean() == pytest.approx(0.01, abs=0.005)


def test_a_single_bright_place_stays_visible():
    grid = MapGrid()
    maps = torch.zeros(2, 50, 50)
    maps[0, 7, 9] = 3
    grid.show(maps, [0, 1])
    tiles = np.frombuffer(grid.maps, np.uint8).reshape(2, 50, 50)
    assert tiles[0, 7, 9] == 255
    assert tiles[0].sum() == 255
    assert not tiles[1].any()


def test_another_layer_starts_at_its_first_channel(explorer):
    explorer.grid.chosen = 60
    explorer.layer.value = "conv1"
    assert explorer.grid.chosen == 0
    assert len(explorer.grid.channels) == 16
    assert "conv1, channel" in explorer.panels["trained"][1].value


def test_trained_and_untrained_differ(explorer):
    assert not np.array_equal(shown(explorer, "trained"), shown(explorer, "untrained"))


def test_the_text_names_the_maximum_and_the_maximum_is_yellow(explorer):
    explorer.layer.value = "conv1"
    maps = explorer._maps["trained"]["conv1"][explorer.channel()].numpy()
    assert f"most ({maps.max():.2g}) where it is yellow" in explorer.panels["trained"][1].value
    row, column = np.unravel_index(maps.argmax(), maps.shape)
    picture = shown(explorer, "trained")
    scale = picture.shape[0] / maps.shape[0]
    red, green, blue = picture[int((row + 0.5) * scale), int((column + 0.5) * scale)].astype(int)
    assert min(red, green) > blue + 100


def test_a_silent_channel_is_reported(tensor, model):
    untrained = synthviz.SceneCNN(seed=0).eval()
    torch.nn.init.constant_(untrained.conv1.convolution.bias, -100)
    explorer = FeatureExplorer(tensor, model, untrained)
    explorer.layer.value = "conv1"
    assert "silent" in explorer.panels["untrained"][1].value


@pytest.mark.parametrize("method", [OCCLUSION, GRAD_CAM, GRADIENTS])
def test_an_attribution_is_laid_over_the_picture(explorer, method):
    plain = shown(explorer, "picture")
    explorer.method.value = method
    assert explorer.background.wait(WAIT)
    covered = shown(explorer, "picture")
    assert not np.array_equal(covered, plain)
    assert explorer.message.value == ""
    explorer.opacity.value = 0
    assert np.array_equal(shown(explorer, "picture"), plain)
    explorer.opacity.value = 0.65
    explorer.method.value = NOTHING
    assert np.array_equal(shown(explorer, "picture"), plain)


def test_the_attributions_equal_those_of_the_library(explorer, model, tensor):
    explorer.target.value = 3
    explorer.method.value = GRAD_CAM
    assert explorer.background.wait(WAIT)
    expected = attributions.grad_cam(model, tensor, "conv3", 3)
    assert torch.equal(explorer._attributions[GRAD_CAM, 3].values, expected.values)


def test_the_maximized_picture_grows_and_is_stored_for_its_channel(explorer, monkeypatch):
    before, growing = shown(explorer, "maximized"), []
    show = explorer._show_growing
    monkeypatch.setattr(explorer, "_show_growing", lambda *values: (show(*values), growing.append(values[3])))
    explorer.look_for.click()
    assert not explorer.stop.disabled
    assert explorer.background.wait(WAIT)
    grown = shown(explorer, "maximized")
    assert grown.std() > 10
    assert len({picture.tobytes() for picture in growing}) == len(growing) > 10  # one sees it grow
    assert explorer.stop.disabled
    explorer.grid.chosen = 1
    assert np.array_equal(shown(explorer, "maximized"), before)
    explorer.grid.chosen = 0
    assert np.array_equal(shown(explorer, "maximized"), grown)


def test_maximization_can_be_stopped(explorer):
    explorer.look_for.click()
    explorer.stop.click()
    assert explorer.background.wait(WAIT)
    assert explorer._maximized == {}
    assert explorer.message.value == "Stopped."


def test_an_attribution_replaces_a_running_maximization_and_reports_it(explorer):
    explorer.look_for.click()
    assert not explorer.stop.disabled
    explorer.method.value = GRAD_CAM
    assert explorer.stop.disabled
    assert "was stopped" in explorer.message.value
    assert "Grad-CAM" in explorer.message.value
    assert explorer.background.wait(WAIT)
    assert explorer._maximized == {}
    assert explorer.message.value == ""


def test_a_maximization_replaces_a_running_attribution(explorer):
    explorer.method.value = OCCLUSION
    explorer.look_for.click()
    assert explorer.method.value == NOTHING
    assert explorer.background.wait(WAIT)
    assert explorer._attributions == {}
    assert len(explorer._maximized) == 1


def test_an_error_while_drawing_is_reported_and_does_not_stop_the_task(explorer, monkeypatch):
    explorer.look_for.click()
    monkeypatch.setattr(explorer, "_draw_channel", lambda: 1 / 0)
    explorer.grid.chosen = 2
    assert "⚠ division by zero." in explorer.message.value
    assert not explorer.stop.disabled
    assert explorer.background.wait(WAIT)
    assert len(explorer._maximized) == 1


def test_five_hundred_updates_do_not_leak_memory(explorer):
    def update(times: int) -> None:
        for number in range(times):
            explorer.grid.chosen = number % 64
            explorer.opacity.value = number % 20 / 20

    update(50)
    gc.collect()
    tracemalloc.start()
    update(20)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    update(500)
    gc.collect()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert grown < 200_000  # bytes; one leaked picture per update would be 50 million
