"""Layers of Swin, ConvNeXt and vision transformers: their maps have the right channels and places."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from synthviz.cnn.activation_maximization import maximize_activation
from synthviz.cnn.attributions import grad_cam
from synthviz.cnn.feature_statistics import channel_statistics, normalize_maps, strongest_channels
from synthviz.cnn.features import receptive_field
from synthviz.cnn.layouts import LAYOUTS, to_feature_maps
from synthviz.plots import compare_feature_maps, feature_maps


class Permute(nn.Module):
    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x):
        return x.permute(self.axes)


class WithClassToken(nn.Module):
    """(N, C, h, w) to tokens, (N, extra + h * w, C)."""

    def __init__(self, extra: int) -> None:
        super().__init__()
        self.extra = extra

    def forward(self, x):
        tokens = x.flatten(2).transpose(1, 2)
        return torch.cat([torch.full_like(tokens[:, :1], 100).expand(-1, self.extra, -1), tokens], dim=1)


def with_layout(kind: str, height: int, width: int) -> nn.Sequential:
    """The same network, whose layer 1 has maps in a layout, and whose layer 2 restores channels first."""
    torch.manual_seed(0)
    patches = nn.Conv2d(3, 6, 4, stride=4)
    there, back = {
        "channels first": (nn.Identity(), nn.Identity()),
        "channels last": (Permute(0, 2, 3, 1), Permute(0, 3, 1, 2)),
        "tokens": (WithClassToken(0), nn.Sequential(Permute(0, 2, 1), nn.Unflatten(2, (height, width)))),
        "class token": (WithClassToken(1), nn.Sequential(WithoutExtra(1), nn.Unflatten(2, (height, width)))),
        "registers": (WithClassToken(5), nn.Sequential(WithoutExtra(5), nn.Unflatten(2, (height, width)))),
        "tokens first": (
            nn.Sequential(WithClassToken(1), Permute(1, 0, 2)),
            nn.Sequential(Permute(1, 0, 2), WithoutExtra(1), nn.Unflatten(2, (height, width))),
        ),
    }[kind]
    head = nn.Sequential(nn.Conv2d(6, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
    return nn.Sequential(patches, there, back, head).eval()


class WithoutExtra(nn.Module):
    def __init__(self, extra: int) -> None:
        super().__init__()
        self.extra = extra

    def forward(self, x):
        return x[:, self.extra :].transpose(1, 2)


KINDS = ["channels first", "channels last", "tokens", "class token", "registers", "tokens first"]
PICTURES = {"square": (64, 64), "wide": (48, 80), "high": (80, 48)}


@pytest.mark.parametrize("size", PICTURES.values(), ids=PICTURES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_layout_gives_the_same_grad_cam_and_picture(kind, size):
    picture = torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))
    model, plain = (with_layout(each, size[0] // 4, size[1] // 4) for each in (kind, "channels first"))
    expected = grad_cam(plain, picture, "1").values
    torch.testing.assert_close(grad_cam(model, picture, "1").values, expected)
    assert expected.std() > 0
    grown, wanted = (maximize_activation(each, "1", 4, (3, *size), steps=2).activations for each in (model, plain))
    assert grown == pytest.approx(wanted, rel=1e-4)


def test_receptive_fields_of_channels_last():
    model = with_layout("channels last", 16, 16)
    assert receptive_field(model, "1", (2, 5), (3, 64, 64)) == receptive_field(model, "0", (2, 5), (3, 64, 64))


def test_swin_and_a_vision_transformer():
    torch.manual_seed(0)
    swin = torchvision.models.swin_t(weights=None)
    x = torch.rand(1, 3, 96, 96)
    found = grad_cam(swin, x, "features.1").values
    named = grad_cam(swin, x, "features.1", layout="channels last").values
    assert torch.equal(found, named)
    # 96 channels of 96/4 places; at 384 pixels all axes have 96, and the layer's modules decide
    cube = torch.rand(1, 96, 96, 96)
    assert torch.equal(to_feature_maps(cube, picture_size=(384, 384), layer=swin.features[1]), cube.permute(0, 3, 1, 2))
    resnet = torchvision.models.resnet18(weights=None)
    cube = torch.rand(1, 64, 64, 64)
    assert torch.equal(to_feature_maps(cube, picture_size=(256, 256), layer=resnet.layer1), cube)
    vit = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=4)
    nn.init.normal_(vit.heads.head.weight)
    assert grad_cam(vit, torch.rand(1, 3, 32, 32), "encoder.layers.encoder_layer_0").values.std() > 0
    with pytest.raises(ValueError, match="does not depend on"):  # only the class token goes on
        grad_cam(vit, torch.rand(1, 3, 32, 32), "encoder.layers.encoder_layer_1")


@pytest.mark.parametrize("shape", [(1, 8), (1, 4, 4, 4, 8), (1, 15, 8), (4, 16, 8), (1, 0, 8)])
def test_shapes_that_are_no_maps_are_rejected(shape):
    with pytest.raises(ValueError, match=r"my layer.*\(1, C, h, w\)"):
        to_feature_maps(torch.zeros(shape), picture_size=(32, 48), name="my layer")


def test_a_named_layout_must_fit():
    with pytest.raises(ValueError, match="channel last"):
        to_feature_maps(torch.zeros(1, 4, 4, 4), "channel last")
    with pytest.raises(ValueError, match="4 axes"):
        to_feature_maps(torch.zeros(1, 16, 4), "channels last")
    with pytest.raises(ValueError, match="3 axes"):
        to_feature_maps(torch.zeros(1, 4, 4, 4), "tokens")
    with pytest.raises(ValueError, match="12 tokens"):
        to_feature_maps(torch.zeros(1, 12, 4), "tokens", (640, 7))


def test_several_windows_are_not_one_picture():
    windows = nn.Sequential(nn.Conv2d(3, 4, 4, stride=4), nn.Unflatten(0, (1, 1)), nn.Flatten(0, 1), nn.Identity())
    model = nn.Sequential(windows, Windows(), nn.Flatten(1), nn.Linear(16, 2), Mean())
    with pytest.raises(ValueError, match="one picture's maps"):
        grad_cam(model, torch.rand(1, 3, 16, 16), "1", layout="channels first")


class Windows(nn.Module):
    def forward(self, x):
        return x.unfold(2, 2, 2).unfold(3, 2, 2).permute(0, 2, 3, 1, 4, 5).flatten(0, 2)


class Mean(nn.Module):
    def forward(self, x):
        return x.mean(dim=0, keepdim=True)


STORED = torch.rand(1, 6, 6, 10, generator=torch.Generator().manual_seed(0))  # channels last: 10 channels of 6×6


def test_statistics_and_figures_of_channels_last():
    first = STORED.permute(0, 3, 1, 2)
    for maps in (STORED, STORED[0]):
        assert torch.equal(normalize_maps(maps, "channels last").images, normalize_maps(first).images)
    assert torch.equal(channel_statistics(STORED, "channels last").mean, channel_statistics(first).mean)
    assert strongest_channels(STORED, layout="channels last") == strongest_channels(first)
    assert "10 channels of 6×6" in titles(feature_maps(STORED, layout="channels last"))
    assert "6 channels of 6×10" in titles(feature_maps(STORED, layout="channels first"))
    assert "10 channels of 6×6" in titles(compare_feature_maps(STORED, STORED, layout="channels last"))


def titles(figure) -> str:
    return " ".join([figure.get_suptitle(), *(text.get_text() for text in figure.findobj(match_text))])


def match_text(artist) -> bool:
    return hasattr(artist, "get_text")


@pytest.mark.parametrize("kind", ["tokens", "tokens first"])
def test_figures_of_tokens(kind):
    tokens = torch.rand(1, 10, 4)
    stored = tokens if kind == "tokens" else tokens.transpose(0, 1)
    expected = tokens[:, 1:].transpose(1, 2).reshape(1, 4, 3, 3)
    assert torch.equal(normalize_maps(stored, kind).images, normalize_maps(expected).images)


@pytest.mark.parametrize("shape", [(1, 6, 6, 10), (1, 197, 768), (1, 196, 768), (1, 50, 64)])
def test_a_shape_with_two_meanings_needs_a_layout(shape):
    with pytest.raises(ValueError, match="layout="):
        feature_maps(torch.rand(shape))


def test_usual_maps_need_no_layout():
    for shape in [(1, 16, 5, 5), (16, 5, 5), (1, 16, 5, 9), (16, 5, 9), (1, 5, 5, 5), (5, 5, 5), (1, 30, 30)]:
        assert feature_maps(torch.rand(shape)) is not None
    assert len(LAYOUTS) == 4
