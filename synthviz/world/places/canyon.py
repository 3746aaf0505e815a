"""A canyon: from its rim, above a bend of its river, between its walls, as a valley of buttes, or before an arch."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor

from synthviz.world.air import Mist
from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.labels import LABELS
from synthviz.world.land import Drawable, Land, Material, Wishes, bumps, height_at, rgb, steepness
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.rock_arch import rock_arch
from synthviz.world.places.sparse import fill
from synthviz.world.places.strata import Strata, choose_strata
from synthviz.world.plants.grove import Grove, Plant
from synthviz.world.plants.scatter import Kinds, scatter
from synthviz.world.plants.trees import BROADLEAF, BUSH, DEAD, broadleaf, bush, dead_tree
from synthviz.world.plants.undergrowth import ROCK, rock
from synthviz.world.sky import mix
from synthviz.world.sprites import Standing
from synthviz.world.water import Waves


def canyon(wishes: Wishes) -> Land:
    """Build a canyon, with a river or a lake on its floor if water is wished for."""
    rng = wishes.rng
    kind = str(rng.choice(["rim", "floor", "buttes", "arch"], p=[0.34, 0.48, 0.15, 0.03]))
    # The sun bleaches what is not dark; the moon does not.
    strata = choose_strata(rng, 0.9 if wishes.time == "night" else 0.6)
    drawables: list[Drawable] = []
    if kind == "arch":
        camera, height, arch = _arch(wishes, strata)
        drawables.append(arch)
    else:
        rim = _meander if wishes.water else _rim
        camera, height = {"rim": rim, "floor": _floor, "buttes": _buttes}[kind](wishes, strata)
    if kind == "rim":  # haze between the layers makes them stand apart
        drawables.append(Mist(wishes.noise, 0.1, 1.7, float(rng.uniform(0.0, 0.02)), float(rng.uniform(0, 60)), 2.5))
        drawables.append(_rim_brush(wishes, strata, camera, height))
    else:
        drawables.append(_brush(wishes, camera, height, kind == "floor"))
    green = float(rng.uniform(0.5, 0.95))
    meadow = float(rng.uniform(0.3, 0.9)) if kind == "floor" else float(rng.uniform(0.0, 0.4))
    snow = wishes.weather == "snowfall"
    waves = Waves(float(rng.uniform(0.01, 0.03)), 0.4, float(rng.uniform(-0.6, 0.6)), (0.03, 0.07, 0.05))
    return Land(
        camera,
        height,
        lambda seen, x, z: _material(wishes.noise, strata, seen, x, z, green, meadow, snow),
        waves if wishes.water else None,
        near=0.1,
        drawables=tuple(drawables),
        sights=(("from above",) if kind == "rim" else ()) + (("river",) if wishes.water else ()),
    )


def _rim(wishes: Wishes, strata: Strata) -> tuple[Camera, Height]:
    """Stand on the rim and look along a gorge: spurs and temples rise layer by layer on both sides."""
    noise, rng = wishes.noise, wishes.rng
    shift, tall = float(rng.uniform(0, 60)), float(rng.uniform(2.0, 2.5))
    turn = float(rng.choice([-1, 1]) * rng.uniform(0.08, 0.5))
    begin, run = float(rng.uniform(2.6, 3.4)), float(rng.uniform(2.2, 2.9))
    cos, sin = math.cos(turn), math.sin(turn)
    outcrop = _outcrop(wishes, tall)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        along, across = x * sin + (z - begin) * cos, x * cos - (z - begin) * sin
        side = (across + 0.5 * noise.value(along / 2.2 + shift, torch.zeros_like(x))).abs() / run
        # Side canyons cut back into the rim; between them stand spurs, which gullies flute.
        spurs = noise.fbm(x / 2.4 + shift, z / 2.4 - shift, 4, 0.45, pixel / 2.4, ridged=True)
        gullies = noise.fbm(x * 1.7 + shift, z * 1.7, 3, 0.5, pixel * 1.7, ridged=True)
        way = side - 0.06 + (0.45 * spurs + 0.02 * gullies) * smoothstep(0.05, 0.4, side)
        # Temples end at one layer or another; the plateau behind them is level.
        cap = 0.66 + 0.3 * noise.value(x / 1.8 - shift, z / 1.8)
        way = torch.minimum(way, cap.clamp(min=0.3)) + smoothstep(1.0, 1.6, side)
        hills = 0.1 * smoothstep(8, 14, z) * noise.value(x / 4 - shift, z / 4)
        land = tall * strata.terrace(way) * smoothstep(0.3, 0.9, z) + 0.012 * gullies + hills
        return torch.maximum(land, outcrop(x, z, pixel))

    ground = height_at(height, 0.0, 0.0)
    return Camera(ground + rng.uniform(0.1, 0.24), rng.uniform(0.3, 0.42), rng.uniform(0.42, 0.56)), height


def _meander(wishes: Wishes, strata: Strata) -> tuple[Camera, Height]:
    """Stand on the rim above a river that bends round a spur of rock."""
    noise, rng = wishes.noise, wishes.rng
    shift, tall = float(rng.uniform(0, 60)), float(rng.uniform(1.2, 1.5))
    radius, half = float(rng.uniform(1.5, 1.9)), float(rng.uniform(0.42, 0.55))
    right, begin, squeeze = float(rng.uniform(-0.4, 0.4)), float(rng.uniform(2.9, 3.3)), float(rng.uniform(0.9, 1.2))
    outcrop = _outcrop(wishes, tall)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        wind = smoothstep(4, 8, z) * 1.3 * noise.value(z / 3.2 + shift, torch.zeros_like(z))
        toward = (z - begin - radius / squeeze).clamp(max=0) * squeeze
        off = torch.sqrt((x - right - wind).square() + toward.square()) - radius
        spurs = noise.fbm(x / 1.3 + shift, z / 1.3, 4, 0.5, pixel / 1.3, ridged=True)
        fine = noise.fbm(x * 3 + shift, z * 3, 4, 0.5, pixel * 3)
        side = off.abs() - half + 0.07 * spurs + 0.025 * fine
        side = side - 3 * (off > 0) * smoothstep(begin + 0.9, begin - 0.2, z)  # the near bank lies under the viewer
        # The river cuts into its outer bank; the inner one is a gentle spur.
        way = torch.where(off > 0, side / 0.75, (side / 1.25).clamp(max=0.72 + 0.1 * spurs))
        far = 0.12 * noise.value(x / 3, z / 3 + shift) * smoothstep(6, 10, z)
        land = tall * strata.terrace(way) + 0.02 + far * smoothstep(0, 0.3, side) + 0.012 * fine
        return torch.maximum(land - 0.25 * smoothstep(0.04, -0.06, side), outcrop(x, z, pixel))

    ground = height_at(height, 0.0, 0.0)
    return Camera(ground + rng.uniform(0.12, 0.2), rng.uniform(0.24, 0.34), rng.uniform(0.5, 0.6)), height


def _outcrop(wishes: Wishes, tall: float) -> Height:
    """Return the heights of the rock that the viewer stands on: slabs that break off in steps, then the abyss."""
    noise, rng = wishes.noise, wishes.rng
    shift, tilt = float(rng.uniform(0, 60)), float(rng.choice([-1, 1]) * rng.uniform(0.25, 0.7))

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        index = (z + tilt * x < 0.9).flatten().nonzero()[:, 0]
        shape, (x, z, pixel) = x.shape, (values.flatten()[index] for values in (x, z, pixel))
        blocks = noise.fbm(x * 3 + shift, z * 3, 4, 0.5, pixel * 3, ridged=True)
        off = z + tilt * x - 0.28 - 0.07 * blocks
        steps = 0.03 * smoothstep(0, 0.06, off) + 0.05 * smoothstep(0.06, 0.085, off + 0.02 * blocks)
        relief = 0.006 * noise.fbm(x * 8, z * 8 + shift, 4, 0.5, pixel * 8)
        return fill(tall - steps + relief - 1.1 * tall * smoothstep(0.13, 0.2, off), shape, index, -1.0)

    return height


def _floor(wishes: Wishes, strata: Strata) -> tuple[Camera, Height]:
    """Stand on the floor or over the river, between the walls."""
    noise, rng = wishes.noise, wishes.rng
    water = wishes.water
    shift, tall = float(rng.uniform(0, 60)), float(rng.uniform(1.2, 1.9))
    half, run = float(rng.uniform(0.8, 1.15)), float(rng.uniform(0.7, 1.1))
    level = 0.22 if water else 0.0

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        path = 0.9 * smoothstep(0.5, 4, z) * noise.value(z / 3.6 + shift, torch.zeros_like(z))
        rough = noise.fbm(x / 1.5 + shift, z / 1.5, 5, 0.5, pixel / 1.5)
        fine = noise.fbm(x * 4 + shift, z * 4, 4, 0.55, pixel * 4)
        side = (x - path).abs() - half - 0.05 * z.clamp(max=8)
        field = side + 0.32 * rough * smoothstep(-0.6, 0.2, side) + 0.055 * fine
        sand = 0.02 * fine + _boulders(noise, x - shift, z, fine) + 0.06 * (side + half).clamp(min=0, max=half)
        return tall * strata.terrace(field / run) + sand - level * smoothstep(0.0, -0.25, field)

    ground = max(0.0, height_at(height, 0.0, 0.2))
    return Camera(ground + rng.uniform(0.10, 0.3), rng.uniform(0.56, 0.68), rng.uniform(0.45, 0.65)), height


def _buttes(wishes: Wishes, strata: Strata, begin: float = 5.0) -> tuple[Camera, Height]:
    """Look over a wide red plain with buttes and mesas."""
    noise, rng = wishes.noise, wishes.rng
    shift = float(rng.uniform(0, 60))
    count = int(rng.integers(3, 6))
    sides = rng.permutation(count) - (count - 1) / 2
    stands = []
    for index in range(count):
        away = begin + float(rng.uniform(0, 2) + 2.0 * index)
        right = float(sides[index] / count * 1.1 * away + rng.uniform(-0.4, 0.4))
        radius = float(
            rng.choice([rng.uniform(0.2, 0.3), rng.uniform(0.5, 0.9), rng.uniform(1.0, 1.9)], p=[0.2, 0.4, 0.4])
        )
        stands.append(
            (right, away, radius, float(rng.uniform(1.2, 2.0 - 0.25 * radius)), 0.12 + 0.16 * min(1.0, radius))
        )

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rough = noise.fbm(x / 1.1 + shift, z / 1.1, 5, 0.5, pixel / 1.1)
        fine = noise.fbm(x * 3 + shift, z * 3, 4, 0.55, pixel * 3)
        rock = torch.zeros_like(x)
        for right, away, radius, tall, shape in stands:
            distance = torch.sqrt((x - right) ** 2 + ((z - away) * 0.8) ** 2)
            inside = radius - distance + shape * rough + 0.03 * fine
            rock = torch.maximum(rock, tall * strata.butte(inside))
        plain = 0.06 * noise.value(x / 2.4, z / 2.4 + shift) + 0.012 * fine + 0.08
        plain = plain + _boulders(noise, x - shift, z, fine)
        if wishes.water:
            plain = 0.5 * plain + 0.02
            shore = (z - 2.3 - 0.25 * x + 0.22 * noise.value(x / 1.5, z / 1.5 - shift)).abs()
            plain = plain - 0.3 * smoothstep(1.8, 1.4, shore)
        far = 0.9 * strata.terrace((0.9 * rough * 0.6 + noise.value(x / 5, z / 5 + shift) - 0.4) / 0.7)
        return plain + rock + far * smoothstep(14, 17, z)

    ground = height_at(height, 0.0, 0.2)
    return Camera(ground + rng.uniform(0.12, 0.4), rng.uniform(0.5, 0.68), rng.uniform(0.36, 0.55)), height


def _arch(wishes: Wishes, strata: Strata) -> tuple[Camera, Height, Standing]:
    """Stand before an arch of rock, with buttes behind it."""
    noise, rng = wishes.noise, wishes.rng
    _, plain = _buttes(wishes, strata, 8.0)
    away, tall, wide = float(rng.uniform(4.2, 5.4)), float(rng.uniform(1.3, 1.7)), float(rng.uniform(2.1, 2.8))
    aside = wishes.sun_side if wishes.sun_side is not None else int(rng.integers(-1, 2))
    right = -0.9 * aside + float(rng.uniform(-0.3, 0.3)) + (0.9 if wishes.sun_side == 0 else 0.0)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        ridge = smoothstep(0.9 * wide, 0.3 * wide, (x - right).abs()) * smoothstep(1.1, 0.1, (z - away).abs())
        legs = smoothstep(0.3 * wide, 0.05, ((x - right).abs() - 0.36 * wide).abs() + (z - away).abs())
        rubble = 1 + 0.25 * noise.fbm(x * 2.2, z * 2.2, 4, 0.55, pixel * 2.2)
        return plain(x, z, pixel) + (0.22 * ridge + 0.3 * legs) * rubble

    camera = Camera(
        height_at(height, 0.0, 0.2) + rng.uniform(0.1, 0.3), rng.uniform(0.56, 0.68), rng.uniform(0.36, 0.5)
    )
    base = height_at(height, right, away)
    sprite = rock_arch(noise, rng, strata, tall)
    return camera, height, Standing(sprite, right, base - 0.1, away, wide, tall, LABELS["place"], floats=True)


def _brush(wishes: Wishes, camera: Camera, height: Height, lush: bool) -> Grove:
    """Scatter dry brush, and in some pictures a dead tree near the viewer."""
    noise, rng = wishes.noise, wishes.rng
    snow = 0.7 if wishes.weather == "snowfall" else 0.0
    sprites = [bush(noise, rng, "summer", snow)]
    tall = (0.05, 0.13) if lush else (0.03, 0.075)
    found = scatter(rng, height, camera, Kinds(0, 1, tall, BUSH), 170 if lush else 90, 1.2 if lush else 0.8, 7.0)
    plants = [replace(plant, tint=0.7 * plant.tint) for plant in found if plant.base < 0.3]
    if rng.random() < 0.35:
        away = float(rng.uniform(0.8, 1.2))
        side = -float(wishes.sun_side) if wishes.sun_side else float(rng.choice([-1, 1]))
        right = side * float(rng.uniform(0.55, 0.85)) * camera.width * away
        base, high = height_at(height, right, away), float(rng.uniform(0.3, 0.45))
        if base > 0.02:
            sprites.append(dead_tree(noise, rng, snow))
            plants.append(Plant(1, right, base - 0.01, away, high * DEAD, high, 1.2))
    return Grove(tuple(sprites), tuple(plants))


def _rim_brush(wishes: Wishes, strata: Strata, camera: Camera, height: Height) -> Grove:
    """Strew stones and brush over the rock before the viewer; in some pictures junipers stand at one side."""
    noise, rng = wishes.noise, wishes.rng
    snow = 0.7 if wishes.weather == "snowfall" else 0.0
    rim = height_at(height, 0.0, 0.0) - 0.15
    stone = rock(noise, rng, snow)
    stone = replace(stone, albedo=(stone.albedo * 3.5 * strata.dust).clamp(0, 1)) if not snow else stone
    sprites = [bush(noise, rng, "summer", snow), stone]
    brush = scatter(rng, height, camera, Kinds(0, 1, (0.012, 0.03), BUSH, 0.1), 40, 0.25, 0.75, dry=rim)
    plants = [replace(plant, tint=0.55 * plant.tint) for plant in brush]
    plants += scatter(rng, height, camera, Kinds(1, 1, (0.006, 0.024), ROCK, 0.25), 70, 0.22, 0.75, dry=rim)
    side = -float(wishes.sun_side) if wishes.sun_side else float(rng.choice([-1, 1]))
    for kind in range(2, 2 + int(rng.choice([0, 0, 1, 2]))):
        sprites.append(broadleaf(noise, rng, "summer", snow))
        away = float(rng.uniform(0.36, 0.5))
        right = side * float(rng.uniform(0.6, 0.95)) * camera.width * away
        base, high = height_at(height, right, away), float(rng.uniform(0.07, 0.13))
        if base > rim:
            plants.append(Plant(kind, right, base - 0.01, away, high * BROADLEAF, high, 0.45))
    return Grove(tuple(sprites), tuple(plants))


def _boulders(noise: Noise, x: Tensor, z: Tensor, fine: Tensor) -> Tensor:
    """Return heights of rocks that lie about."""
    here = noise.value(x * 4.1, z * 4.1) + 0.32 * fine
    return 0.02 * smoothstep(1.4, 1.6, here) + 0.03 * smoothstep(1.6, 2.3, here)


def _material(
    noise: Noise, strata: Strata, seen: Seen, x: Tensor, z: Tensor, green: float, meadow: float, snow: bool
) -> Material:
    """Bands of rock on the walls; sand, stones and sage where it is flat."""
    steep = steepness(seen)
    fine, bump_x, bump_z = bumps(noise, x + 0.9 * seen.height, z, seen.pixel, 0.2, 7)
    broad = noise.fbm(x / 1.3, z / 1.3, 3, 0.5, seen.pixel / 1.3)
    rock = strata.color(seen.height + 0.04 * broad + 0.012 * fine + 0.02 * x)
    blocks = noise.fbm((0.8 * x + 0.6 * z) * 4, seen.height * 11, 3, 0.6, seen.pixel * 9)  # ledges and cracks
    rock = rock * (1 + 0.16 * fine + 0.10 * broad + 0.13 * blocks)
    dust = mix(strata.dust_dark, strata.dust, (0.45 + 0.3 * broad + 0.4 * fine).clamp(0, 1))
    grass = meadow * smoothstep(0.4, 0.15, seen.height) * smoothstep(-1.2, 0.6, broad + 0.5 * fine)
    dust = mix(dust, rgb(0.115, 0.11, 0.04), grass)
    scrub = noise.fbm(x * 16, z * 16, 3, 0.7, seen.pixel * 16)
    dust = dust * (1 + 0.14 * scrub)
    shrub = smoothstep(0.4, 0.8, scrub + 0.5 * broad) * green * smoothstep(0.9, 2.5, seen.depth)
    dust = mix(dust, rgb(0.06, 0.07, 0.027), shrub)
    crack = smoothstep(0.09, 0.0, noise.value(x * 5 + 0.4 * fine, z * 5).abs()) * smoothstep(2.5, 0.6, seen.depth)
    dust = dust * (1 - 0.25 * crack)
    # What lies on the ground is of its colour.
    rock = mix(0.85 * dust * (1 + 0.2 * fine), rock, smoothstep(0.12, 0.4, seen.height))
    flat = smoothstep(0.95, 0.4, steep + 0.12 * fine)
    albedo = mix(rock, dust, flat)
    if snow:
        albedo = mix(albedo, rgb(0.86, 0.90, 0.96), flat * smoothstep(-0.9, 0.5, fine + broad))
    rough = 1 - 0.8 * flat
    return Material(albedo.clamp(0, 1), bump_x * rough, bump_z * rough)
