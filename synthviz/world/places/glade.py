"""A glade inside a forest: trunks near and far on both sides, a path, ferns, shafts of light."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from synthviz.world.air import Mist, Shafts, TreeShadows
from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Land, Material, Wishes, bumps, height_at, rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.woods import Woods, free_side, meadow
from synthviz.world.plants import undergrowth
from synthviz.world.plants.grove import Grove, Plant
from synthviz.world.plants.scatter import Kinds, Share, heights_at, scatter
from synthviz.world.sky import mix
from synthviz.world.viewpoint import raise_sky
from synthviz.world.water import Waves


def glade(wishes: Wishes, woods: Woods) -> Land:
    """Build a path, or a brook if water is wished for, that leads through a forest into the light."""
    noise, rng = wishes.noise, wishes.rng
    shift, side = float(rng.uniform(0, 60)), free_side(wishes)
    lean = -0.16 * side if wishes.sun_side != 0 else 0.0  # the opening bends towards the sun
    ground = _floor(noise, shift, lean, wishes.water)
    camera = Camera(
        max(0.03, height_at(ground, 0.0, 0.12)) + float(rng.uniform(0.06, 0.10)),
        float(rng.uniform(0.56, 0.68)),
        float(rng.uniform(0.46, 0.58)),
    )
    open_half = float(rng.uniform(0.34, 0.46)) + (0.06 if wishes.water else 0.0)

    def outside(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        return (np.abs(x - lean * z) > open_half + 0.02 * z).astype(float)

    kinds = Kinds(0, len(woods.sprites), (0.55, 0.95), 0.0)
    trees = scatter(rng, ground, camera, kinds, 190, 0.95, 4.6, outside, crowding=0.5)
    trees += scatter(rng, ground, camera, Kinds(0, 99, (0.5, 0.8), 0.0), 70, 4.6, 6.0)
    trees = tuple(woods.dressed(plant) for plant in trees)
    first = len(woods.sprites)
    is_birch = rng.random() < 1.2 * woods.birches
    sprites = (*woods.sprites, *(undergrowth.trunk(noise, rng, is_birch, rng.random() < 0.4) for _ in range(2)))
    sprites = (
        *sprites,
        undergrowth.branch(noise, rng, woods.season, woods.snow),
        undergrowth.rock(noise, rng, woods.snow),
    )
    near = _trunks(wishes, ground, camera, first, side)
    small = scatter(rng, ground, camera, woods.tufts, 150, 0.3, 2.4, _beside(lean, 0.13), crowding=0.6)
    bushes = scatter(rng, ground, camera, woods.bushes, 40, 1.0, 4.0, outside)
    stones = scatter(
        rng, ground, camera, Kinds(first + 3, 1, (0.02, 0.05), undergrowth.ROCK, 0.2), 9, 0.4, 2.0, _beside(lean, 0.1)
    )
    camera = raise_sky(camera, ground, 0.33, trees + near)
    near += _branch(wishes, camera, first + 2, side)
    plants = trees + near + small + bushes + stones
    return Land(
        camera,
        ground,
        lambda seen, x, z: _material(noise, woods, seen, x, z, shift, lean, wishes.water),
        Waves(0.012, 0.2, 0.0, (0.02, 0.04, 0.03)) if wishes.water else None,
        near=0.08,
        drawables=(
            TreeShadows(tuple(plant for plant in trees if plant.away < 3), 0.2),
            Grove(sprites, plants),
            Mist(noise, 0.1, 0.9, float(rng.uniform(0.04, 0.17)), shift, 1.0),
            Shafts(noise, float(rng.uniform(0.4, 1.0)), shift),
        ),
        sights=("inside", "river" if wishes.water else "path", *woods.sights),
    )


def _beside(lean: float, half: float) -> Share:
    return lambda x, z: (np.abs(x - lean * z) > half).astype(float)


def _trunks(wishes: Wishes, ground: Height, camera: Camera, first: int, side: int) -> tuple[Plant, ...]:
    """Choose one to three trunks close to the viewer."""
    rng = wishes.rng
    spots = [(side * float(rng.uniform(0.7, 0.95)), float(rng.uniform(0.5, 0.75)))]
    if rng.random() < 0.6:
        spots.append((-side * float(rng.uniform(0.82, 1.0)), float(rng.uniform(0.6, 0.95))))
    if rng.random() < 0.5:
        spots.append((side * float(rng.uniform(0.5, 0.7)), float(rng.uniform(0.9, 1.2))))
    right = np.array([column * camera.width * away for column, away in spots])
    away = np.array([away for _, away in spots])
    plants = []
    for x, z, base in zip(right, away, heights_at(ground, camera, right, away), strict=True):
        tall = float(rng.uniform(1.0, 1.3))
        kind = first + int(rng.integers(2))
        plants.append(
            Plant(
                kind,
                float(x),
                max(0.0, float(base)) - 0.01,
                float(z),
                float(rng.uniform(0.36, 0.52)) * tall * undergrowth.TRUNK,
                tall,
            )
        )
    return tuple(plants)


def _branch(wishes: Wishes, camera: Camera, kind: int, side: int) -> tuple[Plant, ...]:
    """Let a branch hang into the picture from an upper corner, in every second picture."""
    rng = wishes.rng
    if rng.random() < 0.5:
        return ()
    away, seen = 0.7, 2 * camera.width * 0.7  # seen: width and height of the picture at this distance
    wide = float(rng.uniform(0.4, 0.6)) * seen
    tall = wide / undergrowth.BRANCH
    top = camera.height + camera.horizon * seen + 0.02
    right = side * (seen / 2 - wide / 2 + 0.02)
    return (Plant(kind, right, top - tall, away, wide, tall, 1.0, side > 0),)


def _floor(noise: Noise, shift: float, lean: float, water: bool) -> Height:
    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        small = noise.fbm(x * 2.2 + shift, z * 2.2, 4, 0.45, pixel * 2.2)
        off = x - lean * z - 0.12 * noise.value(z * 0.9 + shift, x * 0) * smoothstep(0.2, 1.5, z)
        land = 0.07 + 0.012 * small + 0.10 * smoothstep(0.15, 1.2, off.abs()) + 0.02 * z.clamp(0, 8)
        if water:
            wide = 0.35 + 0.05 * noise.value(z * 1.3 + shift, x * 0)
            land = (
                land
                - 0.02 * z.clamp(0, 8)
                - 0.15 * smoothstep(wide + 0.1, wide - 0.05, off.abs()) * smoothstep(4.5, 3.8, z)
            )
        return land

    return height


def _material(
    noise: Noise, woods: Woods, seen: Seen, x: Tensor, z: Tensor, shift: float, lean: float, water: bool
) -> Material:
    """Moss and fallen leaves, with a path of bare earth unless there is a brook."""
    field = meadow(noise, woods, seen, x, z)
    fine, bump_x, bump_z = bumps(noise, x + 9, z, seen.pixel, 0.05, 4)
    patches = smoothstep(-0.2, 0.8, noise.fbm(x * 1.6 - shift, z * 1.6, 3, 0.5, seen.pixel * 1.6))
    litter = {
        "autumn": (rgb(0.20, 0.09, 0.02), rgb(0.62, 0.30, 0.06)),
        "summer": (rgb(0.09, 0.07, 0.03), rgb(0.26, 0.19, 0.09)),
        "spring": (rgb(0.09, 0.08, 0.03), rgb(0.26, 0.22, 0.09)),
    }[woods.season]
    leaves = mix(*litter, (0.45 + 0.3 * fine).clamp(0, 1))
    bare = patches * (0.25 if woods.snow else 0.8)
    albedo = mix(field.albedo, leaves, bare)
    if not water:
        off = x - lean * z - 0.12 * noise.value(z * 0.9 + shift, x * 0) * smoothstep(0.2, 1.5, z)
        path = smoothstep(0.13, 0.075, off.abs() + 0.012 * fine)
        earth = mix(rgb(0.20, 0.14, 0.08), rgb(0.42, 0.32, 0.20), (0.5 + 0.25 * fine).clamp(0, 1))
        albedo = mix(albedo, mix(earth, rgb(0.80, 0.84, 0.92), woods.snow), path * 0.9)
    return Material(albedo, field.bump_x + 0.06 * bump_x, field.bump_z + 0.06 * bump_z)
