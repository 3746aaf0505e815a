"""A beach: along its shore, straight out to sea between palms, and a bay seen from a dune."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Drawable, Land, Material, Wishes, bumps, height_at, rgb, steepness
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.sea import Sea, Surf
from synthviz.world.places.shore import TreeShadow, WetSand
from synthviz.world.plants import PALM, palm
from synthviz.world.sky import mix
from synthviz.world.sprites import Standing
from synthviz.world.water import Waves

Inland = Callable[[Tensor, Tensor], Tensor]  # x and z to the distance from the shore, negative in the sea
ROUGHNESS = {"clear": 0.2, "clouds": 0.35, "fog": 0.1, "rain": 0.5, "snowfall": 0.35, "thunderstorm": 1.0}
SANDS = (
    ((0.60, 0.47, 0.32), (0.82, 0.70, 0.52)),
    ((0.72, 0.64, 0.52), (0.90, 0.84, 0.74)),
    ((0.50, 0.36, 0.22), (0.74, 0.58, 0.38)),
)
SHALLOWS = ((0.08, 0.50, 0.46), (0.06, 0.42, 0.46), (0.12, 0.46, 0.36))


def beach(wishes: Wishes) -> Land:
    """Build a beach."""
    rng, noise = wishes.rng, wishes.noise
    kind = str(rng.choice(["along", "out", "bay"]))
    side = float(rng.choice([-1, 1])) if not wishes.sun_side else -float(wishes.sun_side)
    inland = _inland(kind, side, noise, rng)
    height = _height(kind, side, noise, inland, rng)
    bed: Height = lambda x, z, pixel: _profile(inland(x, z))  # noqa: E731
    camera = _camera(kind, height, rng)
    rough = ROUGHNESS[wishes.weather] * float(rng.uniform(0.7, 1.3))
    deep = (0.006, float(rng.uniform(0.05, 0.10)), float(rng.uniform(0.08, 0.11)))
    waves = Waves(0.03 + 0.07 * rough, 0.14, float(rng.uniform(-0.3, 0.3)), deep)
    size = {"along": 0.75, "out": 1.0, "bay": 1.3}[kind]
    surf = Surf(0.034 * size, (0.010 + 0.014 * min(rough, 1.0)) * size, 0.0035 * size)
    sea = Sea(
        noise,
        0.008 + 0.03 * rough,
        0.35,
        waves,
        whitecaps=max(0.0, rough - 0.5),
        bed=bed,
        shallows=SHALLOWS[rng.integers(len(SHALLOWS))],
        clear=float(rng.uniform(0.07, 0.14)),
        surf=surf,
    )
    dark, pale = (rgb(*tone) for tone in SANDS[rng.integers(len(SANDS))])
    palms = _palms(kind, side, wishes, height, inland)
    shadows = TreeShadow(tuple(palms))
    drawables: tuple[Drawable, ...] = (WetSand(noise), shadows, sea, *palms)
    return Land(
        camera,
        height,
        lambda seen, x, z: _material(noise, seen, x, z, inland(x, z), dark, pale),
        waves,
        near=0.05,
        drawables=drawables,
    )


def _inland(kind: str, side: float, noise: Noise, rng: np.random.Generator) -> Inland:
    """Choose where the shore runs."""
    shift = float(rng.uniform(0, 60))
    if kind == "out":
        start, slant = float(rng.uniform(0.6, 1.0)), float(rng.uniform(-0.22, 0.22))
        return lambda x, z: start + slant * x + 0.12 * noise.value(x * 0.8 + shift, z * 0.2) - z
    if kind == "along":
        start, slant = float(rng.uniform(-0.02, 0.22)), float(rng.uniform(-0.02, 0.16))

        def along(x: Tensor, z: Tensor) -> Tensor:
            bend = 0.10 * noise.value(z * 0.55 + shift, x * 0.1) + 0.5 * noise.value(z * 0.13 + shift, x * 0.05)
            return side * x - start + slant * z - bend * smoothstep(0.2, 5.0, z) + 0.22 * smoothstep(0.6, 0.0, z)

        return along
    far, wide, tip = float(rng.uniform(5.5, 7.5)), float(rng.uniform(1.4, 2.4)), float(rng.uniform(1.0, 2.6))

    def bay(x: Tensor, z: Tensor) -> Tensor:
        bulge = wide * smoothstep(0.3, 2.8, z) * smoothstep(far + 0.3, far - 2.6, z)
        cape = (wide * 0.4 + tip) * smoothstep(far - 1.8, far, z) * smoothstep(far + 3.5, far + 1.2, z)
        bend = 0.10 * noise.value(z * 0.8 + shift, x * 0.2)
        return (side * x + 0.75 - bulge + cape - bend - 0.6 * smoothstep(far + 2, far + 6, z)) * 0.8

    return bay


def _profile(inland: Tensor) -> Tensor:
    """Return the height of sand at a distance from the shore: a bed that falls slowly, a flat beach, a berm."""
    land = 0.045 * inland + 0.045 * smoothstep(0.25, 0.8, inland)
    return torch.where(inland < 0, 0.115 * inland, land).clamp(-0.6, 0.16)


def _height(kind: str, side: float, noise: Noise, inland: Inland, rng: np.random.Generator) -> Height:
    """Choose the hills behind the shore."""
    shift, tall = float(rng.uniform(0, 60)), float(rng.uniform(0.5, 1.3))
    dune = 0.14 if kind == "bay" else 0.05
    cliff = float(rng.choice([0.6, 1.5, 2.2]))
    islet = (-side * float(rng.uniform(0.5, 2.5)), float(rng.uniform(6.5, 10))) if rng.random() < 0.45 else None
    boulders = _boulders(kind, side, rng)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        d = inland(x, z)
        sand = _profile(d)
        rough = noise.fbm(x * 1.1 + shift, z * 1.1 - shift, 6, 0.52, pixel * 1.1)
        back = smoothstep(0.35, 1.2, d)
        sand = sand + dune * back * (0.5 + 0.5 * rough).clamp(0, 1.5)
        for right, away, size in boulders:
            round_top = 1 - ((x - right).square() + (z - away).square()) / size**2 + 0.25 * rough
            sand = torch.maximum(sand, sand + 0.75 * size * round_top.clamp(min=0).sqrt())
        if kind == "out" and islet is not None:
            apart = torch.sqrt(((x - islet[0]) / 1.3).square() + (z - islet[1]).square())
            bump = (0.30 + 0.30 * tall * (1 + 0.5 * rough)) * smoothstep(1.0, 0.0, apart + 0.12 * rough)
            sand = torch.maximum(sand, bump - 0.03)
        if kind == "out":
            return sand
        steep = smoothstep(0.15, cliff, d + 0.12 * rough) if kind == "bay" else smoothstep(0.7, 3.2, d)
        broad = noise.value(x * 0.45 + shift, z * 0.45)
        hills = (0.5 + 0.22 * rough + 0.3 * broad + 0.25 * smoothstep(0.5, 3, d)).clamp(min=0.05)
        hills = hills * steep * smoothstep(3.2, 6.5, z)
        return sand + tall * hills

    return height


def _boulders(kind: str, side: float, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Choose boulders at the water's edge: right, away and size of each."""
    if kind == "bay" or rng.random() < 0.6:
        return []
    boulders = []
    for _ in range(int(rng.integers(2, 6))):
        away = float(rng.uniform(0.9, 2.4))
        right = side * (away * rng.uniform(0.15, 0.5)) if kind == "out" else side * rng.uniform(0.1, 0.5)
        boulders.append((float(right), away, float(rng.uniform(0.05, 0.15))))
    return boulders


