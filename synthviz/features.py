"""Feature maps: capture what layers put out, make it fit for the eye, and count what is silent."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


class Maps(dict[str, Tensor]):
    """What `capture` yields: layer name to output. Filled by the forward pass."""

    def __missing__(self, name: str) -> Tensor:
        raise KeyError(
            f"nothing was captured under {name!r}: run the model inside the with block, and ask for a layer it runs"
        )


@contextmanager
def capture(model: nn.Module, names: Sequence[str]) -> Iterator[Maps]:
    """Keep what layers put out while the model runs.

        with capture(model, ["conv1", "layer1.0.relu"]) as maps:
            model(x)
        maps["conv1"]  # (N, C, H, W)

    Works with any module. The outputs are detached copies, so that an in-place operation further on cannot change
    them; they stay on the model's device and outlive the block. A layer that runs several times, in one forward
    pass or in many, leaves its last output. The hooks come off when the block ends, also by an exception; nothing
    else about the model changes, its train or eval mode included.

    Args:
        model: any module.
        names: dotted layer names as in `model.named_modules()`.

    Yields:
        A dictionary from name to output, empty until the model has run.

    Raises:
        TypeError: if `names` is a single string; in the forward pass, if a layer's output is not one tensor.
        ValueError: if the model has no such layer; the message offers the closest names.
    """
    if isinstance(names, str):
        raise TypeError(f"names is the string {names!r}; give a list: [{names!r}]")
    # A layer that is shared under two names may be asked for by either.
    layers = {name: layer for name, layer in model.named_modules(remove_duplicate=False) if name}
    for name in names:
        if name not in layers:
            raise ValueError(f"{type(model).__name__} has no layer {name!r}; {_suggestion(name, list(layers))}")
    maps = Maps()
    with ExitStack() as hooks:
        for name in dict.fromkeys(names):
            hooks.enter_context(layers[name].register_forward_hook(_keeper(maps, name)))
        yield maps


def _keeper(maps: Maps, name: str) -> Any:
    def keep(layer: nn.Module, inputs: Any, output: Any) -> None:
        if not isinstance(output, Tensor):
            raise TypeError(
                f"layer {name!r} puts out a {type(output).__name__}; only layers with one tensor can be captured"
            )
        maps[name] = output.detach().clone()

    return keep


def _suggestion(name: str, names: list[str]) -> str:
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"did you mean {' or '.join(repr(match) for match in close)}?"
    shown = ", ".join(names[:12]) + (", …" if len(names) > 12 else "")
    return f"its layers are {shown}" if names else "it has no layers inside"


@dataclass(frozen=True)
class NormalizedMaps:
    """Feature maps made fit for the eye.

    Attributes:
        images: (C, H, W) float32 on the CPU, each map stretched so that its smallest value is 0 and its largest 1;
            all 0 for a map whose status is not "ok".
        status: for each channel "ok", "dead" (0 everywhere), "constant" (one other value everywhere) or
            "not finite" (NaN or infinity somewhere).
    """

    images: Tensor
    status: tuple[str, ...]


def normalize_maps(maps: Tensor) -> NormalizedMaps:
    """Stretch every map to [0, 1] by itself, and mark those that cannot be.

    Args:
        maps: (1, C, H, W) or (C, H, W), any real values.

    Raises:
        ValueError: for another shape.
    """
    values = one_picture(maps).detach().cpu().double()  # the range of huge values must not overflow
    finite = values.isfinite().flatten(1).all(dim=1)
    low, high = values.amin(dim=(1, 2)), values.amax(dim=(1, 2))
    varied = finite & (high > low)
    stretch = torch.where(varied, high - low, 1.0)[:, None, None]
    images = torch.where(varied[:, None, None], (values - low[:, None, None]) / stretch, 0.0)
    status = tuple(
        "ok" if is_varied else "not finite" if not is_finite else "dead" if value == 0 else "constant"
        for is_varied, is_finite, value in zip(varied.tolist(), finite.tolist(), high.tolist(), strict=True)
    )
    return NormalizedMaps(images.float(), status)


@dataclass(frozen=True)
class ChannelStatistics:
    """How strongly and how widely channels respond to one picture.

    Attributes:
        mean: (C,) float32, each map's mean.
        active_share: (C,) float32 in [0, 1], the share of positions where a map is above 0.
        dead_share: the share of channels that are above 0 nowhere.
    """

    mean: Tensor
    active_share: Tensor
    dead_share: float


def channel_statistics(maps: Tensor) -> ChannelStatistics:
    """Measure the channels of feature maps after a ReLU.

    Args:
        maps: (1, C, H, W) or (C, H, W).

    Raises:
        ValueError: for another shape.
    """
    values = one_picture(maps).detach().to("cpu", torch.float32)
    active_share = (values > 0).float().mean(dim=(1, 2))
    return ChannelStatistics(values.mean(dim=(1, 2)), active_share, (active_share == 0).float().mean().item())


def one_picture(maps: Tensor) -> Tensor:
    """The maps of a single picture as (C, H, W), from (C, H, W) or (1, C, H, W).

    Raises:
        ValueError: for another shape, or several pictures.
    """
    if maps.dim() == 4 and len(maps) == 1:
        maps = maps[0]
    if maps.dim() != 3 or 0 in maps.shape:
        advice = "; choose one picture first, as in maps[0]" if maps.dim() == 4 and len(maps) > 1 else ""
        raise ValueError(f"the maps have shape {tuple(maps.shape)}; they must be (1, C, H, W) or (C, H, W){advice}")
    return maps
