"""A forest: a sea of crowns seen from above, its edge behind a meadow or a lake, or a glade among its trunks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from torch import Tensor

from synthviz.world.air import Mist, TreeShadows
from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Land, Material, Wishes, bumps, height_at, rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.glade import glade
from synthviz.world.places.woods import Woods, choose_woods, free_side, meadow
from synthviz.world.plants import trees
from synthviz.world.plants.crowns import Crowns
from synthviz.world.plants.grove import Grove, Plant
from synthviz.world.plants.scatter import Kinds, scatter
from synthviz.world.sky import mix
from synthviz.world.viewpoint import lake_in_view, raise_sky
from synthviz.world.water import Waves


def forest(wishes: Wishes) -> Land:
    """Build a forest, with a lake if water is wished for."""
    kind = str(wishes.rng.choice(["above", "edge", "glade"]))
    woods = choose_woods(wishes, 232 if kind == "glade" else trees.ROWS)
    return {"above": _above, "edge": _edge, "glade": glade}[kind](wishes, woods)


def _above(wishes: Wishes, woods: Woods) -> Land:
    """Build wooded hills seen from one of them, with mist in the valleys."""
    noise, rng = wishes.noise, wishes.rng
    shift = float(rng.uniform(0, 60))
    crowns = Crowns(rng, 0.115, woods.pointed, woods.palette, woods.needles)
    ground = _hills(noise, shift)
    camera = Camera(
        max(0.1, height_at(ground, 0.0, 0.3))
        + float(rng.uniform(0.62, 0.85) if wishes.water else rng.uniform(0.4, 0.7)),
        float(rng.uniform(0.34, 0.5)),
        float(rng.uniform(0.38, 0.56)),
    )
    camera = raise_sky(camera, ground, 0.35)
    first, last = 0.6, 3.4  # distances between which trees stand singly
    if wishes.water:
        lake = lake_in_view(camera, rng, 0.22)
        ground, first, last = lake.flood(noise, ground), 0.75 * lake.near, 1.3 * lake.near
    height = _roofed(noise, ground, crowns, 0.15, wishes.water)
    kinds = Kinds(0, len(woods.sprites), (0.15, 0.26), 0.0)
    standing = scatter(rng, ground, camera, kinds, 220, first, last, dry=0.03)
    standing = tuple(woods.dressed(plant) for plant in standing)
    dense = float(rng.uniform(0.06, 0.22))
    mist = Mist(noise, 0.0, float(rng.uniform(0.25, 0.5)), dense, shift, 1.6)
    return Land(
        camera,
        height,
        lambda seen, x, z: _roof(noise, crowns, woods, seen, x, z),
        _lake(wishes) if wishes.water else None,
        drawables=(Grove(woods.sprites, standing), mist),
        sights=("from above", *(("mist",) if dense > 0.12 else ()), *woods.sights),
    )


def _hills(noise: Noise, shift: float) -> Height:
    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rolling = noise.fbm(x / 3.0 + shift, z / 2.4 - shift, 3, 0.42)
        ridge = noise.fbm(x / 5.0 - shift, z / 3.0 + shift, 3, 0.45, ridged=True)
        land = 0.26 + (0.30 * rolling + 0.22 * ridge) * smoothstep(0.3, 2.5, z) + 0.5 * smoothstep(5, 15, z)
        return land.clamp(min=0.02)

    return height


def _roofed(noise: Noise, ground: Height, crowns: Crowns, tall: float, water: bool) -> Height:
    """Put crowns on the land, where it is dry."""

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        land = ground(x, z, pixel)
        clump = noise.value(x * 34, z * 34) * (1.5 - 110 * pixel).clamp(0, 1)  # boughs, on crowns that are near
        top = crowns.heights(x + 0.012 * clump, z - 0.012 * clump)
        shown = (1.8 - 75 * pixel).clamp(0, 1)
        roof = tall * (0.55 + (top + 0.10 * clump - 0.55) * shown)
        return land + (roof * smoothstep(0.0, 0.03, land) if water else roof)

    return height


def _roof(noise: Noise, crowns: Crowns, woods: Woods, seen: Seen, x: Tensor, z: Tensor) -> Material:
    """Leaves and needles of many trees, dark between the crowns."""
    clump = noise.value(x * 34, z * 34) * (1.5 - 110 * seen.pixel).clamp(0, 1)
    top, dark, light = crowns.colors(x + 0.012 * clump, z - 0.012 * clump)
    fine, bump_x, bump_z = bumps(noise, x, z + 0.8 * seen.height, seen.pixel, 0.016, 2)
    broad = noise.value(x / 0.8, z / 0.8)
    leaves = mix(dark, light, (0.42 + 0.24 * fine + 0.16 * clump + 0.35 * (top - 0.5) + 0.1 * broad).clamp(0, 1))
    deep = smoothstep(0.12, 0.75, top)
    shown = (1.8 - 75 * seen.pixel).clamp(0, 1)
    albedo = leaves * (1 - 0.78 * (1 - deep) * shown)
    albedo = mix(albedo, rgb(0.86, 0.90, 0.96), woods.snow * smoothstep(0.35, 0.8, top + 0.15 * fine) * 0.9)
    shore = smoothstep(0.03, 0.0, seen.height)
    albedo = mix(albedo, rgb(0.20, 0.16, 0.10), shore)
    return Material(albedo, bump_x * 0.3, bump_z * 0.3)


def _edge(wishes: Wishes, woods: Woods) -> Land:
    """Build a meadow or a lake before a wall of trees, with wooded hills behind."""
    noise, rng = wishes.noise, wishes.rng
    shift, side = float(rng.uniform(0, 60)), free_side(wishes)
    crowns = Crowns(rng, 0.13, woods.pointed, woods.palette, woods.needles)
    ground = _clearing(noise, shift, wishes.water)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        return ground(x, z, pixel) + 0.2 * crowns.heights(x, z) * smoothstep(4.4, 4.8, z)

    lift = float(rng.uniform(0.06, 0.16))
    camera = Camera(
        max(0.04, height_at(ground, 0.0, 0.15)) + lift, float(rng.uniform(0.5, 0.66)), float(rng.uniform(0.36, 0.52))
    )
    kinds = Kinds(0, len(woods.sprites), (0.42, 0.78), 0.0)
    wall = scatter(rng, ground, camera, kinds, 130, 2.9, 4.4, crowding=0.5)
    flank = scatter(
        rng, ground, camera, kinds, 60, 1.5, 3.0, lambda x, z: (x * side / z > 0.30 * camera.width).astype(float)
    )
    standing = tuple(woods.dressed(plant) for plant in wall + flank)
    bushes = scatter(rng, ground, camera, woods.bushes, 60, 2.6, 3.3)
    tufts = _tufts(wishes, woods, ground, camera)
    camera = raise_sky(camera, height, 0.32, standing)

    def material(seen: Seen, x: Tensor, z: Tensor) -> Material:
        field = meadow(noise, woods, seen, x, z)
        top, dark, light = crowns.colors(x, z)
        roof = mix(dark, light, 0.45) * (0.45 + 0.6 * top) + 0.6 * woods.snow
        far = smoothstep(4.3, 4.6, z)
        return Material(mix(field.albedo, roof, far), field.bump_x * (1 - far), field.bump_z * (1 - far))

    drawables = (
        TreeShadows(tuple(tree for tree in standing if tree.away < 3.2)),
        Grove(woods.sprites, standing + bushes + tufts),
        Mist(noise, 0.05, 0.5, float(rng.uniform(0.02, 0.12)), shift, 3.0),
    )
    return Land(
        camera,
        height,
        material,
        _lake(wishes) if wishes.water else None,
        near=0.1,
        drawables=drawables,
        sights=(
            "across the water" if wishes.water else "meadow",
            *(("grass",) if len(tufts) > 8 else ()),
            *woods.sights,
        ),
    )


def _tufts(wishes: Wishes, woods: Woods, ground: Height, camera: Camera) -> tuple[Plant, ...]:
    """Choose what grows before the viewer in three of four pictures; at a lake it stands in the water."""
    rng = wishes.rng
    if rng.random() < 0.12:
        return ()
    middle, half = float(rng.uniform(-0.8, 0.8)), float(rng.uniform(0.3, 0.8)) if wishes.water else 2.0

    def beds(x: np.ndarray, z: np.ndarray) -> np.ndarray:
        inside: np.ndarray = np.abs(x / z / camera.width - middle) < half
        return inside.astype(float)

    tufts = scatter(rng, ground, camera, woods.tufts, 60, 0.26, 1.0, beds, dry=-0.2, crowding=0.2)
    return tuple(replace(tuft, base=max(tuft.base, -0.004)) for tuft in tufts)


def _clearing(noise: Noise, shift: float, water: bool) -> Height:
    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        small = noise.fbm(x * 1.3 + shift, z * 1.3, 4, 0.45, pixel * 1.3)
        rolling = noise.fbm(x / 3 - shift, z / 3 + shift, 3, 0.45)
        land = 0.10 + 0.018 * small + 0.03 * rolling + 0.10 * smoothstep(1.5, 4.0, z)
        land = land + (0.55 + 0.40 * rolling).clamp(min=0) * smoothstep(4.6, 10.0, z)
        if water:
            lake = ((x - 0.4 * noise.value(z * 0.6 + shift, x * 0)) / (1.6 + 0.3 * z)) ** 2 + ((z - 1.65) / 1.3) ** 2
            land = land - 0.34 * smoothstep(1.1, 0.75, lake)
        return land

    return height


def _lake(wishes: Wishes) -> Waves:
    rng = wishes.rng
    return Waves(float(rng.uniform(0.006, 0.028)), 0.4, float(rng.uniform(-0.6, 0.6)), (0.015, 0.045, 0.04))
