"""What rises from a crater: smoke that the sun and the fire light, a glow, and a fountain of lava."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthviz.world.filters import box_blur, enlarge
from synthviz.world.land import rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.sky import mix, paint_color
from synthviz.world.vectors import unit
from synthviz.world.view import View

FIRE = (2.4, 0.55, 0.06)


def _grid(view: View, x: float, z: float, window: tuple[slice, slice], base: float) -> tuple[Tensor, Tensor]:
    """Return how far the pixels of a window lie to the right of x and above a height, on the plane at a distance z."""
    rows, columns = window
    scale = view.pixels_per_unit(z)
    column, row = view.project(x, base, z)
    right = (torch.arange(columns.start, columns.stop) + 0.5 - column) / scale
    up = (row - torch.arange(rows.start, rows.stop) - 0.5) / scale
    if view.mirrored:
        up = -up
    return right.expand(len(up), -1), up[:, None].expand(-1, len(right))


def _window(
    view: View, x: float, z: float, base: float, left: float, right: float, tall: float
) -> tuple[slice, slice] | None:
    west, foot = view.project(x + left, base, z)
    east, head = view.project(x + right, base + tall, z)
    return view.window(west, min(foot, head), east, max(foot, head))


@dataclass(frozen=True)
class Plume:
    """A column of smoke: puffs that grow as they rise and drift, and dissolve at the top.

    Attributes:
        noise: of the scene.
        x: of its foot, to the right of the camera.
        base: height of its foot.
        z: distance of its foot.
        puffs: (N, 5): right and up of each puff's middle from the foot, towards the viewer, radius, coverage.
        height: of the column.
        fire: how strongly the crater lights it from below.
        soot: how dark it is, 0 to 1.
    """

    noise: Noise
    x: float
    base: float
    z: float
    puffs: Tensor
    height: float
    fire: float
    soot: float

    def draw(self, view: View) -> None:
        """Draw the smoke at half of the painter's resolution."""
        reach = self.puffs[:, 3] * 1.2
        left, right = float((self.puffs[:, 0] - reach).min()), float((self.puffs[:, 0] + reach).max())
        bottom, top = float((self.puffs[:, 1] - reach).min()), float((self.puffs[:, 1] + reach).max())
        window = _window(view, self.x, self.z, self.base + bottom, left, right, top - bottom)
        if window is None or min(window[0].stop - window[0].start, window[1].stop - window[1].start) < 4:
            return
        rows, columns = window
        across, up = (values[::2, ::2] for values in _grid(view, self.x, self.z, window, self.base))
        coverage, relief = self._stack(across, up)
        step = 2 / view.pixels_per_unit(self.z)
        color = self._light(view, across, up, relief, step)
        layers = enlarge(torch.cat([color, coverage[None]]))
        height, width = rows.stop - rows.start, columns.stop - columns.start
        layers = layers[:, :height, :width]
        share = view.haze_share(self.z, self.base + self.height * 0.4)
        haze = view.haze_color[:, rows, columns]
        view.put(rows, columns, mix(layers[:3], haze, share), layers[3], self.z, None)

    def _stack(self, across: Tensor, up: Tensor) -> tuple[Tensor, Tensor]:
        """Return coverage and how far the surface of the smoke stands out towards the viewer."""
        swirl = self.noise.value(across * 2.2, up * 2.2) * 0.05 + self.noise.value(across * 5, up * 5) * 0.02
        grown = 1 + up.clamp(min=0) / self.height
        u, v = across + swirl * grown, up + swirl.flip(0) * grown
        relief, clear = torch.full_like(across, -9.0), torch.ones_like(across)
        for right, height, front, radius, share in self.puffs.tolist():
            apart = ((u - right).square() + (v - height).square()) / radius**2
            bulge = (1 - apart).clamp(min=0).sqrt()
            relief = torch.maximum(relief, front + radius * torch.where(apart < 1, bulge, 1 - apart))
            clear = clear * (1 - share * smoothstep(0.0, 0.55, bulge))
        return 1 - clear, relief

    def _light(self, view: View, across: Tensor, up: Tensor, relief: Tensor, step: float) -> Tensor:
        """Return the light of the smoke: the sun or moon, the sky, and the fire from below."""
        share = (up / self.height).clamp(0, 1)
        surface = relief
        for amplitude, size in ((0.045, 3.5), (0.024, 7.5), (0.011, 15.0)):
            shown = min(1.0, max(0.0, 1.4 - 3 * step * size))
            billow = 0.8 - self.noise.value(across * size, up * size).abs()
            surface = surface + shown * amplitude * billow * (0.5 + share)
        around = box_blur(surface[None], 6)[0]
        open_sky = (0.72 + (surface - around) * (2.6 / (0.4 + share))).clamp(0.25, 1.1)
        slope_up, slope_right = torch.gradient(surface, spacing=step)
        normal = unit(torch.stack([-slope_right, slope_up + 0.15, -torch.full_like(up, 0.9)]))
        dark = mix(rgb(0.30, 0.28, 0.27), rgb(0.10, 0.09, 0.09), self.soot)
        pale = mix(rgb(0.72, 0.70, 0.69), rgb(0.34, 0.32, 0.32), self.soot)
        color = view.illuminate(mix(dark, pale, share[None]), normal, 1.0, open_sky)
        through = 0.10 * max(0.0, float(view.light.direction[2])) * (1 - 0.8 * view.sky.veil)
        color = color + through * paint_color(view.light.glow)
        below = torch.exp(-up.clamp(min=0) / (0.22 * self.height)) * (0.75 - 0.6 * normal[1]).clamp(0.05, 1.3)
        strength = self.fire * (0.3 + 0.7 * view.light.darkness) * 0.5
        return color + paint_color(torch.tensor(FIRE)) * below * open_sky * strength


