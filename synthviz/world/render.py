"""Paint a landscape into a view: the sky, the ground, the water with its mirror image, and what stands there."""

from __future__ import annotations

from dataclasses import fields, replace

import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Seen, march
from synthviz.world.labels import LABELS
from synthviz.world.land import Land
from synthviz.world.light import Light
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.shadows import cast_shadows
from synthviz.world.sky import Sky, mix
from synthviz.world.vectors import unit
from synthviz.world.view import View
from synthviz.world.water import paint_water

SHADOW_REACH = 18.0
WET_ALBEDO = 0.68  # reflectance of wet ground relative to dry ground
FARTHEST = 1e9  # the depth of the sky


def pixel_directions(camera: Camera, size: int) -> Tensor:
    """Return the directions of all pixels, (3, size, size) unit vectors: right, up, away from the viewer."""
    right = camera.columns(size)[None, :].expand(size, size)
    up = camera.rows(size)[:, None].expand(size, size)
    return unit(torch.stack([right, up, torch.ones_like(right)]))


def empty_view(land: Land, light: Light, sky: Sky, haze: float, size: int, wet: bool = False) -> View:
    """Return a view of the sky alone; in a wet one, the ground will shine."""
    camera = land.camera
    directions = pixel_directions(camera, size)
    return View(
        camera=camera,
        light=light,
        sky=sky,
        shadows=cast_shadows(land.height, land.waves is not None, camera, light, min(land.far, SHADOW_REACH)),
        haze=haze,
        directions=directions,
        haze_color=sky.haze_color(directions),
        color=sky.view(directions, 2 * camera.width / size),
        depth=torch.full((size, size), FARTHEST),
        labels=torch.full((size, size), LABELS["sky"], dtype=torch.uint8),
        wet=wet,
    )


def paint_land(view: View, land: Land, seen: Seen, noise: Noise) -> None:
    """Paint the ground, the water, and what stands in the landscape.

    Args:
        view: of the sky.
        land: the landscape.
        seen: its ground, marched at the size of the view.
        noise: for the waves.
    """
    _put_ground(view, land, seen, noise)
    if land.waves is not None:
        _put_water(view, land, noise, seen)
    for drawable in land.drawables:
        drawable.draw(view)


def _put_ground(view: View, land: Land, seen: Seen, noise: Noise) -> None:
    """Lay the lit ground over the sky; rows without ground are skipped."""
    rows = _rows_of(seen.hit)
    seen = replace(seen, **{field.name: getattr(seen, field.name)[rows] for field in fields(seen)})
    x, z = view.camera.to_world(seen.right.clamp(-60, 60), seen.away.clamp(max=60))
    material = land.material(seen, x, z)
    lit, open_sky = (1.0, 1.0) if view.shadows is None else view.shadows.at(x, z)
    flat = torch.ones_like(seen.slope_x)
    normal = torch.stack([-(seen.slope_x + material.bump_x), flat, -(seen.slope_z + material.bump_z)])
    normal = unit(normal)
    albedo = material.albedo * WET_ALBEDO if view.wet else material.albedo
    color = view.illuminate(albedo, normal, lit, open_sky) + material.emission
    if view.wet:
        color = _mirror_sky_in_puddles(view, color, rows, normal, noise.fbm(3 * x, 3 * z, 2))
    share = view.haze_share(seen.depth, seen.height)
    color = color * (1 - share) + view.haze_color[:, rows] * share
    view.put(rows, slice(0, view.size), color, seen.hit.float(), seen.depth, LABELS["place"])


def _mirror_sky_in_puddles(view: View, color: Tensor, rows: slice, normal: Tensor, hollow: Tensor) -> Tensor:
    """Let wet ground mirror the low sky: a film of water where it is flat, most of all in hollows, (h, w) noise."""
    facing = -(view.directions[:, rows] * normal).sum(0).clamp(max=0)
    fresnel = 0.04 + 0.96 * (1 - facing.clamp(max=1)) ** 4
    film = smoothstep(0.86, 0.99, normal[1]) * (0.15 + 0.85 * smoothstep(0.3, 1.0, hollow))
    return mix(color, view.haze_color[:, rows], 0.36 * fresnel * film)


def _rows_of(mask: Tensor) -> slice:
    """Return the rows between the first and the last one in which a mask holds; at least one row."""
    rows = mask.any(1).nonzero()
    return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 1)


def _put_water(view: View, land: Land, noise: Noise, seen: Seen) -> None:
    """Paint the mirror image, then lay the water where the ground lies below it."""
    camera, size, slopes = view.camera, view.size, view.camera.rows(view.size)
    distance = (camera.height / (-slopes).clamp(min=1e-4)).clamp(max=1e4)[:, None].expand(size, size)
    below = ((seen.height < 0) | ~seen.hit) & (slopes < 0)[:, None] & (distance < seen.depth + 1e-3)
    if land.waves is None or not below.any():
        return
    mirror = replace(
        view,
        color=torch.zeros_like(view.color),
        depth=torch.full((size, size), FARTHEST),
        labels=torch.full((size, size), LABELS["sky"], dtype=torch.uint8),
        mirrored=True,
    )
    _put_ground(mirror, land, march(land.height, camera, size, land.near, land.far, mirrored=True), noise)
    for drawable in land.drawables:
        drawable.draw(mirror)
    rows = _rows_of(below)
    covered = (mirror.depth < FARTHEST).float()
    color = paint_water(view, noise, land.waves, rows, mirror.color, covered)
    share = view.haze_share(distance[rows], 0.0)
    color = color * (1 - share) + view.haze_color[:, rows] * share
    view.depth = torch.where(below, torch.full_like(distance, FARTHEST), view.depth)
    view.put(rows, slice(0, size), color, below[rows].float(), distance[rows], LABELS["water"])
