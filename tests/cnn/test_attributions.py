"""cnn/attributions.py, compared with NumPy, a linear model, torch-cam and Captum."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from synthviz.cnn.attributions import grad_cam, integrated_gradients, occlusion
from synthviz.cnn.network import SceneCNN
from synthviz.scenes import paint, sample_scene


@pytest.fixture(scope="module")
def model():
    return SceneCNN.pretrained()


@pytest.fixture(scope="module")
def picture():
    grey = paint(sample_scene(np.random.default_rng(4)), 224).image.mean(axis=2) / 255
    return torch.tensor(grey, dtype=torch.float32)[None, None]


class Linear(nn.Module):
    """Two classes, each a weighted sum of the pixels."""

    def __init__(self, side: int = 12, channels: int = 3) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.dense = nn.Linear(channels * side * side, 2)
        self.shape = (channels, side, side)

    def forward(self, x):
        return self.dense(x.flatten(1))

    def weights(self, target):
        return self.dense.weight[target].detach().reshape(self.shape)


def state_of(model) -> tuple:
    hooks = sum(
        len(each._forward_hooks) + len(each._backward_hooks) + len(each._forward_pre_hooks) for each in model.modules()
    )
    return hooks, [each.training for each in model.modules()], [parameter.grad for parameter in model.parameters()]


class TestIntegratedGradients:
    def test_linear_model_gives_weight_times_difference(self):
        model, x = Linear(), torch.rand(1, 3, 12, 12)
        found = integrated_gradients(model, x, target=1, baseline=0.25)
        torch.testing.assert_close(found.values, (model.weights(1) * (x[0] - 0.25)).sum(dim=0))
        assert found.error < 1e-4

    def test_values_sum_to_the_gain_of_the_logit(self, model, picture):
        found = integrated_gradients(model, picture, steps=128)
        with torch.no_grad():
            gained = model.logits(picture) - model.logits(torch.zeros_like(picture))
        assert found.target == model.logits(picture).argmax()
        assert found.values.shape == (224, 224)
        assert found.values.sum().item() == pytest.approx(gained[0, found.target].item(), abs=found.error + 1e-3)
        assert found.error < 0.05 * abs(gained[0, found.target].item())


class TestGradCam:
    def test_agrees_with_a_derivation_in_numpy(self, model, picture):
        """Backpropagate a logit by hand to conv3's maps: through dense2, dense1 and pool3."""
        x = picture
        with torch.no_grad():
            for block in (model.conv1, model.pool1, model.conv2, model.pool2, model.conv3):
                x = block(x)
        maps = x[0].double().numpy()  # (64, 52, 52)
        weights = {name: value.double().numpy() for name, value in model.state_dict().items()}
        tiles = maps.reshape(64, 26, 2, 26, 2).transpose(0, 1, 3, 2, 4).reshape(64, 26, 26, 4)
        hidden = weights["dense1.linear.weight"] @ tiles.max(axis=3).ravel() + weights["dense1.linear.bias"]
        back = weights["dense2.weight"][3] * (hidden > 0)
        back = (weights["dense1.linear.weight"].T @ back).reshape(64, 26, 26)
        # Max pooling passes each gradient to one position only, so that a channel's mean is the sum over the tiles.
        strengths = back.sum(axis=(1, 2)) / (52 * 52)
        expected = np.maximum((strengths[:, None, None] * maps).sum(axis=0), 0)
        found = grad_cam(model, picture, "conv3", target=3)
        wanted = torch.nn.functional.interpolate(torch.tensor(expected)[None, None], (224, 224), mode="bilinear")[0, 0]
        np.testing.assert_allclose(found.values, wanted, atol=1e-7)
        assert expected.max() > 1e-4

    def test_agrees_with_torch_cam(self, model, picture):
        torchcam = pytest.importorskip("torchcam.methods")

        class Logits(nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.network = SceneCNN.pretrained()

            def forward(self, x):
                return self.network.logits(x)

        wrapped = Logits().eval()
        with torchcam.GradCAM(wrapped, target_layer="network.conv3", input_shape=(1, 224, 224)) as extractor:
            scores = wrapped(picture.clone().requires_grad_())
            (expected,) = extractor(int(scores.argmax()), scores)
        found = grad_cam(model, picture, "conv3").values
        expected = torch.nn.functional.interpolate(expected[None].detach(), (224, 224), mode="bilinear")[0, 0]
        # torch-cam stretches its map to [0, 1] before it is enlarged.
        assert np.corrcoef(found.ravel(), expected.ravel())[0, 1] > 0.9999

    def test_a_layer_without_feature_maps_is_rejected(self, model, picture):
        with pytest.raises(ValueError, match=r"dense1.*\(1, 128\).*\(1, C, h, w\)"):
            grad_cam(model, picture, "dense1")
        with pytest.raises(ValueError, match=r"conv4.*conv3"):
            grad_cam(model, picture, "conv4")

    @pytest.mark.parametrize("layer", ["layer4", "layer1.0.conv1"])
    def test_agrees_with_captum(self, layer):
        import torchvision
        from captum.attr import LayerGradCam

        torch.manual_seed(1)
        resnet, x = torchvision.models.resnet18(weights=None).eval(), torch.rand(1, 3, 64, 64)
        module = resnet.get_submodule(layer)
        expected = LayerGradCam(resnet, module).attribute(x, 5, relu_attributions=True)
        wanted = torch.nn.functional.interpolate(expected, (64, 64), mode="bilinear")[0, 0].detach()
        with torch.no_grad():  # the caller may have switched gradients off
            found = grad_cam(resnet.requires_grad_(False), x, layer, target=5)
        torch.testing.assert_close(found.values, wanted, rtol=1e-4, atol=1e-9)
        assert all(weights.grad is None for weights in resnet.parameters())

    def test_a_following_in_place_layer_does_not_change_the_result(self):
        torch.manual_seed(2)
        conv, dense = nn.Conv2d(1, 3, 3), nn.Linear(3, 2)
        x = torch.rand(1, 1, 8, 8)
        head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), dense]
        found, expected = (
            grad_cam(nn.Sequential(conv, nn.ReLU(inplace=inplace), *head), x, "0", target=1).values
            for inplace in (True, False)
        )
        torch.testing.assert_close(found, expected)
        assert expected.max() > 0

    def test_a_layer_that_does_not_run_is_rejected(self):
        model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2))
        model.spare = nn.Conv2d(1, 2, 3)
        model.forward = lambda x: model[2](model[1](model[0](x)))
        with pytest.raises(ValueError, match="spare"):
            grad_cam(model, torch.rand(1, 1, 4, 4), "spare")

    def test_a_resnet_for_colour_pictures(self):
        import torchvision

        resnet = torchvision.models.resnet18(weights=None)
        found = grad_cam(resnet, torch.rand(1, 3, 64, 64), "layer4")
        assert found.values.shape == (64, 64)
        assert found.values.min() >= 0
        assert resnet.training


