"""Solids: boxes, cylinders, cones, domes and gable roofs that stand in the landscape, with exact outlines and depths.

Every solid is convex: a ray enters it once and leaves it once. The rays of one column of the picture differ only in
their upward slope, so walls that stand upright need one calculation a column, and floors and roofs one a row. The
nearest solid of each pixel is found first; then all pixels are coloured at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.buildings.lofts import Loft, loft
from synthviz.world.buildings.solid_shapes import Box, Cylinder, Ellipsoid, Rays, Solid, box, cylinder, dome, gable
from synthviz.world.buildings.solid_surfaces import Hits, find_hits
from synthviz.world.labels import LABELS
from synthviz.world.noise import smoothstep
from synthviz.world.view import View

__all__ = [
    "Box",
    "Cylinder",
    "Ellipsoid",
    "Hits",
    "Loft",
    "Mist",
    "Solid",
    "Solids",
    "Surface",
    "box",
    "colored",
    "cylinder",
    "dome",
    "gable",
    "loft",
]

NEAREST = 0.04  # a solid nearer than this is not drawn: the viewer would stand inside
EVERYTHING = slice(None)


@dataclass(frozen=True)
class Surface:
    """What the surfaces of solids are made of, for n pixels.

    Attributes:
        albedo: (3, n) reflectance.
        emission: (3, n) light that the surface itself sends out; or 0.
        gloss: (n,) share of the sky that it mirrors when it is seen head-on, 0 for plaster to about 0.5 for glass.
        lit: (n,) share of the direct light that reaches it.
        open_sky: (n,) share of the sky that it sees.
    """

    albedo: Tensor
    emission: Tensor | float = 0.0
    gloss: Tensor | None = None
    lit: Tensor | float = 1.0
    open_sky: Tensor | float = 1.0


@dataclass(frozen=True)
class Mist:
    """Haze that lies low between the solids, in addition to the haze of the weather.

    Attributes:
        density: share of light lost in a distance of 1 at height 0.
        thickness: height over which it thins out to about a third.
        begin: distance from the viewer where it begins.
        glow: light of the lamps that the mist scatters, (red, green, blue).
        sea: height of a sea of clouds from which the solids rise; None without one.
    """

    density: float
    thickness: float
    begin: float = 0.0
    glow: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sea: float | None = None

    def share(self, away: Tensor, height: Tensor) -> Tensor:
        """Return how much of the light is the mist's, 0 to 1."""
        thinner = torch.exp(-height.clamp(min=0) / self.thickness)
        return 1 - torch.exp(-self.density * (away - self.begin).clamp(min=0) * thinner)


Paint = Callable[[Hits, View], Surface]


@dataclass(frozen=True)
class Solids:
    """Many solids that are drawn together, which takes much less time than one after the other.

    Attributes:
        parts: the solids in any order; they may reach into each other.
        paint: what the surface is made of, for the pixels that show solids.
        label: index into `labels.THINGS`; None keeps the labels that are there.
        mist: between them.
    """

    parts: Sequence[Solid]
    paint: Paint
    label: int | None = LABELS["place"]
    mist: Mist | None = None

    def draw(self, view: View) -> None:
        """Draw the solids, lit and seen through the haze."""
        if not self.parts:
            return
        rays = Rays.of(view)
        depth, part = _nearest(self.parts, view, rays)
        rows, columns = torch.nonzero(part >= 0, as_tuple=True)
        if not len(rows):
            return
        hits = find_hits(self.parts, rays, part[rows, columns].long(), depth[rows, columns], rows, columns)
        color = torch.zeros_like(view.color)
        color[:, hits.rows, hits.columns] = self._shade(view, hits)
        alpha = (part >= 0).float()
        if self.mist is not None and self.mist.sea is not None:  # the feet vanish softly in the sea of clouds
            sea = self.mist.sea
            alpha[hits.rows, hits.columns] = smoothstep(sea, sea + 0.4 * self.mist.thickness, hits.height)
        view.put(EVERYTHING, EVERYTHING, color, alpha, depth, self.label)

    def _shade(self, view: View, hits: Hits) -> Tensor:
        """Return the light that reaches the viewer from each pixel, (3, n)."""
        surface = self.paint(hits, view)
        normal = hits.normal
        color = view.illuminate(surface.albedo[:, None], normal[:, None], surface.lit, surface.open_sky)[:, 0]
        if surface.gloss is not None:
            image, facing = mirrored_sky(view, hits)
            share = surface.gloss + (1 - surface.gloss) * 0.7 * (1 - facing) ** 4 * (surface.gloss > 0.02)
            color = color + (image - color) * share
        color = color + surface.emission
        haze = view.haze_color[:, hits.rows, hits.columns]
        if self.mist is not None:
            share = self.mist.share(hits.away, hits.height)
            misty = haze + torch.tensor(self.mist.glow)[:, None]
            color = color + (misty - color) * share
        share = view.haze_share(hits.away, hits.height)
        return color + (haze - color) * share


