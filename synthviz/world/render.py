"""Paint a landscape into a view: the sky, the ground, the water with its mirror image, and what stands there."""

from __future__ import annotations

from dataclasses import fields, replace

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.filters import enlarge
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
# Size of the finest detail relative to a pixel, in what is computed for every other pixel: enlarging softens it.
DETAIL = 1.25


def pixel_directions(camera: Camera, size: int) -> Tensor:
    """Return the directions of all pixels, (3, size, size) unit vectors: right, up, away from the viewer."""
    right = camera.columns(size)[None, :].expand(size, size)
    up = camera.rows(size)[:, None].expand(size, size)
    return unit(torch.stack([right, up, torch.ones_like(right)]))


def empty_view(land: Land, light: Light, sky: Sky, haze: float, seen: Seen, wet: bool = False) -> View:
    """Return a view of the sky alone, as far as it will be seen; in a wet one, the ground will shine."""
    camera, size = land.camera, seen.depth.shape[-1]
    small = pixel_directions(camera, size // 2)  # the sky is smooth
    free = ~seen.hit if land.waves is None else ~seen.hit & (camera.rows(size) >= 0)[:, None]
    color = enlarge(sky.view(small[:, : _rows_of(free).stop // 2 + 1], DETAIL * 2 * camera.width / size))[:, :size]
    return View(
        camera=camera,
        light=light,
        sky=sky,
        shadows=cast_shadows(land.height, land.waves is not None, camera, light, min(land.far, SHADOW_REACH)),
        haze=haze,
        directions=pixel_directions(camera, size),
        haze_color=enlarge(sky.haze_color(small)),
        color=F.pad(color, (0, 0, 0, size - color.shape[1])),
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
    if view.mirrored:
        seen = _part(seen, rows)
        color = _light_of_ground(view, land, seen, view.directions[:, rows], view.haze_color[:, rows], noise)
    else:  # the view is twice as large as the finished picture; one look at the ground for each pixel of that is enough
        rows = slice(rows.start // 2 * 2, (rows.stop + 1) // 2 * 2)
        seen = _part(seen, rows)
        # Of two rows, the lower one shows a crest rather than the sky.
        half = (slice(rows.start + 1, rows.stop, 2), slice(0, None, 2))
        looked_at = _part(seen, slice(1, None, 2), half[1])
        looked_at = replace(looked_at, pixel=DETAIL * looked_at.pixel)
        color = _light_of_ground(view, land, looked_at, view.directions[:, *half], view.haze_color[:, *half], noise)
        weight = looked_at.hit + 1e-3  # where no ground is seen, the colour counts only for lack of another
        color = enlarge(torch.cat([color * weight, weight[None]]))
        color = color[:3].div_(color[3])
    share = view.haze_share(seen.depth, seen.height)
    color = torch.lerp(color, view.haze_color[:, rows], share)
    view.put(rows, slice(0, view.size), color, seen.hit.float(), seen.depth, LABELS["place"])


def _part(seen: Seen, rows: slice, columns: slice = slice(None)) -> Seen:
    """Return what some of the pixels show."""
    return Seen(**{field.name: getattr(seen, field.name)[rows, columns] for field in fields(Seen)})


def _light_of_ground(
    view: View, land: Land, seen: Seen, directions: Tensor, haze_color: Tensor, noise: Noise
) -> Tensor:
    """Return the light of the ground as if there were no haze before it, (3, h, w); puddles mirror the low sky."""
    x, z = view.camera.to_world(seen.right.clamp(-60, 60), seen.away.clamp(max=60))
    material = land.material(seen, x, z)
    lit, open_sky = (1.0, 1.0) if view.shadows is None else view.shadows.at(x, z)
    flat = torch.ones_like(seen.slope_x)
    normal = torch.stack([-(seen.slope_x + material.bump_x), flat, -(seen.slope_z + material.bump_z)])
    normal = unit(normal)
    albedo = material.albedo * WET_ALBEDO if view.wet else material.albedo
    color = view.illuminate(albedo, normal, lit, open_sky) + material.emission
    if not view.wet:
        return color
    return _mirror_in_puddles(color, directions, haze_color, normal, noise.fbm(3 * x, 3 * z, 2))


def _mirror_in_puddles(color: Tensor, directions: Tensor, sky: Tensor, normal: Tensor, hollow: Tensor) -> Tensor:
    """Let wet ground mirror the low sky: a film of water where it is flat, most of all in hollows, (h, w) noise."""
    facing = -(directions * normal).sum(0).clamp(max=0)
    fresnel = 0.04 + 0.96 * (1 - facing.clamp(max=1)) ** 4
    film = smoothstep(0.86, 0.99, normal[1]) * (0.15 + 0.85 * smoothstep(0.3, 1.0, hollow))
    return mix(color, sky, 0.36 * fresnel * film)


def _rows_of(mask: Tensor) -> slice:
    """Return the rows between the first and the last one in which a mask holds; at least one row."""
    rows = mask.any(1).nonzero()
    return slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 1)


def _put_water(view: View, land: Land, noise: Noise, seen: Seen) -> None:
    """Paint the mirror image, then lay the water where the ground lies below it."""
    camera, size, slopes = view.camera, view.size, view.camera.rows(view.size)
    distance = (camera.height / (-slopes).clamp(min=1e-4)).clamp(max=1e4)[:, None]
    below = ((seen.height < 0) | ~seen.hit) & (slopes < 0)[:, None] & (distance < seen.depth + 1e-3)
    below &= distance > land.water_from
    if land.waves is None or not below.any():
        return
    half = size // 2  # waves blur the mirror image
    mirror = replace(
        view,
        directions=pixel_directions(camera, half),
        haze_color=view.haze_color[:, ::2, ::2],
        color=torch.zeros(3, half, half),
        depth=torch.full((half, half), FARTHEST),
        labels=torch.full((half, half), LABELS["sky"], dtype=torch.uint8),
        mirrored=True,
    )
    _put_ground(mirror, land, march(land.height, camera, half, land.near, land.far, mirrored=True, every=2), noise)
    for drawable in land.drawables:
        drawable.draw(mirror)
    rows = _rows_of(below)
    half_rows = slice(rows.start // 2, (rows.stop + 1) // 2)
    rows = slice(2 * half_rows.start, 2 * half_rows.stop)
    color = enlarge(paint_water(mirror, noise, land.waves, half_rows))
    color = torch.lerp(color, view.haze_color[:, rows], view.haze_share(distance[rows], 0.0))
    view.depth = torch.where(below, FARTHEST, view.depth)
    view.put(rows, slice(0, size), color, below[rows].float(), distance[rows], LABELS["water"])
