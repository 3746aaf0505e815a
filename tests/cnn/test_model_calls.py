"""Models as people have them: outputs of any kind, wrappers, compiled, half precision, no gradients allowed."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from transformers.utils import ModelOutput

from synthviz.cnn.activation_maximization import maximize_activation
from synthviz.cnn.attributions import grad_cam, integrated_gradients, occlusion
from synthviz.cnn.features import capture, receptive_field
from synthviz.cnn.network import SceneCNN

PICTURE = torch.rand(1, 1, 16, 16, generator=torch.Generator().manual_seed(0))
METHODS = {
    "grad-cam": lambda model, picture=PICTURE: grad_cam(model, picture, "conv"),
    "integrated gradients": lambda model, picture=PICTURE: integrated_gradients(model, picture, steps=8),
    "occlusion": lambda model, picture=PICTURE: occlusion(model, picture, window=8, stride=8),
}
Pair = namedtuple("Pair", ["logits", "aux_logits"])


@dataclass
class Output(ModelOutput):
    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    hidden_states: torch.Tensor | None = None


@dataclass
class Plain:
    scores: torch.Tensor


class Model(nn.Module):
    """A small classifier whose output, and whose layer's output, have any kind."""

    def __init__(self, kind=lambda x: x, inner=lambda x: x) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = Layer(inner)
        self.norm = nn.BatchNorm2d(4)
        self.dense = nn.Linear(4, 3)
        self.kind = kind

    def forward(self, x):
        return self.kind(self.dense(self.norm(tensor_in(self.conv(x))).relu().mean(dim=(2, 3))))


class Layer(nn.Module):
    def __init__(self, kind) -> None:
        super().__init__()
        self.inside = nn.Conv2d(1, 4, 3)
        self.kind = kind

    def forward(self, x):
        return self.kind(self.inside(x))


def tensor_in(output) -> torch.Tensor:
    if isinstance(output, torch.Tensor):
        return output
    return next(iter(output.values())) if isinstance(output, dict) else output[0]


OUTPUTS = {
    "tuple": lambda x: (x,),
    "list": lambda x: [x],
    "tuple with a loss": lambda x: (x.sum(), x),
    "tuple with maps": lambda x: (x, x[:, :, None, None]),
    "named tuple with logits": lambda x: Pair(x, 2 * x),
    "dictionary": lambda x: {"scores": x},
    "dictionary with logits": lambda x: {"features": torch.ones(1, 7), "logits": x},
    "ModelOutput": lambda x: Output(loss=x.sum(), logits=x, hidden_states=torch.ones(1, 7)),
    "dataclass": Plain,
}
INNER = {
    "tuple": lambda x: (x,),
    "tuple with None": lambda x: (x, None),
    "list": lambda x: [x],
    "named tuple": lambda x: Pair(x, None),
    "dictionary": lambda x: {"maps": x},
    "ModelOutput": lambda x: Output(logits=x),
}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("output", OUTPUTS.values(), ids=OUTPUTS)
def test_logits_are_found_in_any_output(method, output):
    found, expected = method(Model(output)), method(Model())
    assert found.target == expected.target
    torch.testing.assert_close(found.values, expected.values)


@pytest.mark.parametrize(
    "output", [lambda x: (x, 2 * x), lambda x: x.sum(), lambda x: "no", lambda x: {}, lambda x: x[0]]
)
@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_outputs_without_clear_logits_are_rejected_in_one_sentence(method, output):
    with pytest.raises(ValueError, match=r"^Model returns .*logits") as error:
        method(Model(output))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("inner", INNER.values(), ids=INNER)
def test_layers_with_one_tensor_inside_their_output(inner):
    model, plain = Model(inner=inner).eval(), Model().eval()
    with capture(model, ["conv"]) as maps:
        model(PICTURE)
    assert torch.equal(maps["conv"], plain.conv(PICTURE))
    torch.testing.assert_close(grad_cam(model, PICTURE, "conv").values, grad_cam(plain, PICTURE, "conv").values)
    grown, expected = (maximize_activation(each, "conv", 1, (1, 16, 16), steps=2) for each in (model, plain))
    assert grown.activations == expected.activations


@pytest.mark.parametrize("block", [torch.no_grad, torch.inference_mode], ids=["no_grad", "inference_mode"])
def test_gradients_are_followed_where_the_caller_switched_them_off(block):
    model = Model()
    with block():
        picture = PICTURE.clone()
        found = [method(model, picture).values for method in METHODS.values()]
        grown = maximize_activation(model, "conv", 1, (1, 16, 16), steps=2).activations
        field = receptive_field(model, "conv", (3, 3), (1, 16, 16))
    for values, method in zip(found, METHODS.values(), strict=True):
        torch.testing.assert_close(values, method(model).values)
    assert grown == maximize_activation(model, "conv", 1, (1, 16, 16), steps=2).activations
    assert field == receptive_field(model, "conv", (3, 3), (1, 16, 16))


