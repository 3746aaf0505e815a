"""A village: seen from a hill, along its lane, across a pond or a meadow, or climbing up a hillside."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from synthviz.world.buildings.houses import LIT_WINDOWS, PLASTER, STONE, House, Parts, choose_house
from synthviz.world.camera import Camera
from synthviz.world.land import Drawable, Land, Wishes
from synthviz.world.places.smoke import smoke
from synthviz.world.places.village_ground import Ground, draw_plan
from synthviz.world.places.village_plants import plant_village
from synthviz.world.places.village_sites import Point, Site, above, across, hillside, lane
from synthviz.world.water import Waves

CHURCH_TURN = 0.35  # radians by which a church faces the middle of the picture


def village(wishes: Wishes) -> Land:
    """Build a village, at a pond or a lake if water is wished for."""
    rng = wishes.rng
    kinds: dict[str, Callable[[Wishes], Site]] = {"above": above, "across": across, "hillside": hillside}
    if not wishes.water:
        kinds["lane"] = lane
    kind = str(rng.choice(list(kinds)))
    site = kinds[kind](wishes)
    season = str(rng.choice(["summer", "spring", "autumn"], p=[0.55, 0.2, 0.25]))
    camera = Camera(max(0.02, _heights(site, [(0.0, 0.15)])[0]) + site.lift, site.horizon, site.width)
    houses, nave = _settle(site, rng), _nave(site, rng)
    buildings = [*houses, nave]
    plan = draw_plan(buildings, site.height)
    ground = Ground(
        noise=wishes.noise,
        plan=plan,
        lane=site.lane,
        season=season,
        snow=wishes.weather == "snowfall",
        fields=site.fields,
        wood_line=site.wood_line,
        lamps=LIT_WINDOWS[wishes.time],
        wet=wishes.water,
    )

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        return site.height(x, z, pixel) + plan.blocks(x, z)

    plants = plant_village(wishes, camera, site.height, site.lane, buildings, site.band, season)
    solids, smokes = _build(wishes, site, houses, nave)
    waves = Waves(float(rng.uniform(0.008, 0.03)), 0.35, float(rng.uniform(-0.6, 0.6)), (0.02, 0.05, 0.045))
    drawables = (*plants[:-1], *solids, plants[-1], *smokes)
    sights = {"above": ("from a hill",), "across": (), "hillside": (), "lane": ("path",)}[kind]
    sights += ("across the water",) if wishes.water and kind == "across" else ()
    sights += ("fence",) if site.fence else ()
    sights += () if season == "summer" or ground.snow else (season,)
    return Land(camera, height, ground.material, waves if wishes.water else None, drawables=drawables, sights=sights)


def _build(
    wishes: Wishes, site: Site, houses: list[House], nave: House
) -> tuple[tuple[Drawable, ...], tuple[Drawable, ...]]:
    """Build houses, church and fence, and let smoke rise from some chimneys."""
    rng = wishes.rng
    parts = Parts([], [])
    for number, house in enumerate(houses):
        parts.add_house(house, number)
    parts.add_church(nave, site.church[2], float(rng.choice([0.45, 0.75, 0.95])))
    bases = _heights(site, site.fence)
    parts.add_fence([(right, base, away) for (right, away), base in zip(site.fence, bases, strict=True)], 0.075)
    mouths = [house.chimney_top for house in houses if house.away > 1.8 and rng.random() < 0.4]
    smokes = tuple(smoke(wishes.noise, rng, *mouth) for mouth in mouths[:4] if mouth is not None)
    return (parts.finish(wishes.noise, wishes.time, wishes.weather),), smokes


def _heights(site: Site, points: list[Point]) -> list[float]:
    """Return the heights of the ground at points."""
    if not points:
        return []
    x, z = torch.tensor(points, dtype=torch.float32).T[:, None]
    return [float(value) for value in site.height(x, z, torch.full_like(x, 0.01))[0]]


def _settle(site: Site, rng: np.random.Generator) -> list[House]:
    """Build houses on the spots that are dry and not too near to each other."""
    taken = [(site.church[0], site.church[1], 0.62 * site.church[2])]
    chosen = []
    for (right, away, turn), base in zip(site.spots, _heights(site, [spot[:2] for spot in site.spots]), strict=True):
        if base < 0.02 or abs(right - site.lane.at(away)) < site.lane.half + 0.2:
            continue
        if any(math.hypot(right - x, away - z) < radius + 0.26 for x, z, radius in taken):
            continue
        taken.append((right, away, 0.26))
        chosen.append(choose_house(rng, right, base - 0.01, away, turn))
    return chosen


def _nave(site: Site, rng: np.random.Generator) -> House:
    """Return the church's nave as a house."""
    right, away, size = site.church
    turn = -math.copysign(CHURCH_TURN, right) * float(rng.uniform(0.5, 1.6))
    base = min(_heights(site, [(right, away), (right, away - 0.3 * size)]))
    width, depth = 0.36 * size, 0.66 * size
    stone = bool(rng.random() < 0.3)
    wall, style = ((0.42, 0.37, 0.30), STONE) if stone else ((0.70, 0.64, 0.54), PLASTER)
    roof = ((0.13, 0.15, 0.17), (0.30, 0.09, 0.05), (0.14, 0.22, 0.18))[int(rng.integers(3))]
    return House(right, base, away, width, depth, 0.26 * size, 0.26 * size, turn, style, wall, roof, (), None)
