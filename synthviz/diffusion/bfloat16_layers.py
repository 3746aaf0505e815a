"""Layers for networks in bfloat16 on a CPU: faster for one picture, and with the same numbers alone and in a batch.

oneDNN wants weights in an order of its own and pictures with their channels last. PyTorch brings both there and back
whenever a layer is called, which takes a quarter of a pass for one picture. Here a weight is brought there once, and
again only where it has changed since; pictures stay as they are between convolutions.

In bfloat16 the last bit decides about single pixels in the end, and three kinds of layers compute otherwise for one
picture than for several, because processor cores share the work differently: linear layers and group norms add up in
another order, and gated GELU has other last bits where a core's share ends off a vector. They go picture by picture.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import torch
from diffusers.models.activations import GEGLU
from torch import Tensor, nn

# oneDNN adds up an element of a product in several parts where there is little else to share among processor cores. It
# was not seen to do so, with 1 to 64 threads, from this many rows in a picture on and below this many terms.
MANY_ROWS, MANY_TERMS = 256, 512


def use_bfloat16_layers(module: nn.Module) -> None:
    """Let a bfloat16 module on the CPU compute with the layers of this file, its weights and their names unchanged."""
    kinds = {nn.Conv2d: PackedConv2d, nn.Linear: PackedLinear, nn.GroupNorm: GroupNormOfEach, GEGLU: GEGLUOfEach}
    for layer in module.modules():
        if type(layer) in kinds:
            layer.__class__ = kinds[type(layer)]


def _picture_by_picture(compute: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    """A layer's output for a batch, (B, …), computed for one picture at a time."""
    return compute(batch) if len(batch) == 1 else torch.cat([compute(one) for one in batch.split(1)])


class _Packed(nn.Module):
    _packed: tuple[Tensor, int, Tensor] | None = None

    def _packed_weight(self, weight: Tensor, pack: Callable[[Tensor], Tensor]) -> Tensor:
        """The weight as packed earlier, or anew where it is another one or was changed in place."""
        if self._packed is None or not (
            self._packed[0].data_ptr() == weight.data_ptr() and self._packed[1] == weight._version
        ):
            plain = weight.detach()  # kept, so that no other weight comes to lie where it lies
            self._packed = (plain, weight._version, pack(plain))
        return self._packed[2]

    def __getstate__(self) -> dict[str, object]:
        # oneDNN's tensors can be neither copied nor pickled.
        return {name: value for name, value in self.__dict__.items() if name != "_packed"}


def _can_be_packed(layer_input: Tensor, weight: Tensor) -> bool:
    """Whether oneDNN computes this; what needs gradients goes PyTorch's way."""
    return (
        layer_input.dtype == weight.dtype == torch.bfloat16
        and layer_input.device.type == weight.device.type == "cpu"
        and not weight.is_inference()  # of which PyTorch counts no changes
        and not (torch.is_grad_enabled() and (layer_input.requires_grad or weight.requires_grad))
    )


class PackedConv2d(_Packed, nn.Conv2d):
    """`nn.Conv2d`, its weight packed, its output with channels last."""

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        simple = self.padding_mode == "zeros" and not isinstance(self.padding, str)
        if not (simple and _can_be_packed(input, weight)):
            return super()._conv_forward(input, weight, bias)
        where = (cast(tuple[int, ...], self.padding), self.stride, self.dilation, self.groups)
        packed = self._packed_weight(
            weight, lambda plain: torch.ops.mkldnn._reorder_convolution_weight(plain, *where, list(input.shape))
        )
        return torch.ops.mkldnn._convolution_pointwise(input, packed, bias, *where, "none", [], "")


class PackedLinear(_Packed, nn.Linear):
    """`nn.Linear`, its weight packed; for few rows in a picture, (B, rows, features), or many terms one by one."""

    def forward(self, input: Tensor) -> Tensor:
        if not _can_be_packed(input, self.weight):
            return super().forward(input)
        packed = self._packed_weight(self.weight, lambda plain: torch.ops.mkldnn._reorder_linear_weight(plain, None))

        def multiply(rows: Tensor) -> Tensor:
            return torch.ops.mkldnn._linear_pointwise(rows, packed, self.bias, "none", [], "")

        each_alone = input.dim() == 3 and (input.shape[1] < MANY_ROWS or self.in_features >= MANY_TERMS)
        return _picture_by_picture(multiply, input) if each_alone else multiply(input)


class GroupNormOfEach(nn.GroupNorm):
    """`nn.GroupNorm`, picture by picture."""

    def forward(self, input: Tensor) -> Tensor:
        return _picture_by_picture(super().forward, input)


class GEGLUOfEach(GEGLU):
    """diffusers' gated GELU, the GELU picture by picture."""

    def gelu(self, gate: Tensor) -> Tensor:
        return _picture_by_picture(super().gelu, gate)
