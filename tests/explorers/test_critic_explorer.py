"""The critic explorer, driven through its view's traits without a browser."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pytest
import torch
from PIL import Image

import synthviz
from synthviz import shipped_pictures
from synthviz.cnn import attributions
from synthviz.explorers import CriticExplorer
from synthviz.explorers.critic import COVER

WAIT = 120  # seconds


@pytest.fixture(scope="module")
def model():
    return synthviz.SceneCNN.pretrained()


@pytest.fixture(scope="module")
def loaded():
    return synthviz.preprocess_image(shipped_pictures.shipped_pictures()[0])


@pytest.fixture
def explorer(model, loaded):
    return CriticExplorer(model, loaded)


def upload(explorer, name: str, content: bytes) -> None:
    file = {"name": name, "type": "image/png", "size": len(content), "content": content}
    explorer.upload.value = ({**file, "last_modified": datetime.now(UTC)},)


def test_it_begins_with_the_given_picture_and_the_networks_shares(explorer, model, loaded):
    with torch.no_grad():
        wanted = model(loaded.tensor)[0]
    assert explorer.view.shares == pytest.approx(wanted.tolist(), abs=1e-6)
    assert explorer.view.target == wanted.argmax()
    assert explorer.view.classes == list(model.class_names)
    assert model.class_names[explorer.view.target] in explorer.view.verdict
    shown = np.asarray(Image.open(io.BytesIO(explorer.view.picture)), float) / 255
    assert np.abs(shown - loaded.tensor[0, 0].numpy()).max() <= 0.5 / 255 + 1e-6


def test_a_covered_square_is_what_the_network_then_sees(explorer, model, loaded):
    before = explorer.view.shares
    explorer.view.square = [40, 90, 100]
    covered = loaded.tensor.clone()
    covered[0, 0, 90:190, 40:140] = COVER
    with torch.no_grad():
        wanted = model(covered)[0].tolist()
    assert explorer.view.shares == pytest.approx(wanted, abs=1e-6)
    assert explorer.view.shares_before == before
    assert explorer.view.answers == 1
    explorer.view.square = [0, 0, 0]
    assert explorer.view.shares == pytest.approx(before, abs=1e-6)
    assert explorer.view.answers == 2


def test_the_reasons_for_any_class_glow(explorer, model, loaded):
    first = explorer.view.glow
    explorer.view.target = 7
    assert explorer.view.glow != first
    height, width = explorer.view.glow_size
    glow = np.frombuffer(explorer.view.glow, np.uint8).reshape(height, width)
    values = attributions.grad_cam(model, loaded.tensor, "conv3", 7).values.numpy()
    largest = np.unravel_index(values[::4, ::4].argmax(), values[::4, ::4].shape)
    assert glow[largest] == 255


def test_a_prompt_is_drawn_judged_and_counted(explorer):
    explorer.prompt.value = "a serene sunset over a futuristic city"
    assert explorer.background.wait(WAIT)
    assert explorer.message.value == ""
    assert "seed 0" in explorer.view.caption
    said = explorer.model.class_names[int(np.argmax(explorer.view.shares))]
    assert f"{int(said == 'city')} of 1" in explorer.score.value
    first = explorer.view.picture
    explorer.draw.click()
    assert explorer.background.wait(WAIT)
    assert explorer.view.picture != first  # another seed
    assert "of 2" in explorer.score.value
    explorer.prompt.value = "three red boats"  # names no place, so that nobody can agree
    assert explorer.background.wait(WAIT)
    assert "of 2" in explorer.score.value


def test_a_picture_of_ones_own_is_judged_and_a_bad_file_changes_nothing(explorer):
    picture = io.BytesIO()
    Image.linear_gradient("L").save(picture, "PNG")
    upload(explorer, "mine.png", picture.getvalue())
    assert "mine.png" in explorer.view.caption
    shares = explorer.view.shares
    upload(explorer, "notes.png", b"no picture")
    assert "⚠" in explorer.message.value
    assert explorer.view.shares == shares


def test_a_missing_painter_is_reported(model, loaded):
    explorer = CriticExplorer(model, loaded, painter="nowhere/at/all")
    explorer.draw.click()
    assert explorer.background.wait(WAIT)
    assert "⚠" in explorer.message.value
    assert not explorer.draw.disabled
