"""Look inside any PyTorch model: capture the outputs of layers, and measure the receptive fields of units."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from synthviz.cnn.layouts import to_feature_maps
from synthviz.cnn.model_calls import call_of, evaluating, like_weights, only_tensor, plain_name, uncompiled


class Maps(dict[str, Tensor]):
    """The captured outputs by layer name, which the forward pass fills in."""

    def __missing__(self, name: str) -> Tensor:
        raise KeyError(
            f"nothing was captured under {name!r}: run the model inside the with block, and ask for a layer it runs"
        )


@contextmanager
def capture(model: nn.Module, names: Sequence[str], stop_early: bool = False) -> Iterator[Maps]:
    """Store the outputs of layers while the model runs.

        with capture(model, ["conv1", "layer1.0.relu"]) as maps:
            model(x)
        maps["conv1"]  # (N, C, H, W)

    The outputs are detached copies, so that later in-place operations cannot change them. They stay on the model's
    device and remain valid after the block. If a layer runs several times, its last output is stored. The hooks are
    removed when the block ends, also after an exception. Nothing else about the model changes, and it stays in train
    or eval mode as it was. A model of `torch.compile` runs uncompiled in the block, because compiled code does not call
    hooks.

    Args:
        model: any module.
        names: dotted layer names as in `model.named_modules()`; those of the model inside `torch.compile` or
            `nn.DataParallel` are right too.
        stop_early: end the forward pass as soon as all layers have run once, and skip the rest of the with block too.
            This saves time if only the maps are needed.

    Yields:
        A dictionary from name to output, empty until the model has run.

    Raises:
        TypeError: if `names` is a single string; in the forward pass, if a layer's output is not one tensor,
            and no tuple or dictionary with one.
        ValueError: if the model has no such layer; the message names similar layers.
    """
    layers = find_layers(model, names)
    maps, stop = Maps(), _StopForward()

    def store_output(name: str) -> Callable[[nn.Module, object, object], None]:
        def hook(layer: nn.Module, inputs: object, output: object) -> None:
            maps[name] = only_tensor(name, output).detach().clone()
            if stop_early and len(maps) == len(layers):
                raise stop

        return hook

    with ExitStack() as hooks:
        hooks.enter_context(uncompiled())
        for name, layer in layers.items():
            hooks.enter_context(layer.register_forward_hook(store_output(name)))
        with stop.caught():
            yield maps


def find_layers(model: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    """Return layers by their dotted names, each once.

    Raises:
        TypeError: if `names` is a single string.
        ValueError: if the model has no such layer; the message names similar layers.
    """
    if isinstance(names, str):
        raise TypeError(f"names is the string {names!r}; give a list: [{names!r}]")
    # With duplicates, because a shared layer has several names and each of them is valid.
    layers = {name: layer for name, layer in model.named_modules(remove_duplicate=False) if name}
    layers = {plain_name(name): layer for name, layer in layers.items()} | layers
    for name in names:
        if name not in layers:
            raise ValueError(f"{type(model).__name__} has no layer {name!r}; {_suggest(name, list(layers))}")
    return {name: layers[name] for name in names}


def run_until(model: nn.Module, name: str, x: Tensor) -> Tensor:
    """Run the model up to a layer, and return the layer's output with its gradient.

    Args:
        model: any module that takes one tensor.
        name: the layer's dotted name.
        x: the model's input.

    Raises:
        ValueError: if the model has no such layer, or does not run it.
        TypeError: if the layer's output is not one tensor.
    """
    layer = find_layers(model, [name])[name]
    outputs: list[Tensor] = []
    stop = _StopForward()

    def hook(layer: nn.Module, inputs: object, output: object) -> None:
        outputs.append(only_tensor(name, output))
        raise stop

    with layer.register_forward_hook(hook), uncompiled(), stop.caught():
        call_of(model)(x)
    if not outputs:
        raise ValueError(f"{type(model).__name__} does not run its layer {name!r}")
    return outputs[0]


class _StopForward(Exception):
    """Ends a forward pass early. Each block catches only its own instance, so that blocks can be nested."""

    @contextmanager
    def caught(self) -> Iterator[None]:
        try:
            yield
        except _StopForward as raised:
            if raised is not self:
                raise


def _suggest(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"did you mean {' or '.join(repr(match) for match in close)}?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"its layers are {shown}" if names else "it has no layers inside"


@dataclass(frozen=True)
class ReceptiveField:
    """The part of the input that one unit can see.

    Attributes:
        top, left: first row and column, in pixels.
        bottom, right: one past the last row and column.
    """

    top: int
    left: int
    bottom: int
    right: int


@torch.no_grad()
def receptive_field(
    model: nn.Module, layer: str, position: tuple[int, int], input_shape: tuple[int, int, int] = (1, 224, 224)
) -> ReceptiveField:
    """Measure the receptive field of a unit, which does not depend on the weights.

    NaN passes through every sum, maximum and ReLU. A unit is therefore NaN exactly if one of the pixels that it reads
    is NaN. A binary search finds each of the four edges.

    Args:
        model: any convolutional model; the function runs it in eval mode, up to the layer.
        layer: dotted name of a layer whose output is (1, C, h, w), or has another layout of `layouts`.
        position: the unit's row and column in that layer.
        input_shape: (C, H, W) of the model's input.

    Raises:
        ValueError: if the model has no such layer or position, or the unit reads no pixel.
    """
    _, height, width = input_shape
    module = find_layers(model, [layer])[layer]

    def reads(top: int, left: int, bottom: int, right: int) -> bool:
        x = torch.zeros(1, *input_shape)
        x[..., top:bottom, left:right] = torch.nan
        output = run_until(model, layer, like_weights(model, x))
        output = to_feature_maps(output, "auto", (height, width), f"layer {layer!r}", module)
        if not all(0 <= at < size for at, size in zip(position, output.shape[2:], strict=True)):
            raise ValueError(f"layer {layer!r} returns {tuple(output.shape)}, which has no unit at {position}")
        return bool(output[0, :, position[0], position[1]].isnan().any())

    with evaluating(model), _plain_convolutions():
        if not reads(0, 0, height, width):
            raise ValueError(f"the unit at {position} of layer {layer!r} reads no pixel of the input")
        return ReceptiveField(
            top=_smallest(height, lambda end: reads(0, 0, end, width)) - 1,
            left=_smallest(width, lambda end: reads(0, 0, height, end)) - 1,
            bottom=height - _smallest(height, lambda rest: reads(height - rest, 0, height, width)) + 1,
            right=width - _smallest(width, lambda rest: reads(0, width - rest, height, width)) + 1,
        )


@contextmanager
def _plain_convolutions() -> Iterator[None]:
    """Switch off fast convolutions (Winograd, FFT), which mix neighbouring pixels and spread a NaN too far."""
    with warnings.catch_warnings():
        # The switch also sets the precision of Intel GPUs, and warns if there is no such GPU.
        warnings.filterwarnings("ignore", message="TF32 acceleration")
        with torch.backends.mkldnn.flags(enabled=False), torch.backends.cudnn.flags(enabled=False):
            yield


def _smallest(limit: int, holds: Callable[[int], bool]) -> int:
    """Return the smallest number from 1 to `limit` for which `holds` is true; it must be true for all larger ones."""
    low, high = 1, limit
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
