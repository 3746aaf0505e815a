"""cnn/network.py, compared with the same network in NumPy."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

import synthviz
from synthviz.cnn.network import WEIGHTS, SceneCNN
from synthviz.scenes import PLACES


@pytest.fixture(scope="module")
def model():
    return SceneCNN(seed=3)


@pytest.fixture(scope="module")
def picture():
    return torch.rand(1, 1, 224, 224, generator=torch.Generator().manual_seed(0))


# --- the same network in NumPy --------------------------------------------------------------------------------------


def numpy_convolution(x, weight, bias):  # (C, H, W), (K, C, 3, 3) -> (K, H - 2, W - 2)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 3), axis=(1, 2))  # (C, H - 2, W - 2, 3, 3)
    return np.einsum("chwij,kcij->khw", windows, weight, optimize=True) + bias[:, None, None]


def numpy_pool(x):
    channels, height, width = x.shape
    height, width = height // 2 * 2, width // 2 * 2
    return x[:, :height, :width].reshape(channels, height // 2, 2, width // 2, 2).max(axis=(2, 4))


def numpy_network(x, weights):
    for name in ("conv1", "conv2", "conv3"):
        x = numpy_convolution(x, weights[f"{name}.convolution.weight"], weights[f"{name}.convolution.bias"])
        x = numpy_pool(np.maximum(x, 0))
    x = np.maximum(weights["dense1.linear.weight"] @ x.ravel() + weights["dense1.linear.bias"], 0)
    scores = weights["dense2.weight"] @ x + weights["dense2.bias"]
    powers = np.exp(scores - scores.max())
    return scores, powers / powers.sum()


def test_agrees_with_numpy(picture):
    model = SceneCNN(seed=1)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():  # with biases and distinct probabilities, so that every part influences the result
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.uniform_(-0.1, 0.1, generator=generator)
        model.dense2.weight *= 20
        scores, probabilities = model.logits(picture)[0], model(picture)[0]
    weights = {name: value.numpy().astype(np.float64) for name, value in model.state_dict().items()}
    expected_scores, expected = numpy_network(picture[0].numpy().astype(np.float64), weights)
    np.testing.assert_allclose(scores, expected_scores, atol=1e-4)
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
    assert expected.max() - expected.min() > 0.1


# --- architecture ---------------------------------------------------------------------------------------------------


def test_number_of_parameters(model):
    assert sum(parameter.numel() for parameter in model.parameters()) == 5_562_506
    assert model.dense1.linear.in_features == 43_264


def test_layers_have_their_shapes_and_include_the_relu(model, picture):
    with synthviz.capture(model, ["conv1", "conv2", "conv3", "flatten", "conv1.convolution"]) as maps:
        model(picture)
    assert maps["conv1"].shape == (1, 16, 222, 222)
    assert maps["conv2"].shape == (1, 32, 109, 109)
    assert maps["conv3"].shape == (1, 64, 52, 52)
    assert maps["flatten"].shape == (1, 43_264)
    assert all(maps[name].min() >= 0 for name in ("conv1", "conv2", "conv3"))
    assert maps["conv1.convolution"].min() < 0
    assert torch.equal(maps["conv1"], maps["conv1.convolution"].relu())


def test_probabilities_are_the_softmax_of_the_logits(model, picture):
    with torch.no_grad():
        probabilities = model(torch.cat([picture, 1 - picture]))
    assert probabilities.shape == (2, 10)
    assert probabilities.dtype == torch.float32
    torch.testing.assert_close(probabilities.sum(dim=1), torch.ones(2))
    assert torch.equal(probabilities, model.logits(torch.cat([picture, 1 - picture])).softmax(dim=1))


def test_class_names_are_the_ten_places(model):
    assert model.class_names == PLACES
    assert synthviz.SceneCNN is SceneCNN


# --- untrained ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "fan_in", "fan_out"),
    [
        ("conv1.convolution", 9, 9 * 16),
        ("conv2.convolution", 9 * 16, 9 * 32),
        ("conv3.convolution", 9 * 32, 9 * 64),
        ("dense1.linear", 43_264, 128),
        ("dense2", 128, 10),
    ],
)
def test_new_weights_are_glorot_uniform_and_biases_zero(model, layer, fan_in, fan_out):
    module = model.get_submodule(layer)
    bound = math.sqrt(6 / (fan_in + fan_out))
    assert module.weight.abs().max() <= bound
    assert module.weight.abs().max() > 0.95 * bound
    assert abs(module.weight.std().item() * math.sqrt(3) / bound - 1) < 0.1
    assert module.bias.count_nonzero() == 0


def test_the_seed_alone_determines_the_weights():
    before = torch.get_rng_state()
    first, again, other = SceneCNN(seed=7), SceneCNN(seed=7), SceneCNN(seed=8)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(99)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.conv1.convolution.weight, other.conv1.convolution.weight)
    assert torch.equal(SceneCNN(seed=7).dense2.weight, first.dense2.weight)


@pytest.mark.parametrize("seed", [-1, 2**63, 1.0, "1", True, None])
def test_wrong_seeds_are_rejected(seed):
    with pytest.raises(ValueError, match="seed is "):
        SceneCNN(seed=seed)


# --- rejected inputs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "shown"),
    [
        ((1, 224, 224), r"\(1, 224, 224\)"),
        ((1, 3, 224, 224), r"\(1, 3, "),
        ((1, 1, 128, 128), "128"),
        ((0, 1, 224, 224), r"\(0, "),
    ],
)
def test_wrong_shapes_are_rejected(model, shape, shown):
    with pytest.raises(ValueError, match=rf"{shown}.*\(N, 1, 224, 224\)"):
        model(torch.zeros(shape))


def test_wrong_types_are_rejected(model, picture):
    with pytest.raises(TypeError, match=r"float64.*float32"):
        model(picture.double())
    with pytest.raises(TypeError, match="uint8"):
        model((picture * 255).byte())
    with pytest.raises(TypeError, match="ndarray"):
        model(picture.numpy())


@pytest.mark.parametrize(
    ("value", "message"), [(float("nan"), "NaN"), (1.5, "0 and 1.5"), (-0.5, "-0.5 and"), (float("inf"), "inf")]
)
def test_values_outside_0_to_1_are_rejected(model, value, message):
    x = torch.zeros(1, 1, 224, 224)
    x[0, 0, 100, 100] = value
    with pytest.raises(ValueError, match=f"{message}.*\\[0, 1\\]"):
        model(x)


def test_logits_accept_values_outside_0_to_1(model):
    assert model.logits(torch.full((1, 1, 224, 224), 1.5)).isfinite().all()


# --- weights on disk ------------------------------------------------------------------------------------------------


def test_saved_weights_are_read_back(tmp_path, model, picture):
    path = model.save_weights(tmp_path / "model.safetensors")
    assert all(value.dtype == torch.float16 for value in load_file(path).values())
    again = SceneCNN.pretrained(path)
    assert not again.training
    for kept, read in zip(model.parameters(), again.parameters(), strict=True):
        assert read.dtype == torch.float32
        assert torch.equal(kept.half().float(), read)
    with torch.no_grad():
        torch.testing.assert_close(again(picture), model(picture), atol=1e-3, rtol=0)


@pytest.mark.parametrize("convert", [Path, str])
def test_the_shipped_weights_are_verified(monkeypatch, convert):
    verified = []
    monkeypatch.setattr("synthviz.cnn.network.verify_shipped", verified.append)
    SceneCNN.pretrained(convert(WEIGHTS))
    assert verified == [WEIGHTS.parent]


def test_missing_weights_are_reported_without_their_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors") as caught:
        SceneCNN.pretrained(tmp_path / "none.safetensors")
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize(
    "damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"version https://git-lfs"]
)
def test_damaged_weights_are_rejected(tmp_path, model, damage):
    path = model.save_weights(tmp_path / "model.safetensors")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"model\.safetensors are damaged"):
        SceneCNN.pretrained(path)


@pytest.mark.parametrize("metadata", [None, {"class_names": json.dumps(PLACES[::-1])}])
def test_weights_for_other_classes_are_rejected(tmp_path, model, metadata):
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()},
        tmp_path / "model.safetensors",
        metadata=metadata,
    )
    with pytest.raises(ValueError, match="class names"):
        SceneCNN.pretrained(tmp_path / "model.safetensors")


def test_weights_of_another_network_are_rejected(tmp_path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "model.safetensors", metadata={"class_names": json.dumps(PLACES)})
    with pytest.raises(ValueError, match="another network"):
        SceneCNN.pretrained(tmp_path / "model.safetensors")
