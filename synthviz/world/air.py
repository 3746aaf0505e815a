"""What lies in the air and on the ground between plants: mist in valleys, shafts of light, shadows of trees."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.labels import LABELS
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.plants.grove import Plant, direct_light
from synthviz.world.sky import mix, paint_color
from synthviz.world.view import View

FAR = 1e8  # depths beyond are sky


def _positions(view: View, rows: slice, columns: slice) -> tuple[Tensor, Tensor, Tensor]:
    """Return right, height above the water and away of what pixels show."""
    camera = view.camera
    away = view.depth[rows, columns]
    right = camera.columns(view.size)[columns] * away
    height = camera.height + camera.rows(view.size)[rows, None] * away
    return right, height, away


def _ground_rows(view: View) -> slice:
    """Return the rows from the highest that shows something of the land."""
    shown = (view.depth < FAR).any(1)
    return slice(int(shown.int().argmax()) if bool(shown.any()) else view.size, view.size)


@dataclass(frozen=True)
class Mist:
    """Mist that lies in the valleys, in banks.

    Attributes:
        noise: of the scene.
        low: height up to which it is dense.
        high: height above which the air is clear.
        density: share of light that it takes in a distance of 1.
        shift: which part of the noise.
        near: distance at which it begins.
    """

    noise: Noise
    low: float
    high: float
    density: float
    shift: float
    near: float = 0.6

    def draw(self, view: View) -> None:
        """Veil what lies low and far."""
        if view.mirrored:
            return
        rows, columns = _ground_rows(view), slice(0, view.size)
        right, height, away = _positions(view, rows, columns)
        ground = away < FAR
        away = away.clamp(max=60)
        bank = self.noise.value(right * 0.5 + self.shift, away * 0.35 - self.shift)
        bank = bank + 0.5 * self.noise.value(right * 1.3, away * 0.8 + self.shift)
        deep = smoothstep(self.high, self.low, height - 0.22 * (self.high - self.low) * bank)
        share = (1 - torch.exp(-self.density * (away - self.near).clamp(min=0))) * deep * ground
        air = view.haze_color[:, rows] + 0.12 * paint_color(view.light.key) * (1 - view.sky.veil)
        color = view.color[:, rows]
        color += (air - color) * share


@dataclass(frozen=True)
class Shafts:
    """Beams of light between trees.

    Attributes:
        noise: of the scene.
        strength: of the light, 0.2 to 1.
        shift: which part of the noise.
    """

    noise: Noise
    strength: float
    shift: float

    def draw(self, view: View) -> None:
        """Add the light of the beams; an overcast sky has none."""
        light, size = view.light, view.size
        strength = self.strength * max(0.0, 1 - 1.4 * view.sky.veil) * (0.4 if light.is_moon else 1.0)
        if view.mirrored or strength <= 0:
            return
        east, up, ahead = (float(value) for value in light.direction)
        if ahead > 0.25:  # the sun stands before the viewer
            column = (east / ahead / view.camera.width + 1) / 2
            row = view.camera.horizon - up / ahead / (2 * view.camera.width)
        else:
            column, row = 0.5 + math.copysign(1.1, east), -0.6
        row = min(row, view.camera.horizon - 0.25)
        line = (torch.arange(size // 4) + 0.5) / (size // 4)
        x, y = (line - column)[None, :], (line - row)[:, None]
        angle, distance = torch.atan2(x, y), torch.sqrt(x.square() + y.square())
        beams = self.noise.fbm(angle * 5 + self.shift, 0.25 * distance + self.shift, 2)
        below = smoothstep(0.05, 0.3, y) * smoothstep(1.7, 0.4, distance)
        share = strength * smoothstep(-0.1, 1.3, beams) * below
        share = F.interpolate(share[None, None], size=(size, size), mode="bilinear", align_corners=False)[0, 0]
        share = share * (0.1 + 0.9 * (view.depth < FAR)) * (1 - torch.exp(-0.8 * view.depth.clamp(max=50)))
        view.color += paint_color(0.24 * light.key + 0.30 * light.glow) * share


@dataclass(frozen=True)
class TreeShadows:
    """Shadows of trees on the ground, away from the light.

    Attributes:
        plants: what casts them.
        slim: half width of a shadow relative to the width of the plant.
        longest: length of a shadow relative to the height of the plant, at most.
    """

    plants: tuple[Plant, ...]
    slim: float = 0.42
    longest: float = 2.6

    def draw(self, view: View) -> None:
        """Take the direct light from the ground under and behind the plants."""
        if view.mirrored:
            return
        light = view.light
        up = max(0.06, float(light.direction[1]))
        level = math.hypot(float(light.direction[0]), float(light.direction[2]))
        ambient = 0.8 * 0.5 * (light.zenith + light.middle)
        direct = light.key * up * max(0.0, 1 - 0.92 * view.sky.veil)
        left_over = ambient / (ambient + direct)  # colour of a shadow relative to the light around it
        left_over = paint_color(mix(left_over, left_over.mean(), 0.4 + 0.5 * min(1.0, view.sky.veil)))
        run = (-float(light.direction[0]) / level, -float(light.direction[2]) / level)
        shade = torch.zeros(view.size, view.size)
        for plant, lit in zip(self.plants, direct_light(view, self.plants), strict=True):
            if lit > 0.05:
                self._darken(view, shade, plant, run, min(self.longest, level / up), lit)
        rows, columns = _ground_rows(view), slice(0, view.size)
        _, height, away = _positions(view, rows, columns)
        shade = shade[rows] * (1 - view.haze_share(away, height))
        shade = shade * (view.labels[rows] == LABELS["place"])  # water shows no shadow
        color = view.color[:, rows]
        color *= 1 - shade * (1 - left_over)

    def _darken(
        self, view: View, shade: Tensor, plant: Plant, run: tuple[float, float], slope: float, lit: float
    ) -> None:
        """Enter the shadow of one plant into `shade`, (H, W) in [0, 1]."""
        length = plant.height * slope
        ends = [(plant.right, plant.away), (plant.right + run[0] * length, max(0.15, plant.away + run[1] * length))]
        half = plant.width * self.slim
        corners = [
            view.project(x + side * half, plant.base, max(0.12, z + side * half)) for x, z in ends for side in (-1, 1)
        ] + [view.project(x + side * half, plant.base, max(0.12, z - side * half)) for x, z in ends for side in (-1, 1)]
        lefts, tops = zip(*corners, strict=True)
        margin = 0.15 * (max(tops) - min(tops)) + 2
        window = view.window(min(lefts), min(tops) - margin, max(lefts), max(tops) + margin)
        if window is None:
            return
        right, height, away = _positions(view, *window)
        right, away = right - plant.right, away - plant.away
        along, across = right * run[0] + away * run[1], right * run[1] - away * run[0]
        share = (along / length).clamp(0, 1)
        wide = half * (1 - 0.85 * share) * (0.6 + 0.4 * smoothstep(0.0, 0.2, share))
        outside = torch.sqrt(across.square() + (along - share * length).square()) / wide.clamp(min=1e-3)
        shadow = smoothstep(1.25, 0.6, outside) * (1 - 0.55 * share) * ((height - plant.base).abs() < plant.height)
        under = shade[window]
        torch.maximum(under, 0.85 * lit * shadow, out=under)
