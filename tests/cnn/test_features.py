"""cnn/features.py: captured outputs, also on a ResNet, and measured receptive fields."""

import subprocess
import sys
from collections import OrderedDict

import pytest
import torch
import torchvision
from torch import nn

from synthviz.cnn.features import ReceptiveField, capture, receptive_field, run_until
from synthviz.cnn.network import SceneCNN


def count_hooks(model):
    return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in model.modules())


@pytest.fixture
def small():
    torch.manual_seed(0)
    inner = nn.Sequential(OrderedDict(conv=nn.Conv2d(2, 2, 1), relu=nn.ReLU(inplace=True)))
    return nn.Sequential(OrderedDict(conv=nn.Conv2d(1, 2, 3), inner=inner, norm=nn.BatchNorm2d(2)))


# --- capture --------------------------------------------------------------------------------------------------------


def test_captures_the_outputs_of_layers(small):
    small.eval()
    x = torch.randn(1, 1, 6, 6)
    with capture(small, ["conv", "inner.conv"]) as maps:
        small(x)
    assert sorted(maps) == ["conv", "inner.conv"]
    assert torch.equal(maps["conv"], small.conv(x))
    assert torch.equal(maps["inner.conv"], small.inner.conv(small.conv(x)))
    assert not maps["conv"].requires_grad


def test_in_place_layers_do_not_change_the_copy(small):
    x = torch.randn(1, 1, 6, 6)
    with capture(small, ["inner.conv", "inner"]) as maps:
        small(x)
    assert maps["inner.conv"].min() < 0  # the following ReLU works in place
    assert torch.equal(maps["inner"], maps["inner.conv"].relu())


def test_hooks_are_removed(small):
    assert count_hooks(small) == 0
    with capture(small, ["conv", "norm"]):
        assert count_hooks(small) == 2
    assert count_hooks(small) == 0


def test_hooks_are_removed_after_an_exception(small):
    with pytest.raises(ZeroDivisionError), capture(small, ["conv"]):
        raise ZeroDivisionError
    with pytest.raises(RuntimeError), capture(small, ["conv"]):
        small(torch.zeros(1, 5, 6, 6))
    assert count_hooks(small) == 0


def test_the_users_own_hooks_stay(small):
    calls = []
    small.conv.register_forward_hook(lambda *_: calls.append(1))
    with capture(small, ["conv"]):
        small(torch.zeros(1, 1, 6, 6))
    small(torch.zeros(1, 1, 6, 6))
    assert len(calls) == 2


def test_unknown_names_are_rejected_before_the_block_runs(small):
    with (
        pytest.raises(ValueError, match=r"inner\.cnv.*inner\.conv"),
        capture(small, ["conv", "inner.cnv"]),
    ):
        pytest.fail("the block must not run")
    assert count_hooks(small) == 0
    with pytest.raises(ValueError, match=r"xyzzy.*conv, inner"), capture(small, ["xyzzy"]):
        pass
    with pytest.raises(ValueError, match="''"), capture(small, [""]):
        pass
    with pytest.raises(ValueError, match="no layers"), capture(nn.ReLU(), ["conv"]):
        pass


def test_a_single_string_is_rejected(small):
    with pytest.raises(TypeError, match=r"\['conv'\]"), capture(small, "conv"):
        pass


def test_reading_before_the_model_has_run_raises(small):
    with capture(small, ["conv"]) as maps, pytest.raises(KeyError, match="with block"):
        maps["conv"]


def test_mode_and_input_stay_unchanged(small):
    small.train()
    small.norm.eval()
    x = torch.randn(1, 1, 6, 6)
    kept = x.clone()
    with capture(small, ["conv"]):
        small(x)
    assert small.training
    assert not small.norm.training
    assert torch.equal(x, kept)


def test_the_last_output_of_a_layer_that_runs_twice_is_stored():
    relu = nn.ReLU()
    shared = nn.Sequential(OrderedDict(first=relu, flip=nn.Flatten(0), again=relu))
    with capture(shared, ["first", "again"]) as maps:
        shared(torch.tensor([[-1.0, 2.0]]))
        shared(torch.tensor([[3.0, -4.0]]))
    assert maps["first"].tolist() == [3.0, 0.0]  # flat: the second call's output
    assert torch.equal(maps["again"], maps["first"])


def test_layers_with_several_outputs_are_rejected():
    recurrent = nn.Sequential(OrderedDict(lstm=nn.LSTM(2, 2)))
    with pytest.raises(TypeError, match=r"lstm.*tuple"), capture(recurrent, ["lstm"]):
        recurrent(torch.zeros(1, 1, 2))
    assert count_hooks(recurrent) == 0


def test_captures_layers_of_a_resnet():
    resnet = torchvision.models.resnet18(weights=None).eval()
    with torch.no_grad(), capture(resnet, ["layer1.0.conv1", "layer4", "avgpool"]) as maps:
        resnet(torch.zeros(2, 3, 64, 64))
    assert maps["layer1.0.conv1"].shape == (2, 64, 16, 16)
    assert maps["layer4"].shape == (2, 512, 2, 2)
    assert count_hooks(resnet) == 0


