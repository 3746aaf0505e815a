"""A beach: along its shore, straight out to sea between palms, and a bay seen from a dune."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Drawable, Land, Material, Wishes, bumps, height_at, rgb, steepness
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.coastline import Inland, ground, profile, shore
from synthviz.world.places.sea import Sea, Surf
from synthviz.world.places.shore import TreeShadow, WetSand
from synthviz.world.places.sparse import where_seen
from synthviz.world.plants.trees import PALM, palm
from synthviz.world.sky import mix
from synthviz.world.sprites import Standing
from synthviz.world.water import Waves

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
    inland = shore(kind, side, noise, rng)
    height = ground(kind, side, noise, inland, rng)
    bed: Height = lambda x, z, pixel: profile(inland(x, z))  # noqa: E731
    first = float(inland(torch.zeros(1, 1), torch.zeros(1, 1)))  # distance of the shore straight ahead
    camera = _camera(kind, height, first, rng)
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
    snow = 0.75 if wishes.weather == "snowfall" else 0.0
    palms = _palms(kind, side, wishes, height, inland, first)
    shadows = TreeShadow(tuple(palms))
    drawables: tuple[Drawable, ...] = (WetSand(noise), shadows, sea, *palms)
    return Land(
        camera,
        height,
        where_seen(lambda seen, x, z: _material(noise, seen, x, z, inland(x, z), (dark, pale), kind != "bay", snow)),
        waves,
        water_from=sea.covers,
        near=0.05,
        drawables=drawables,
        sights=(*(("palms",) if palms else ()), *(("bay", "from a hill") if kind == "bay" else ("waves",))),
    )


def _camera(kind: str, height: Height, first: float, rng: np.random.Generator) -> Camera:
    foot = height_at(height, 0.0, 0.1)
    if kind == "bay":
        return Camera(max(foot, 0.05) + rng.uniform(0.3, 0.75), rng.uniform(0.4, 0.54), rng.uniform(0.45, 0.65))
    if kind == "out":
        above, horizon, width = rng.uniform(0.08, 0.2), rng.uniform(0.44, 0.62), rng.uniform(0.42, 0.6)
        lowest = 2 * width * (1 - horizon)  # slope of the lowest ray, which must meet the sand before the water
        return Camera(min(max(foot, 0.02) + above, 0.7 * first * lowest), horizon, width)
    return Camera(max(foot, 0.02) + rng.uniform(0.09, 0.22), rng.uniform(0.42, 0.58), rng.uniform(0.42, 0.62))


def _palms(kind: str, side: float, wishes: Wishes, height: Height, inland: Inland, first: float) -> list[Standing]:
    """Plant palms on the sand."""
    rng = wishes.rng
    sprites = [palm(wishes.noise, rng) for _ in range(2)]
    spots: list[tuple[float, float, float]] = []  # right, away, height
    if kind == "out":
        both = rng.random() < 0.55 and wishes.sun_side in (0, None)
        for hand in (side, -side) if both else (side,):
            for _ in range(int(rng.integers(1, 3))):
                z = max(0.4, first - float(rng.uniform(0.08, 0.32)))
                spots.append((hand * z * float(rng.uniform(0.26, 0.55)), z, 0.16 + z * float(rng.uniform(0.25, 0.5))))
    else:
        for _ in range(int(rng.integers(5, 14))):
            z = float(rng.uniform(0.9, 1.5) if rng.random() < 0.3 else rng.uniform(1.4, 4.5))
            spots.append((side * (0.2 + z * float(rng.uniform(0.12, 0.55))), z, float(rng.uniform(0.4, 0.62))))
    spots.sort(key=lambda spot: -spot[1])
    x, z = torch.tensor(spots)[:, :2].T[:, None]
    feet, dry = height(x, z, torch.full_like(x, 0.01))[0], inland(x, z)[0] >= (0.02 if kind == "out" else 0.14)
    standing = []
    for (right, away, tall), foot, on_sand in zip(spots, feet.tolist(), dry.tolist(), strict=True):
        if not on_sand:
            continue
        sprite = sprites[rng.integers(len(sprites))]
        standing.append(Standing(sprite, right, foot - 0.015, away, tall * PALM, tall, flip=bool(rng.random() < 0.5)))
    return standing


def _material(
    noise: Noise,
    seen: Seen,
    x: Tensor,
    z: Tensor,
    inland: Tensor,
    sands: tuple[Tensor, Tensor],
    boulders: bool,
    snow: float,
) -> Material:
    """Sand, wet at the water; green hills with rock where they are steep."""
    steep = steepness(seen)
    fine, bump_x, bump_z = bumps(noise, x + 0.7 * seen.height, z, seen.pixel, 0.16)
    sand = mix(*sands, (0.6 + 0.2 * fine).clamp(0, 1))
    wet = smoothstep(0.024, 0.008, seen.height + 0.003 * fine) * smoothstep(0.9, 0.6, inland)
    sand = sand * (1 - 0.5 * wet)
    broad = noise.fbm(x * 2.2, z * 2.2, 4, 0.6, seen.pixel * 2.2)
    green = mix(rgb(0.05, 0.10, 0.03), rgb(0.17, 0.24, 0.07), (0.5 + 0.3 * broad + 0.15 * fine).clamp(0, 1))
    rock = mix(rgb(0.22, 0.19, 0.16), rgb(0.46, 0.41, 0.34), (0.5 + 0.3 * fine).clamp(0, 1))
    strata = noise.value(seen.height * 13 + 0.8 * fine, x * 0.2)
    rock = rock * (1 + 0.22 * strata).clamp(0.5, 1.4)
    hill = mix(green, rock, smoothstep(1.2, 1.9, steep + 0.3 * fine) * smoothstep(0.9, 0.4, broad * 0.5))
    stone = torch.zeros_like(x)
    if boulders:  # whatever stands out of the sand near the viewer
        stone = smoothstep(0.012, 0.03, seen.height - profile(inland)) * smoothstep(3.0, 2.6, z)
        stone = stone * smoothstep(0.25, 0.5, steep + 4 * (seen.height - profile(inland)))
        hill = mix(hill, rgb(0.30, 0.27, 0.25) * (1 + 0.3 * fine + 0.2 * strata).clamp(0.4, 1.5), stone)
    grown = torch.maximum(smoothstep(0.12, 0.2, seen.height + 0.02 * broad) * smoothstep(2.4, 3.4, z), stone)
    rough = 0.05 * (1 - 0.7 * wet) + 0.22 * grown
    albedo = mix(sand, hill, grown)
    if snow:
        white = snow * (1 - wet) * smoothstep(1.6, 0.7, steep + 0.4 * fine) * smoothstep(0.02, 0.06, seen.height)
        albedo = mix(albedo, rgb(0.78, 0.81, 0.86), white)
    return Material(albedo, bump_x * rough, bump_z * rough)
