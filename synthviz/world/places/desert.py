"""A desert: a dune with its crest before the viewer, a sea of dunes from above, or flat sand before mesas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Drawable, Land, Material, Wishes, height_at, rgb, steepness
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.plants.grove import Grove
from synthviz.world.plants.scatter import Kinds, scatter
from synthviz.world.plants.trees import BUSH, PALM, bush, palm
from synthviz.world.sky import mix
from synthviz.world.viewpoint import lake_in_view, raise_sky
from synthviz.world.water import Waves

LEAST_SKY = 0.32


def desert(wishes: Wishes) -> Land:
    """Build a desert, with an oasis before the viewer if water is wished for."""
    noise, rng = wishes.noise, wishes.rng
    kind = rng.choice(["crest", "above", "mesas"])
    turn, length, shift = float(rng.uniform(-0.8, 0.8)), float(rng.uniform(1.6, 2.6)), float(rng.uniform(0, 60))
    height = _dunes(noise, turn, length, shift)
    if kind == "mesas":
        height = _mesas(noise, height, shift)
    elif rng.random() < 0.75:
        height = _great_dune(height, wishes)
    lift = {"crest": (0.12, 0.26), "above": (0.55, 0.95), "mesas": (0.12, 0.26)}[kind]
    camera = Camera(height_at(height, 0.0, 0.2) + rng.uniform(*lift), rng.uniform(0.36, 0.62), rng.uniform(0.42, 0.72))
    waves = None
    drawables: tuple[Drawable, ...] = ()
    if wishes.water:
        height = lake_in_view(camera, rng).flood(noise, height)
        waves = Waves(float(rng.uniform(0.008, 0.025)), 0.5, float(rng.uniform(-0.6, 0.6)), (0.02, 0.10, 0.11))
        drawables = (_oasis(wishes, camera, height),)
    camera = raise_sky(camera, height, LEAST_SKY)
    return Land(
        camera,
        height,
        lambda seen, x, z: _material(noise, seen, x, z),
        waves,
        near=0.1,
        drawables=drawables,
        sights=(*(("from above",) if kind == "above" else ()), *(("palms",) if wishes.water else ())),
    )


def _oasis(wishes: Wishes, camera: Camera, height: Height) -> Grove:
    """Let palms and brush stand on the far shore of the water, where the sand is low."""
    noise, rng = wishes.noise, wishes.rng
    shift = float(rng.uniform(0, 60))
    sprites = (palm(noise, rng), bush(noise, rng))

    def groups(right: np.ndarray, away: np.ndarray) -> np.ndarray:
        places = torch.tensor(right).float()[None] * 0.7 + shift
        return smoothstep(-0.4, 0.4, noise.value(places, torch.zeros_like(places)))[0].cpu().numpy()

    palms = scatter(rng, height, camera, Kinds(0, 1, (0.28, 0.5), PALM), 120, 1.8, 8.5, groups)
    brush = scatter(rng, height, camera, Kinds(1, 1, (0.04, 0.09), BUSH, 0.1), 160, 1.5, 8.5, groups)
    low = [plant for plant in (*palms, *brush) if plant.base < 0.1]
    return Grove(sprites, tuple(replace(plant, tint=0.75 * plant.tint) for plant in low))


def _dunes(noise: Noise, turn: float, length: float, shift: float) -> Height:
    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        bend = noise.fbm(x / 3.5 + shift, z / 3.5 - shift, 3, 0.45) * 0.55
        u = (x * math.cos(turn) + z * math.sin(turn)) / length + bend
        phase = u - u.floor()
        ridge = torch.minimum(smoothstep(0.0, 0.72, phase), ((1 - phase) / 0.28).clamp(min=0))  # gentle, then steep
        tall = (0.75 + 0.45 * noise.value(x / 4 + 9 + shift, z / 4)).clamp(min=0.1)
        small = noise.fbm(x * 1.5 + shift, z * 1.5, 3, 0.5, pixel * 1.5)
        return 0.42 * tall * ridge + 0.02 * small + 0.25 * smoothstep(4, 14, z)

    return height


def _great_dune(ground: Height, wishes: Wishes) -> Height:
    """Raise one dune above all others, with a crest that winds towards the viewer between light and shadow."""
    rng = wishes.rng
    side = float(rng.choice([-1, 1])) if not wishes.sun_side else -float(wishes.sun_side)
    middle, away = side * float(rng.uniform(0.4, 1.6)), float(rng.uniform(5.0, 7.5))
    tall, sway, turn = float(rng.uniform(1.0, 1.7)), float(rng.uniform(0.4, 0.9)), float(rng.uniform(0, 6.3))
    gentle, steep = float(rng.uniform(3.0, 4.2)), float(rng.uniform(1.5, 2.0))

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        aside = side * (x - middle - sway * torch.sin(0.9 * (z - away) + turn) * smoothstep(0.3, 2.0, (z - away).abs()))
        flank = torch.minimum(1 + aside / gentle, 1 - aside / steep).clamp(min=0)
        along = smoothstep(away - 4.2, away, z) * smoothstep(away + 5.0, away, z)
        return ground(x, z, pixel) + tall * along * flank

    return height


def _mesas(noise: Noise, dunes: Height, shift: float) -> Height:
    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        mesa = noise.fbm(x / 3.2 + shift, z / 3.2 + 7, 5, 0.5, pixel / 3.2)
        cliff = smoothstep(0.55, 0.85, mesa) * smoothstep(4.0, 7.0, z) * (1.0 + 0.1 * noise.value(x, z))
        slope = 0.28 * smoothstep(0.1, 0.75, mesa) * smoothstep(3.5, 7, z)
        return 0.3 * dunes(x, z, pixel) + 0.05 + cliff + slope

    return height


def _material(noise: Noise, seen: Seen, x: Tensor, z: Tensor) -> Material:
    """Sand with ripples; bare rock with strata where it is steep."""
    steep = steepness(seen)
    broad = noise.fbm(x / 1.6, z / 1.6, 4, 0.5, seen.pixel / 1.6)
    phase = (x + 0.35 * z + 0.22 * noise.value(x * 0.9, z * 0.9)) * 38
    shown = (1.4 - seen.pixel * 38 / 2).clamp(0, 1) * smoothstep(0.75, 0.3, steep)
    ripple = torch.cos(phase) * shown
    sand = mix(rgb(0.62, 0.41, 0.22), rgb(0.80, 0.60, 0.36), (0.55 + 0.22 * broad).clamp(0, 1))
    strata = noise.value(seen.height * 14, broad * 0.1 + 3)
    rock = mix(rgb(0.44, 0.22, 0.12), rgb(0.66, 0.40, 0.25), (0.5 + 0.35 * strata).clamp(0, 1))
    bare = smoothstep(0.95, 1.5, steep)
    return Material(mix(sand, rock, bare), 0.16 * ripple * (1 - bare), 0.06 * ripple * (1 - bare))
