"""Districts: where the buildings of a city stand, for each way of looking at it."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from synthviz.world.buildings.blueprint import Blueprint
from synthviz.world.buildings.lamps import Lamp, Trail
from synthviz.world.buildings.low_city import build_low
from synthviz.world.buildings.street_life import street_lamps, traffic
from synthviz.world.buildings.towers import HEROES, PLAIN, TOWERS, bridge
from synthviz.world.camera import Camera

BLOCK = 0.9  # from street to street on a plain that is seen from a hill
Profile = Callable[[float], float]  # column from -1 to 1, to the share of the greatest height


def _profile(plan: Blueprint, sun_side: int | None) -> tuple[Profile, tuple[float, ...]]:
    """Choose where a city is high, and where its greatest towers stand; the sky of sun or moon stays free."""
    if sun_side == 0:
        centers: tuple[float, ...] = (-plan.uniform(0.5, 0.62), plan.uniform(0.5, 0.62))
        wide = 0.26
    elif sun_side is None:
        centers = (plan.uniform(-0.45, 0.45),)
        wide = plan.uniform(0.42, 0.6)
    else:
        centers = (-sun_side * plan.uniform(0.2, 0.5),)
        wide = 0.38
    low = plan.uniform(0.24, 0.36)

    def profile(column: float) -> float:
        return low + (1 - low) * max(math.exp(-(((column - center) / wide) ** 2)) for center in centers)

    return profile, centers


def _room(plan: Blueprint, camera: Camera, distance: float) -> float:
    """Return how high a tower may be at a distance, so that some sky remains above it."""
    return (camera.horizon - plan.uniform(0.07, 0.18)) * 2 * camera.width * distance + camera.height


def _width(plan: Blueprint, height: float) -> float:
    return float(np.clip(height * plan.uniform(0.2, 0.3), 0.34, 0.85))


def skyline(plan: Blueprint, camera: Camera, distance: float, sun_side: int | None) -> list[Lamp | Trail]:
    """Build a skyline at a distance: low houses, towers, and more towers behind them in the haze."""
    half, room = camera.width * distance, _room(plan, camera, distance)
    profile, centers = _profile(plan, sun_side)
    for center in centers:
        _cluster(plan, center * half, distance, room * (1.0 if center == centers[0] else plan.uniform(0.7, 0.85)))
    feet = []
    count = int(plan.rng.integers(10, 14))
    for number in range(count):
        column = (number + plan.uniform(0.2, 0.8)) / count * 2.3 - 1.15
        if min(abs(column - center) for center in centers) < 0.16:
            continue
        away = distance + plan.uniform(-0.5, 1.4)
        tall = room * 0.74 * profile(column) * plan.uniform(0.6, 1.0)
        right = column * half * away / distance
        if tall > 0.6:
            TOWERS[plan.rng.integers(len(TOWERS))](plan, right, 0.0, away, _width(plan, tall), tall)
        else:
            build_low(plan, right, away, plan.uniform(0.6, 1.0), tall)
        feet.append((right, away, tall))
    _bridges(plan, feet)
    for row, share in ((2.6, 0.8), (5.5, 0.9)):
        _back_row(plan, camera, distance + row, room * share, profile)
    _front_row(plan, camera, distance - 1.5)
    return traffic(plan, camera, distance, room)


def _cluster(plan: Blueprint, right: float, away: float, tall: float) -> None:
    """Build the greatest tower of a city between two companions."""
    wide = min(1.05, 0.25 * tall)
    HEROES[plan.rng.integers(len(HEROES))](plan, right, 0.0, away, wide, tall)
    side = float(plan.rng.choice([-1, 1]))
    for hand, share in ((side, plan.uniform(0.66, 0.8)), (-side, plan.uniform(0.46, 0.6))):
        x = right + hand * wide * plan.uniform(0.85, 1.15)
        slim = min(0.8, 0.22 * tall * share)
        TOWERS[plan.rng.integers(len(TOWERS))](plan, x, 0.0, away + plan.uniform(0.3, 0.7), slim, share * tall)


def _bridges(plan: Blueprint, feet: list[tuple[float, float, float]]) -> None:
    """Join neighbouring towers that are high enough."""
    for one, other in pairwise(feet):
        low = min(one[2], other[2])
        if low > 1.0 and abs(one[0] - other[0]) < 1.4 and plan.rng.random() < 0.7:
            bridge(plan, one[:2], other[:2], low * plan.uniform(0.4, 0.62))


def _back_row(plan: Blueprint, camera: Camera, away: float, room: float, profile: Profile) -> None:
    """Build a row of plain towers that are silhouettes in the haze."""
    half = camera.width * away
    count = int(plan.rng.integers(9, 13))
    for number in range(count):
        column = (number + plan.uniform(0, 1)) / count * 2.2 - 1.1
        tall = room * profile(column) * plan.uniform(0.4, 0.85)
        PLAIN[plan.rng.integers(len(PLAIN))](plan, column * half, 0.0, away, _width(plan, tall) * 1.3, tall)


def _front_row(plan: Blueprint, camera: Camera, away: float) -> None:
    """Build wide low buildings before the towers."""
    half = camera.width * away
    count = int(plan.rng.integers(6, 9))
    for number in range(count):
        column = (number + plan.uniform(0.2, 0.8)) / count * 2.3 - 1.15
        wide = plan.uniform(0.7, 1.25)
        build_low(plan, column * half, away + plan.uniform(-0.3, 0.4), wide, plan.uniform(0.2, 0.45))


def down_avenue(plan: Blueprint, camera: Camera, half: float, free_end: bool) -> list[Lamp | Trail]:
    """Build two rows of towers along an avenue.

    Args:
        plan: of the city.
        camera: stands in the middle of the avenue.
        half: half of the avenue's width.
        free_end: whether the sky at the end of the avenue must stay free.
    """
    feet: list[tuple[float, float, float]] = []
    for side in (-1, 1):
        away = plan.uniform(1.7, 2.3)
        while away < 15:
            wide = plan.uniform(0.55, 0.85)
            tall = half * plan.uniform(0.72, 1.35) * (1.0 + 0.05 * away)
            right = side * (half + wide * 0.62)
            build = TOWERS[plan.rng.integers(len(TOWERS))]
            build(plan, right, 0.0, away, wide, tall)
            behind = PLAIN[plan.rng.integers(len(PLAIN))]
            behind(plan, right + side * plan.uniform(0.8, 1.2), 0.0, away + 0.4, 0.8, tall * plan.uniform(0.6, 1.25))
            feet.append((right, away, tall))
            away += wide + plan.uniform(0.15, 0.5)
    for side_feet in ([f for f in feet if f[0] < 0], [f for f in feet if f[0] > 0]):
        _bridges(plan, side_feet)
    _cross_bridges(plan, feet)
    if not free_end:
        tall = _room(plan, camera, 17.0) * plan.uniform(0.6, 0.95)
        HEROES[plan.rng.integers(len(HEROES))](plan, plan.uniform(-0.5, 0.5), 0.0, 17.0, min(1.6, 0.22 * tall), tall)
    return [*traffic(plan, camera, 9.0, 2.6), *street_lamps(plan, half * 0.76)]


def _cross_bridges(plan: Blueprint, feet: list[tuple[float, float, float]]) -> None:
    """Span the avenue once or twice, far enough from the viewer."""
    left = [foot for foot in feet if foot[0] < 0 and foot[1] > 4.5]
    right = [foot for foot in feet if foot[0] > 0 and foot[1] > 4.5]
    for _ in range(int(plan.rng.integers(1, 3))):
        one = left[plan.rng.integers(len(left))]
        other = min(right, key=lambda foot: abs(foot[1] - one[1]))
        bridge(plan, one[:2], other[:2], min(one[2], other[2]) * plan.uniform(0.35, 0.55))


def far_and_wide(plan: Blueprint, camera: Camera, first: float, sun_side: int | None) -> list[Lamp | Trail]:
    """Build a plain full of low districts with a cluster of towers, as seen from above."""
    profile, centers = _profile(plan, sun_side)
    distance = first + plan.uniform(3.0, 4.2)
    half, room = camera.width * distance, _room(plan, camera, distance)
    for center in centers:
        _cluster(plan, center * half, distance, room * (1.0 if center == centers[0] else plan.uniform(0.7, 0.85)))
    away, avenue = first + 0.5 * BLOCK, boulevard(plan, first)
    while away < 13:
        _quarter(plan, camera, away, profile, avenue[0] + avenue[1] * (away - first))
        away += BLOCK * (1.0 if away < 9 else 2.0)
    for _ in range(int(plan.rng.integers(12, 17))):
        column = centers[plan.rng.integers(len(centers))] + float(plan.rng.normal(0, 0.45))
        depth = distance + plan.uniform(-1.2, 5.0)
        tall = room * 0.8 * max(0.3, profile(column)) * plan.uniform(0.45, 0.95)
        if depth > first + 0.5 and min(abs(column - center) for center in centers) > 0.16:
            build = TOWERS[plan.rng.integers(len(TOWERS))]
            build(plan, column * half * depth / distance, 0.0, depth, _width(plan, tall), tall)
    _back_row(plan, camera, 15.0, room * 1.2, profile)
    return traffic(plan, camera, distance, room)


def boulevard(plan: Blueprint, first: float) -> tuple[float, float]:
    """Return where the boulevard of a plain begins, and how fast it runs to the right: it leads to the greatest tower.

    Args:
        plan: of the city, whose first solid is the greatest tower.
        first: distance at which the city begins.
    """
    hero = plan.parts[0]
    begin = -math.copysign(0.5, hero.right) - 0.3 * hero.right
    return begin, (hero.right - begin) / (hero.away - first)


def _quarter(plan: Blueprint, camera: Camera, away: float, profile: Profile, free: float) -> None:
    """Build one row of low buildings between the streets of a plain; the boulevard at `free` stays free."""
    reach = camera.width * away * 1.15
    for side in (-1, 1):
        right = free + side * 0.16
        while abs(right) < reach or right * side < 0:
            wide = BLOCK * plan.uniform(0.6, 1.2)
            right += side * 0.5 * wide
            high = profile(right / (camera.width * away)) * plan.uniform(0, 1)
            build_low(plan, right, away + plan.uniform(-0.08, 0.08), 0.94 * wide, plan.uniform(0.12, 0.26) + 0.4 * high)
            right += side * (0.5 * wide + plan.uniform(0.0, 0.25))
