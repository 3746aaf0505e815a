"""cnn/predictions.py, also with the shipped weights on fresh paintings."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

import synthviz
from synthviz.cnn.network import SceneCNN
from synthviz.cnn.predictions import Prediction, predict
from synthviz.scenes import PLACES, paint, sample_scene


@pytest.fixture(scope="module")
def model():
    return SceneCNN(seed=3)


@pytest.fixture(scope="module")
def picture():
    return torch.rand(1, 1, 224, 224, generator=torch.Generator().manual_seed(0))


def loaded(tensor, reason=None):
    return SimpleNamespace(tensor=tensor, fallback_reason=reason)


def test_predict_returns_the_most_probable_class(model, picture):
    prediction = predict(model, loaded(picture))
    with torch.no_grad():
        row = model(picture)[0]
    assert prediction.class_name == PLACES[row.argmax()]
    assert prediction.probability == pytest.approx(row.max().item())
    assert list(prediction.probabilities) == list(PLACES)
    assert list(prediction.probabilities.values()) == pytest.approx(row.tolist())
    assert prediction.valid
    assert prediction.reason is None
    assert json.loads(json.dumps(prediction.record, allow_nan=False)) == prediction.record
    assert Prediction(**prediction.record) == prediction


def test_the_prediction_for_a_test_pattern_is_not_valid(model, picture):
    prediction = predict(model, loaded(picture, "the file is empty"))
    assert not prediction.valid
    assert prediction.reason == "the file is empty"
    assert prediction.record["valid"] is False


def test_several_pictures_are_rejected(model, picture):
    with pytest.raises(ValueError, match="2 pictures"):
        predict(model, loaded(torch.cat([picture, picture])))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_predict_on_the_gpu(model, picture):
    on_cpu = predict(model, loaded(picture))
    on_gpu = predict(SceneCNN(seed=3).to("cuda"), loaded(picture))
    assert list(on_gpu.probabilities.values()) == pytest.approx(list(on_cpu.probabilities.values()), abs=1e-4)


def test_the_shipped_weights_classify_fresh_paintings(tmp_path):
    model = SceneCNN.pretrained()
    right = 0
    for index in range(60):
        painting = paint(sample_scene(np.random.default_rng([987_654, index])), 256)
        Image.fromarray(painting.image).save(tmp_path / "painting.png", compress_level=1)
        picture = synthviz.preprocess_image(tmp_path / "painting.png", strict=True)
        right += predict(model, picture).class_name == painting.scene.place
    assert right >= 59  # 98%
