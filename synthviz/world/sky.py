"""The sky: a gradient by hour, a glow around the sun or moon, clouds of several kinds, stars."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthviz.world.light import Light
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.vectors import along, unit

CLOUD_HEIGHT = 1.0  # of the layer in which clouds are looked up
FARTHEST_CLOUD = 0.045  # upward slope below which the layer dissolves into haze
CLOUDS_PER_UNIT = 1.7
OCTAVES = 7
EDGES = {"cumulus": 0.55, "streaks": 1.6, "overcast": 1.2}  # how softly a kind of cloud ends


def mix(low: Tensor, high: Tensor, share: Tensor | float) -> Tensor:
    """Blend two values."""
    return low + (high - low) * share


def paint_color(color: Tensor) -> Tensor:
    """Give a color (3,) two dimensions for rows and columns."""
    return color[:, None, None]


@dataclass(frozen=True)
class Clouds:
    """One layer of clouds.

    Attributes:
        kind: "cumulus", "streaks" or "overcast".
        cover: share of the sky that is covered, 0 to 1.
        offset: where the layer is looked up in the noise.
        stretch: how much longer than wide the clouds are.
        turn: direction of their length in radians.
        scale: size of the clouds.
        darkness: how much less light comes through, 0 to 1.
    """

    kind: str
    cover: float
    offset: tuple[float, float]
    stretch: float
    turn: float
    scale: float
    darkness: float


def choose_clouds(weather: str, rng: np.random.Generator) -> tuple[Clouds, ...]:
    """Choose the layers of clouds for a weather."""

    def layer(kind: str, cover: float, stretch: float, scale: float, darkness: float) -> Clouds:
        offset = (float(rng.uniform(0, 64)), float(rng.uniform(0, 64)))
        return Clouds(kind, cover, offset, stretch, float(rng.uniform(-0.7, 0.7)), scale, darkness)

    if weather == "clear":
        high = rng.random()
        layers = [layer("streaks", rng.uniform(0.1, 0.45), rng.uniform(2.5, 5), rng.uniform(0.5, 1.0), 0.0)] * (
            high < 0.6
        )
        if rng.random() < 0.35:
            layers.append(layer("cumulus", rng.uniform(0.05, 0.2), 1.2, rng.uniform(0.8, 1.3), 0.0))
        return tuple(layers)
    if weather == "clouds":
        layers = [layer("cumulus", rng.uniform(0.42, 0.68), rng.uniform(1.0, 1.6), rng.uniform(0.8, 1.6), 0.1)]
        if rng.random() < 0.5:
            layers.insert(0, layer("streaks", rng.uniform(0.3, 0.6), rng.uniform(2, 4), 0.8, 0.0))
        return tuple(layers)
    darkness = {"rain": 0.45, "thunderstorm": 0.68, "snowfall": 0.12, "fog": 0.05}[weather]
    return (layer("overcast", 0.97, rng.uniform(1.2, 2.2), rng.uniform(1.0, 1.8), darkness),)


class Sky:
    """The sky over one scene.

    Args:
        light: of the hour.
        clouds: from far to near.
        noise: in which clouds are looked up.
        haze: how hazy the air is, 0 to 1: it whitens the horizon and widens the glow.
    """

    def __init__(self, light: Light, clouds: tuple[Clouds, ...], noise: Noise, haze: float) -> None:
        self.light, self.clouds, self.noise, self.haze = light, clouds, noise, haze
        overcast = [layer for layer in clouds if layer.kind == "overcast"]
        darkness = max((layer.darkness for layer in overcast), default=0.0)
        self.veil = darkness + 0.3 if overcast else 0.0
        self.grey = self._overcast_color(darkness)
        self.gap = self._gap_color(darkness)

    def _overcast_color(self, darkness: float) -> Tensor:
        """Return the light of a closed layer of clouds: slate-grey where it is thick, milky and tinted where thin."""
        light = self.light
        through = 0.45 * light.middle + 0.55 * light.horizon
        slate = through.mean() * torch.tensor([0.84, 0.99, 1.17])
        tint = 0.36 * max(0.0, 1 - 2.2 * darkness)
        return mix(slate, through, tint) * (1 - darkness) * (1.35 if light.is_moon else 1.0)

    def _gap_color(self, darkness: float) -> Tensor:
        """Return the light under the clouds far away, where the hour's own colour comes through."""
        light = self.light
        grey = 0.42 + 0.22 * max(0.0, 1 - 3 * darkness)  # fog mixes the colours of all directions
        return mix(light.horizon, light.horizon.mean(), grey) * (1 - 0.62 * darkness) * (1.2 if light.is_moon else 1.0)

    def air(self, direction: Tensor) -> Tensor:
        """Return the light of the cloudless sky in directions (3, H, W) of length 1: (3, H, W)."""
        light = self.light
        up = direction[1].clamp(min=0)
        low, high = smoothstep(0.0, 0.22 + 0.1 * self.haze, up), smoothstep(0.10, 0.75, up)
        color = mix(paint_color(light.horizon), paint_color(light.middle), low)
        color = mix(color, paint_color(light.zenith), high)
        toward = along(direction, light.direction).clamp(-1, 1)
        near_horizon = torch.exp(-up * 4.5)
        glow = 0.55 * ((toward + 1) / 2) ** 5 * near_horizon + 0.5 * toward.clamp(min=0) ** (28 - 16 * self.haze)
        glow = glow + 0.8 * toward.clamp(min=0) ** 220
        if self.veil:
            cover = mix(paint_color(self.grey), paint_color(self.gap), 0.75 * torch.exp(-up * 7))
            color = mix(color, cover, min(1.0, self.veil + 0.5))
            glow = glow * (1 - 0.8 * self.veil) + 0.25 * toward.clamp(min=0) ** 3 * near_horizon
        return color + paint_color(light.glow) * glow

    def haze_color(self, direction: Tensor) -> Tensor:
        """Return the light of the air between the viewer and something far away in these directions."""
        flat = torch.stack([direction[0], direction[1].abs() * 0.3 + 0.012, direction[2]])
        return self.air(unit(flat))

    def view(self, direction: Tensor, pixel: float) -> Tensor:
        """Return the light of the sky with its clouds, without sun, moon and stars.

        Args:
            direction: (3, H, W) of length 1.
            pixel: angle of a pixel in radians.
        """
        color = self.air(direction)
        for layer in self.clouds:
            color = self._lay_clouds(color, layer, direction, pixel)
        return color

    def _lay_clouds(self, color: Tensor, layer: Clouds, direction: Tensor, pixel: float) -> Tensor:
        """Lay one layer of clouds over the air."""
        up = direction[1].clamp(min=0.02)
        distance = CLOUD_HEIGHT / (up + 0.05)  # the layer bends down a little, as the earth does
        u, v = self._coordinates(layer, direction[0] * distance, direction[2] * distance)
        blur = pixel * distance / up.clamp(min=0.05) * CLOUDS_PER_UNIT / layer.scale
        warp = self.noise.value(u * 0.7 + 9.1, v * 0.7 - 3.3) * (0.35 if layer.kind == "streaks" else 0.15)
        u, v = u + warp, v - warp
        density = self.noise.fbm(u, v, OCTAVES, 0.6 if layer.kind == "streaks" else 0.55, blur)
        toward = self.light.direction
        nearer_light = self.noise.fbm(u + float(toward[0]) * 0.22, v + float(toward[2]) * 0.22, 4, 0.55, blur)
        threshold = _threshold(layer.cover)
        amount = smoothstep(threshold, threshold + EDGES[layer.kind], density)
        if layer.kind == "overcast":
            relief = (0.40 * density + 0.45 * (density - nearer_light)).clamp(-1.0, 1.2)
            cloud = paint_color(self.grey) * (0.88 + (0.26 + 0.16 * layer.darkness) * relief)
            amount = amount.clamp(min=0.8)
        else:
            cloud = self._lit_cloud(direction, density - nearer_light, (density - threshold).clamp(0, 2.5))
            amount = amount * (0.6 if layer.kind == "streaks" else 0.97)
        lowest = FARTHEST_CLOUD * (6 if layer.kind == "overcast" else 3)
        return mix(color, cloud, amount * smoothstep(-0.01, lowest, direction[1]))

    def _coordinates(self, layer: Clouds, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return where a layer is looked up in the noise: along the clouds and across."""
        cos, sin = math.cos(layer.turn), math.sin(layer.turn)
        along, across = (cos * x + sin * z) / layer.stretch, -sin * x + cos * z
        scale = CLOUDS_PER_UNIT / layer.scale
        return along * scale + layer.offset[0], across * scale + layer.offset[1]

    def _lit_cloud(self, direction: Tensor, thinning: Tensor, thickness: Tensor) -> Tensor:
        """Return the light of single clouds: bright where they thin out towards the light, dark where thick.

        Args:
            direction: (3, H, W) of the pixels.
            thinning: (H, W) by how much the cloud is thinner towards the light.
            thickness: (H, W) of the cloud.
        """
        light = self.light
        lit = (0.62 + 0.5 * thinning - 0.22 * thickness).clamp(0.05, 1.3)
        bright = light.key / light.key.max() * (light.horizon.max() + light.glow.max() * 0.35)
        if light.is_moon:
            bright = mix(bright, light.horizon, 0.6) * 0.8
        dark = mix(light.zenith, light.middle, 0.55) * 0.95
        cloud = mix(paint_color(dark), paint_color(bright), lit)
        toward_light = along(direction, light.direction).clamp(min=0)
        rim = (1 - thickness / 1.2).clamp(0, 1) * toward_light**12
        return cloud + paint_color(light.glow) * 0.9 * rim


def _threshold(cover: float) -> float:
    """Return the density above which this share of normally distributed noise lies."""
    return float(math.sqrt(2) * torch.erfinv(torch.tensor(1 - 2 * min(max(cover, 0.01), 0.99))))
