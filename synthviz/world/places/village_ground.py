"""The ground of a village: meadows and fields, a lane, wooded hills, and what the houses leave on the ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.buildings.houses import LAMP, SNOW, House
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Material, bumps, rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.sky import mix

SIDE = 400  # points on a side of the plan
HALF = 5.0  # the plan reaches from -HALF to HALF and from 0 to 2 * HALF


@dataclass(frozen=True)
class Lane:
    """A lane that winds away from the viewer.

    Attributes:
        start: where it passes the viewer, to the right.
        lean: how far it goes to the right on its way.
        swing, length, phase: of its windings.
        half: half of its width.
    """

    start: float
    lean: float
    swing: float
    length: float
    phase: float
    half: float

    def __call__(self, z: Tensor) -> Tensor:
        """Return how far to the right the lane passes at these distances."""
        return self.start + self.lean * z + self.swing * torch.sin(z / self.length + self.phase)

    def at(self, z: float) -> float:
        """Return how far to the right the lane passes at one distance."""
        return self.start + self.lean * z + self.swing * math.sin(z / self.length + self.phase)


@dataclass(frozen=True)
class Plan:
    """A map of the village.

    Attributes:
        maps: (1, 3, SIDE, SIDE): heights of blocks that hide inside the houses and cast their shadows, shade around
            houses (0 to 1), light from windows (0 to 1).
    """

    maps: Tensor

    def blocks(self, x: Tensor, z: Tensor) -> Tensor:
        """Return the heights of the blocks; same shape as x."""
        return self._look_up(self.maps[:, :1], x, z)[0]

    def marks(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return shade and light of windows."""
        shade, glow = self._look_up(self.maps[:, 1:], x, z)
        return shade, glow

    def _look_up(self, maps: Tensor, x: Tensor, z: Tensor) -> Tensor:
        grid = torch.stack([x / HALF, z / HALF - 1], dim=-1).reshape(1, 1, -1, 2)
        found = F.grid_sample(maps, grid, padding_mode="zeros", align_corners=True)
        return found.reshape(maps.shape[1], *x.shape)


def draw_plan(houses: Sequence[House], height: Height) -> Plan:
    """Draw the map of a village with these houses on the land of this height."""
    maps = torch.zeros(3, SIDE, SIDE)
    for house in houses:
        window = _window(house.right, house.away, 0.55 * math.hypot(house.width, house.depth) + 0.35)
        if window is None:
            continue
        rows, columns, x, z = window
        points = (len(z), x.shape[1])
        ground = height(x.expand(points), z.expand(points), torch.full(points, 0.01))
        cos, sin = math.cos(house.turn), math.sin(house.turn)
        x, z = x - house.right, z - house.away
        across, along = (cos * x + sin * z).abs(), (cos * z - sin * x).abs()
        # The block stays inside the walls, or its corners would look out.
        block = (across < house.width / 2 - 0.05) & (along < house.depth / 2 - 0.05)
        tall = house.wall - 0.05 + house.roof * (1 - across / (house.width / 2))
        outside = torch.hypot((across - house.width / 2).clamp(min=0), (along - house.depth / 2).clamp(min=0))
        part = maps[:, rows, columns]
        # On a slope a block must not rise with the ground, or it would stand out of the roof.
        part[0] = torch.maximum(part[0], (tall + house.base - ground).clamp(min=0) * block)
        part[1] = torch.maximum(part[1], 0.55 * (1 - outside / 0.12).clamp(min=0))
        part[2] = torch.maximum(part[2], (1 - outside / 0.35).clamp(min=0) ** 2 * ~block)
    return Plan(maps[None])


def _window(right: float, away: float, reach: float) -> tuple[slice, slice, Tensor, Tensor] | None:
    """Return rows, columns and their positions x and z around a point of the plan; None outside."""
    spacing = 2 * HALF / (SIDE - 1)

    def cut(middle: float) -> slice:
        first, last = math.ceil((middle - reach) / spacing), math.floor((middle + reach) / spacing)
        return slice(max(0, first), min(SIDE, last + 1))

    rows, columns = cut(away), cut(right + HALF)
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return None
    z = torch.arange(rows.start, rows.stop)[:, None] * spacing
    x = torch.arange(columns.start, columns.stop)[None] * spacing - HALF
    return rows, columns, x, z


