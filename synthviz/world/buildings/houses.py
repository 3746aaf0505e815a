"""Houses and a church: walls of plaster, timber or stone under gabled roofs, with windows that are lit by the hour."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from synthviz.world.buildings.solids import Hits, Solid, Solids, Surface, box, gable
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.view import View

WALL, ROOF, CHIMNEY, SPIRE, CHURCH, FENCE = range(6)
PLASTER, TIMBER, STONE = range(3)
WALLS = ((0.66, 0.57, 0.42), (0.70, 0.64, 0.53), (0.64, 0.45, 0.26), (0.56, 0.33, 0.22), (0.62, 0.54, 0.45))
STONES = ((0.33, 0.29, 0.24), (0.40, 0.34, 0.26))
ROOFS = ((0.36, 0.10, 0.05), (0.42, 0.14, 0.06), (0.28, 0.09, 0.05), (0.13, 0.14, 0.17), (0.28, 0.20, 0.10))
SHUTTERS = ((0.10, 0.22, 0.12), (0.12, 0.18, 0.30), (0.36, 0.09, 0.07), (0.30, 0.20, 0.12))
STOREY = 0.115  # height of a storey
GLASS = (0.035, 0.04, 0.05)
LAMP = (1.9, 0.92, 0.28)  # light of a lit window
SNOW = (0.84, 0.88, 0.95)
LIT_WINDOWS = {"sunrise": 0.35, "day": 0.0, "golden hour": 0.12, "sunset": 0.6, "dusk": 0.85, "night": 0.8}


@dataclass(frozen=True)
class House:
    """A house and where it stands, relative to the camera.

    Attributes:
        right, base, away: of its middle; its foot's height above the water.
        width: of the gabled front.
        depth: along the ridge.
        wall: height of the walls.
        roof: height of the roof.
        turn: about the vertical axis in radians; at 0 the gable faces the viewer.
        style: PLASTER, TIMBER or STONE.
        wall_color, roof_color, shutter_color: reflectances.
        chimney: where on the ridge a chimney stands, -1 to 1; None without one.
    """

    right: float
    base: float
    away: float
    width: float
    depth: float
    wall: float
    roof: float
    turn: float
    style: int
    wall_color: tuple[float, ...]
    roof_color: tuple[float, ...]
    shutter_color: tuple[float, ...]
    chimney: float | None

    def beside(self, across: float, along: float) -> tuple[float, float]:
        """Return the position (right, away) of a point of the house."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        return self.right + cos * across - sin * along, self.away + sin * across + cos * along

    @property
    def chimney_top(self) -> tuple[float, float, float] | None:
        """Position of the chimney's mouth: right, height, away; None without a chimney."""
        if self.chimney is None:
            return None
        right, away = self.beside(0.15 * self.width, 0.32 * self.depth * self.chimney)
        return right, self.base + self.wall + self.roof + 0.05, away


def choose_house(rng: np.random.Generator, right: float, base: float, away: float, turn: float) -> House:
    """Choose the size, the walls and the roof of a house."""
    width = float(rng.uniform(0.30, 0.40))
    style = int(rng.choice([PLASTER, PLASTER, TIMBER, STONE]))
    walls = STONES if style == STONE else WALLS[:2] if style == TIMBER else WALLS
    storeys = int(rng.choice([1, 2, 2]))
    tint = float(rng.uniform(0.85, 1.1))
    return House(
        right,
        base,
        away,
        width,
        depth=width * float(rng.uniform(1.05, 1.6)),
        wall=STOREY * storeys + 0.035,
        roof=width * float(rng.uniform(0.46, 0.64)),
        turn=turn,
        style=style,
        wall_color=walls[int(rng.integers(len(walls)))],
        roof_color=tuple(tint * part for part in ROOFS[int(rng.choice(5, p=[0.27, 0.25, 0.16, 0.16, 0.16]))]),
        shutter_color=SHUTTERS[int(rng.integers(len(SHUTTERS)))],
        chimney=float(rng.choice([-1, 1])) if rng.random() < 0.75 else None,
    )


