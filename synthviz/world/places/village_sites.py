"""Where villages lie: in a valley under the viewer, along a lane, across a pond or a meadow, or up a hillside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from synthviz.world.ground import Height
from synthviz.world.land import Wishes
from synthviz.world.noise import smoothstep
from synthviz.world.places.village_ground import Lane

Point = tuple[float, float]


@dataclass(frozen=True)
class Site:
    """Where a village lies and how it is seen.

    Attributes:
        height: of the ground without houses.
        lane: through the village.
        spots: (right, away, turn) where houses may stand, the most wanted first.
        church: right, away and size of the church; it has the first right to its spot.
        band: distances between which the village lies.
        fence: points (right, away) of a fence.
        lift: height of the viewer above the ground.
        horizon, width: of the camera.
        fields: how much the meadows are divided into fields, 0 to 1.
        wood_line: height above which woods begin.
    """

    height: Height
    lane: Lane
    spots: list[tuple[float, float, float]]
    church: tuple[float, float, float]
    band: tuple[float, float]
    fence: list[Point]
    lift: float
    horizon: float
    width: float
    fields: float
    wood_line: float


def _church_side(wishes: Wishes) -> float:
    """Return on which side the church stands: never before the sun."""
    return -float(wishes.sun_side) if wishes.sun_side else float(wishes.rng.choice([-1, 1]))


def _hills(wishes: Wishes, begin: float, tall: float) -> Height:
    """Return hills behind the village."""
    noise, shift = wishes.noise, float(wishes.rng.uniform(0, 60))

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rough = noise.fbm(x / 4.5 + shift, z / 4.5, 3, 0.45, pixel / 4.5)
        crowns = noise.value(x * 6 + shift, z * 6) * (1.4 - 12 * pixel).clamp(0, 1)
        rise = smoothstep(begin, begin + 7, z)
        return rise * (tall * (1 + 0.38 * rough).clamp(min=0.15) + 0.03 * crowns * smoothstep(0.2, 0.5, rise))

    return height


def _scatter(rng: np.random.Generator, count: int, x: Point, z: Point) -> list[Point]:
    """Return random points of a rectangle."""
    return [(float(rng.uniform(*x)), float(rng.uniform(*z))) for _ in range(count)]


def above(wishes: Wishes) -> Site:
    """See the village in its valley from a hill."""
    noise, rng = wishes.noise, wishes.rng
    hills, shift = _hills(wishes, 6.5, float(rng.uniform(0.75, 1.1))), float(rng.uniform(0, 60))
    tall, middle = float(rng.uniform(0.7, 1.0)), float(rng.uniform(4.0, 4.6))
    if wishes.water:  # a lake between the hill and the village
        tall, middle = 0.65 * tall, middle + 0.6
    side = _church_side(wishes)
    path = Lane(float(rng.uniform(-0.3, 0.3)), -0.08 * side, 0.35, 1.1, float(rng.uniform(0, 6)), 0.055)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rolling = 0.09 * noise.value(x / 1.8 + shift, z / 1.8) + 0.12
        flanks = 0.65 * smoothstep(2.4, 6.5, x.abs() + 0.5 * noise.value(x / 3, z / 3 - shift)) * smoothstep(2, 5, z)
        ground = rolling + flanks + hills(x, z, pixel) + tall * smoothstep(1.5, 0.1, z)
        if wishes.water:
            bank = ((z - 2.6 - 0.12 * x * side) / 1.35).abs() + 0.16 * noise.value(x / 1.2 + shift, z / 1.2)
            ground = ground - 0.42 * smoothstep(1.05, 0.7, bank) * smoothstep(4.2, 3.0, x.abs())
        return ground

    spots = []
    for x, z in _scatter(rng, 70, (-2.0, 2.0), (middle - 1.4, middle + 1.5)):
        if (x / 2.0) ** 2 + ((z - middle) / 1.5) ** 2 < 1:
            spots.append((x, z, float(rng.choice([0.4, -0.5, 1.2]) + rng.normal(0, 0.2))))
    church = (side * float(rng.uniform(0.3, 0.8)), middle + 0.3, float(rng.uniform(1.0, 1.2)))
    lift, horizon = float(rng.uniform(0.16, 0.3)), float(rng.uniform(0.39, 0.48))
    return Site(
        height,
        path,
        spots,
        church,
        (middle - 1.5, middle + 1.6),
        [],
        lift,
        horizon,
        float(rng.uniform(0.36, 0.46)),
        0.9,
        0.75,
    )


def lane(wishes: Wishes) -> Site:
    """Walk along the lane between the houses, towards the church."""
    noise, rng = wishes.noise, wishes.rng
    hills, shift = _hills(wishes, 7, float(rng.uniform(0.9, 1.6))), float(rng.uniform(0, 60))
    side = _church_side(wishes)
    path = Lane(-0.12 * side, 0.05 * side, 0.14, 1.3, float(rng.uniform(0, 6)), 0.10)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        beside = (x - path(z)).abs()
        rolling = 0.05 * noise.value(x / 1.5 + shift, z / 1.5) * smoothstep(0.1, 0.5, beside)
        return 0.1 + rolling + 0.05 * smoothstep(1, 6, z) + hills(x, z, pixel)

    spots = []
    for hand in (-1, 1):
        away = float(rng.uniform(1.25, 1.6))
        while away < 6.5:
            right = path.at(away) + hand * float(rng.uniform(0.42, 0.58))
            spots.append((right, away, float(rng.choice([0.0, 1.57]) + rng.normal(0, 0.12))))
            away += float(rng.uniform(0.58, 0.95))
    spots += [(x, z, float(rng.uniform(0, 3))) for x, z in _scatter(rng, 14, (-2.6, 2.6), (3.5, 6.5))]
    fence = []
    for step in range(9):
        away = 0.42 + 0.12 * step
        fence.append((path.at(away) - side * (0.2 + 0.02 * step), away))
    church = (path.at(5.2) + 0.55 * side, 5.2, float(rng.uniform(1.1, 1.35)))
    lift, horizon = float(rng.uniform(0.12, 0.2)), float(rng.uniform(0.55, 0.66))
    return Site(height, path, spots, church, (1.2, 6.5), fence, lift, horizon, float(rng.uniform(0.42, 0.55)), 0.3, 0.6)


def across(wishes: Wishes) -> Site:
    """See the village across a pond, or across a meadow behind a fence."""
    noise, rng = wishes.noise, wishes.rng
    hills, shift = _hills(wishes, 6, float(rng.uniform(0.9, 1.5))), float(rng.uniform(0, 60))
    side = _church_side(wishes)
    path = Lane(0.9 * side, -0.12 * side, 0.3, 1.2, float(rng.uniform(0, 6)), 0.06)
    far = float(rng.uniform(2.3, 2.8))

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rolling = 0.05 * noise.value(x / 1.4 + shift, z / 1.4)
        ground = 0.1 + rolling + 0.16 * smoothstep(far, far + 2.5, z) + hills(x, z, pixel)
        if wishes.water:
            inside = far - z + 0.16 * noise.value(x / 0.9 + shift, z / 0.9)
            ground = ground - 0.3 * smoothstep(-0.12, 0.25, inside) * smoothstep(0.55, 0.8, z)
        return ground

    spots = [
        (x, z, float(rng.choice([0.0, 1.57, 0.6]) + rng.normal(0, 0.15)))
        for x, z in [
            *_scatter(rng, 14, (-1.5, 1.5), (far + 0.25, far + 0.8)),
            *_scatter(rng, 40, (-2.6, 2.6), (far + 0.8, 5.6)),
        ]
    ]
    fence = [] if wishes.water else [(-1.2 + 0.2 * step, 1.1 + 0.012 * step) for step in range(13)]
    church = (side * float(rng.uniform(0.35, 0.8)), far + 1.5, float(rng.uniform(1.0, 1.25)))
    lift, horizon = float(rng.uniform(0.14, 0.26)), float(rng.uniform(0.54, 0.64))
    return Site(
        height, path, spots, church, (far + 0.1, 5.6), fence, lift, horizon, float(rng.uniform(0.34, 0.46)), 0.5, 0.7
    )


def hillside(wishes: Wishes) -> Site:
    """Look up to houses that climb a hillside."""
    noise, rng = wishes.noise, wishes.rng
    hills, shift = _hills(wishes, 9, float(rng.uniform(1.0, 1.5))), float(rng.uniform(0, 60))
    side = _church_side(wishes)
    path = Lane(-0.4 * side, 0.14 * side, 0.55, 0.75, float(rng.uniform(0, 6)), 0.06)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rolling = 0.05 * noise.value(x / 1.6 + shift, z / 1.6)
        slope = 0.95 * smoothstep(2.2, 8.5, z + 0.55 * side * x) * (1 + 0.1 * noise.value(x / 3, z / 3))
        ground = 0.1 + rolling + slope + hills(x, z, pixel)
        if wishes.water:
            inside = 2.7 - z + 0.2 * noise.value(x / 1.1 + shift, z / 1.1)
            ground = ground - 0.3 * smoothstep(-0.15, 0.3, inside) * smoothstep(0.5, 0.75, z)
        return ground

    spots = [
        (x, z, float(rng.choice([0.0, 0.25, 1.57]) + rng.normal(0, 0.15)))
        for x, z in _scatter(rng, 80, (-2.4, 2.4), (2.9, 6.8))
    ]
    church = (side * float(rng.uniform(0.5, 0.9)), 5.6, float(rng.uniform(1.1, 1.35)))
    fence = [] if wishes.water else [(-1.2 + 0.2 * step, 1.25 - 0.012 * step) for step in range(13)]
    lift, horizon = float(rng.uniform(0.14, 0.28)), float(rng.uniform(0.61, 0.7))
    return Site(height, path, spots, church, (2.8, 7.0), fence, lift, horizon, float(rng.uniform(0.36, 0.46)), 0.6, 1.0)
