"""The classifier learns, and its weights load."""

from __future__ import annotations

import pytest
import torch
from training_logs import last_line

from synthviz.cnn.network import SceneCNN
from training.classifier import ClassifierTraining, train_classifier

MOMENT = 0.03  # minutes


@pytest.mark.long
def test_the_classifier_learns_and_its_weights_load(paintings_dir, tmp_path):
    train_classifier([paintings_dir], tmp_path, ClassifierTraining(minutes=4 * MOMENT, held_out=4))
    first = last_line(tmp_path / "classifier.log")
    train_classifier([paintings_dir], tmp_path, ClassifierTraining(minutes=first["minutes"] + MOMENT, held_out=4))
    assert last_line(tmp_path / "classifier.log")["step"] > first["step"]
    model = SceneCNN.pretrained(tmp_path / "model.safetensors")
    assert model(torch.rand(1, 1, 224, 224)).shape == (1, 10)
