"""The network that learnt from photographs: what it says about a photograph, and how its input is prepared."""

from __future__ import annotations

import matplotlib.cbook
import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import ResNet18_Weights
from torchvision.transforms import functional as transforms

import synthviz
from synthviz.cnn.photo_network import load_photo_network, photo_classes, photo_tensor


@pytest.fixture(scope="module")
def network():
    return load_photo_network()


@pytest.fixture(scope="module")
def photograph():
    return Image.open(matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False))


def test_it_names_the_uniform_in_a_photograph(network, photograph):
    with torch.no_grad():
        guesses = network(photo_tensor(photograph))[0].topk(3).indices.tolist()
    assert "military uniform" in [photo_classes()[guess] for guess in guesses]


def test_a_picture_is_prepared_as_torchvision_does(photograph):
    small = photograph.convert("RGB").resize((224, 224))
    weights = ResNet18_Weights.DEFAULT.transforms()
    expected = transforms.normalize(transforms.to_tensor(small), weights.mean, weights.std)[None]
    assert torch.allclose(photo_tensor(photograph), expected, atol=1e-5)
    assert torch.allclose(photo_tensor(np.asarray(small)), expected, atol=1e-5)


def test_one_can_look_inside(network, photograph):
    x = photo_tensor(photograph)
    with torch.no_grad(), synthviz.capture(network, ["_blocks.2"]) as maps:
        network(x)
    assert maps["_blocks.2"].shape == (1, 24, 56, 56)
    found = synthviz.attributions.grad_cam(network, x, "_conv_head")
    assert found.values.shape == (224, 224)
    assert found.values.max() > 0
