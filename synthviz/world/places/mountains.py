"""Mountains: a range behind a valley, a chain of ridges seen from a pass, or one great peak."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Land, Material, Wishes, bumps, height_at, rgb, steepness
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.plants.grove import Grove
from synthviz.world.plants.scatter import Kinds, scatter
from synthviz.world.plants.trees import CONIFER, conifer
from synthviz.world.plants.undergrowth import GRASS, ROCK, grass, rock
from synthviz.world.sky import mix
from synthviz.world.viewpoint import lake_in_view, raise_sky
from synthviz.world.water import Waves

LEAST_SKY = 0.32


def mountains(wishes: Wishes) -> Land:
    """Build mountains, with a lake in front of them if water is wished for."""
    noise, rng = wishes.noise, wishes.rng
    kind = rng.choice(["range", "pass", "peak"], p=[0.48, 0.22, 0.30])
    shift = (float(rng.uniform(0, 60)), float(rng.uniform(0, 60)))
    if kind == "range":
        height, lift, width = _range(noise, shift), rng.uniform(0.08, 0.3), rng.uniform(0.34, 0.55)
    elif kind == "pass":
        height, lift, width = _pass(noise, shift), rng.uniform(0.45, 0.9), rng.uniform(0.40, 0.62)
    else:
        peak = (float(rng.uniform(-1.6, 1.6)), float(rng.uniform(7.5, 9.5)))
        height, lift, width = _peak(noise, shift, peak), rng.uniform(0.1, 0.35), rng.uniform(0.34, 0.5)
    camera = Camera(max(0.06, height_at(height, 0.0, 0.15)) + lift, rng.uniform(0.52, 0.7), width)
    if wishes.water:
        height = lake_in_view(camera, rng).flood(noise, height)
    camera = raise_sky(camera, height, LEAST_SKY)
    # Snow lies lower where the moon must light the scene, and down to the valley while it falls.
    low, high = {"night": (0.25, 0.7), "dusk": (0.5, 1.1)}.get(wishes.time, (0.7, 1.3))
    snow, meadow = float(rng.uniform(low, high)), float(rng.uniform(0.5, 1.0))
    cling = 0.7 if wishes.weather == "snowfall" or wishes.time == "night" else 0.0
    if wishes.weather == "snowfall":
        snow = float(rng.uniform(-0.6, -0.3))
    waves = Waves(float(rng.uniform(0.008, 0.035)), 0.5, float(rng.uniform(-0.6, 0.6)), (0.01, 0.05, 0.06))
    return Land(
        camera,
        height,
        lambda seen, x, z: _material(noise, seen, x, z, snow, meadow, cling),
        waves if wishes.water else None,
        drawables=(_plants(wishes, camera, height, meadow),),
        sights=(
            *(("from a hill",) if kind == "pass" else ()),
            "across the water" if wishes.water else "snow" if wishes.weather == "snowfall" else "meadow",
        ),
    )


def _plants(wishes: Wishes, camera: Camera, height: Height, meadow: float) -> Grove:
    """Let firs stand in groups below the rocks; flowers and boulders lie before the viewer."""
    noise, rng = wishes.noise, wishes.rng
    snow = 0.8 if wishes.weather == "snowfall" else 0.0
    shift = float(rng.uniform(0, 60))
    sprites = [conifer(noise, rng, snow), rock(noise, rng, snow)]

    def groups(right: np.ndarray, away: np.ndarray) -> np.ndarray:
        x, z = torch.tensor(right).float() * 0.8 + shift, torch.tensor(away).float() * 0.6
        return smoothstep(0.0, 0.7, noise.value(x[None], z[None]))[0].cpu().numpy()

    plants = scatter(rng, height, camera, Kinds(0, 1, (0.11, 0.24), CONIFER), 170, 2.6, 7.5, groups, 0.04)
    plants += scatter(rng, height, camera, Kinds(1, 1, (0.012, 0.05), ROCK, 0.3), 24, 0.5, 3.0)
    if not snow:
        sprites.append(grass(noise, rng, flowers=True))
        plants += scatter(rng, height, camera, Kinds(2, 1, (0.018, 0.035), GRASS, 0.1), 60, 0.4, 1.8)
    return Grove(tuple(sprites), tuple(plant for plant in plants if plant.base < meadow))


def _rock(noise: Noise, u: Tensor, v: Tensor, pixel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the eroded slopes, the ridges and the small detail of rock: three heights around 0."""
    return (
        noise.fbm(u, v, 10, 0.52, pixel, erosion=0.45),
        noise.fbm(u * 0.8 + 5, v * 0.8, 4, 0.5, pixel, ridged=True),
        noise.fbm(u * 6, v * 6, 6, 0.55, pixel * 6),
    )