class TestOcclusion:
    def test_linear_model_gives_what_the_square_covers(self):
        model, x = Linear(), torch.rand(1, 3, 12, 12)
        found = occlusion(model, x, target=0, window=4, stride=4, baseline=0.5)
        lost = (model.weights(0) * (x[0] - 0.5)).sum(dim=0)  # (12, 12)
        blocks = lost.reshape(3, 4, 3, 4).sum(dim=(1, 3))
        torch.testing.assert_close(
            found.values, blocks.repeat_interleave(4, 0).repeat_interleave(4, 1), atol=1e-4, rtol=0
        )

    @pytest.mark.parametrize(
        ("changes", "message"),
        [({"window": 0}, "window is 0"), ({"window": 13}, "1 to 12"), ({"window": 3, "stride": 4}, "stride is 4.*3")],
    )
    def test_a_window_or_stride_that_does_not_fit_is_rejected(self, changes, message):
        with pytest.raises(ValueError, match=message):
            occlusion(Linear(), torch.rand(1, 3, 12, 12), **changes)


METHODS = {
    "integrated gradients": lambda model, picture, **named: integrated_gradients(model, picture, steps=4, **named),
    "grad-cam": lambda model, picture, **named: grad_cam(model, picture, "conv2", **named),
    "occlusion": lambda model, picture, **named: occlusion(model, picture, window=112, stride=112, **named),
}


class LogitsLayer(nn.Module):
    """A network whose last layer is called `logits`."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv2 = nn.Conv2d(1, 4, 3, padding=1)
        self.logits = nn.Linear(4, 3)

    def forward(self, x):
        return self.logits(self.conv2(x).relu().mean(dim=(2, 3)))


class LogitsMethod(nn.Module):
    """A network that returns probabilities, and has a method `logits`."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = LogitsLayer()
        self.conv2 = self.scores.conv2

    def forward(self, x):
        return self.logits(x).softmax(dim=1)

    def logits(self, x):
        return self.scores(x)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS.keys())
class TestAll:
    def test_a_layer_called_logits_is_an_ordinary_layer(self, method, picture):
        model = LogitsLayer()
        assert method(model, picture).target == model(picture).argmax()

    def test_a_method_called_logits_is_explained_instead_of_the_output(self, method, picture):
        found, expected = method(LogitsMethod(), picture), method(LogitsLayer(), picture)
        assert found.target == expected.target
        assert torch.equal(found.values, expected.values)

    def test_existing_gradients_stay_unchanged(self, method, picture):
        model = SceneCNN(seed=0)
        model.logits(picture)[0, 0].backward()
        before = [parameter.grad.clone() for parameter in model.parameters()]
        method(model, picture)
        assert all(torch.equal(kept, weights.grad) for kept, weights in zip(before, model.parameters(), strict=True))

    def test_the_model_and_the_picture_stay_unchanged(self, method, picture):
        model = SceneCNN(seed=0).train()
        model.conv2.eval()
        before, kept = state_of(model), picture.clone()
        method(model, picture)
        assert state_of(model) == before
        assert torch.equal(picture, kept)
        assert not picture.requires_grad

    def test_the_model_stays_unchanged_after_an_exception(self, method, picture, monkeypatch):
        model = SceneCNN(seed=0).train()
        before = state_of(model)
        calls = []  # the first run counts the calls, the second fails in its last call

        def counted(x):
            calls.append(1)
            return SceneCNN.logits(model, x)

        def fails_at_last(x):
            calls.pop()
            if not calls:
                raise ZeroDivisionError
            return SceneCNN.logits(model, x)

        monkeypatch.setattr(model, "logits", counted)
        method(model, picture)
        monkeypatch.setattr(model, "logits", fails_at_last)
        with pytest.raises(ZeroDivisionError):
            method(model, picture)
        assert state_of(model) == before

    def test_wrong_shapes_and_classes_are_rejected(self, method, picture):
        model = SceneCNN(seed=0)
        with pytest.raises(ValueError, match=r"\(1, 224, 224\).*\(1, C, H, W\)"):
            method(model, picture[0])
        with pytest.raises(ValueError, match=r"target is 10.* 0 to 9"):
            method(model, picture, target=10)