@dataclass
class Parts:
    """The solids of a village in the making, with what the paint must know of each.

    Attributes:
        solids: in the order of the rows.
        rows: for each solid its kind, style, number of the house, colour (3), second colour (3), height.
    """

    solids: list[Solid]
    rows: list[tuple[float, ...]]

    def add(
        self, solid: Solid, kind: int, style: int, house: int, color: tuple[float, ...], second: tuple[float, ...]
    ) -> None:
        """Add a solid."""
        self.solids.append(solid)
        self.rows.append((kind, style, house, *color, *second, solid.height))

    def add_house(self, house: House, number: int) -> None:
        """Add walls, roof and chimney of a house."""
        place = (house.right, house.base - 0.06, house.away)
        walls = box(*place, house.width, house.wall + 0.06, house.depth, house.turn)
        self.add(walls, WALL, house.style, number, house.wall_color, house.shutter_color)
        eaves = house.base + house.wall - 0.02
        roof = gable(
            house.right, eaves, house.away, house.width * 1.18, house.roof + 0.02, house.depth * 1.08, house.turn
        )
        self.add(roof, ROOF, house.style, number, house.roof_color, house.wall_color)
        top = house.chimney_top
        if top is not None:
            right, height, away = top
            tall = 0.55 * house.roof
            chimney = box(right, height - tall, away, 0.045, tall, 0.05, house.turn)
            self.add(chimney, CHIMNEY, STONE, number, (0.34, 0.22, 0.17), (0.34, 0.22, 0.17))

    def add_church(self, nave: House, size: float, spire: float) -> None:
        """Add a church with a tower before its nave.

        Args:
            nave: its walls and roof.
            size: of the tower.
            spire: height of the steeple relative to the tower, about 0.4 for a blunt one to 1.1 for a needle.
        """
        white, slate = nave.wall_color, nave.roof_color
        foot = nave.base - 0.08
        walls = box(nave.right, foot, nave.away, nave.width, nave.wall + 0.08, nave.depth, nave.turn)
        self.add(walls, CHURCH, nave.style, 90, white, slate)
        eaves = nave.base + nave.wall - 0.02
        roof = gable(nave.right, eaves, nave.away, nave.width * 1.14, nave.roof, nave.depth * 1.05, nave.turn)
        self.add(roof, ROOF, PLASTER, 90, slate, white)
        right, away = nave.beside(0.0, -0.5 * nave.depth - 0.07 * size)
        tall, thick = 0.54 * size, 0.17 * size
        self.add(box(right, foot, away, thick, tall + 0.08, thick, nave.turn), CHURCH, nave.style, 91, white, slate)
        ledge = box(right, nave.base + tall - 0.005, away, thick * 1.16, 0.02, thick * 1.16, nave.turn)
        self.add(ledge, CHIMNEY, PLASTER, 91, slate, slate)
        base, wide = nave.base + tall + 0.01, thick * 1.12
        if spire < 0.6:  # a blunt roof, then a lantern with its own needle
            self.add(box(right, base, away, wide, 0.16 * size, wide, nave.turn, 0.45), SPIRE, PLASTER, 91, slate, white)
            base, wide = base + 0.14 * size, 0.42 * wide
            self.add(box(right, base, away, wide, 0.09 * size, wide, nave.turn), CHIMNEY, PLASTER, 91, white, white)
            base, wide = base + 0.08 * size, 1.25 * wide
        steeple = box(right, base, away, wide, spire * 0.5 * size, wide, nave.turn, 0.02)
        self.add(steeple, SPIRE, PLASTER, 91, slate, white)

    def add_fence(self, points: list[tuple[float, float, float]], tall: float) -> None:
        """Add posts at points (right, base, away) and two rails between neighbours."""
        wood = (0.34, 0.26, 0.18)
        for right, base, away in points:
            post = box(right, base - 0.02, away, 0.16 * tall, tall + 0.02, 0.16 * tall)
            self.add(post, FENCE, PLASTER, 0, wood, wood)
        for (x, y, z), (x2, y2, z2) in pairwise(points):
            long, turn = math.hypot(x2 - x, z2 - z), math.atan2(z2 - z, x2 - x)
            for share in (0.38, 0.78):
                base = (y + y2) / 2 + share * tall
                rail = box((x + x2) / 2, base, (z + z2) / 2, long, 0.13 * tall, 0.05 * tall, turn)
                self.add(rail, FENCE, PLASTER, 0, wood, wood)

    def finish(self, noise: Noise, time: str, weather: str) -> Solids:
        """Return what is drawn."""
        table = torch.tensor(self.rows, dtype=torch.float32).T
        share = LIT_WINDOWS[time] + (0.3 if weather not in ("clear", "clouds") else 0.0)
        snow = weather == "snowfall"

        def paint(hits: Hits, view: View) -> Surface:
            return _paint(noise, table[:, hits.part], hits, view, share, snow)

        return Solids(tuple(self.solids), paint)


