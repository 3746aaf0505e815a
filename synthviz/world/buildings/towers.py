"""Towers of a city of the future: they twist, lean like sails, swell and end in points; saucers, rings, arches."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from synthviz.world.buildings.blueprint import Blueprint, Look
from synthviz.world.buildings.lofts import Knots, loft
from synthviz.world.buildings.solids import Ellipsoid, box, cylinder, dome

Place = tuple[float, float, float]  # right, base and away of a foot
Tower = Callable[[Blueprint, float, float, float, float, float], None]  # right, base, away, width, height


def setback_tower(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower of levels that become narrower upwards, with a spire."""
    look, turn = plan.look(), plan.uniform(0.1, 1.4)
    bottom, size = base, width
    for share in (0.44, 0.26, 0.16):
        tall = height * share * plan.uniform(0.94, 1.06)
        plan.add(box(right, bottom, away, size, tall, size * 0.9, turn, 0.94), look)
        bottom, size = bottom + tall, size * plan.uniform(0.68, 0.78)
    cap = ((0.0, 1.0), (0.6, 0.62), (1.0, 0.0))
    plan.add(loft((right, bottom, away), (size, height * 0.12, size), cap, turn, square=True), replace(look, crown=0.9))
    plan.spire(right, bottom + height * 0.08, away, height * 0.16, look)


