"""Districts: where the buildings of a city stand, for each way of looking at it."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np

from synthviz.world.buildings.lamps import Lamp
from synthviz.world.buildings.street_life import street_lamps, traffic
from synthviz.world.buildings.towers import (
    TOWERS,
    Blueprint,
    block,
    bridge,
    hall,
    hourglass,
    needle,
    obelisk,
    ringed,
    round_tower,
    setback_tower,
)
from synthviz.world.camera import Camera

HEROES = (setback_tower, obelisk, needle, round_tower, hourglass, ringed)
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
    return float(np.clip(height * plan.uniform(0.16, 0.26), 0.26, 0.72))


def skyline(plan: Blueprint, camera: Camera, distance: float, sun_side: int | None) -> list[Lamp]:
    """Build a skyline at a distance: low houses, towers, and more towers behind them in the haze."""
    half, room = camera.width * distance, _room(plan, camera, distance)
    profile, centers = _profile(plan, sun_side)
    for center in centers:
        hero = HEROES[plan.rng.integers(len(HEROES))]
        tall = room * (1.0 if center == centers[0] else plan.uniform(0.75, 0.95))
        hero(plan, center * half, 0.0, distance, min(0.9, 0.24 * tall), tall)
    feet = []
    count = int(plan.rng.integers(16, 22))
    for number in range(count):
        column = (number + plan.uniform(0.15, 0.85)) / count * 2.3 - 1.15
        if min(abs(column - center) for center in centers) < 0.07:
            continue
        away = distance + plan.uniform(-0.7, 1.2)
        tall = room * 0.86 * profile(column) * plan.uniform(0.6, 1.0)
        build = TOWERS[plan.rng.integers(len(TOWERS))] if tall > 0.7 else block
        build(plan, column * half * away / distance, 0.0, away, _width(plan, tall), tall)
        feet.append((column * half * away / distance, away, tall))
    _bridges(plan, feet)
    for row, share in ((1.9, 0.85), (3.8, 0.95), (6.0, 1.0)):
        _back_row(plan, camera, distance + row, room * share, profile)
    _front_row(plan, camera, distance - 1.5)
    return traffic(plan, camera, distance, room)


def _bridges(plan: Blueprint, feet: list[tuple[float, float, float]]) -> None:
    """Join neighbouring towers that are high enough."""
    for one, other in pairwise(feet):
        low = min(one[2], other[2])
        if low > 1.0 and abs(one[0] - other[0]) < 1.4 and plan.rng.random() < 0.7:
            bridge(plan, one[:2], other[:2], low * plan.uniform(0.4, 0.62))


def _back_row(plan: Blueprint, camera: Camera, away: float, room: float, profile: Profile) -> None:
    half = camera.width * away
    count = int(plan.rng.integers(11, 16))
    for number in range(count):
        column = (number + plan.uniform(0, 1)) / count * 2.2 - 1.1
        tall = room * profile(column) * plan.uniform(0.35, 0.8)
        if tall > 1.0 and plan.rng.random() < 0.35:
            TOWERS[plan.rng.integers(len(TOWERS))](plan, column * half, 0.0, away, _width(plan, tall), tall)
        else:
            block(plan, column * half, 0.0, away, plan.uniform(0.4, 0.8), tall * 0.8)


def _front_row(plan: Blueprint, camera: Camera, away: float) -> None:
    half = camera.width * away
    count = int(plan.rng.integers(9, 14))
    for number in range(count):
        column = (number + plan.uniform(0.1, 0.9)) / count * 2.2 - 1.1
        build = hall if plan.rng.random() < 0.2 else block
        tall = plan.uniform(0.12, 0.42)
        build(plan, column * half, 0.0, away + plan.uniform(-0.4, 0.4), plan.uniform(0.35, 0.85), tall)


def down_avenue(plan: Blueprint, camera: Camera, half: float, free_end: bool) -> list[Lamp]:
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
            build = TOWERS[plan.rng.integers(len(TOWERS))] if plan.rng.random() < 0.9 else block
            build(plan, right, 0.0, away, wide, tall)
            behind = setback_tower if plan.rng.random() < 0.4 else block
            behind(plan, right + side * plan.uniform(0.8, 1.2), 0.0, away + 0.4, 0.8, tall * plan.uniform(0.6, 1.25))
            feet.append((right, away, tall))
            away += wide + plan.uniform(0.15, 0.5)
    for side_feet in ([f for f in feet if f[0] < 0], [f for f in feet if f[0] > 0]):
        _bridges(plan, side_feet)
    _cross_bridges(plan, feet)
    if not free_end:
        tall = _room(plan, camera, 17.0) * plan.uniform(0.6, 0.95)
        HEROES[plan.rng.integers(len(HEROES))](plan, plan.uniform(-0.5, 0.5), 0.0, 17.0, min(1.6, 0.22 * tall), tall)
    return traffic(plan, camera, 8.0, 2.0) + street_lamps(plan, half * 0.76)


def _cross_bridges(plan: Blueprint, feet: list[tuple[float, float, float]]) -> None:
    """Span the avenue once or twice, far enough from the viewer."""
    left = [foot for foot in feet if foot[0] < 0 and foot[1] > 4.5]
    right = [foot for foot in feet if foot[0] > 0 and foot[1] > 4.5]
    for _ in range(int(plan.rng.integers(1, 3))):
        one = left[plan.rng.integers(len(left))]
        other = min(right, key=lambda foot: abs(foot[1] - one[1]))
        bridge(plan, one[:2], other[:2], min(one[2], other[2]) * plan.uniform(0.35, 0.55))


def far_and_wide(plan: Blueprint, camera: Camera, first: float, sun_side: int | None) -> list[Lamp]:
    """Build a plain full of houses with a cluster of towers, as seen from above."""
    profile, centers = _profile(plan, sun_side)
    distance = first + plan.uniform(3.0, 4.5)
    half, room = camera.width * distance, _room(plan, camera, distance)
    away = first
    while away < 17:
        _street(plan, camera, away, profile)
        away *= 1.1
    for center in centers:
        HEROES[plan.rng.integers(len(HEROES))](plan, center * half, 0.0, distance, min(0.9, 0.24 * room), room)
    for _ in range(int(plan.rng.integers(20, 28))):
        column = centers[plan.rng.integers(len(centers))] + float(plan.rng.normal(0, 0.36))
        depth = distance + plan.uniform(-2.0, 4.5)
        tall = room * 0.85 * max(0.3, profile(column)) * plan.uniform(0.45, 1.0)
        if depth > first + 0.5 and min(abs(column - center) for center in centers) > 0.07:
            build = TOWERS[plan.rng.integers(len(TOWERS))]
            build(plan, column * half * depth / distance, 0.0, depth, _width(plan, tall), tall)
    return traffic(plan, camera, distance, room)


def _street(plan: Blueprint, camera: Camera, away: float, profile: Profile) -> None:
    """Build one row of houses across the view."""
    reach, step = camera.width * away * 1.1, 0.082 * away
    for right in np.arange(-reach, reach, step):
        if plan.rng.random() < 0.18:
            continue
        tall = plan.uniform(0.10, 0.3) + 0.45 * profile(right / (camera.width * away)) * plan.uniform(0, 1)
        build = hall if plan.rng.random() < 0.07 else block
        wide = min(0.7, step * plan.uniform(0.5, 0.75))
        build(plan, float(right) + plan.uniform(-0.2, 0.2) * step, 0.0, away * plan.uniform(0.97, 1.03), wide, tall)