def _paint(noise: Noise, row: Tensor, hits: Hits, view: View, share: float, snow: bool) -> Surface:
    """Colour the points of houses.

    Args:
        noise: of the scene.
        row: (10, n) what is known of each point's solid, see `Parts.rows`.
        hits: the points.
        view: into which they are drawn.
        share: of the windows that are lit.
        snow: whether snow lies on the roofs.
    """
    kind, style, house, color, second = row[0], row[1], row[2], row[3:6], row[6:9]
    fine = noise.value(hits.u * 40 + house * 7, hits.v * 40) * (1.3 - 60 * hits.pixel).clamp(0, 1)
    is_roof = ((kind == ROOF) | (kind == SPIRE)).float()
    gable_end = (kind == ROOF).float() * ((hits.side == 0) | (hits.side == 2)).float()
    gable_wall = gable_end * smoothstep(0.014, 0.022, hits.half - hits.u.abs())
    rows_of_tiles = 0.5 + 0.5 * torch.cos(hits.v * 150)
    weathered = noise.value(hits.u * 7 + house * 3, hits.v * 7)
    tiles = color * (0.92 + 0.10 * fine + 0.12 * weathered - 0.10 * rows_of_tiles * (1.3 - 80 * hits.pixel).clamp(0, 1))
    walls, glow, gloss = _walls(noise, row, hits, fine, share)
    gables = second * (1 + 0.06 * fine)
    albedo = torch.where(kind == CHIMNEY, color * (1 + 0.2 * fine), walls)
    albedo = albedo + (tiles - albedo) * is_roof
    albedo = albedo + (gables - albedo) * gable_wall
    beam = ((style == TIMBER) & (_timber(hits.u, hits.v, hits.half) > 0)).float() * gable_wall
    albedo = albedo * (1 - 0.8 * beam)
    attic = gable_wall * (torch.maximum(hits.u.abs() - 0.02, (hits.v - 0.05).abs() - 0.026) < 0).float()
    attic = attic * (house < 90).float()
    albedo = albedo + (torch.tensor(GLASS)[:, None] - albedo) * attic
    glow = glow + torch.tensor(LAMP)[:, None] * (
        attic * (house * 0.37 % 1 < 0.6 * share).float() * min(1.0, 0.3 + share)
    )
    if snow:
        lies = (hits.normal[1] > 0.3).float() * (0.95 + 0.05 * fine)
        albedo = albedo + (torch.tensor(SNOW)[:, None] - albedo) * lies
    lit: Tensor | float = 1.0
    if view.shadows is not None:
        x, z = view.camera.to_world(hits.right[None], hits.away[None])
        lit = view.shadows.at(x, z)[0][0]
    # The eaves shade the top of the walls.
    eaves = smoothstep(0.055, 0.02, row[9] - hits.v) * (1 - is_roof) * (kind != CHIMNEY) * (kind != FENCE)
    open_sky = (0.72 + 0.28 * smoothstep(0.0, 0.12, hits.v)) * (1 - 0.4 * eaves)
    lit = lit * (1 - 0.75 * eaves)
    return Surface(albedo.clamp(0, 1), glow, gloss, lit, open_sky)


