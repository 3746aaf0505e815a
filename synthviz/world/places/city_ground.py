"""The ground of a city: parks with paths, pavements, streets with lamps."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.buildings.districts import BLOCK
from synthviz.world.ground import Seen
from synthviz.world.land import Material, rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.sky import mix

PATH = 0.15  # half of its width


@dataclass(frozen=True)
class Town:
    """How the ground of a city is divided.

    Attributes:
        shore: distance at which the town begins; before it lies grass.
        darkness: how much lamps count.
        weather: which decides what is wet or white.
        path: where a path through the grass reaches the town; None without one.
        quayside: whether lamps line the shore.
        streets: distance at which lit streets begin, where a boulevard begins there, and how fast it runs to the right
            with the distance; None without streets.
    """

    shore: float
    darkness: float
    weather: str
    path: float | None = None
    quayside: bool = False
    streets: tuple[float, float, float] | None = None


def under_weather(albedo: Tensor, weather: str, rough: Tensor) -> Tensor:
    """Darken wet ground, whiten snowy ground.

    Args:
        albedo: (3, H, W) of the dry ground.
        weather: of the scene.
        rough: (H, W) noise that decides where snow stays away.
    """
    if weather in ("rain", "thunderstorm"):
        return albedo * 0.6
    if weather == "snowfall":
        return mix(albedo, rgb(0.80, 0.83, 0.88), 0.8 * smoothstep(-1.2, 0.6, rough + 0.8))
    return albedo


def city_ground(noise: Noise, seen: Seen, x: Tensor, z: Tensor, town: Town) -> Material:
    """Return grass before the shore, and pavement with lit streets behind it."""
    fine = noise.fbm(x * 4, z * 4, 4, 0.55, seen.pixel * 4)
    broad = noise.fbm(x * 0.8, z * 0.8, 2, 0.5, seen.pixel)
    grass = mix(rgb(0.05, 0.09, 0.03), rgb(0.14, 0.19, 0.06), (0.5 + 0.25 * fine + 0.25 * broad).clamp(0, 1))
    paved = smoothstep(town.shore - 0.1, town.shore + 0.1, z)
    stone = mix(rgb(0.17, 0.17, 0.18) * (1 + 0.1 * fine), grass * 0.8, smoothstep(0.1, 0.5, broad))
    light = torch.zeros_like(x)
    if town.path is not None:
        share = z / town.shore
        beside = (x - town.path * (share * (2 - share) + 0.5 * torch.sin(2.6 * share))).abs()
        mown = torch.sin(6.2832 * (x - town.path * share * (2 - share)) / 0.7)  # lawns are mown in stripes
        grass = 1.5 * grass * (1 + 0.16 * (3 * mown).clamp(-1, 1))
        grass = mix(grass, rgb(0.25, 0.24, 0.23) * (1 + 0.06 * fine), smoothstep(PATH, PATH - 0.015, beside))
        wide = torch.maximum(0.012 + 0.0 * x, 0.8 * seen.pixel)
        light = 0.8 * torch.exp(-(((beside - PATH) / wide) ** 2)) + 0.06 * torch.exp(-(((beside - PATH) / 0.1) ** 2))
    if town.quayside:
        wide = torch.maximum(0.03 + 0.0 * x, seen.pixel)
        light = light + 0.5 * torch.exp(-(((z - town.shore - 0.08) / wide) ** 2))
    if town.streets is not None:
        # The gardens between the streets lie in the shade of the buildings.
        lamps, road = _streets(seen, x, z, town.streets)
        light = light + lamps
        stone = mix(0.6 * grass, rgb(0.24, 0.235, 0.23), road)
    light = light * (smoothstep(0.3, 0.1, seen.height) if town.path is None else 1.0)
    albedo = under_weather(mix(grass, stone, paved), town.weather, fine)
    rough = 0.10 * (1 - paved)
    return Material(albedo, rough * fine, rough * broad, rgb(1.0, 0.55, 0.24) * (light * town.darkness))


def _streets(seen: Seen, x: Tensor, z: Tensor, streets: tuple[float, float, float]) -> tuple[Tensor, Tensor]:
    """Return the light of lamps along streets and a boulevard, and where roads are, (H, W) each; see `Town`."""
    first, begin, lean = streets
    along = (z - first) / BLOCK
    beside = (along - along.round()).abs() * BLOCK
    street = torch.exp(-((beside / torch.maximum(0.03 + 0.0 * x, seen.pixel)) ** 2))
    off = (x - begin - lean * (z - first)).abs()
    wide = torch.exp(-((off / 0.1) ** 2)) + 0.5 * torch.exp(-((off / 0.3) ** 2))
    town = smoothstep(-0.3, 0.0, z - first) * smoothstep(15.0, 13.0, z)  # not on the hills behind it
    lamps = (0.35 * street + 0.2 * torch.exp(-((beside / 0.12) ** 2)) + 0.8 * wide) * town
    return lamps, torch.maximum(smoothstep(0.13, 0.10, beside), smoothstep(0.20, 0.17, off)) * town
