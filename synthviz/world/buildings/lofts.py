"""Lofts: upright solids whose level sections change their size, place and turn from foot to head.

They give towers that bulge, lean, twist and end in a point as one solid each. A ray meets the section at the height
at which it passes the middle of the solid, which is exact for level rays and good for towers that are seen from afar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from synthviz.world.buildings.solid_shapes import Rays, Solid, roots
from synthviz.world.vectors import unit

SAMPLES = 49  # sections of a loft, at equal distances
LINE = np.linspace(0, 1, SAMPLES)
Knots = tuple[tuple[float, float], ...]  # (share of the height, value), from foot to head


@dataclass(frozen=True)
class Loft(Solid):
    """An upright solid through many level sections.

    Attributes:
        width: of a section of size 1, along its own right.
        depth: of the same, along its own away.
        turn: of the foot about the vertical axis, in radians, from right towards away.
        twist: by how much the head is turned further.
        square: whether the sections are rectangles; ellipses otherwise.
        profile: `SAMPLES` sizes of the sections from foot to head.
        sway: `SAMPLES` shifts of the sections along their own right, in widths.
    """

    width: float
    depth: float
    turn: float
    twist: float
    square: bool
    profile: tuple[float, ...]
    sway: tuple[float, ...]

    @property
    def reach(self) -> float:
        """Radius of an upright cylinder around the solid."""
        half = math.hypot(self.width, self.depth) if self.square else max(self.width, self.depth)
        return 0.5 * half * max(self.profile) + self.width * max(abs(min(self.sway)), abs(max(self.sway)))

    def cast(self, rays: Rays) -> tuple[Tensor, Tensor]:
        """Return where rays enter and leave the walls."""
        share = ((rays.eye + rays.up.cpu().numpy() * self.away - self.base) / self.height).clip(0, 1)
        size = _per_row(np.interp(share, LINE, self.profile)).clamp(min=1e-3)
        shift = _per_row(np.interp(share, LINE, self.sway)) * self.width
        angle = self.turn + self.twist * _per_row(share) if self.twist else torch.tensor([[self.turn]])
        cos, sin = torch.cos(angle), torch.sin(angle)
        speed_across, speed_along = cos * rays.right + sin, cos - sin * rays.right
        across = cos * self.right + sin * self.away + shift
        along = cos * self.away - sin * self.right
        half = size * (self.width / 2)
        if self.square:
            enter, leave = _slab(speed_across, across, half)
            enter_too, leave_too = _slab(speed_along, along, size * (self.depth / 2))
            return torch.maximum(enter, enter_too), torch.minimum(leave, leave_too)
        ratio = self.width / self.depth  # stretched by this, ellipses are circles
        speed_along, along = ratio * speed_along, ratio * along
        square = speed_across.square() + speed_along.square()
        middle = speed_across * across + speed_along * along
        return roots(square, middle, across.square() + along.square() - half.square())


def _per_row(values: np.ndarray) -> Tensor:
    """Return numbers of rows as (rows, 1)."""
    return torch.as_tensor(values.astype(np.float32))[:, None]


def _slab(speed: Tensor, middle: Tensor, half: Tensor) -> tuple[Tensor, Tensor]:
    """Return where rays enter and leave the space between two parallel walls."""
    speed = torch.where(speed.abs() < 1e-5, torch.full_like(speed, 1e-5), speed)
    one, other = (middle - half) / speed, (middle + half) / speed
    return torch.minimum(one, other), torch.maximum(one, other)


@lru_cache(maxsize=512)
def sampled(knots: Knots) -> tuple[float, ...]:
    """Return `SAMPLES` values of a smooth curve through knots that never overshoots them."""
    shares, values = np.array(knots, dtype=float).T
    index = np.clip(np.searchsorted(shares, LINE, side="right") - 1, 0, len(shares) - 2)
    gaps, rises = np.diff(shares), np.diff(values) / np.diff(shares)
    slopes = np.zeros(len(shares))
    for knot in range(1, len(shares) - 1):  # the harmonic mean keeps the curve monotone between knots (PCHIP)
        if rises[knot - 1] * rises[knot] > 0:
            slopes[knot] = 2 / (1 / rises[knot - 1] + 1 / rises[knot])
    slopes[0], slopes[-1] = rises[0], rises[-1]
    t = (LINE - shares[index]) / gaps[index]
    bow = slopes[index] * (1 - t) - slopes[index + 1] * t - rises[index] * (1 - 2 * t)
    curve = values[index] + t * np.diff(values)[index] + gaps[index] * t * (1 - t) * bow
    return tuple(float(value) for value in curve)


def loft(
    place: tuple[float, float, float],
    size: tuple[float, float, float],
    profile: Knots,
    turn: float = 0.0,
    twist: float = 0.0,
    square: bool = False,
    sway: Knots = ((0.0, 0.0), (1.0, 0.0)),
) -> Loft:
    """Return a loft.

    Args:
        place: right, base and away of its foot.
        size: width, height and depth.
        profile: sizes of its sections.
        turn: of its foot in radians.
        twist: of its head against its foot in radians.
        square: whether its sections are rectangles.
        sway: shifts of its sections in widths.
    """
    return Loft(
        *place,
        size[1],
        size[0],
        size[2],
        turn,
        twist,
        square,
        tuple(max(0.0, s) for s in sampled(profile)),
        sampled(sway),
    )


def loft_walls(
    lofts: Sequence[Loft], number: Tensor, x: Tensor, z: Tensor, share: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return u, its greatest value, the number of the wall and the normal of points on lofts, see `Hits`.

    Args:
        lofts: the solids.
        number: (n,) int64 number of each point's loft.
        x: (n,) to the right of the loft's middle.
        z: (n,) away from the loft's middle.
        share: (n,) of its height at which the ray passes its middle.
    """
    numbers = [[one.width / 2, one.depth / 2, one.turn, one.twist, one.square, one.height] for one in lofts]
    wide, deep, turn, twist, square, tall = torch.tensor(numbers, dtype=torch.float32).T[:, number]
    size, grows = _sections(torch.tensor([one.profile for one in lofts]), number, share)
    shift, leans = _sections(torch.tensor([one.sway for one in lofts]), number, share)
    size, grows, leans = size.clamp(min=1e-3), grows / tall, leans * 2 * wide / tall
    angle = turn + twist * share.clamp(0, 1)
    cos, sin = torch.cos(angle), torch.sin(angle)
    across, along = cos * x + sin * z - shift * 2 * wide, cos * z - sin * x
    half_across, half_along = wide * size, deep * size
    is_square = square > 0.5
    on_across = half_across - across.abs() < half_along - along.abs()
    flat_across = torch.where(on_across, across.sign(), torch.zeros_like(x))
    flat_along = torch.where(on_across, torch.zeros_like(x), along.sign())
    flat_up = -grows * torch.where(on_across, wide, deep) - flat_across * leans
    round_across, round_along = across / half_across.square(), along / half_along.square()
    round_up = -grows / size - round_across * leans
    out_across = torch.where(is_square, flat_across, round_across)
    out_along = torch.where(is_square, flat_along, round_along)
    up = torch.where(is_square, flat_up, round_up)
    normal = unit(torch.stack([cos * out_across - sin * out_along, up, sin * out_across + cos * out_along]))
    # On a round loft u has two seams, which run around it where it is twisted.
    mean = (wide + deep) / 2
    around = torch.atan2(across / half_across, -along / half_along)
    around = (torch.remainder(around + math.pi / 2, math.pi) - math.pi / 2) * mean
    u = torch.where(is_square, torch.where(on_across, along, across), around)
    half = torch.where(is_square, torch.where(on_across, half_along, half_across), mean * math.pi / 2)
    side = torch.where(on_across, 1.0, 0.0) + torch.where(flat_across + flat_along > 0, 2.0, 0.0)
    return u, half, torch.where(is_square, side, torch.zeros_like(side)), normal


def _sections(table: Tensor, number: Tensor, share: Tensor) -> tuple[Tensor, Tensor]:
    """Return values of sampled curves, and how fast they grow with the share of the height, (n,) each."""
    place = share.clamp(0, 1) * (SAMPLES - 1)
    low = place.floor().clamp(max=SAMPLES - 2)
    index = number * SAMPLES + low.long()
    flat = table.flatten()
    below, above = flat[index], flat[index + 1]
    return torch.lerp(below, above, place - low), (above - below) * (SAMPLES - 1)
