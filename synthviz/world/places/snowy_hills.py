"""Snowy hills: a view over valleys from a hill, firs at the foot of slopes, or a wide field with a lone group."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from synthviz.world.air import TreeShadows
from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Land, Material, Wishes, bumps, height_at, rgb, steepness
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.plants import trees, undergrowth
from synthviz.world.plants.grove import Grove, Plant
from synthviz.world.plants.scatter import Kinds, scatter
from synthviz.world.sky import mix
from synthviz.world.viewpoint import lake_in_view, raise_sky
from synthviz.world.water import Waves

SPRITES = 5
GLOW = {"sunrise": 1.1, "sunset": 1.15, "dusk": 1.4, "night": 1.75}  # snow shines most when all else is dark
LIFT = {"over valleys": (0.3, 0.6), "foot": (0.08, 0.18), "field": (0.10, 0.24)}


def snowy_hills(wishes: Wishes) -> Land:
    """Build snowy hills, with open water between white shores if it is wished for."""
    noise, rng = wishes.noise, wishes.rng
    kind = str(rng.choice(["over valleys", "foot", "field"]))
    shift = float(rng.uniform(0, 60))
    height = _hills(noise, shift, kind)
    lift = float(rng.uniform(*LIFT[kind]))
    horizon = float(rng.uniform(0.34, 0.56) if kind != "foot" else rng.uniform(0.46, 0.66))
    camera = Camera(max(0.05, height_at(height, 0.0, 0.15)) + lift, horizon, float(rng.uniform(0.38, 0.58)))
    camera = raise_sky(camera, height, 0.36)
    if wishes.water:
        height = lake_in_view(camera, rng).flood(noise, height)
    sprites = tuple(trees.conifer(noise, rng, float(rng.uniform(0.55, 1.0))) for _ in range(SPRITES))
    sprites = (*sprites, trees.bush(noise, rng, "autumn", 0.75), undergrowth.rock(noise, rng, 0.9))
    foreground = _foreground(wishes, height, camera)
    firs = _firs(wishes, height, camera, kind, shift) + foreground
    track = float(rng.uniform(-0.4, 0.4)) if rng.random() < 0.5 and not wishes.water else None
    waves = Waves(float(rng.uniform(0.008, 0.03)), 0.4, float(rng.uniform(-0.6, 0.6)), (0.02, 0.06, 0.09))
    return Land(
        camera,
        height,
        lambda seen, x, z: _material(noise, seen, x, z, shift, track, GLOW.get(wishes.time, 1.0)),
        waves if wishes.water else None,
        drawables=(
            TreeShadows(tuple(plant for plant in firs if plant.away < 5 and plant.kind < SPRITES)),
            Grove(sprites, firs),
        ),
        sights=(
            *(("from a hill",) if kind == "over valleys" else ()),
            *(("trees",) if any(plant.kind < SPRITES for plant in foreground) else ()),
            *(("across the water",) if wishes.water else ()),
        ),
    )


def _hills(noise: Noise, shift: float, kind: str) -> Height:
    tall = {"over valleys": 0.36, "foot": 0.25, "field": 0.12}[kind]
    rise, knoll = {"over valleys": (0.10, 0.30), "foot": (0.36, 0.0), "field": (0.20, 0.04)}[kind]

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rolling = noise.fbm(x / 2.3 + shift, z / 1.9 - shift, 3, 0.36)
        drifts = noise.fbm(x * 1.2 - shift, z * 2.2 + shift, 3, 0.5, pixel * 2.2)
        near = torch.exp(-(x.square() + (z / 1.3).square()))  # the hill on which the viewer stands
        land = tall * (0.45 + rolling) * smoothstep(0.5, 2.6, z) + 0.02 * drifts + knoll * near
        land = land + rise * smoothstep(2.2, 6.0, z)
        far = z > 8.5
        land[far] += _mountains(noise, shift, x[far], z[far], pixel[far])
        return land + 0.12

    return height


def _mountains(noise: Noise, shift: float, x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
    """Return the height of the white mountains in the distance above the hills."""
    peaks = noise.fbm(x / 3.6 + shift, z / 3.6 + 9, 6, 0.5, pixel / 3.6, erosion=0.4)
    ridge = noise.fbm(x / 4.2 - shift, z / 4.2, 3, 0.5, pixel / 4.2, ridged=True)
    return smoothstep(8.5, 14.0, z) * (1.2 + 0.8 * peaks + 0.55 * ridge).clamp(min=0)


def _firs(wishes: Wishes, height: Height, camera: Camera, kind: str, shift: float) -> tuple[Plant, ...]:
    """Choose where firs stand: groves on the slopes, groups near, and some alone."""
    rng, noise = wishes.rng, wishes.noise

    def groves(right: np.ndarray, away: np.ndarray) -> np.ndarray:
        dense = noise.value(torch.tensor(right).float() * 0.75 + shift, torch.tensor(away).float() * 0.55)
        return np.clip((dense.cpu().numpy() + 0.1) * 1.5, 0.02, 1)

    small, large = Kinds(0, SPRITES, (0.20, 0.36), trees.CONIFER), Kinds(0, SPRITES, (0.30, 0.52), trees.CONIFER)
    firs = scatter(rng, height, camera, small, 520, 2.2, 8.5, groves, crowding=0.6)
    if kind == "foot":
        side = _free_side(wishes)
        firs += scatter(rng, height, camera, large, 26, 0.9, 2.4, lambda x, z: (x * side / z > 0.05).astype(float))
    elif kind == "field":
        middle = _free_side(wishes) * camera.width * float(rng.uniform(0.25, 0.6))
        away = float(rng.uniform(1.5, 2.4))
        firs += scatter(
            rng,
            height,
            camera,
            large,
            60,
            away - 0.3,
            away + 0.4,
            lambda x, z: (abs(x / z - middle) < 0.13).astype(float),
        )
    else:
        firs += scatter(rng, height, camera, small, 44, 0.8, 2.2, lambda x, z: np.clip(abs(x / z) * 2.4 - 0.25, 0, 1))
    return firs


def _foreground(wishes: Wishes, height: Height, camera: Camera) -> tuple[Plant, ...]:
    """Choose what stands close to the viewer: bushes and rocks, and often firs on one side."""
    rng = wishes.rng
    side = _free_side(wishes)
    low = Kinds(SPRITES, 1, (0.03, 0.06), trees.BUSH, 0.2), Kinds(SPRITES + 1, 1, (0.03, 0.07), undergrowth.ROCK, 0.2)
    found = sum((scatter(rng, height, camera, kinds, 7, 0.5, 2.2, dry=0.0) for kinds in low), ())
    if rng.random() < 0.35:
        return found
    edge = float(rng.uniform(0.5, 0.75)) * camera.width
    firs = Kinds(0, SPRITES, (0.30, 0.52), trees.CONIFER)
    return found + scatter(rng, height, camera, firs, 22, 0.6, 1.3, lambda x, z: (x * side / z > edge).astype(float))


def _free_side(wishes: Wishes) -> int:
    """Return the side on which tall things may stand: opposite to the sun or moon."""
    if wishes.sun_side:
        return -wishes.sun_side
    return int(wishes.rng.choice([-1, 1]))


def _material(
    noise: Noise, seen: Seen, x: Tensor, z: Tensor, shift: float, track: float | None, glow: float
) -> Material:
    """Snow with drifts and ripples of wind, rock on the far cliffs, a trodden track."""
    steep = steepness(seen)
    fine, bump_x, bump_z = bumps(noise, x * 0.45 + shift, z, seen.pixel, 0.16, 4)
    snow = mix(rgb(0.48, 0.58, 0.74), rgb(0.76, 0.79, 0.83), (0.66 + 0.24 * fine).clamp(0, 1))
    snow = snow * glow
    rock = smoothstep(1.15, 1.6, steep + 0.12 * fine) * smoothstep(7, 9, z)
    albedo = mix(snow, rgb(0.26, 0.26, 0.30), rock)
    rough = 0.085 + 0.1 * rock
    dent = torch.zeros_like(x)
    if track is not None:
        path = track + 0.35 * noise.value(z * 0.7 + shift, torch.zeros_like(z)) + 0.12 * z
        step = torch.cos(z * 42)  # footprints, left and right in turn
        off = (x - path - 0.012 * torch.sign(step)) / 0.014
        dent = torch.exp(-off.square()) * smoothstep(0.1, 0.7, step.abs()) * (1.5 - seen.pixel * 120).clamp(0, 1)
        albedo = albedo * (1 - dent * rgb(0.45, 0.36, 0.24))
        dent = -2 * off * dent
    return Material(albedo, bump_x * rough + 0.6 * dent, bump_z * rough)
