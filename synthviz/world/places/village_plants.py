"""What grows in a village: trees and bushes between the houses, grass at the viewer's feet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthviz.world.air import TreeShadows
from synthviz.world.buildings.houses import House
from synthviz.world.camera import Camera
from synthviz.world.ground import Height
from synthviz.world.land import Drawable, Wishes
from synthviz.world.places.village_ground import Lane
from synthviz.world.plants import undergrowth
from synthviz.world.plants.grove import Grove, Plant
from synthviz.world.plants.scatter import Kinds, Share, heights_at, scatter
from synthviz.world.plants.trees import BIRCH, BROADLEAF, BUSH, CONIFER, birch, broadleaf, bush, conifer
from synthviz.world.sprites import Sprite

SHADOWS_TO = 4.5  # distance up to which trees cast shadows
TREES = {"broadleaf": BROADLEAF, "birch": BIRCH, "conifer": CONIFER}


def _tree(wishes: Wishes, kind: str, season: str, snow: float) -> Sprite:
    if kind == "conifer":
        return conifer(wishes.noise, wishes.rng, snow)
    make = broadleaf if kind == "broadleaf" else birch
    return make(wishes.noise, wishes.rng, season, snow)


def plant_village(
    wishes: Wishes,
    camera: Camera,
    height: Height,
    lane: Lane,
    houses: Sequence[House],
    band: tuple[float, float],
    season: str,
) -> tuple[Drawable, ...]:
    """Plant a village.

    Args:
        wishes: what the scene asks for.
        camera: from where it is seen.
        height: the land.
        lane: which stays free.
        houses: which must not be hidden.
        band: distances between which the village lies.
        season: "spring", "summer" or "autumn".
    """
    noise, rng = wishes.noise, wishes.rng
    snow = 0.8 if wishes.weather == "snowfall" else 0.0
    free = _free_of(lane, houses)
    near, far = band
    sprites: list[Sprite] = []
    plants: list[Plant] = []

    def stand(sprite: Sprite, tall: tuple[float, float], aspect: float, count: int, begin: float, end: float) -> None:
        sprites.append(sprite)
        kinds = Kinds(len(sprites) - 1, 1, tall, aspect)
        plants.extend(scatter(rng, height, camera, kinds, count, begin, end, free))

    # A village has few kinds of trees, which also saves time.
    for kind in ("broadleaf", str(rng.choice(["broadleaf", "birch", "conifer"]))):
        stand(_tree(wishes, kind, season, snow), (0.26, 0.44), TREES[kind], 68, near, far + 3.5)
    shading = tuple(plant for plant in plants if plant.away < SHADOWS_TO)
    stand(bush(noise, rng, season, snow), (0.06, 0.11), BUSH, 36, near, far)
    plants += _hedges(rng, height, camera, houses, len(sprites) - 1)
    if rng.random() < 0.6:
        dry = 0.7 if season == "autumn" or snow else 0.15
        tufts = undergrowth.grass(noise, rng, season != "autumn" and not snow, dry)
        stand(tufts, (0.055, 0.085), undergrowth.GRASS, 26, 0.3, 1.1)
    if rng.random() < 0.3 and camera.horizon > 0.57:
        sprites.append(undergrowth.branch(noise, rng, season, snow))
        plants.append(_bough(wishes, camera, len(sprites) - 1))
    return TreeShadows(shading), Grove(tuple(sprites), tuple(plants))


def _free_of(lane: Lane, houses: Sequence[House]) -> Share:
    """Return a share for `scatter`: nothing grows on the lane, in houses or close before them."""
    right = np.array([house.right for house in houses])[:, None]
    away = np.array([house.away for house in houses])[:, None]
    half = np.array([0.6 * max(house.width, house.depth) for house in houses])[:, None]

    def share(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        path = lane.start + lane.lean * z + lane.swing * np.sin(z / lane.length + lane.phase)
        off_lane = np.abs(x - path) > lane.half + 0.07
        before = (np.abs(x - right) < half) & (z > away - half - 0.12) & (z < away + half)
        result: np.ndarray = (off_lane & ~before.any(0)).astype(float)
        return result

    return share


def _hedges(
    rng: np.random.Generator, height: Height, camera: Camera, houses: Sequence[House], kind: int
) -> list[Plant]:
    """Plant bushes at the corners of houses."""
    spots = []
    for house in houses:
        for side in (-1, 1):
            if rng.random() < 0.6:
                spots.append(house.beside(side * (0.5 * house.width + 0.05), -0.5 * house.depth - 0.03))
    if not spots:
        return []
    x, z = np.array(spots).T
    plants = []
    for right, away, base in zip(x, z, heights_at(height, camera, x, z), strict=True):
        tall = float(rng.uniform(0.05, 0.08))
        if base > 0.02 and away > 0.8:
            plants.append(Plant(kind, float(right), float(base) - 0.005, float(away), tall * BUSH, tall))
    return plants


def _bough(wishes: Wishes, camera: Camera, kind: int) -> Plant:
    """Hang a leafy branch into an upper corner, not before the sun."""
    rng = wishes.rng
    side = -float(wishes.sun_side) if wishes.sun_side else float(rng.choice([-1, 1]))
    away = 0.6
    half = camera.width * away
    wide = float(rng.uniform(0.9, 1.2)) * half
    tall = wide / undergrowth.BRANCH
    top = camera.height + 2 * half * camera.horizon + 0.02
    return Plant(kind, side * (half - wide / 2 + 0.02), top - tall, away, wide, tall, 1.0, side > 0)
