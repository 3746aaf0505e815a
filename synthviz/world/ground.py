"""The ground as the camera sees it: each column of the picture is marched once through a height field.

A ray leaves the camera for each column; its heights are compared at distances that grow geometrically. A pixel shows
the first distance at which the ground rises to the pixel's slope (the VoxelSpace algorithm, with a true perspective).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.vectors import evenly_spaced

Height = Callable[[Tensor, Tensor, Tensor], Tensor]  # x, z and the size of a pixel there, to the height above the water
STEPS = 100  # of the march, for each factor e of distance


@dataclass(frozen=True)
class Seen:
    """What the pixels of a picture show of the ground; every tensor is (rows, columns).

    Attributes:
        hit: whether the pixel shows ground at all.
        depth: distance along the view; 1e9 without ground.
        right, away: position relative to the camera.
        height: above sea level.
        slope_x, slope_z: of the ground, to the right and away from the viewer.
        pixel: size of a pixel on the ground.
    """

    hit: Tensor
    depth: Tensor
    right: Tensor
    away: Tensor
    height: Tensor
    slope_x: Tensor
    slope_z: Tensor
    pixel: Tensor


def march(
    height: Height, camera: Camera, size: int, near: float, far: float, mirrored: bool = False, every: int = 1
) -> Seen:
    """Find what each pixel of a square picture shows of the ground.

    Args:
        height: the height field, in coordinates of the world.
        camera: from where.
        size: rows and columns of the picture.
        near: distance at which the march begins.
        far: distance at which it ends.
        mirrored: show the view that calm water at height 0 reflects, in the water's own rows.
        every: 1, or 2 to look the height up for half as many columns and to fill in between.
    """
    columns, rows = camera.columns(size), camera.rows(size)
    steps = math.ceil(STEPS * math.log(far / near))
    depths = near * torch.exp(evenly_spaced(0, math.log(far / near), steps))
    looked_at = columns if every == 1 else columns[::2] + camera.width / size  # in the middle of two
    right = looked_at[:, None] * depths  # (columns, steps)
    away = depths.expand_as(right)
    x, z = camera.to_world(right, away)
    ground = height(x, z, (2 * camera.width / size) * away)
    if every == 2:
        ground = _twice_the_columns(ground)[:size]
    away = depths.expand_as(ground)
    if mirrored:  # the mirror image of the ground hangs below the water; it is seen from a camera below the water
        mirrored_land = (ground > 0) & (torch.arange(steps) > _last_shore(ground, camera.height, depths)[:, None])
        slopes = torch.where(mirrored_land, (ground + camera.height) / depths, -1e9)
        ground = ground.clamp(min=0)
        rows = -rows.flip(0)
    else:
        slopes = (ground - camera.height) / depths
    first = _first_above(torch.cummax(slopes, 1).values, rows)  # (columns, rows)
    hit = first < steps
    after = first.clamp(max=steps - 1)
    before = (after - 1).clamp(min=0)
    low, high = slopes.gather(1, before), slopes.gather(1, after)
    share = ((rows - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
    share = torch.where(low < -1e8, torch.ones_like(share), share)

    def at_hit(values: Tensor) -> Tensor:
        return torch.lerp(values.gather(1, before), values.gather(1, after), share)

    depth = at_hit(away)
    along = torch.gradient(ground, spacing=(depths,), dim=1)[0]
    across = torch.gradient(ground, dim=0)[0] / (2 * camera.width / size * depths)
    slope_x = at_hit(across)
    slope_z = at_hit(along) - slope_x * columns[:, None]
    found = {
        "hit": hit,
        "depth": torch.where(hit, depth, torch.full_like(depth, 1e9)),
        "right": columns[:, None] * depth,
        "away": depth,
        "height": at_hit(ground),
        "slope_x": slope_x,
        "slope_z": slope_z,
        "pixel": (2 * camera.width / size) * depth,
    }
    if mirrored:
        found = {name: values.flip(1) for name, values in found.items()}
    return Seen(**{name: values.T.contiguous() for name, values in found.items()})


def _twice_the_columns(ground: Tensor) -> Tensor:
    """(columns, steps) to (2 * columns, steps), each new column between two old ones."""
    around = torch.cat([ground[:1], ground, ground[-1:]])
    large = ground.new_empty(2 * len(ground), ground.shape[1])
    torch.lerp(ground, around[:-2], 0.25, out=large[::2])
    torch.lerp(ground, around[2:], 0.25, out=large[1::2])
    return large


def _first_above(highest: Tensor, rows: Tensor) -> Tensor:
    """Return for each row the first step whose running maximum reaches the row's slope.

    Args:
        highest: (columns, steps), never falling along the steps.
        rows: (size,) slopes at equal distances, falling.

    Returns:
        (columns, size) int64; the number of steps where none reaches it.
    """
    columns, steps = highest.shape
    size = len(rows)
    spacing = rows[0] - rows[1]
    # The number of rows, from the bottom, that a step covers.
    covered = ((highest - rows[-1]) / spacing).floor().add(1).clamp(0, size).long()
    first = torch.full((columns, size + 1), steps)
    index = torch.arange(steps).expand(columns, steps)
    first.scatter_reduce_(1, covered, index, "amin")
    # A step that covers many rows covers all rows below them.
    reached = torch.cummin(first.flip(1), 1).values.flip(1)[:, 1:]  # by the number of rows from the bottom
    return reached.flip(1)


def _last_shore(ground: Tensor, camera_height: float, depths: Tensor) -> Tensor:
    """Return for each column the step at which the farthest water that the camera sees begins.

    Land before that step lies between the viewer and the water, and is not mirrored.
    """
    slopes = (ground.clamp(min=0) - camera_height) / depths
    seen = (ground < 0) & (slopes >= torch.cummax(slopes, 1).values - 1e-6)
    begins = seen.clone()
    begins[:, 1:] &= ~seen[:, :-1]
    return (begins * torch.arange(len(depths))).amax(1)
