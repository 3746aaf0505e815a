"""bfloat16_layers.py: PyTorch's own numbers up to rounding, the same for any batch, whatever happens to the weights."""

from __future__ import annotations

import copy

import pytest
import torch
from diffusers.models.activations import GEGLU
from torch import nn

from synthviz.devices import has_fast_bfloat16
from synthviz.diffusion.bfloat16_layers import (
    MANY_ROWS,
    MANY_TERMS,
    GroupNormOfEach,
    PackedConv2d,
    PackedLinear,
    use_bfloat16_layers,
)

pytestmark = pytest.mark.skipif(
    not has_fast_bfloat16(torch.device("cpu")), reason="this processor has no instructions for bfloat16"
)
PICTURES = (3, 8, 32, 32)
LAYERS = {
    "conv": (lambda: nn.Conv2d(8, 16, 3, padding=1), PICTURES),
    "strided conv without bias": (lambda: nn.Conv2d(8, 16, 3, stride=2, bias=False), PICTURES),
    "grouped, dilated conv": (lambda: nn.Conv2d(8, 8, 3, padding="same", dilation=2, groups=4), PICTURES),
    "1 × 1 conv": (lambda: nn.Conv2d(8, 4, 1), PICTURES),
    "conv that pads with mirrors": (lambda: nn.Conv2d(8, 4, 3, padding=1, padding_mode="reflect"), PICTURES),
    "linear on few rows": (lambda: nn.Linear(768, 192), (3, 64, 768)),
    "linear on more rows": (lambda: nn.Linear(768, 192), (3, MANY_ROWS, 768)),
    "linear of many terms": (lambda: nn.Linear(MANY_TERMS, 128), (3, MANY_ROWS, MANY_TERMS)),
    "linear without bias": (lambda: nn.Linear(8, 16, bias=False), (3, 8)),
    "group norm": (lambda: nn.GroupNorm(4, 8), PICTURES),
}


@pytest.fixture(params=LAYERS)
def layers(request):
    """A plain layer, the one in its place, and an input for both, (3, …)."""
    torch.manual_seed(0)
    build, shape = LAYERS[request.param]
    plain = build().bfloat16()
    ours = copy.deepcopy(plain)
    use_bfloat16_layers(ours)
    assert isinstance(ours, PackedConv2d | PackedLinear | GroupNormOfEach)
    batch = torch.randn(shape).bfloat16()
    return plain, ours, batch.to(memory_format=torch.channels_last) if batch.dim() == 4 else batch


def assert_near(found, plain, batch):
    """As near to the exact numbers as bfloat16 has them."""
    exact = copy.deepcopy(plain).double()(batch.double())
    assert (found.double() - exact).abs().max() <= 2**-7 * exact.abs().max()


@torch.no_grad()
@pytest.mark.usefixtures("threads")
def test_same_numbers_alone_and_in_a_batch(layers):
    plain, ours, batch = layers
    together = ours(batch)
    assert together.dtype == torch.bfloat16
    assert_near(together, plain, batch)
    for one, alone in zip(together.split(1), batch.split(1), strict=True):
        assert torch.equal(ours(alone), one)


@torch.no_grad()
@pytest.mark.usefixtures("threads")
def test_gated_gelu_has_the_same_numbers_alone_and_in_a_batch():
    """From −5.4 to −3.1 PyTorch's GELU has other last bits where a thread's share ends off a vector."""
    torch.manual_seed(0)
    plain = GEGLU(8, 512).bfloat16()
    nn.init.uniform_(plain.proj.bias, -5.4, -3.1)
    batch = torch.randn(3, 256, 8).bfloat16() / 8
    ours = copy.deepcopy(plain)
    use_bfloat16_layers(ours)
    together = ours(batch)
    assert torch.allclose(together, plain(batch), rtol=2**-6)
    for one, alone in zip(together.split(1), batch.split(1), strict=True):
        assert torch.equal(ours(alone), one)


@torch.no_grad()
def test_changed_weights_count(layers):
    plain, ours, batch = layers
    ours(batch)
    for layer in (plain, ours):
        layer.weight.mul_(2)  # in place
    assert_near(ours(batch), plain, batch)
    for layer in (plain, ours):
        layer.weight = nn.Parameter(layer.weight.flip(0))  # another tensor
    assert_near(ours(batch), plain, batch)


def test_weights_made_in_inference_mode_work_too(layers):
    plain, ours, batch = layers
    with torch.inference_mode():
        for layer in (plain, ours):
            layer.weight = nn.Parameter(layer.weight.flip(0), requires_grad=False)
        assert torch.allclose(ours(batch), plain(batch), atol=1e-6)


def test_gradients_and_float32_go_the_usual_way(layers):
    plain, ours, batch = layers
    for layer in (plain, ours):
        layer(batch).float().square().sum().backward()
    assert torch.allclose(ours.weight.grad, plain.weight.grad, rtol=2**-7)
    assert torch.allclose(ours.float()(batch.float()), plain.float()(batch.float()), atol=1e-6)


@torch.no_grad()
def test_copies_and_state(layers):
    plain, ours, batch = layers
    before = ours(batch)
    twin = copy.deepcopy(ours)
    twin.weight.zero_()
    assert torch.equal(ours(batch), before)
    assert twin.state_dict().keys() == plain.state_dict().keys()
