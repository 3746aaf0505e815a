"""The sun, the moon, the crescent moon and the stars, drawn on the sky before the land.

A body is a disc in the plane of the picture: it is round wherever it stands.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.labels import LABELS
from synthviz.world.light import Light
from synthviz.world.noise import smoothstep
from synthviz.world.sky import mix, paint_color
from synthviz.world.view import View

BODY_AT = {"left": 0.19, "center": 0.50, "right": 0.81}
RADII = {"sun": (0.038, 0.050), "moon": (0.040, 0.052), "crescent moon": (0.060, 0.070)}  # shares of the picture's side
# How high a body stands above the horizon, as a share of the picture's height.
HEIGHTS = {
    "sunrise": (0.08, 0.20),
    "day": (0.26, 0.44),
    "golden hour": (0.16, 0.30),
    "sunset": (0.07, 0.18),
    "dusk": (0.20, 0.40),
    "night": (0.22, 0.44),
}
SUN_COLORS = {
    "sunrise": (4.6, 2.3, 1.2),
    "day": (7.0, 6.5, 5.2),
    "golden hour": (6.0, 3.8, 1.7),
    "sunset": (4.2, 1.45, 0.55),
}
MOONLIGHT = (1.55, 1.50, 1.32)
EARTHSHINE = (0.035, 0.045, 0.065)
MARIA = (  # x, y, radius and darkness of the moon's dark plains
    (-0.30, -0.34, 0.36, 0.50), (0.22, -0.38, 0.25, 0.46), (0.46, -0.10, 0.22, 0.44), (-0.52, 0.06, 0.30, 0.42),
    (0.62, -0.34, 0.13, 0.42), (-0.18, 0.30, 0.22, 0.32), (0.28, 0.12, 0.16, 0.30),
)  # fmt: skip
CRESCENT = 0.28  # where the edge between light and dark crosses the middle, 0 for a half moon, 1 for a new moon


@dataclass(frozen=True)
class Body:
    """A sun or moon in the picture; lengths are shares of the picture's side.

    Attributes:
        kind: one of `scene.BODIES`.
        column: of its middle, from the left.
        row: of its middle, from the top.
        radius: of its disc.
        turn: of the moon's face in radians.
        time: the hour, which colours the sun.
    """

    kind: str
    column: float
    row: float
    radius: float
    turn: float
    time: str

    def light(self, light: Light, camera: Camera) -> Light:
        """Return the light that comes from this body."""
        right = (self.column * 2 - 1) * camera.width
        up = (camera.horizon - self.row) * 2 * camera.width
        direction = torch.tensor([right, max(up, 0.01), 1.0])
        return replace(light, direction=direction / direction.norm())

    def draw(self, view: View) -> None:
        """Draw the body over the sky and its clouds."""
        self._add_halo(view, torch.hypot(*self._around(view)))
        column, row, reach = self.column * view.size, self.row * view.size, self.radius * view.size + 1
        window = view.window(column - reach, row - reach, column + reach, row + reach)
        if window is None:
            return
        rows, columns = window
        across, down = (part[rows, columns] for part in self._around(view))
        away = torch.hypot(across, down)
        disc = (0.5 - (away - 1) * self.radius * view.size).clamp(0, 1)
        behind = view.color[:, rows, columns]
        if self.kind == "sun":
            color, shown = self._sun(view, away), disc
        else:
            color, shown = self._moon(behind, across, down, away, disc)
        view.color[:, rows, columns] = mix(behind, color, disc)
        view.labels[rows, columns] = view.labels[rows, columns].masked_fill(shown > 0.5, LABELS[self.kind])

    def _around(self, view: View) -> tuple[Tensor, Tensor]:
        """Return how far pixels are to the right of its middle and below it, in radii."""
        line = (torch.arange(view.size) + 0.5) / view.size
        across, down = (line - self.column) / self.radius, (line - self.row) / self.radius
        return across.expand(view.size, -1), down[:, None].expand(-1, view.size)

    def _add_halo(self, view: View, away: Tensor) -> None:
        """Let the sky around it shine."""
        if self.kind != "sun":
            strength = 0.5 if self.kind == "crescent moon" else 1.0
            halo = 0.13 * torch.exp(-(away - 1).clamp(min=0) / 0.7) + 0.045 * torch.exp(-away / 3.0)
            view.color += paint_color(torch.tensor(MOONLIGHT) * torch.tensor([0.85, 0.95, 1.1]) * strength) * halo
            return
        color = torch.tensor(SUN_COLORS[self.time])
        # The glow of the sky would drown the disc: around it, its light is held below that of the disc.
        most = paint_color(0.13 * color + 0.12)
        near = torch.exp(-((away / 5.0) ** 2)) * max(0.0, 1 - 2 * view.sky.veil)
        held = (view.color / most).square_().add_(1).rsqrt_().mul_(view.color)
        halo = 0.05 * torch.exp(-(away - 1).clamp(min=0) / 0.8) * (1 - 0.75 * min(1.0, view.sky.veil))
        view.color.lerp_(held, near).addcmul_(paint_color(color), halo)

    def _sun(self, view: View, away: Tensor) -> Tensor:
        """Return the light of the sun's disc."""
        color = torch.tensor(SUN_COLORS[self.time])
        if view.sky.veil:  # seen through thin cloud: a pale disc
            color = mix(color, torch.full((3,), 2.6) * view.sky.grey.mean().clamp(min=0.5), 0.7)
        limb = 1 - 0.12 * away.clamp(0, 1) ** 2
        return paint_color(color) * limb

    def _moon(self, behind: Tensor, across: Tensor, down: Tensor, away: Tensor, disc: Tensor) -> tuple[Tensor, Tensor]:
        """Return the light of the moon's disc and how much of it shines."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        x, y = cos * across + sin * down, -sin * across + cos * down
        face = torch.ones_like(x)
        for east, south, radius, darkness in MARIA:
            inside = torch.sqrt((x - east) ** 2 + (y - south) ** 2) / radius
            face = face * (1 - darkness * smoothstep(1.25, 0.55, inside))
        shine = paint_color(torch.tensor(MOONLIGHT)) * (face * (1 - 0.18 * away.clamp(0, 1) ** 4))
        if self.kind == "moon":
            return shine, disc
        edge = CRESCENT * torch.sqrt((1 - y.square()).clamp(min=0))
        lit = smoothstep(-0.04, 0.10, x - edge)
        dark = behind + paint_color(torch.tensor(EARTHSHINE)) * (0.5 + 0.5 * face)
        return mix(dark, 1.1 * shine.clamp(min=0.9), lit), lit * disc


def place_body(kind: str, side: str, time: str, camera: Camera, free: Tensor, rng: np.random.Generator) -> Body:
    """Choose where a sun or moon stands: on its side, in free sky, whole.

    Args:
        kind: one of `scene.BODIES`.
        side: one of `scene.SIDES`.
        time: the hour.
        camera: of the picture.
        free: (n, n) bool, a coarse map of where the picture shows sky.
        rng: chooses within what is possible.
    """
    radius = float(rng.uniform(*RADII[kind]))
    size = free.shape[0]
    cells = 2 * math.ceil(radius * size) + 1
    hidden = F.avg_pool2d((~free)[None].float(), cells, 1)[0]  # by the upper left cell
    line = (torch.arange(size - cells + 1) + cells / 2) / size
    wished_row = camera.horizon - float(rng.uniform(*HEIGHTS[time]))
    wished_column = BODY_AT[side] + float(rng.uniform(-0.06, 0.06))
    away = ((line - wished_column) / 0.08).square()[None] + ((line - max(wished_row, 1.4 * radius)) / 0.2).square()[
        :, None
    ]
    outside = ((line - BODY_AT[side]).abs() > 0.11)[None] | (line > camera.horizon + 0.1)[:, None]
    cost = away + 60 * hidden + 1000 * outside
    row, column = divmod(int(cost.argmin()), cost.shape[1])
    turn = float(rng.uniform(-0.9, 0.9)) + (math.pi if kind == "crescent moon" and rng.random() < 0.5 else 0.0)
    return Body(kind, float(line[column]), float(line[row]), radius, turn, time)


@dataclass(frozen=True)
class Stars:
    """Stars of three brightnesses.

    Attributes:
        places: (n, 2) columns and rows as shares of the picture.
        sizes: (n,) 0 for faint ones, 1, 2 for the brightest.
        tints: (n, 3) colours.
    """

    places: np.ndarray
    sizes: np.ndarray
    tints: np.ndarray

    def draw(self, view: View) -> None:
        """Draw the stars where the sky is clear."""
        columns, rows = (self.places * view.size).astype(int).clip(0, view.size - 1).T
        there = view.directions[:, rows, columns]
        clear = (view.color[:, rows, columns] - view.sky.air(there[:, None])[:, 0]).abs().mean(0)
        sky = view.labels[rows, columns] == LABELS["sky"]
        visible = sky & (clear < 0.5 * view.color[:, rows, columns].mean(0) + 0.01)
        unit = view.size / 512
        for index in np.flatnonzero(visible.cpu().numpy()):
            brightness = int(self.sizes[index])
            _star(view, self.places[index] * view.size, brightness, torch.tensor(self.tints[index]), unit)


def _star(view: View, place: np.ndarray, brightness: int, tint: Tensor, unit: float) -> None:
    """Draw one star with a soft halo, and label the pixels around it."""
    sigma, peak, reach = ((1.1, 0.55, 4.0), (1.45, 1.3, 6.0), (2.1, 2.4, 9.0))[brightness]
    column, row = float(place[0]), float(place[1])
    radius = reach * unit
    window = view.window(column - radius, row - radius, column + radius, row + radius)
    if window is None:
        return
    rows, columns = window
    x = torch.arange(columns.start, columns.stop) + 0.5 - column
    y = torch.arange(rows.start, rows.stop) + 0.5 - row
    square = (x[None].square() + y[:, None].square()) / unit**2
    shine = peak * (torch.exp(-square / (2 * sigma**2)) + 0.06 * torch.exp(-square / (6 * sigma**2)))
    view.color[:, rows, columns] += paint_color(tint) * shine
    labels = view.labels[rows, columns]
    if brightness > 0:
        star = (square < (reach * 0.8) ** 2) & (labels == LABELS["sky"])
        view.labels[rows, columns] = torch.where(star, torch.full_like(labels, LABELS["stars"]), labels)


def place_stars(camera: Camera, body: Body | None, rng: np.random.Generator) -> Stars:
    """Choose stars on a jittered grid, so that no part of the sky is empty, and none beside the moon.

    Args:
        camera: of the picture; stars end a little above the horizon.
        body: the moon, if there is one.
        rng: chooses them.
    """
    across, spacing = 12, 1 / 12
    lowest = max(0.25, camera.horizon - 0.04)
    down = math.ceil(lowest / spacing)
    column, row = np.meshgrid(np.arange(across), np.arange(down))
    cells = np.stack([column.ravel(), row.ravel()], 1)
    places = (cells + rng.uniform(0.1, 0.9, cells.shape)) * spacing
    keep = (places[:, 1] < lowest) & (rng.random(len(places)) < 0.9 - 0.5 * (places[:, 1] / lowest) ** 2)
    if body is not None:
        away = np.hypot(places[:, 0] - body.column, places[:, 1] - body.row)
        keep &= away > 1.9 * body.radius
    places = places[keep]
    sizes = rng.choice(3, len(places), p=(0.42, 0.38, 0.20))
    warm = rng.random((len(places), 1)).astype(np.float32)
    tints = np.array([[0.80, 0.90, 1.10]], np.float32) * (1 - warm) + np.array([[1.05, 0.95, 0.78]], np.float32) * warm
    return Stars(places, sizes, tints)