def twisted(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a square tower that turns on its way up."""
    look = plan.look()
    top = plan.uniform(0.5, 0.72)
    profile = ((0.0, 1.0), (0.55, 0.5 + 0.5 * top), (1.0, top))
    twist = plan.uniform(0.7, 1.7) * float(plan.rng.choice([-1, 1]))
    size = (width * 0.92, height * 0.94, width * 0.82)
    plan.add(loft((right, base, away), size, profile, plan.uniform(0, 1.5), twist, square=True), look)
    tip = ((0.0, 0.8), (0.4, 0.5), (1.0, 0.0))
    plan.add(
        loft((right, base + height * 0.94, away), (width * top, height * 0.08, width * top), tip),
        replace(look, crown=1.0, lit=0.0),
    )
    plan.spire(right, base + height * 0.98, away, height * 0.12, look)


def sail(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower like a sail: one edge is upright, the other one swells and runs up to it."""
    _sail(plan, (right, base, away), width, height, plan.look(), float(plan.rng.choice([-1, 1])))
    if plan.rng.random() < 0.4:
        look = plan.look()
        plan.add(loft((right, base, away - 0.1), (width * 1.5, height * 0.1, width), ((0.0, 1.0), (1.0, 0.86))), look)


def _sail(plan: Blueprint, place: Place, width: float, height: float, look: Look, lee: float) -> None:
    """Add a sail whose upright edge is on the right for a lee of 1, on the left for -1."""
    swell = plan.uniform(0.95, 1.15)
    profile = ((0.0, 0.9), (0.28, swell), (0.62, 0.78), (0.86, 0.38), (1.0, 0.06))
    sway = tuple((share, lee * 0.5 * (1 - size)) for share, size in profile)
    square = bool(plan.rng.random() < 0.5)
    size = (width * 1.06, height, width * 0.6)
    plan.add(loft(place, size, profile, -lee * plan.uniform(0.0, 0.3), square=square, sway=sway), look)
    right, base, away = place
    tip = right + lee * 0.47 * width
    plan.spire(tip, base + height * 0.93, away, height * 0.2, look)


def spindle(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a round tower that swells and closes to a point, with ribs that wind around it."""
    look = plan.look()
    profile = ((0.0, 0.74), (0.36, 1.0), (0.7, 0.8), (0.9, 0.4), (0.97, 0.16), (1.0, 0.0))
    look = replace(look, seam=plan.uniform(0.8, 1.1) * float(plan.rng.random() < 0.6), gloss=max(0.55, look.gloss))
    twist = plan.uniform(1.5, 3.6) * float(plan.rng.choice([-1, 1]))
    plan.add(loft((right, base, away), (width, height, width), profile, 0.0, twist), look)
    plan.spire(right, base + height * 0.97, away, height * 0.1, look)


def needle(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a slender shaft that flares at its foot and carries saucers."""
    look = plan.look()
    profile = ((0.0, 1.1), (0.1, 0.62), (0.35, 0.32), (1.0, 0.2))
    plan.add(loft((right, base, away), (width * 0.95, height * 0.8, width * 0.95), profile), look)
    for share, size, thick in ((0.72, 0.66, 0.28), (0.62, 0.40, 0.16)):
        disc = replace(look, lit=0.9, pane=0.07, pane_width=9.0, rim=0.0, seam=0.0, crown=0.0, edges=0.0)
        plan.add(Ellipsoid(right, base + height * share, away, width * thick, width * size), disc)
        belt = replace(disc, rim=1.0, lit=0.0)
        lift = base + height * share + width * thick * 0.42
        plan.add(cylinder(right, lift, away, width * size * 1.01, max(0.03, width * 0.05)), belt)
    plan.spire(right, base + height * 0.78, away, height * 0.3, look, 1.4)


def round_tower(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a round tower in two steps under a dome."""
    look, radius = plan.look(), width / 2
    first, second = height * plan.uniform(0.52, 0.64), height * plan.uniform(0.2, 0.25)
    plan.add(loft((right, base, away), (width, first, width), ((0.0, 1.04), (0.5, 0.92), (1.0, 0.96))), look)
    plan.add(cylinder(right, base + first, away, radius * 0.74, second, radius * 0.7), look)
    top = base + first + second
    shell = replace(look, lit=0.0, crown=0.9, rim=0.0, gloss=0.5)
    plan.add(dome(right, top, away, radius * 0.7, radius * 1.1), shell)
    plan.spire(right, top + radius, away, base + height * 1.08 - top - radius, look)


def hourglass(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower that is slender in the middle and carries a bowl with a dome."""
    look, radius = plan.look(), width * 0.52
    waist = plan.uniform(0.5, 0.62)
    profile = ((0.0, 1.0), (0.2, 0.72), (waist, 0.36), (0.86, 0.8), (1.0, 1.06))
    plan.add(loft((right, base, away), (2 * radius, height * 0.84, 2 * radius), profile), look)
    top = base + height * 0.84
    deck = replace(look, lit=0.0, rim=1.0)
    plan.add(cylinder(right, top, away, radius * 1.1, height * 0.02, radius * 1.1), deck)
    plan.add(dome(right, top + height * 0.02, away, radius * 0.85, radius * 0.7), replace(look, crown=0.9, lit=0.0))
    plan.spire(right, top + radius * 0.6, away, base + height * 1.08 - top - radius * 0.6, look)


def ringed(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a slender tower that wears wide flat rings."""
    look = plan.look()
    profile = ((0.0, 1.0), (0.12, 0.72), (0.6, 0.54), (0.88, 0.46), (1.0, 0.0))
    plan.add(loft((right, base, away), (width * 0.78, height, width * 0.78), profile), look)
    plate = replace(look, lit=0.0, rim=0.0, seam=0.0, edges=0.0, crown=0.0, gloss=0.35)
    for share, size in zip((0.34, 0.57, 0.76), (0.74, 0.6, 0.46), strict=True):
        wide, lift = width * size * plan.uniform(0.85, 1.1), base + height * share
        plan.add(Ellipsoid(right, lift, away, width * 0.17, wide), plate)
        plan.add(cylinder(right, lift + width * 0.06, away, wide * 1.01, width * 0.05), replace(plate, rim=1.0))
    plan.spire(right, base + height * 0.96, away, height * 0.14, look)


def tiers(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a round tower of bowls that stand on one another, each smaller than the one below."""
    look, bottom, size = replace(plan.look(), edges=0.0, seam=0.0, crown=0.0, rim=1.0), base, width
    count = int(plan.rng.integers(4, 6))
    for number in range(count):
        tall = height * 0.9 * (1.3 - 0.6 * number / (count - 1)) / count
        bowl = ((0.0, 0.62), (0.6, 0.84), (1.0, 1.0))
        plan.add(loft((right, bottom, away), (size, tall, size), bowl), look)
        bottom, size = bottom + tall, size * 0.78
    plan.spire(right, bottom, away, base + height * 1.1 - bottom, look, 1.2)


def horn(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower that is bent like a horn."""
    look, lee = plan.look(), float(plan.rng.choice([-1, 1]))
    profile = ((0.0, 1.0), (0.3, 0.82), (0.7, 0.48), (1.0, 0.05))
    bend = plan.uniform(0.4, 0.7) * lee
    sway: Knots = ((0.0, 0.0), (0.35, -0.45 * bend), (0.7, -0.2 * bend), (1.0, bend))
    size = (width, height, width * 0.8)
    plan.add(loft((right, base, away), size, profile, 0.0, square=plan.rng.random() < 0.4, sway=sway), look)
    plan.tips.append((right + bend * width, base + height, away, plan.glows[1]))


def arch(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add two legs that bend towards each other and meet high up, joined by decks."""
    look = plan.look()
    profile = ((0.0, 1.0), (0.6, 0.8), (1.0, 0.62))
    slim, reach = width * 0.48, 1.35
    for side in (-1, 1):
        sway = tuple((share, side * reach * (1 - share**2.4)) for share in (0.0, 0.25, 0.5, 0.75, 0.9, 1.0))
        size = (slim, height * 0.86, slim * 1.2)
        plan.add(loft((right, base, away), size, profile, square=True, sway=sway), look)
    plan.add(loft((right, base + height * 0.84, away), (slim, height * 0.16, slim), ((0.0, 0.85), (1.0, 0.1))), look)
    deck = replace(look, lit=0.0, rim=1.0, edges=0.0, seam=0.0, crown=0.0)
    for share in (0.3, 0.56):
        wide = slim * reach * 2 * (1 - (share / 0.86) ** 2.4)
        plan.add(box(right, base + height * share, away, wide, max(0.06, 0.02 * height), slim * 0.5), deck)
    plan.spire(right, base + height * 0.98, away, height * 0.14, look)


def twins(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add two sails that face each other, joined by bridges."""
    look, gap, slim = plan.look(), width * 0.5, width * 0.66
    for side, share in ((-1, 1.0), (1, plan.uniform(0.8, 1.0))):
        _sail(plan, (right + side * gap, base, away), slim, height * share, look, -float(side))
    deck = replace(look, lit=0.0, rim=1.0, edges=0.0, seam=0.0, crown=0.0)
    for share in (0.36, 0.56):
        plan.add(box(right, base + height * share, away, 2 * gap, max(0.06, 0.02 * height), slim * 0.35), deck)


def bridge(plan: Blueprint, one: tuple[float, float], other: tuple[float, float], height: float) -> None:
    """Add a slender bridge between two towers.

    Args:
        plan: of the city.
        one: right and away of the first tower.
        other: right and away of the second tower.
        height: of the deck above the water.
    """
    dx, dz = other[0] - one[0], other[1] - one[1]
    look = replace(plan.look(adorned=False), lit=0.0, rim=1.0, glow=plan.glows[0])
    middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
    plan.add(box(middle[0], height, middle[1], math.hypot(dx, dz), 0.07, 0.09, math.atan2(dz, dx)), look)


TOWERS: tuple[Tower, ...] = (
    setback_tower,
    twisted,
    sail,
    spindle,
    needle,
    round_tower,
    hourglass,
    ringed,
    tiers,
    horn,
    twins,
)
HEROES: tuple[Tower, ...] = (twisted, sail, spindle, needle, hourglass, ringed, arch, setback_tower, twins)
PLAIN: tuple[Tower, ...] = (setback_tower, twisted, sail, spindle, horn)
