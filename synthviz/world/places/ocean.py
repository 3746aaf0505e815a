"""The ocean: from low above its swell, from a cliff, before sea stacks, and with an island in the distance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Height
from synthviz.world.land import Drawable, Land, Wishes, rgb
from synthviz.world.places.coast_rock import Rock, cliffs, coast_material, rocks
from synthviz.world.places.sea import Sea, Surf
from synthviz.world.places.sparse import where_seen
from synthviz.world.water import Waves

FLOOR = -0.6
# How rough the sea is: lowest and highest.
ROUGHNESS = {
    "clear": (0.08, 0.55),
    "clouds": (0.15, 0.65),
    "fog": (0.0, 0.3),
    "rain": (0.45, 0.9),
    "snowfall": (0.3, 0.8),
    "thunderstorm": (1.0, 1.4),
}
DEEP = ((0.004, 0.045, 0.075), (0.006, 0.07, 0.085), (0.005, 0.03, 0.055), (0.012, 0.075, 0.07))
STONE = (
    ((0.16, 0.13, 0.11), (0.36, 0.30, 0.25)),
    ((0.12, 0.11, 0.10), (0.29, 0.26, 0.23)),
    ((0.26, 0.17, 0.11), (0.50, 0.36, 0.24)),
    ((0.36, 0.30, 0.22), (0.60, 0.52, 0.40)),
)

SIGHTS = {"swell": ("waves",), "stacks": ("cliffs", "rocks"), "cliff": ("cliffs",), "island": ("island", "distant")}


def ocean(wishes: Wishes) -> Land:
    """Build a piece of the ocean."""
    rng = wishes.rng
    kind = rng.choice(["swell", "stacks", "cliff", "island"], p=[0.26, 0.07, 0.47, 0.2])
    rough = float(rng.uniform(*ROUGHNESS[wishes.weather]))
    camera, height, length = _camera(kind, rough, rng)
    side = float(rng.choice([-1, 1])) if not wishes.sun_side else -float(wishes.sun_side)
    stones = _stones(kind, side, wishes)
    land, bed = _land(kind, side, stones, camera.height, wishes)
    deep = DEEP[rng.integers(len(DEEP))]
    waves = Waves(0.04 + 0.09 * rough, 0.09 + 0.07 * rough, float(rng.uniform(-0.5, 0.5)), deep)
    sea = Sea(
        wishes.noise,
        height,
        length,
        waves,
        whitecaps=float(np.clip((rough - 0.35) * 1.1, 0, 1.2)),
        bed=bed,
        shallows=(0.04, 0.20, 0.20),
        reach=80.0 if kind in ("cliff", "stacks") else 14.0,  # the plane's mirror image would show behind the capes
        surf=Surf(0.5, 0.0, 0.035, 0.95) if stones else None,
    )
    dark, pale = (rgb(*tone) for tone in STONE[rng.integers(len(STONE))])
    grass_line = float(rng.choice([0.15, 0.3, 0.5]))
    snow = 0.9 if wishes.weather == "snowfall" else 0.0
    drawables: tuple[Drawable, ...] = (sea,)
    return Land(
        camera,
        land,
        where_seen(lambda seen, x, z: coast_material(wishes.noise, seen, x, z, dark, pale, grass_line, snow)),
        waves,
        water_from=sea.covers,
        near=0.1,
        drawables=drawables,
        sights=SIGHTS[kind] + (("waves",) if rough > 0.5 else ()),
    )


def _land(kind: str, side: float, stones: tuple[Rock, ...], eye: float, wishes: Wishes) -> tuple[Height, Height | None]:
    """Return the height field, and a coarser one for the bed of the sea; None for the open sea."""
    if not stones:
        return _open_sea, None
    noise = wishes.noise
    land, bed = rocks(noise, stones, FLOOR), rocks(noise, stones, FLOOR, detail=2)
    if kind not in ("cliff", "stacks"):
        return land, bed
    if kind == "cliff":
        near, tall = float(wishes.rng.uniform(0.25, 0.6)), eye * float(wishes.rng.uniform(0.42, 0.62))
    else:
        near, tall = float(wishes.rng.uniform(0.9, 1.4)), float(wishes.rng.uniform(0.35, 0.6))
    coast, coast_bed = cliffs(noise, side, near, tall, FLOOR), cliffs(noise, side, near, tall, FLOOR, detail=2)
    return (
        lambda x, z, pixel: torch.maximum(land(x, z, pixel), coast(x, z, pixel)),
        lambda x, z, pixel: torch.maximum(bed(x, z, pixel), coast_bed(x, z, pixel)),
    )


def _open_sea(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
    return torch.full_like(x, FLOOR)


def _camera(kind: str, rough: float, rng: np.random.Generator) -> tuple[Camera, float, float]:
    """Choose a camera, and the height and length of the swell before it."""
    if kind == "cliff":
        camera = Camera(rng.uniform(0.9, 1.6), rng.uniform(0.3, 0.42), rng.uniform(0.42, 0.62))
        return camera, 0.02 + 0.07 * rough, rng.uniform(0.35, 0.6)
    low, high = {"swell": (0.13, 0.24), "stacks": (0.14, 0.4), "island": (0.16, 0.45)}[kind]
    camera = Camera(rng.uniform(low, high), rng.uniform(0.34, 0.58), rng.uniform(0.38, 0.6))
    tall = (0.015 + 0.075 * rough) * (1.0 if kind == "swell" else 0.7)
    return camera, tall, rng.uniform(0.3, 0.5) + 0.25 * rough


def _stones(kind: str, side: float, wishes: Wishes) -> tuple[Rock, ...]:
    """Choose what rises from the sea, on one side of the picture."""
    rng = wishes.rng
    if kind == "swell":
        if rng.random() < 0.3:
            return ()
        wide, tall = rng.uniform(1.6, 3.5), rng.uniform(0.6, 1.4)
        return (Rock(side * rng.uniform(2, 4.5), rng.uniform(10, 14), wide, 1.5, tall, 0.1),)
    if kind == "island":
        x, z, wide = side * rng.uniform(0.6, 1.8), rng.uniform(6.5, 9.0), rng.uniform(1.2, 2.0)
        return (
            Rock(x, z, wide, 1.1, rng.uniform(0.8, 1.4), 0.0),
            Rock(x + wide * rng.uniform(-0.9, 0.9), z + 0.2, wide * 0.8, 1.0, rng.uniform(0.5, 0.9), 0.15),
            Rock(x - side * wide * 1.3, z - 0.5, 0.16, 0.16, 0.25, 0.6),
        )
    if kind == "cliff":
        return tuple(_stack(side * rng.uniform(0.0, 0.9), rng.uniform(2.4, 5.0), rng) for _ in range(3))
    stacks = [_stack(side * rng.uniform(0.1, 0.9), rng.uniform(3.0, 6.0), rng) for _ in range(int(rng.integers(2, 4)))]
    near = [
        Rock(
            side * rng.uniform(0.35, 0.75),
            rng.uniform(0.9, 1.6),
            rng.uniform(0.1, 0.2),
            0.14,
            rng.uniform(0.07, 0.13),
            0.3,
        )
        for _ in range(int(rng.integers(0, 3)))
    ]
    return (*stacks, *near)


def _stack(x: float, z: float, rng: np.random.Generator) -> Rock:
    """Choose a pillar of rock that the sea has left."""
    tall = float(rng.uniform(0.3, 0.9))
    return Rock(x, z, 0.12 + 0.2 * tall * rng.uniform(0.6, 1.1), 0.12 + 0.18 * tall, tall, 0.8)