@dataclass(frozen=True)
class Ground:
    """What the ground of a village is made of.

    Attributes:
        noise: of the scene.
        plan: of the village.
        lane: through it.
        season: "spring", "summer" or "autumn".
        snow: whether snow lies.
        fields: how much the meadows are divided into fields, 0 to 1.
        wood_line: height above which woods begin.
        lamps: how bright the windows shine on the ground, 0 to 1.
        wet: whether there is water whose shore is bare.
    """

    noise: Noise
    plan: Plan
    lane: Lane
    season: str
    snow: bool
    fields: float
    wood_line: float
    lamps: float
    wet: bool

    def material(self, seen: Seen, x: Tensor, z: Tensor) -> Material:
        """Return what every pixel of the ground shows."""
        noise = self.noise
        fine, bump_x, bump_z = bumps(noise, x, z, seen.pixel, 0.16, 4)
        broad = noise.fbm(x / 1.1, z / 1.1, 3, 0.5, seen.pixel / 1.1)
        blades = noise.value(x * 70, z * 70) * (1.2 - 50 * seen.pixel).clamp(0, 1)
        meadow = self._meadow(x, z, fine + 0.6 * blades, broad)
        earth = mix(rgb(0.30, 0.22, 0.14), rgb(0.46, 0.36, 0.25), (0.5 + 0.3 * fine).clamp(0, 1))
        beside = (x - self.lane(z)).abs() / self.lane.half
        ruts = 0.25 * smoothstep(0.25, 0.0, (beside - 0.5).abs())
        lane = smoothstep(1.25, 0.75, beside + 0.18 * fine) * smoothstep(9, 7, z)
        albedo = mix(meadow, earth * (1 - ruts), lane * (0.45 if self.snow else 1.0))
        if self.wet:
            shore = smoothstep(0.035, 0.012, seen.height + 0.008 * fine)
            albedo = mix(albedo, rgb(0.17, 0.14, 0.09), shore)
        wood = smoothstep(-0.1, 0.25, seen.height - self.wood_line + 0.35 * broad)
        albedo = mix(albedo, self._wood(fine, broad), wood)
        shade, glow = self.plan.marks(x, z)
        rough = (0.06 + 0.12 * wood) * (0.5 if self.snow else 1.0)
        light = torch.tensor(LAMP)[:, None, None] * (0.10 * self.lamps * glow)
        return Material(
            (albedo * (1 - 0.6 * shade)).clamp(0, 1),
            bump_x * rough,
            bump_z * rough,
            mix(albedo, rgb(0.3, 0.22, 0.12), 0.6) * light * 2,
        )

    def _meadow(self, x: Tensor, z: Tensor, fine: Tensor, broad: Tensor) -> Tensor:
        """Return the reflectance of meadows, fields and hedges."""
        if self.snow:
            return mix(rgb(0.70, 0.76, 0.86), rgb(*SNOW), (0.7 + 0.25 * fine + 0.2 * broad).clamp(0, 1))
        low, high = {
            "spring": (rgb(0.10, 0.19, 0.035), rgb(0.25, 0.35, 0.07)),
            "summer": (rgb(0.09, 0.155, 0.03), rgb(0.25, 0.29, 0.065)),
            "autumn": (rgb(0.14, 0.14, 0.04), rgb(0.34, 0.27, 0.09)),
        }[self.season]
        grass = mix(low, high, (0.45 + 0.25 * broad + 0.27 * fine).clamp(0, 1))
        bend = 0.25 * self.noise.value(x / 2.2, z / 2.2)
        u, v = 0.62 * x + 0.2 * z + bend, 0.5 * z - 0.12 * x + bend
        column, row = u.floor(), v.floor()
        crop = self.noise.value(column * 7.31 + 3.3, row * 5.17 + 1.7)
        golden = mix(grass, rgb(0.46, 0.36, 0.13), 0.75 * smoothstep(0.5, 0.8, crop))
        golden = mix(golden, rgb(0.07, 0.15, 0.03), 0.5 * smoothstep(-0.6, -0.9, crop))
        edge = torch.minimum(torch.minimum(u - column, column + 1 - u), torch.minimum(v - row, row + 1 - v))
        hedge = smoothstep(0.05, 0.025, edge + 0.012 * fine)
        golden = mix(golden, rgb(0.045, 0.085, 0.025), 0.85 * hedge)
        return mix(grass, golden, self.fields * smoothstep(1.0, 2.2, z))

    def _wood(self, fine: Tensor, broad: Tensor) -> Tensor:
        """Return the reflectance of distant woods."""
        share = (0.5 + 0.28 * fine + 0.2 * broad).clamp(0, 1)
        if self.snow:
            return mix(rgb(0.20, 0.25, 0.28), rgb(0.66, 0.72, 0.80), share)
        if self.season == "autumn":
            return mix(rgb(0.10, 0.08, 0.025), rgb(0.36, 0.18, 0.05), share)
        return mix(rgb(0.035, 0.075, 0.025), rgb(0.12, 0.20, 0.05), share)
