"""cnn/activation_maximization.py, also against a filter whose preferred pattern is known."""

from __future__ import annotations

import pytest
import torch
import torchvision

from synthviz.cnn.activation_maximization import maximize_activation
from synthviz.cnn.features import run_until
from synthviz.cnn.network import SceneCNN

LAYER = "conv2.convolution"


@pytest.fixture(scope="module")
def model():
    return SceneCNN.pretrained()


def response(model, image, channel) -> float:
    with torch.no_grad():
        return run_until(model, LAYER, image[None])[0, channel].mean().item()


def test_the_picture_activates_the_channel_more_than_noise(model):
    found = maximize_activation(model, LAYER, 3, steps=40)
    assert found.image.shape == (1, 224, 224)
    assert found.image.min() >= 0
    assert found.image.max() <= 1
    assert len(found.activations) == 40
    grown = response(model, found.image, 3)
    generator = torch.Generator().manual_seed(0)
    noise = [response(model, torch.rand(1, 224, 224, generator=generator), 3) for _ in range(5)]
    assert grown > max(noise)
    assert found.activations[-1] > 3 * abs(found.activations[0])


def test_a_known_filter_gets_its_preferred_pattern():
    """A filter that subtracts the left from the right neighbour prefers brightness that increases to the right."""
    model = torch.nn.Sequential(torch.nn.Conv2d(1, 1, 3, bias=False))
    with torch.no_grad():
        model[0].weight.zero_()
        model[0].weight[0, 0, 1] = torch.tensor([-1.0, 0.0, 1.0])
    image = maximize_activation(model, "0", 0, input_shape=(1, 32, 32), steps=60).image[0]
    assert image[:, -4:].mean() > image[:, :4].mean() + 0.2
    assert abs(image[:4].mean() - image[-4:].mean()) < 0.15


def test_the_same_seed_gives_the_same_picture(model):
    first, again = (maximize_activation(model, LAYER, 1, steps=3, seed=5).image for _ in range(2))
    other = maximize_activation(model, LAYER, 1, steps=3, seed=6).image
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_model_and_the_global_random_state_stay_unchanged():
    model = SceneCNN(seed=0).train()
    model.conv1.eval()
    before = [module.training for module in model.modules()]
    maximize_activation(model, LAYER, 0, steps=2)
    assert [module.training for module in model.modules()] == before
    assert all(parameter.grad is None for parameter in model.parameters())
    assert sum(len(module._forward_hooks) for module in model.modules()) == 0
    state = torch.get_rng_state()
    maximize_activation(model, LAYER, 0, steps=1)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_resnet_for_colour_pictures_reports_its_steps():
    resnet = torchvision.models.resnet18(weights=None)
    steps, pictures = [], []
    found = maximize_activation(
        resnet,
        "layer1.0.conv1",
        0,
        (3, 64, 64),
        steps=2,
        on_step=lambda done, total: steps.append((done, total)),
        on_picture=lambda done, picture: pictures.append((done, picture)),
    )
    assert found.image.shape == (3, 64, 64)
    assert steps == [(1, 2), (2, 2)]
    assert [done for done, _ in pictures] == [1, 2]
    assert torch.equal(pictures[1][1], found.image)
    assert not torch.equal(pictures[0][1], found.image)


def test_wrong_parameters_are_rejected(model):
    with pytest.raises(ValueError, match=r"channel is 32.* 0 to 31"):
        maximize_activation(model, LAYER, 32)
    with pytest.raises(ValueError, match=r"conv22.*conv2"):
        maximize_activation(model, "conv22", 0)
    with pytest.raises(ValueError, match="steps is 0"):
        maximize_activation(model, LAYER, 0, steps=0)