def test_capturing_does_not_change_the_result():
    model, x = SceneCNN(seed=0), torch.full((1, 1, 224, 224), 0.5)
    with torch.no_grad():
        plain = model(x)
        with capture(model, ["conv1", "conv2", "conv3"]):
            watched = model(x)
    assert torch.equal(plain, watched)


# --- stopping early -------------------------------------------------------------------------------------------------


def test_stop_early_skips_the_rest():
    ran = []
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 3))
    model[2].register_forward_hook(lambda *_: ran.append("last"))
    x = torch.randn(1, 1, 8, 8)
    with capture(model, ["1", "0"], stop_early=True) as maps:
        model(x)
        ran.append("rest of the block")
    assert ran == []
    assert torch.equal(maps["1"], maps["0"].relu())
    assert count_hooks(model) == 1  # the hook from above
    with capture(model, ["0"]):
        model(x)
    assert ran == ["last"]


def test_stop_early_inside_another_capture_ends_only_its_own_block():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Conv2d(2, 3, 3))
    x, ran = torch.randn(1, 1, 8, 8), []
    with capture(model, ["1"], stop_early=True) as outer:
        with capture(model, ["1", "2"], stop_early=True) as inner:
            model(x)
            ran.append("rest of the inner block")
        ran.append("rest of the outer block")
    assert ran == []
    assert list(outer) == ["1"]
    assert "2" not in inner
    with capture(model, ["0"], stop_early=True):
        run_until(model, "2", x)  # the outer capture ends this forward pass
        ran.append("rest of the block")
    assert ran == []


def test_stop_early_lets_other_exceptions_pass(small):
    with pytest.raises(RuntimeError), capture(small, ["conv"], stop_early=True):
        small(torch.zeros(1, 5, 6, 6))
    assert count_hooks(small) == 0


def test_run_until_returns_the_output_with_its_gradient():
    model = SceneCNN(seed=0)
    x = torch.rand(1, 1, 224, 224).requires_grad_()
    output = run_until(model, "conv2.convolution", x)
    assert output.shape == (1, 32, 109, 109)
    assert torch.autograd.grad(output.sum(), x)[0].abs().sum() > 0
    assert count_hooks(model) == 0


def test_run_until_rejects_a_layer_that_does_not_run():
    model = nn.Sequential(nn.ReLU())
    model.spare = nn.Conv2d(1, 1, 1)
    model.forward = lambda x: x
    with pytest.raises(ValueError, match="spare"):
        run_until(model, "spare", torch.zeros(1, 1, 4, 4))


# --- receptive fields -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "side", "stride"), [("conv1", 3, 1), ("conv2", 8, 2), ("pool2", 10, 4), ("conv3", 18, 4)]
)
def test_receptive_field_of_scene_cnn(layer, side, stride):
    model = SceneCNN(seed=0).train()
    field = receptive_field(model, layer, (7, 20))
    assert field == ReceptiveField(7 * stride, 20 * stride, 7 * stride + side, 20 * stride + side)
    assert model.training
    assert count_hooks(model) == 0


def test_receptive_field_at_a_padded_edge():
    model = nn.Sequential(nn.Conv2d(3, 4, 5, padding=2))
    assert receptive_field(model, "0", (0, 9), (3, 10, 10)) == ReceptiveField(0, 7, 3, 10)


def test_receptive_field_of_a_resnet():
    resnet = torchvision.models.resnet18(weights=None)
    assert receptive_field(resnet, "maxpool", (10, 10), (3, 96, 96)) == ReceptiveField(35, 35, 46, 46)


def test_receptive_field_rejects_positions_without_a_unit():
    model = SceneCNN(seed=0)
    with pytest.raises(ValueError, match=r"conv1.*\(222, 0\)"):
        receptive_field(model, "conv1", (222, 0))
    with pytest.raises(ValueError, match="dense1"):
        receptive_field(model, "dense1", (0, 0))


def test_a_thousand_captures_leave_nothing_behind():
    """Count the bytes of tensors, and measure the memory of a separate process.

    The first three hundred captures fill the allocator. The memory of the process varies by 2%, because the system
    takes some back; a thousand maps that were not freed would add half of it.
    """
    program = """
import gc, psutil, torch
from synthviz.cnn import SceneCNN
from synthviz.cnn.features import capture
torch.set_num_threads(1)
model, x, sizes = SceneCNN(seed=0), torch.rand(1, 1, 64, 64), []
with torch.no_grad():
    for number in range(1, 1301):
        with capture(model, ["conv1.convolution", "conv1", "conv3"], stop_early=True):
            model.conv3(model.pool2(model.conv2(model.pool1(model.conv1(x)))))
        if number in (300, 1300):
            gc.collect()
            tensors = sum(each.nbytes for each in gc.get_objects() if issubclass(type(each), torch.Tensor))
            sizes.append((tensors, psutil.Process().memory_info().rss))
hooks = sum(len(layer._forward_hooks) for layer in model.modules())
print(hooks, sizes[1][0] - sizes[0][0], sizes[1][1] / sizes[0][1])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    hooks, tensor_bytes, growth = done.stdout.split()
    assert (int(hooks), int(tensor_bytes)) == (0, 0)
    assert float(growth) <= 1.05
