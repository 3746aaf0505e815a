"""The low buildings of a city of the future: terraces, shells, halls under domes, rounded slabs."""

from __future__ import annotations

import math
from dataclasses import replace

from synthviz.world.buildings.blueprint import Blueprint, Look
from synthviz.world.buildings.lofts import loft
from synthviz.world.buildings.solids import cylinder, dome
from synthviz.world.buildings.towers import Tower
from synthviz.world.light import Color

PALE: tuple[Color, ...] = ((0.50, 0.50, 0.52), (0.44, 0.46, 0.50), (0.48, 0.44, 0.38), (0.30, 0.36, 0.42))


def _low_look(plan: Blueprint) -> Look:
    """Choose a calm look: pale walls, wide bands of windows."""
    look = plan.look(adorned=False)
    metal = PALE[plan.rng.integers(len(PALE))]
    return replace(
        look, metal=metal, pane=plan.uniform(0.11, 0.15), pane_width=4.0, frame=0.45, rim=plan.uniform(0.5, 0.9)
    )


def terraces(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add two or three smooth slabs that lie on one another, with gardens on their roofs."""
    look = replace(_low_look(plan), garden=float(plan.rng.random() < 0.75))
    turn, levels = plan.uniform(-0.5, 0.5), 2 + int(plan.rng.random() < 0.5)
    wide, deep, bottom = width, width * plan.uniform(0.55, 0.85), base
    shift = plan.uniform(-0.12, 0.12)
    for level in range(levels):
        tall = height / levels
        x = right + level * shift * width
        plan.add(loft((x, bottom, away), (wide, tall, deep), ((0.0, 1.0), (1.0, 0.95)), turn), look)
        bottom, wide, deep = bottom + tall, wide * plan.uniform(0.62, 0.74), deep * plan.uniform(0.62, 0.74)


def hall(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a wide dome that glows from inside."""
    look = replace(_low_look(plan), crown=plan.uniform(0.6, 0.9), rim=0.0, gloss=0.5)
    plan.add(cylinder(right, base, away, width * 0.52, height * 0.25), replace(look, crown=0.0, rim=0.9))
    plan.add(dome(right, base + height * 0.25, away, width * 0.5, height * 0.75), look)


def shell(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a long vault like a shell."""
    look = replace(_low_look(plan), rim=0.0, seam=0.8, gloss=0.5)
    profile = tuple((share, math.sqrt(1 - share * share)) for share in (0.0, 0.3, 0.55, 0.75, 0.88, 0.96, 1.0))
    size = (width * 1.1, height, width * plan.uniform(0.5, 0.7))
    plan.add(loft((right, base, away), size, profile, plan.uniform(-0.5, 0.5)), look)


def slab(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add an upright slab with rounded ends and a rounded head."""
    look, turn = _low_look(plan), plan.uniform(-0.5, 0.5)
    profile = ((0.0, 1.0), (0.8, 0.96), (0.93, 0.8), (1.0, 0.45))
    size = (width * 0.9, height * 1.3, width * plan.uniform(0.24, 0.36))
    plan.add(
        loft((right, base, away), size, profile, turn), replace(look, rim=0.0, seam=float(plan.rng.random() < 0.5))
    )


def ramp(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a building whose roof slopes down to one side in a curve, like a wave."""
    look, lee = _low_look(plan), float(plan.rng.choice([-1, 1]))
    profile = ((0.0, 1.0), (0.3, 0.66), (0.65, 0.4), (1.0, 0.26))
    sway = tuple((share, lee * 0.5 * (1 - size)) for share, size in profile)
    size = (width * 1.1, height * 1.2, width * 0.6)
    plan.add(loft((right, base, away), size, profile, plan.uniform(-0.3, 0.3), sway=sway), look)


LOW: tuple[Tower, ...] = (terraces, terraces, terraces, slab, shell, shell, ramp, hall)


def build_low(plan: Blueprint, right: float, away: float, width: float, height: float) -> None:
    """Add one low building of any kind; halls and shells stay low."""
    kind = LOW[plan.rng.integers(len(LOW))]
    kind(plan, right, 0.0, away, width, min(height, 0.5 * width) if kind in (hall, shell) else height)