def _walls(noise: Noise, row: Tensor, hits: Hits, fine: Tensor, share: float) -> tuple[Tensor, Tensor, Tensor]:
    """Return reflectance (3, n), emission (3, n) and gloss (n,) of walls with doors, windows and shutters."""
    kind, style, house, color, second = row[0], row[1], row[2], row[3:6], row[6:9]
    church = (kind == CHURCH).float()
    stones = noise.value(hits.u * 22 + house, hits.v * 34)
    rough = torch.where(style == STONE, 0.22 * stones, 0.05 * fine)
    foot = smoothstep(0.10, 0.05, hits.v)
    albedo = color * (1 + rough) * (1 - 0.25 * foot)
    up = hits.v - 0.06
    storey = (up / STOREY).floor()
    beam = ((style == TIMBER) & (_timber(hits.u, up, hits.half) > 0) & (kind == WALL)).float()
    albedo = albedo * (1 - 0.78 * beam)
    count = (2 * hits.half / (0.165 + 0.02 * church)).round().clamp(min=1)
    place = (hits.u / hits.half + 1) / 2 * count
    cell = place.floor().clamp(max=20)
    across = (place - cell - 0.5) * 2 * hits.half / count  # from the middle of the window
    level = up - (storey + 0.52) * STOREY
    # A church has one row of tall windows.
    level = level + church * ((storey + 0.52) * STOREY - 0.15)
    half_wide, half_tall = 0.023 - 0.002 * church, 0.028 + 0.04 * church
    wide, tall = across.abs() - half_wide, level.abs() - half_tall
    has_windows = ((kind == WALL) | (kind == CHURCH)) & ~hits.roof & (up > 0) & (storey >= 0)
    pane = ((torch.maximum(wide, tall) < 0) & has_windows).float()
    frame = ((torch.maximum(wide, tall) < 0.007) & has_windows).float() - pane
    shutter = ((wide > 0.005) & (wide < 0.026) & (tall < 0) & (kind == WALL)).float() * has_windows
    front = (hits.side == 0) | (hits.side == 3)
    door = (front & (kind == WALL) & (storey == 0) & (cell == (count / 2).floor()) & (level < 0.042)).float()
    door = door * (across.abs() < 0.033).float() * has_windows
    pane, frame, shutter = pane * (1 - door), frame * (1 - door), shutter * (1 - door)
    for cover, paint in ((shutter, second), (frame, color * 0.3 + 0.5), (door, second * 0.8 + 0.03)):
        albedo = albedo + (paint - albedo) * cover
    albedo = albedo + (torch.tensor(GLASS)[:, None] - albedo) * pane
    chance = noise.value(house * 9.7 + cell * 5.3 + hits.side * 2.1, storey * 6.1 + house * 3.9)
    chance = 0.5 + 0.5 * torch.erf(chance / math.sqrt(2))
    on = pane * (chance < share).float()
    warmth = 0.75 + 0.5 * (chance * 37 % 1)
    glow = torch.tensor(LAMP)[:, None] * (on * warmth * min(1.0, 0.35 + share))
    return albedo, glow, 0.08 * pane * (1 - on)


def _timber(u: Tensor, v: Tensor, half: Tensor) -> Tensor:
    """Return positive values on the beams of a timbered wall."""
    upright = 0.012 - ((u / 0.135 + 0.5) % 1 - 0.5).abs() * 0.135
    level = 0.012 - ((v / STOREY + 0.5) % 1 - 0.5).abs() * STOREY
    corner = 0.018 - (half - u.abs())
    return torch.maximum(torch.maximum(upright, level), corner)