def _camera(kind: str, height: Height, rng: np.random.Generator) -> Camera:
    ground = height_at(height, 0.0, 0.1)
    if kind == "bay":
        return Camera(max(ground, 0.05) + rng.uniform(0.3, 0.75), rng.uniform(0.32, 0.5), rng.uniform(0.45, 0.65))
    if kind == "out":
        return Camera(max(ground, 0.02) + rng.uniform(0.08, 0.2), rng.uniform(0.4, 0.62), rng.uniform(0.42, 0.6))
    return Camera(max(ground, 0.02) + rng.uniform(0.09, 0.22), rng.uniform(0.36, 0.56), rng.uniform(0.42, 0.62))


def _palms(kind: str, side: float, wishes: Wishes, height: Height, inland: Inland) -> list[Standing]:
    """Plant palms on the sand."""
    rng = wishes.rng
    sprites = [palm(wishes.noise, rng) for _ in range(2)]
    spots: list[tuple[float, float, float]] = []  # right, away, height
    if kind == "out":
        both = rng.random() < 0.55 and wishes.sun_side in (0, None)
        for hand in (side, -side) if both else (side,):
            for _ in range(int(rng.integers(1, 4))):
                z = float(rng.uniform(0.5, 0.8))
                spots.append((hand * z * float(rng.uniform(0.28, 0.6)), z, float(rng.uniform(0.34, 0.62))))
    else:
        for _ in range(int(rng.integers(5, 14))):
            z = float(rng.uniform(0.9, 1.5) if rng.random() < 0.3 else rng.uniform(1.4, 4.5))
            spots.append((side * (0.2 + z * float(rng.uniform(0.12, 0.55))), z, float(rng.uniform(0.4, 0.62))))
    standing = []
    for right, away, tall in sorted(spots, key=lambda spot: -spot[1]):
        foot = height_at(height, right, away)
        if float(inland(torch.tensor([[right]]), torch.tensor([[away]]))) < (0.04 if kind == "out" else 0.14):
            continue
        sprite = sprites[rng.integers(len(sprites))]
        standing.append(Standing(sprite, right, foot - 0.015, away, tall * PALM, tall, flip=bool(rng.random() < 0.5)))
    return standing


