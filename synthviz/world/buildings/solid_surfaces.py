"""What the pixels see of solids: where on the surface they look, and which way it faces."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.buildings.lofts import Loft, loft_walls
from synthviz.world.buildings.solid_shapes import Box, Cylinder, Ellipsoid, Rays, Solid
from synthviz.world.vectors import unit

LEVEL = 2e-3  # how near to the level of its head or foot a point counts as roof or floor


@dataclass(frozen=True)
class Hits:
    """The points of solids that n pixels show.

    Attributes:
        rows, columns: (n,) of the pixels.
        part: (n,) number of the solid.
        away: (n,) distance along the view.
        right: (n,) sideways from the camera.
        height: (n,) above the water.
        u: (n,) along the wall, from the middle of the wall; around a round solid from the side that is nearest.
        v: (n,) above the foot of the solid.
        half: (n,) greatest value of u on this wall; on a round one a quarter of the way around.
        side: (n,) number of the wall, 0 to 3; 0 on round solids.
        roof: (n,) whether it is a level roof or floor.
        normal: (3, n) unit vectors out of the surface: right, up, away from the viewer.
        direction: (3, n) unit vectors from the viewer.
        pixel: (n,) size of a pixel at the middle of the solid, the same all over it.
    """

    rows: Tensor
    columns: Tensor
    part: Tensor
    away: Tensor
    right: Tensor
    height: Tensor
    u: Tensor
    v: Tensor
    half: Tensor
    side: Tensor
    roof: Tensor
    normal: Tensor
    direction: Tensor
    pixel: Tensor


def find_hits(parts: Sequence[Solid], rays: Rays, part: Tensor, away: Tensor, rows: Tensor, columns: Tensor) -> Hits:
    """Find what pixels see of the solids that are nearest there.

    Args:
        parts: the solids.
        rays: of the whole picture.
        part: (n,) int64 number of the nearest solid.
        away: (n,) its distance along the view.
        rows: (n,) of the pixels.
        columns: (n,) of the pixels.

    Returns:
        The points, in another order than the pixels.
    """
    table = torch.tensor([_row(solid) for solid in parts], dtype=torch.float32).T.contiguous()
    kind = table[10][part]
    kinds = [(kind < 0.5).nonzero()[:, 0], ((kind > 0.5) & (kind < 2.5)).nonzero()[:, 0], (kind > 2.5).nonzero()[:, 0]]
    order = torch.cat(kinds)  # slices are faster than masks
    part, away, rows, columns = part[order], away[order], rows[order], columns[order]
    found = table.index_select(1, part)
    mid_x, base, mid_z, tall = found[:4]
    right, up = rays.right[columns], rays.up[rows]
    height = rays.eye + up * away
    x, z, v = right * away - mid_x, away - mid_z, height - base
    boxes, lofts = len(kinds[0]), len(part) - len(kinds[2])
    walls = [_box_walls(found[:, :boxes], x[:boxes], z[:boxes], v[:boxes])]
    walls.append(_round_walls(found[:, boxes:lofts], x[boxes:lofts], z[boxes:lofts], v[boxes:lofts]))
    if lofts < len(part):
        share = (rays.eye + up * mid_z - base)[lofts:] / tall[lofts:]
        number = (table[10] > 2.5).cumsum(0)[part[lofts:]] - 1
        all_lofts = [solid for solid in parts if isinstance(solid, Loft)]
        walls.append(loft_walls(all_lofts, number, x[lofts:], z[lofts:], share))
    u, half, side, normal = (torch.cat(pieces, dim=-1) for pieces in zip(*walls, strict=True))
    roof = ((v > tall - LEVEL) & (found[10] != 2)) | (v < LEVEL)
    level = torch.zeros_like(normal)
    level[1] = torch.where(v < LEVEL, -1.0, 1.0)
    normal = torch.where(roof, level, normal)
    return Hits(
        rows=rows,
        columns=columns,
        part=part,
        away=away,
        right=right * away,
        height=height,
        u=u,
        v=v,
        half=half,
        side=side,
        roof=roof,
        normal=normal,
        direction=unit(torch.stack([right, up, torch.ones_like(right)])),
        pixel=mid_z.clamp(min=0.1) * rays.pixel,
    )


def _row(solid: Solid) -> tuple[float, ...]:
    """Return a solid as numbers: middle, foot, head, cosine and sine of its turn, kind.

    Kinds are 0 for boxes, 1 for cylinders, 2 for ellipsoids and 3 for lofts.
    """
    place = (solid.right, solid.base, solid.away, solid.height)
    if isinstance(solid, Box):
        halves = (solid.width / 2, solid.depth / 2, solid.top_width / 2, solid.top_depth / 2)
        return (*place, *halves, math.cos(solid.turn), math.sin(solid.turn), 0.0)
    if isinstance(solid, Cylinder):
        return (*place, solid.radius, solid.radius, solid.top_radius, solid.top_radius, 1.0, 0.0, 1.0)
    if isinstance(solid, Ellipsoid):
        return (*place, solid.radius, solid.radius, solid.radius, solid.radius, 1.0, 0.0, 2.0)
    if isinstance(solid, Loft):
        return (*place, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 3.0)
    raise TypeError(f"{type(solid).__name__} is no solid that can be drawn")


def _box_walls(found: Tensor, x: Tensor, z: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    cos, sin = found[8], found[9]
    across, along = cos * x + sin * z, cos * z - sin * x
    lean_across, lean_along = (found[4] - found[6]) / found[3], (found[5] - found[7]) / found[3]
    half_across, half_along = found[4] - lean_across * v, found[5] - lean_along * v
    on_across = half_across - across.abs() < half_along - along.abs()  # the wall whose outside is nearest
    sign = torch.where(on_across, across.sign(), along.sign())
    u = torch.where(on_across, along, across)
    half = torch.where(on_across, half_along, half_across)
    side = torch.where(on_across, 1.0, 0.0) + torch.where(sign > 0, 2.0, 0.0)
    lean = torch.where(on_across, lean_across, lean_along)
    length = torch.rsqrt(1 + lean * lean)
    out_x, out_z = torch.where(on_across, cos, -sin), torch.where(on_across, sin, cos)
    normal = torch.stack([sign * out_x * length, lean * length, sign * out_z * length])
    return u, half, side, normal


def _round_walls(found: Tensor, x: Tensor, z: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    tall, radius, top = found[3], found[4], found[6]
    # An ellipsoid's normal is its position divided by the squares of its radii; a cone's leans by its slope.
    lifted = (v - tall / 2) * (4 * radius * radius / (tall * tall))
    leaning = torch.sqrt(x * x + z * z) * (radius - top) / tall
    normal = unit(torch.stack([x, torch.where(found[10] > 1.5, lifted, leaning), z]))
    mean = torch.where(found[10] > 1.5, radius, (radius + top) / 2)
    return torch.atan2(x, -z) * mean, mean * 1.5708, torch.zeros_like(x), normal
