"""Numbers about feature maps: maps scaled to [0, 1] for drawing, and how strongly each channel responds.

A channel is called silent if its map is 0 everywhere for one picture. Another picture may activate it; only a channel
that is silent for all pictures is dead.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.cnn.layouts import may_be_tokens, to_feature_maps

BRIGHT_QUANTILE = 0.99


@dataclass(frozen=True)
class NormalizedMaps:
    """Feature maps scaled to [0, 1] for drawing.

    Attributes:
        images: (C, H, W) float32 on the CPU; the smallest value of each map becomes 0, and the largest hundredth of
            its values 1: a few strong places would leave all others dark. A map whose status is not "ok" becomes 0
            everywhere.
        status: for each channel "ok", "silent" (0 everywhere), "constant" (another value, the same everywhere) or
            "not finite" (NaN or infinity somewhere).
    """

    images: Tensor
    status: tuple[str, ...]


@dataclass(frozen=True)
class ChannelStatistics:
    """How strongly and how widely channels respond to one picture.

    Attributes:
        mean: (C,) float32, the mean of each map.
        active_share: (C,) float32 in [0, 1], the share of positions where a map is above 0.
        silent_share: the share of channels whose map is nowhere above 0, in [0, 1].
    """

    mean: Tensor
    active_share: Tensor
    silent_share: float


def normalize_maps(maps: Tensor, layout: str = "auto") -> NormalizedMaps:
    """Scale each map to [0, 1] by its own range, but for its largest hundredth, and mark maps without a range.

    Args:
        maps: (1, C, H, W) or (C, H, W), any real values; another layout must be named.
        layout: "auto", or one of `layouts.LAYOUTS` where a shape has several meanings, such as (1, 56, 56, 96).

    Raises:
        ValueError: if the maps have another shape.
    """
    values = (
        _single_picture(maps, layout).detach().cpu().double()
    )  # in float32, the range of huge values would overflow
    finite = values.isfinite().flatten(1).all(dim=1)
    low, high = values.amin(dim=(1, 2)), values.amax(dim=(1, 2))
    varied = finite & (high > low)
    bright = torch.quantile(values.nan_to_num().flatten(1), BRIGHT_QUANTILE, dim=1, interpolation="higher")
    bright = torch.where(
        bright > low, bright, high
    )  # a map with few bright places has the quantile at its lowest value
    span = torch.where(varied, bright - low, 1.0)[:, None, None]
    images = torch.where(varied[:, None, None], ((values - low[:, None, None]) / span).clamp(max=1), 0.0)
    status = tuple(
        "ok" if is_varied else "not finite" if not is_finite else "silent" if value == 0 else "constant"
        for is_varied, is_finite, value in zip(varied.tolist(), finite.tolist(), high.tolist(), strict=True)
    )
    return NormalizedMaps(images.float(), status)


def channel_statistics(maps: Tensor, layout: str = "auto") -> ChannelStatistics:
    """Measure how the channels of a layer respond to one picture.

    Args:
        maps: (1, C, H, W) or (C, H, W), after a ReLU; another layout must be named.
        layout: "auto", or one of `layouts.LAYOUTS` where a shape has several meanings, such as (1, 56, 56, 96).

    Raises:
        ValueError: if the maps have another shape.
    """
    values = _single_picture(maps, layout).detach().to("cpu", torch.float32)
    active_share = (values > 0).float().mean(dim=(1, 2))
    return ChannelStatistics(values.mean(dim=(1, 2)), active_share, (active_share == 0).float().mean().item())


def strongest_channels(maps: Tensor, count: int = 5, layout: str = "auto") -> list[int]:
    """Return the channels with the highest means, the highest first.

    Args:
        maps: (1, C, H, W) or (C, H, W), after a ReLU; another layout must be named.
        count: the largest number of channels to return.
        layout: "auto", or one of `layouts.LAYOUTS` where a shape has several meanings, such as (1, 56, 56, 96).

    Raises:
        ValueError: if the maps have another shape.
    """
    return channel_statistics(maps, layout).mean.argsort(descending=True)[:count].tolist()


def _single_picture(maps: Tensor, layout: str) -> Tensor:
    """Return the maps of one picture as (C, H, W), from one of the `layouts`, with or without the axis N."""
    if layout == "auto":
        if may_be_tokens(tuple(maps.shape)):
            raise ValueError(
                f"the maps have shape {tuple(maps.shape)}: one map of {maps.shape[1]}×{maps.shape[2]}, or tokens; give "
                'layout="channels first" or layout="tokens"'
            )
        if maps.dim() == 4:
            maps = to_feature_maps(maps, name="the maps' layer")
    elif layout in ("channels first", "channels last"):
        maps = to_feature_maps(maps[None] if maps.dim() == 3 else maps, layout, name="the maps' layer")
    else:
        maps = to_feature_maps(maps[None] if maps.dim() == 2 else maps, layout, name="the maps' layer")
    if maps.dim() == 4 and len(maps) == 1:
        maps = maps[0]
    if maps.dim() != 3 or 0 in maps.shape:
        advice = "; choose one picture first, as in maps[0]" if maps.dim() == 4 and len(maps) > 1 else ""
        raise ValueError(f"the maps have shape {tuple(maps.shape)}; they must be (1, C, H, W) or (C, H, W){advice}")
    return maps