def test_weights_that_never_have_gradients_are_rejected():
    with torch.inference_mode():
        model = Model()
    with pytest.raises(ValueError, match="inference_mode"):
        grad_cam(model, PICTURE, "conv")


def test_a_detached_layer_is_rejected():
    with pytest.raises(ValueError, match="no gradient"):
        grad_cam(Model(kind=torch.Tensor.detach), PICTURE, "conv")
    with pytest.raises(ValueError, match="no gradient"):
        maximize_activation(Model(inner=torch.Tensor.detach), "conv", 0, (1, 16, 16), steps=1)


WRAPPED = {
    "DataParallel": nn.DataParallel,
    "AveragedModel": torch.optim.swa_utils.AveragedModel,
    "compiled": lambda model: torch.compile(model, backend="eager"),
    "compiled DataParallel": lambda model: torch.compile(nn.DataParallel(model), backend="eager"),
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_wrapped_models_are_explained_as_the_model_inside(wrap):
    model = wrap(Model(OUTPUTS["dictionary"]).eval())
    model(PICTURE)  # compiled before the hooks are there
    plain = Model().eval()
    for method in METHODS.values():
        torch.testing.assert_close(method(model).values, method(plain).values)
    with torch.no_grad(), capture(model, ["conv"]) as maps:
        model(PICTURE)
    assert torch.equal(maps["conv"], plain.conv(PICTURE))
    found = maximize_activation(model, "conv.inside", 1, (1, 16, 16), steps=2).activations
    assert found == maximize_activation(plain, "conv.inside", 1, (1, 16, 16), steps=2).activations


def test_a_wrapped_network_is_explained_by_its_logits():
    model = SceneCNN(seed=0)
    picture = torch.rand(1, 1, 224, 224)
    found, expected = (grad_cam(each, picture, "conv3", target=2).values for each in (nn.DataParallel(model), model))
    assert torch.equal(found, expected)


def test_a_wrapper_that_computes_is_not_looked_through():
    """Its only layer is called `module` too, but its own forward counts."""

    class Halved(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = Model()

        def forward(self, x):
            return -self.module(x)

    found, expected = (occlusion(each, PICTURE, target=0, window=8, stride=8) for each in (Halved(), Model()))
    torch.testing.assert_close(found.values, -expected.values)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions(dtype):
    model, plain = Model().to(dtype), Model()
    for name, method in METHODS.items():
        found, expected = method(model), method(plain)
        assert found.values.dtype == torch.float32
        assert found.target == expected.target
        error = (found.values - expected.values).abs().max() / expected.values.abs().max()
        assert error < (0.8 if dtype == torch.bfloat16 else 0.05), name  # bfloat16 has 8 bits
    found = maximize_activation(model, "conv", 1, (1, 16, 16), steps=2)
    assert found.image.dtype == torch.float32
    assert receptive_field(model, "conv", (3, 3), (1, 16, 16)) == receptive_field(plain, "conv", (3, 3), (1, 16, 16))


def test_scene_cnn_in_half_precision():
    model, picture = SceneCNN(seed=0), torch.rand(1, 1, 224, 224)
    expected = grad_cam(model, picture, "conv3", target=1).values
    found = grad_cam(model.bfloat16(), picture, "conv3", target=1).values
    assert torch.corrcoef(torch.stack([found.flatten(), expected.flatten()]))[0, 1] > 0.98
    with pytest.raises(TypeError, match=r"float32.*bfloat16"):
        model(picture)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_model_on_another_device():
    model = Model().cuda()
    for method in METHODS.values():
        assert method(model).values.device.type == "cpu"


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_training_mode_changes_neither_the_result_nor_the_model(method):
    model = Model().train()
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    torch.testing.assert_close(method(model).values, method(Model().eval()).values)
    assert model.training
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())


def test_names_of_layers_inside_wrappers_are_right_with_and_without_the_wrapper():
    model = nn.DataParallel(Model().eval())
    with torch.no_grad(), capture(model, ["conv", "module.conv"]) as maps:
        model(PICTURE)
    assert torch.equal(maps["conv"], maps["module.conv"])
    with pytest.raises(ValueError, match="conv"), capture(model, ["cov"]):
        pass


def test_a_layer_with_several_tensors_is_rejected():
    model = Model(inner=lambda x: (x, x))
    with pytest.raises(TypeError, match=r"conv.*tuple"):
        grad_cam(model, PICTURE, "conv")
    nested = nn.Sequential(OrderedDict(lstm=nn.LSTM(2, 2)))
    with pytest.raises(TypeError, match=r"lstm.*tuple"), capture(nested, ["lstm"]):
        nested(torch.zeros(1, 1, 2))