def mirrored_sky(view: View, hits: Hits) -> tuple[Tensor, Tensor]:
    """Return the light of the sky that polished surfaces mirror, (3, n), and how much they face the viewer, (n,)."""
    facing = (hits.direction * hits.normal).sum(0)
    reflected = hits.direction - 2 * facing * hits.normal
    image = view.sky.air(reflected[:, None])[:, 0]
    # The air near the horizon has one colour all around; glass that looks away from the sun mirrors a cooler sky.
    light = view.light
    averted = 0.5 - 0.5 * (reflected * light.direction[:, None]).sum(0)
    cool = (0.7 * light.zenith + 0.3 * light.middle)[:, None]
    image = image + (cool - image) * (0.75 * averted * (1 - min(1.0, view.sky.veil)))
    below = (0.6 + 2.0 * reflected[1]).clamp(0.25, 0.8)  # streets and houses are darker than the sky
    return image * below, (-facing).clamp(0, 1)


def colored(colors: Sequence[tuple[float, float, float]]) -> Paint:
    """Return a paint that gives each solid one colour, in the order of the solids."""
    table = torch.tensor(colors).T

    def paint(hits: Hits, view: View) -> Surface:
        return Surface(table[:, hits.part])

    return paint


def _nearest(parts: Sequence[Solid], view: View, rays: Rays) -> tuple[Tensor, Tensor]:
    """Find the nearest solid of every pixel, in front of what is in the view already.

    Returns:
        Its distance along the view, (H, W), and its number, (H, W) int16; -1 where there is none.
    """
    depth = view.depth.clone()
    part = torch.full(depth.shape, -1, dtype=torch.int16)
    enter_levels, leave_levels = _levels(parts, rays)
    fronts = [solid.away - solid.reach for solid in parts]
    for index in sorted(range(len(parts)), key=fronts.__getitem__):  # hidden ones cost little
        window = parts[index].window(view)
        if window is None:
            continue
        rows, columns = window
        before = depth[rows, columns]
        if float(before.max()) < fronts[index]:
            continue
        enter, leave = parts[index].cast(rays.cut(rows, columns))
        enter = torch.maximum(enter, enter_levels[index, rows, None])
        leave = torch.minimum(leave, leave_levels[index, rows, None])
        nearer = (enter < leave) & (enter < before) & (enter > NEAREST)
        torch.where(nearer, enter, before, out=before)
        part[rows, columns].masked_fill_(nearer, index)
    return depth, part


def _levels(parts: Sequence[Solid], rays: Rays) -> tuple[Tensor, Tensor]:
    """Return where the rays of each row pass the levels of each solid's foot and head, (solids, rows) each."""
    base = torch.tensor([solid.base for solid in parts], dtype=torch.float32)[:, None]
    top = torch.tensor([solid.base + solid.height for solid in parts], dtype=torch.float32)[:, None]
    slope = torch.where(rays.up.abs() < 1e-6, torch.full_like(rays.up, 1e-6), rays.up)
    at_base, at_top = (base - rays.eye) / slope, (top - rays.eye) / slope
    return torch.minimum(at_base, at_top), torch.maximum(at_base, at_top)
