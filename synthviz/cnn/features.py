"""Feature maps: capture what layers put out, make it fit for the eye, and count what is silent."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from synthviz.cnn.network import SceneCNN


class Maps(dict[str, Tensor]):
    """What `capture` yields: layer name to output. Filled by the forward pass."""

    def __missing__(self, name: str) -> Tensor:
        raise KeyError(
            f"nothing was captured under {name!r}: run the model inside the with block, and ask for a layer it runs"
        )


@contextmanager
def capture(model: nn.Module, names: Sequence[str], stop_early: bool = False) -> Iterator[Maps]:
    """Keep what layers put out while the model runs.

        with capture(model, ["conv1", "layer1.0.relu"]) as maps:
            model(x)
        maps["conv1"]  # (N, C, H, W)

    Works with any module. The outputs are detached copies, so that an in-place operation further on cannot change
    them; they stay on the model's device and outlive the block. A layer that runs several times, in one forward
    pass or in many, leaves its last output; with `stop_early` nothing runs after the last layer's first. The hooks
    come off when the block ends, also by an exception; nothing else about the model changes, its train or eval mode
    included.

    Args:
        model: any module.
        names: dotted layer names as in `model.named_modules()`.
        stop_early: end the forward pass, and with it the block, once every layer has run; what the rest of the block
            would have done is left out too. For when only the maps are wanted.

    Yields:
        A dictionary from name to output, empty until the model has run.

    Raises:
        TypeError: if `names` is a single string; in the forward pass, if a layer's output is not one tensor.
        ValueError: if the model has no such layer; the message offers the closest names.
    """
    layers = find_layers(model, names)
    maps, stop = Maps(), _AllCaptured()
    with ExitStack() as hooks:
        for name, layer in layers.items():
            hooks.enter_context(
                layer.register_forward_hook(_keeper(maps, name, len(layers) if stop_early else None, stop))
            )
        with stop.ending():
            yield maps


def find_layers(model: nn.Module, names: Sequence[str]) -> dict[str, nn.Module]:
    """Layers by their dotted names, each once.

    Raises:
        TypeError: if `names` is a single string.
        ValueError: if the model has no such layer; the message offers the closest names.
    """
    if isinstance(names, str):
        raise TypeError(f"names is the string {names!r}; give a list: [{names!r}]")
    # A layer that is shared under two names may be asked for by either.
    layers = {name: layer for name, layer in model.named_modules(remove_duplicate=False) if name}
    for name in names:
        if name not in layers:
            raise ValueError(f"{type(model).__name__} has no layer {name!r}; {_suggestion(name, list(layers))}")
    return {name: layers[name] for name in names}


def run_until(model: nn.Module, name: str, x: Tensor) -> Tensor:
    """What a layer puts out for an input, with its gradient, and without running what comes after it.

    Args:
        model: any module that takes one tensor.
        name: the layer's dotted name.
        x: the model's input.

    Raises:
        ValueError: if the model has no such layer, or does not run it.
        TypeError: if the layer's output is not one tensor.
    """
    ((_, layer),) = find_layers(model, [name]).items()
    reached: list[Tensor] = []
    stop = _AllCaptured()

    def keep(layer: nn.Module, inputs: Any, output: Any) -> None:
        reached.append(_one_tensor(name, output))
        raise stop

    with layer.register_forward_hook(keep), stop.ending():
        logits_of(model)(x)
    if not reached:
        raise ValueError(f"{type(model).__name__} does not run its layer {name!r}")
    return reached[0]


def logits_of(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """What gives a model's logits: the model itself, but of `SceneCNN`, which ends in a softmax, what comes before it.

    `SceneCNN.logits` also takes what is a little outside [0, 1].
    """
    return model.logits if isinstance(model, SceneCNN) else model


class _AllCaptured(Exception):
    """Ends a forward pass whose rest nobody needs; each capture has its own, so that one may stand inside another."""

    @contextmanager
    def ending(self) -> Iterator[None]:
        try:
            yield
        except _AllCaptured as reached:
            if reached is not self:
                raise


def _keeper(maps: Maps, name: str, stop_at: int | None, stop: _AllCaptured) -> Any:
    def keep(layer: nn.Module, inputs: Any, output: Any) -> None:
        maps[name] = _one_tensor(name, output).detach().clone()
        if len(maps) == stop_at:
            raise stop

    return keep


def _one_tensor(name: str, output: Any) -> Tensor:
    if not isinstance(output, Tensor):
        raise TypeError(
            f"layer {name!r} puts out a {type(output).__name__}; only layers with one tensor can be captured"
        )
    return output


def _suggestion(name: str, names: list[str]) -> str:
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
    """Measure what a unit can see, whatever the weights: the pixels whose NaN reaches it.

    NaN passes through every sum, maximum and ReLU, so that a unit is NaN exactly if it reads a pixel that is. The
    four edges are found by halving.

    Args:
        model: any convolutional model; run in eval mode, up to the layer.
        layer: dotted name of a layer that puts out (1, C, h, w).
        position: the unit's row and column in that layer.
        input_shape: (C, H, W) of what the model reads.

    Raises:
        ValueError: if there is no such layer or position, or the unit sees nothing.
    """
    _, height, width = input_shape
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))

    def sees(top: int, left: int, bottom: int, right: int) -> bool:
        x = torch.zeros(1, *input_shape, device=device)
        x[..., top:bottom, left:right] = torch.nan
        output = run_until(model, layer, x)
        if output.dim() != 4 or not all(0 <= at < size for at, size in zip(position, output.shape[2:], strict=True)):
            raise ValueError(f"layer {layer!r} puts out {tuple(output.shape)}, which has no unit at {position}")
        return bool(output[0, :, position[0], position[1]].isnan().any())

    with evaluating(model), _plain_convolutions():
        if not sees(0, 0, height, width):
            raise ValueError(f"the unit at {position} of layer {layer!r} sees nothing of the input")
        return ReceptiveField(
            top=_first(height, lambda end: sees(0, 0, end, width)) - 1,
            left=_first(width, lambda end: sees(0, 0, height, end)) - 1,
            bottom=height - _first(height, lambda rest: sees(height - rest, 0, height, width)) + 1,
            right=width - _first(width, lambda rest: sees(0, width - rest, height, width)) + 1,
        )


@contextmanager
def _plain_convolutions() -> Iterator[None]:
    """Without fast convolutions (Winograd, FFT): they mix neighbouring pixels and would carry a NaN too far."""
    with warnings.catch_warnings():
        # The switch also sets Intel GPUs' precision, and warns where there is no such GPU.
        warnings.filterwarnings("ignore", message="TF32 acceleration")
        with torch.backends.mkldnn.flags(enabled=False), torch.backends.cudnn.flags(enabled=False):
            yield


def _first(limit: int, reached: Callable[[int], bool]) -> int:
    """The least number from 1 to `limit` for which `reached` holds; it holds for all larger ones."""
    low, high = 1, limit
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return low


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Eval mode for a while; every submodule's own mode comes back."""
    training = [module for module in model.modules() if module.training]
    if training:
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True