def _material(noise: Noise, seen: Seen, x: Tensor, z: Tensor, inland: Tensor, dark: Tensor, pale: Tensor) -> Material:
    """Sand, wet at the water; green hills with rock where they are steep."""
    steep = steepness(seen)
    fine, bump_x, bump_z = bumps(noise, x + 0.7 * seen.height, z, seen.pixel, 0.16)
    sand = mix(dark, pale, (0.6 + 0.2 * fine).clamp(0, 1))
    wet = smoothstep(0.024, 0.008, seen.height + 0.003 * fine) * smoothstep(0.9, 0.6, inland)
    sand = sand * (1 - 0.5 * wet)
    broad = noise.fbm(x * 2.2, z * 2.2, 4, 0.6, seen.pixel * 2.2)
    green = mix(rgb(0.05, 0.10, 0.03), rgb(0.17, 0.24, 0.07), (0.5 + 0.3 * broad + 0.15 * fine).clamp(0, 1))
    rock = mix(rgb(0.22, 0.19, 0.16), rgb(0.46, 0.41, 0.34), (0.5 + 0.3 * fine).clamp(0, 1))
    strata = noise.value(seen.height * 13 + 0.8 * fine, x * 0.2)
    rock = rock * (1 + 0.22 * strata).clamp(0.5, 1.4)
    hill = mix(green, rock, smoothstep(1.2, 1.9, steep + 0.3 * fine) * smoothstep(0.9, 0.4, broad * 0.5))
    stone = smoothstep(0.7, 1.1, steep) * smoothstep(5.0, 3.0, z)
    hill = mix(hill, rock, stone)
    grown = torch.maximum(smoothstep(0.12, 0.2, seen.height + 0.02 * broad) * smoothstep(2.4, 3.4, z), stone)
    rough = 0.05 * (1 - 0.7 * wet) + 0.22 * grown
    return Material(mix(sand, hill, grown), bump_x * rough, bump_z * rough)
