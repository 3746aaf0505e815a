"""What a picture shows before it is painted: where there is free sky, water and ground for things."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.bodies import Body
from synthviz.world.camera import Camera
from synthviz.world.ground import Seen
from synthviz.world.labels import LABELS
from synthviz.world.land import Land
from synthviz.world.light import Light
from synthviz.world.sky import Sky
from synthviz.world.vectors import unit
from synthviz.world.view import View

FAR = 1e9  # depth of the sky
CELLS = 128  # rows and columns of the coarse map on which places are looked for
MARGIN = 3  # cells between a thing and the edge of the picture, or the next thing
STEEPEST = 0.7  # slope on which something can stand
DRAUGHT = 0.035  # depth of water that a boat needs


@dataclass(frozen=True)
class Room:
    """A coarse map of what a picture shows, CELLS x CELLS.

    Attributes:
        camera: from where it is seen.
        depth: of everything but the things; 1e9 for sky.
        water: where the surface of water is seen.
        deep: water that carries a boat.
        swell: where a sea with waves lies over the plane of the water.
        land: where dry ground is seen.
        ground: where something can stand: land that is not steep.
        free: sky.
        taken: where things are already.
    """

    camera: Camera
    depth: Tensor
    water: Tensor
    deep: Tensor
    swell: Tensor
    land: Tensor
    ground: Tensor
    free: Tensor
    taken: Tensor

    def mark(self, spot: Spot) -> Room:
        """Return the room with a thing in it."""
        taken = self.taken.clone()
        top, left = max(0, spot.top - MARGIN), max(0, spot.left - MARGIN)
        taken[top : spot.top + spot.rows + MARGIN, left : spot.left + spot.columns + MARGIN] = True
        return replace(self, taken=taken)

    def without(self, body: Body) -> Room:
        """Return the room with a sun or moon in it."""
        line = (torch.arange(CELLS) + 0.5) / CELLS
        away = torch.hypot((line - body.column)[None], (line - body.row)[:, None])
        return replace(self, taken=self.taken | (away < 1.7 * body.radius))


@dataclass(frozen=True)
class Spot:
    """A rectangle of cells for a thing, and its distance."""

    top: int
    left: int
    rows: int
    columns: int
    away: float


def look_around(land: Land, seen: Seen, light: Light, sky: Sky) -> Room:
    """Find out what a picture shows, before it is painted.

    Args:
        land: the landscape; its drawables are drawn into a small picture of no further use.
        seen: what the pixels of the picture show of the ground; the picture has a multiple of 128 rows, or less.
        light: any light of the hour.
        sky: any sky.
    """
    size = seen.depth.shape[0]
    pick = (torch.arange(CELLS) * size + size // 2) // CELLS

    def small(values: Tensor) -> Tensor:
        return values[pick][:, pick]

    camera = land.camera
    height, hit = small(seen.height), small(seen.hit)
    depth = torch.where(hit, small(seen.depth), torch.full_like(height, FAR))
    slopes = camera.rows(CELLS)[:, None].expand_as(depth)
    wet, surface = torch.zeros_like(hit), torch.full_like(depth, FAR)
    if land.waves is not None:
        surface = torch.where(slopes < 0, camera.height / (-slopes).clamp(min=1e-4), surface)
        wet = ((height < 0) | ~hit) & (slopes < 0) & (surface < depth + 1e-3)
    flat = torch.zeros(3, CELLS, CELLS)
    ahead = torch.stack([camera.columns(CELLS)[None].expand_as(slopes), slopes, torch.ones_like(slopes)])
    view = View(
        camera=camera,
        light=light,
        sky=sky,
        shadows=None,
        haze=0.0,
        directions=unit(ahead),
        haze_color=flat,
        color=flat.clone(),
        depth=torch.where(wet, surface, depth),
        labels=_names(hit, wet),
    )
    before = view.depth.clone()
    for drawable in land.drawables:
        drawable.draw(view)
    # A sea may be drawn anew with waves; everything else that is drawn hides what it stands before.
    bare = (view.depth - before).abs() < 0.05 * before
    water = (view.labels == LABELS["water"]) & ((view.depth - surface).abs() < 0.25 * surface)
    solid = hit & bare & (view.labels != LABELS["water"])
    steep = small(torch.sqrt(seen.slope_x.square() + seen.slope_z.square()))
    dry = height > (0.015 if land.waves is not None else -FAR)
    return Room(
        camera=camera,
        depth=view.depth,
        water=water,
        deep=_deep(water, hit, height),
        swell=water & (view.depth != surface),
        land=solid & dry,
        ground=solid & dry & (steep < STEEPEST),
        free=(view.depth > 1e8) & ~water,
        taken=torch.zeros_like(hit),
    )


def _deep(water: Tensor, hit: Tensor, height: Tensor) -> Tensor:
    """Return where the water is deep enough for a boat, and a little way from the shore."""
    deep = water & (~hit | (height < -DRAUGHT))
    return F.max_pool2d((~deep).float()[None, None], 3, 1, 1)[0, 0] < 0.5


def _names(ground: Tensor, water: Tensor) -> Tensor:
    """Return the labels of a picture of nothing but sky, ground and water."""
    names = torch.where(ground, LABELS["place"], LABELS["sky"])
    return torch.where(water, LABELS["water"], names).to(torch.uint8)