def _range(noise: Noise, shift: tuple[float, float]) -> Height:
    scale = 4.2

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        u, v = x / scale + shift[0], z / scale + shift[1]
        rough, ridge, detail = _rock(noise, u, v, pixel / scale)
        rise = smoothstep(2.8, 7.6, z + 0.6 * noise.value(x / 3, z / 3))
        body = rise * (1.4 + 0.85 * rough + 0.6 * ridge).clamp(min=0.0)
        floor = 0.10 * noise.value(u * 1.3, v * 1.3) + 0.02 * detail + 0.16 * smoothstep(0, 3, z.abs())
        return body + floor + 0.12 + rise * 0.10 * detail

    return height


def _pass(noise: Noise, shift: tuple[float, float]) -> Height:
    scale = 3.6

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        u, v = x / scale + shift[0], z / scale + shift[1]
        rough, ridge, detail = _rock(noise, u, v, pixel / scale)
        body = 0.95 + 1.0 * rough + 0.7 * ridge + 0.05 * detail
        valley = smoothstep(0.3, 2.4, (x + 0.7 * noise.value(z / 4, x * 0)).abs())
        return body * (0.25 + 0.75 * valley) * smoothstep(0.0, 2.2, z)

    return height


def _peak(noise: Noise, shift: tuple[float, float], peak: tuple[float, float]) -> Height:
    scale = 5.0
    lean, sides = 0.1 * shift[0], 1.5 if shift[1] < 30 else 2.0

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        u, v = x / scale + shift[0], z / scale + shift[1]
        rough, ridge, detail = _rock(noise, u, v, pixel / scale)
        right, away = x - peak[0], z - peak[1]
        distance = torch.sqrt(right**2 + away**2)
        # Three or four ridges lead to the summit; the faces between them fall steeply.
        angle = torch.atan2(right, away)
        ridges = torch.cos(sides * angle + lean + 0.5 * noise.value(u * 3, v * 3)).abs()
        slope = 0.20 + 0.075 * ridges - 0.04 * torch.cos(angle - lean)
        cone = 3.0 * (1 - distance * slope / (0.75 + 0.06 * distance) - 0.14 * rough * smoothstep(0, 1.5, distance))
        cone = F.softplus(cone, beta=5.0)
        crags = (0.46 * rough + 0.34 * ridge) * smoothstep(0.1, 2.0, distance) * smoothstep(6.5, 3.0, distance)
        crags = crags + 0.09 * detail * smoothstep(6.0, 2.0, distance)
        beyond = smoothstep(9, 13, z + 2 * away.clamp(max=0)) * (0.9 + 0.5 * rough + 0.4 * ridge).clamp(min=0)
        around = 0.28 * noise.value(u, v) + 0.25 + 0.05 * detail + 0.5 * smoothstep(4, 12, z) + beyond
        return cone + crags + around * smoothstep(7.0, 4.0, distance).clamp(min=0.35)

    return height


def _material(
    noise: Noise, seen: Seen, x: Tensor, z: Tensor, snow_line: float, meadow_line: float, cling: float
) -> Material:
    """Rock, with meadows below and snow above where it is not too steep; `cling` lets it lie on steeper slopes."""
    steep = steepness(seen)
    fine, bump_x, bump_z = bumps(noise, x + 0.7 * seen.height, z, seen.pixel, 0.35, 7)
    broad = noise.fbm(x / 1.3, z / 1.3, 3, 0.5, seen.pixel / 1.3)
    strata = noise.value(seen.height * 9 + 0.8 * fine, broad * 0.2 + x * 0.05)
    rock = mix(rgb(0.24, 0.22, 0.21), rgb(0.42, 0.38, 0.35), (0.5 + 0.28 * fine + 0.18 * strata).clamp(0, 1))
    rock = mix(rock, rgb(0.36, 0.33, 0.30), smoothstep(1.0, 0.6, steep) * 0.4)
    grass = mix(rgb(0.09, 0.14, 0.04), rgb(0.22, 0.27, 0.08), (0.5 + 0.3 * broad + 0.2 * fine).clamp(0, 1))
    below = smoothstep(meadow_line + 0.4, meadow_line - 0.2, seen.height + 0.2 * broad)
    meadow = smoothstep(0.95, 0.5, steep + 0.12 * fine) * below
    above = smoothstep(-0.12, 0.3, seen.height - snow_line - 0.22 * broad)
    snow = above * smoothstep(1.55 + cling, 0.85 + cling, steep + 0.3 * fine)
    albedo = mix(mix(rock, grass, meadow), rgb(0.86, 0.90, 0.96), snow)
    rough = 0.26 * (1 - 0.65 * snow) * (1 - 0.6 * meadow)
    return Material(albedo, bump_x * rough, bump_z * rough)
