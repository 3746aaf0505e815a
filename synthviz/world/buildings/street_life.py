"""What brings a city to life: trains on tracks, lights in the air, lamps and trees along streets, railings.

Railings and frames stand near the viewer and give the picture its depth.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from synthviz.world.buildings.blueprint import Blueprint
from synthviz.world.buildings.lamps import Lamp, Trail
from synthviz.world.buildings.lofts import loft
from synthviz.world.buildings.solids import box, cylinder
from synthviz.world.buildings.towers import setback_tower, twisted
from synthviz.world.camera import Camera
from synthviz.world.land import Wishes
from synthviz.world.light import Color
from synthviz.world.plants.trees import BROADLEAF, broadleaf
from synthviz.world.sprites import Standing


def traffic(plan: Blueprint, camera: Camera, distance: float, room: float) -> list[Lamp | Trail]:
    """Let aircraft fly in wide arcs between the towers, each with a trail of light that is seen at dark hours."""
    lights: list[Lamp | Trail] = []
    side = float(plan.rng.choice([-1, 1]))
    for number in range(int(plan.rng.integers(2, 4))):
        side = -side
        near = distance * plan.uniform(0.5, 0.7)
        rise = plan.uniform(0.3, 0.5) * room + 0.12 * room * number
        begin = (-side * 1.3 * camera.width * distance, rise * plan.uniform(0.5, 0.9), distance + 1.5)
        bend = (plan.uniform(-0.3, 0.3) * camera.width * distance, rise * 1.35, distance - 0.6)
        end = (side * plan.uniform(0.3, 0.9) * camera.width * near, 0.35 * camera.height + 0.55 * rise, near)
        color: Color = plan.glows[number % 2]
        trail = Trail(begin, bend, end, (0.9 * color[0] + 0.15, 0.9 * color[1] + 0.12, 0.9 * color[2] + 0.1))
        lights.append(trail)
        for share in (1.0, plan.uniform(0.5, 0.8)):
            lights.append(_aircraft(plan, trail, share))
    return lights


def _aircraft(plan: Blueprint, trail: Trail, share: float) -> Lamp:
    """Add an aircraft on a trail, shaped like a drop, and return its light."""
    (x, y, z), before = trail.at(share), trail.at(share - 0.05)
    turn = math.atan2(z - before[2], x - before[0])
    long = plan.uniform(0.28, 0.36)
    look = replace(plan.look(adorned=False), metal=(0.55, 0.57, 0.62), lit=1.0, rim=0.0, gloss=0.3)
    look = replace(look, pane=0.06, pane_width=0.4, frame=0.5, window=(1.0, 0.8, 0.5))
    profile = ((0.0, 0.2), (0.35, 0.95), (0.5, 1.0), (0.75, 0.6), (1.0, 0.1))
    plan.aircraft.append((loft((x, y - 0.02, z), (long, 0.06, 0.10), profile, turn), look))
    color = trail.color
    nose = (x + 0.4 * long * math.cos(turn), y, z + 0.4 * long * math.sin(turn) - 0.12)
    return Lamp(*nose, 0.02, (1.2 * color[0] + 0.2, 1.2 * color[1] + 0.2, 1.2 * color[2] + 0.2), 1.5)


def street_lamps(plan: Blueprint, right: float) -> list[Lamp]:
    """Put lamps along both sides of an avenue, and return their lights."""
    post = replace(plan.look(adorned=False), lit=0.0, rim=0.0, gloss=0.0)
    lamps = []
    for away in np.arange(1.3, 7.0, 0.9):
        for side in (-1, 1):
            plan.add(cylinder(side * right, 0.0, float(away), 0.016, 0.36, 0.010), post)
            lamps.append(Lamp(side * right, 0.37, float(away), 0.022, (1.3, 0.80, 0.38)))
    return lamps


def cars(plan: Blueprint, half: float) -> list[Lamp]:
    """Let cars drive on an avenue: white lights come on the left, red lights go on the right."""
    lamps = []
    for number in range(10):
        side = -1 if number % 2 else 1
        away = 2.0 * 5.0 ** plan.uniform(0, 1)
        color: Color = (1.3, 0.10, 0.06) if side > 0 else (1.3, 1.15, 0.9)
        middle = side * half * float(plan.rng.choice([0.22, 0.46]))
        lamps += [Lamp(middle + shift, 0.06, away, 0.016, color, 1.3) for shift in (-0.055, 0.055)]
    return lamps


def street_trees(plan: Blueprint, wishes: Wishes, places: list[tuple[float, float]], size: float) -> list[Standing]:
    """Plant trees of one kind at places, given as right and away."""
    tree = broadleaf(wishes.noise, plan.rng, snow=0.7 if wishes.weather == "snowfall" else 0.0)
    trees = []
    for right, away in places:
        tall = size * plan.uniform(0.75, 1.2)
        flip = bool(plan.rng.random() < 0.5)
        trees.append(Standing(tree, right, 0.0, away, tall * BROADLEAF, tall, flip=flip))
    return trees


def railing(plan: Blueprint, camera: Camera) -> Blueprint:
    """Return a railing with a band of light before the viewer, at the lower edge of the picture."""
    terrace = Blueprint(plan.rng)
    away = 1.0
    reach = camera.width * away * 1.3
    top = camera.height - (plan.uniform(0.80, 0.9) - camera.horizon) * 2 * camera.width * away
    turn = plan.uniform(-0.22, 0.22)
    dark = replace(plan.look(adorned=False), metal=(0.10, 0.11, 0.13), lit=0.0, rim=0.0, gloss=0.12)
    light = replace(dark, rim=0.8, glow=plan.glows[0])
    terrace.add(box(0.0, top - 0.022, away, 2.4 * reach, 0.022, 0.03, turn), dark)
    terrace.add(box(0.0, top - 0.085, away, 2.4 * reach, 0.012, 0.012, turn), light)
    step = reach / plan.uniform(2.2, 3.4)
    for number in range(-4, 5):
        along = (number + 0.5) * step
        right, deep = along * math.cos(turn), away + along * math.sin(turn)
        terrace.add(box(right, top - 0.6, deep, 0.026, 0.59, 0.02, turn), dark)
    return terrace


def frame(plan: Blueprint, camera: Camera, sun_side: int | None) -> None:
    """Let a great tower stand near the viewer at one edge of the picture, beside neither the sun nor the hero.

    Args:
        plan: of the city, whose first solid is the greatest tower.
        camera: from where the city is seen.
        sun_side: side of the sun or moon, see `Wishes`.
    """
    side = -float(sun_side) if sun_side else -math.copysign(1.0, plan.parts[0].right)
    away = plan.uniform(3.0, 3.8)
    build = twisted if plan.rng.random() < 0.3 else setback_tower
    tall = (camera.horizon - plan.uniform(-0.1, 0.1)) * 2 * camera.width * away + camera.height
    build(plan, side * camera.width * away * plan.uniform(0.92, 1.02), 0.0, away, 0.75, tall)


def track(plan: Blueprint, side: float, distance: float, camera: Camera) -> None:
    """Build an elevated track that leads from the foreground into the city, with a train on it."""
    start = (side * camera.width * 2.0, 2.0)
    end = (-side * camera.width * distance * plan.uniform(0.0, 0.4), distance - 1.2)
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    turn = math.atan2(end[1] - start[1], end[0] - start[0])
    deck = camera.height * plan.uniform(0.5, 0.75)
    look = replace(plan.look(adorned=False), lit=0.0, rim=1.0, glow=plan.glows[0], gloss=0.2)
    middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    plan.add(box(middle[0], deck, middle[1], length * 1.3, 0.045, 0.12, turn), look)
    for share in np.arange(-0.1, 1.0, 0.14):
        right, away = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
        plan.add(cylinder(right, -0.1, away, 0.035, deck + 0.1, 0.05), replace(look, rim=0.0))
    share = plan.uniform(0.3, 0.7)
    train = replace(
        look, lit=1.0, pane=0.07, pane_width=0.12, window=(1.0, 0.8, 0.5), rim=0.0, seed=plan.uniform(0, 100)
    )
    right, away = start[0] + share * (end[0] - start[0]), start[1] + share * (end[1] - start[1])
    plan.add(box(right, deck + 0.045, away, 0.9, 0.08, 0.08, turn), train)
