"""Feature maps made fit for the eye, and how strongly channels respond."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


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


def strongest_channels(maps: Tensor, count: int = 5) -> list[int]:
    """The channels that respond most to a picture, by their mean, strongest first.

    Args:
        maps: (1, C, H, W) or (C, H, W), after a ReLU.
        count: how many, at most.

    Raises:
        ValueError: for another shape.
    """
    return channel_statistics(maps).mean.argsort(descending=True)[:count].tolist()
