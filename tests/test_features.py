from collections import OrderedDict

import pytest
import torch
import torchvision
from torch import nn

from synthviz.cnn import SceneCNN
from synthviz.features import capture, channel_statistics, normalize_maps


def count_hooks(model):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


@pytest.fixture
def small():
    torch.manual_seed(0)
    inner = nn.Sequential(OrderedDict(conv=nn.Conv2d(2, 2, 1), relu=nn.ReLU(inplace=True)))
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3), inner=inner, norm=nn.BatchNorm2d(2)))


# --- capture --------------------------------------------------------------------------------------------------------


def test_captures_what_layers_put_out(small):
    small.eval()
    x = torch.randn(1, 1, 6, 6)
    with capture(small, ["conv", "inner.conv"]) as maps:
        small(x)
    assert sorted(maps) == ["conv", "inner.conv"]
    assert torch.equal(maps["conv"], small.conv(x))
    assert torch.equal(maps["inner.conv"], small.inner.conv(small.conv(x)))
    assert not maps["conv"].requires_grad


def test_in_place_layers_do_not_reach_the_copy(small):
    x = torch.randn(1, 1, 6, 6)
    with capture(small, ["inner.conv", "inner"]) as maps:
        small(x)
    assert maps["inner.conv"].min() < 0  # the ReLU behind it works in place
    assert torch.equal(maps["inner"], maps["inner.conv"].relu())


def test_hooks_come_off(small):
    assert count_hooks(small) == 0
    with capture(small, ["conv", "norm"]):
        assert count_hooks(small) == 2
    assert count_hooks(small) == 0


def test_hooks_come_off_after_an_exception(small):
    with pytest.raises(ZeroDivisionError), capture(small, ["conv"]):
        raise ZeroDivisionError
    with pytest.raises(RuntimeError), capture(small, ["conv"]):
        small(torch.zeros(1, 5, 6, 6))
    assert count_hooks(small) == 0


def test_a_hook_of_the_users_own_stays(small):
    calls = []
    small.conv.register_forward_hook(lambda *_: calls.append(1))
    with capture(small, ["conv"]):
        small(torch.zeros(1, 1, 6, 6))
    small(torch.zeros(1, 1, 6, 6))
    assert len(calls) == 2


def test_unknown_names_are_refused_before_work(small):
    with (
        pytest.raises(ValueError, match=r"no layer 'inner\.cnv'; did you mean 'inner\.conv'"),
        capture(small, ["conv", "inner.cnv"]),
    ):
        pytest.fail("the block must not run")
    assert count_hooks(small) == 0
    with pytest.raises(ValueError, match=r"its layers are conv, inner"), capture(small, ["xyzzy"]):
        pass
    with pytest.raises(ValueError, match="no layer ''"), capture(small, [""]):
        pass
    with pytest.raises(ValueError, match="no layers inside"), capture(nn.ReLU(), ["conv"]):
        pass


def test_a_string_is_no_list(small):
    with pytest.raises(TypeError, match=r"\['conv'\]"), capture(small, "conv"):
        pass


def test_nothing_captured_yet(small):
    with capture(small, ["conv"]) as maps, pytest.raises(KeyError, match="run the model inside the with block"):
        maps["conv"]


def test_mode_and_input_stay(small):
    small.train()
    small.norm.eval()
    x = torch.randn(1, 1, 6, 6)
    kept = x.clone()
    with capture(small, ["conv"]):
        small(x)
    assert small.training
    assert not small.norm.training
    assert torch.equal(x, kept)


def test_a_layer_that_runs_twice_leaves_its_last_output():
    relu = nn.ReLU()
    shared = nn.Sequential(OrderedDict(first=relu, flip=nn.Flatten(0), again=relu))
    with capture(shared, ["first", "again"]) as maps:
        shared(torch.tensor([[-1.0, 2.0]]))
        shared(torch.tensor([[3.0, -4.0]]))
    assert maps["first"].tolist() == [3.0, 0.0]  # flat: the second call's output
    assert torch.equal(maps["again"], maps["first"])


def test_layers_with_several_outputs_are_refused():
    recurrent = nn.Sequential(OrderedDict(lstm=nn.LSTM(2, 2)))
    with pytest.raises(TypeError, match="'lstm' puts out a tuple"), capture(recurrent, ["lstm"]):
        recurrent(torch.zeros(1, 1, 2))
    assert count_hooks(recurrent) == 0


def test_resnet():
    resnet = torchvision.models.resnet18(weights=None).eval()
    with torch.no_grad(), capture(resnet, ["layer1.0.conv1", "layer4", "avgpool"]) as maps:
        resnet(torch.zeros(2, 3, 64, 64))
    assert maps["layer1.0.conv1"].shape == (2, 64, 16, 16)
    assert maps["layer4"].shape == (2, 512, 2, 2)
    assert count_hooks(resnet) == 0


def test_capturing_changes_no_result():
    model, x = SceneCNN(seed=0), torch.full((1, 1, 224, 224), 0.5)
    with torch.no_grad():
        plain = model(x)
        with capture(model, ["conv1", "conv2", "conv3"]):
            watched = model(x)
    assert torch.equal(plain, watched)


# --- normalising and counting ---------------------------------------------------------------------------------------


def test_normalize_maps():
    maps = torch.zeros(7, 2, 2)
    maps[0] = torch.tensor([[1.0, 2.0], [3.0, 5.0]])
    maps[2] = 4.0
    maps[3, 0, 0] = float("nan")
    maps[4, 1, 1] = float("inf")
    maps[5] = torch.tensor([[-3e38, 3e38], [0.0, 0.0]])
    maps[6] = torch.tensor([[0.0, 1e-30], [0.0, 0.0]])
    normalized = normalize_maps(maps[None])
    assert normalized.status == ("ok", "dead", "constant", "not finite", "not finite", "ok", "ok")
    assert normalized.images.dtype == torch.float32
    assert torch.equal(normalized.images[0], torch.tensor([[0.0, 0.25], [0.5, 1.0]]))
    assert normalized.images[1:5].count_nonzero() == 0
    assert torch.equal(normalized.images[5], torch.tensor([[0.0, 1.0], [0.5, 0.5]]))
    assert normalized.images[6].max() == 1


def test_normalize_maps_leaves_its_input_alone():
    maps = torch.rand(3, 4, 4)
    kept = maps.clone()
    normalize_maps(maps)
    assert torch.equal(maps, kept)


@pytest.mark.parametrize("shape", [(2, 3, 4, 4), (4, 4), (0, 4, 4)])
def test_wrong_shapes(shape):
    with pytest.raises(ValueError, match="they must be"):
        normalize_maps(torch.zeros(shape))
    with pytest.raises(ValueError, match="they must be"):
        channel_statistics(torch.zeros(shape))


def test_channel_statistics():
    maps = torch.zeros(1, 4, 2, 2)
    maps[0, 1] = torch.tensor([[0.0, 2.0], [0.0, 0.0]])
    maps[0, 2] = 1.0
    statistics = channel_statistics(maps)
    assert statistics.mean.tolist() == [0, 0.5, 1, 0]
    assert statistics.active_share.tolist() == [0, 0.25, 1, 0]
    assert statistics.dead_share == 0.5