def column_of_smoke(
    rng: np.random.Generator, radius: float, height: float, drift: float, spread: float, thickness: float
) -> Tensor:
    """Choose the puffs of a column of smoke, (N, 5) as `Plume` wants them.

    Args:
        rng: decides.
        radius: of the column at its foot.
        height: of the column.
        drift: how far it is blown to the right at its top.
        spread: how much its radius grows for each unit of height.
        thickness: coverage of a puff near the foot, 0 to 1.
    """
    puffs = []
    for share in np.linspace(0, 1, 46):
        up = height * share**1.25
        wide = radius + spread * up
        size = wide * rng.uniform(0.42, 0.72)
        right = drift * share**1.8 + (wide - 0.5 * size) * rng.uniform(-0.85, 0.85)
        puffs.append(
            [right, up + 0.3 * wide * rng.normal(), wide * rng.uniform(-0.5, 0.5), size, thickness * (1 - share**2.2)]
        )
    return torch.tensor(puffs, dtype=torch.float32)


@dataclass(frozen=True)
class Glow:
    """The shine of the fire on the air above the crater.

    Attributes:
        x: to the right of the camera.
        height: of its middle.
        z: distance.
        radius: at which little of it is left.
        strength: of its middle.
    """

    x: float
    height: float
    z: float
    radius: float
    strength: float

    def draw(self, view: View) -> None:
        """Add the shine to what lies behind it."""
        reach = self.radius * 2.2
        window = _window(view, self.x, self.z, self.height - reach, -reach, reach, 2 * reach)
        if window is None:
            return
        rows, columns = window
        right, up = _grid(view, self.x, self.z, window, self.height)
        shine = torch.exp(-torch.sqrt(right.square() + (up * 0.8).square() + 1e-6) / self.radius * 2.6)
        shine = shine * smoothstep(1.0, 0.2, torch.maximum(right.abs(), up.abs()) / reach)
        shine = shine * (0.3 + 0.7 * view.light.darkness) * self.strength
        free = 0.35 + 0.65 * (view.depth[rows, columns] > self.z - 0.3).float()  # less before the mountain itself
        view.color[:, rows, columns] += paint_color(torch.tensor(FIRE)) * shine * free


@dataclass(frozen=True)
class Fountain:
    """Lava that is thrown up and falls back in arcs.

    Attributes:
        x: to the right of the camera.
        base: height of its foot.
        z: distance.
        radius: within which it falls.
        height: of its highest arcs.
        seed: decides the arcs.
    """

    x: float
    base: float
    z: float
    radius: float
    height: float
    seed: int

    def draw(self, view: View) -> None:
        """Draw a bright jet and glowing arcs around it."""
        wide = self.radius * 2.6
        window = _window(view, self.x, self.z, self.base, -wide, wide, self.height * 1.2)
        if window is None:
            return
        rows, columns = window
        right, up = _grid(view, self.x, self.z, window, self.base)
        rng = np.random.default_rng(self.seed)
        pixel = 1 / view.pixels_per_unit(self.z)
        heat = smoothstep(1.0, 0.2, right.abs() / (0.35 * self.radius * (1.15 - up / self.height).clamp(min=0.05)))
        heat = heat * smoothstep(0.85, 0.35, up / self.height)
        for _ in range(16):
            tall, reach = self.height * rng.uniform(0.45, 1.0), self.radius * rng.normal(0, 0.9)
            reach = reach if abs(reach) > 0.1 * self.radius else 0.15 * self.radius
            share = (right / reach).clamp(0, 2)
            arc = tall * (1 - (share - 0.7).square() / 0.49)
            slope = (tall / abs(reach) * 2 * (share - 0.7).abs() / 0.49).clamp(max=40)
            off = (up - arc).abs() / torch.sqrt(1 + slope.square())
            on = smoothstep(max(3.2 * pixel, 0.036), 0.6 * pixel, off) * (right * reach > 0) * (share < 1.5)
            heat = torch.maximum(heat, on * (1 - 0.45 * share).clamp(min=0.1))
        color = mix(rgb(2.2, 0.28, 0.02), rgb(7.0, 3.2, 0.7), heat**1.5)
        view.put(rows, columns, color, heat.clamp(0, 1) ** 0.7, self.z + 0.01, None)
