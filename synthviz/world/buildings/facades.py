"""Facades: frames and glass by day, lit windows in bands and groups and glowing bands by night."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.buildings.solids import Hits, Solid, Surface
from synthviz.world.buildings.towers import Look
from synthviz.world.noise import smoothstep
from synthviz.world.sky import mix
from synthviz.world.view import View

SMALLEST = 6.0  # pixels; smaller panes are drawn together, two by two
GROUP = 3  # windows side by side that are lit together


@dataclass(frozen=True)
class Facades:
    """Paints the solids of a city.

    Attributes:
        table: (23, solids) numbers of each solid's look.
        scale: size of the city; 1 is the usual one.
        dim: height up to which buildings stand in each other's shade.
        snow: whether snow lies on the roofs.
    """

    table: Tensor
    scale: float
    dim: float
    snow: bool = False

    @classmethod
    def of(cls, parts: Sequence[Solid], looks: Sequence[Look], scale: float, dim: float, snow: bool = False) -> Facades:
        """Prepare the looks of solids."""
        rows = [
            [
                *(*look.metal, *look.glass, *look.window, *look.glow, look.gloss, look.lit, look.pane * scale),
                *(
                    look.edges,
                    look.rim,
                    look.crown,
                    look.seam,
                    look.seed,
                    part.height,
                    look.pane_width * scale,
                    look.frame,
                ),
            ]
            for part, look in zip(parts, looks, strict=True)
        ]
        return cls(torch.tensor(rows, dtype=torch.float32).T.contiguous(), scale, dim, snow)

    def __call__(self, hits: Hits, view: View) -> Surface:
        """Return the material of the pixels that show buildings."""
        look = self.table.index_select(1, hits.part)
        metal, glass, window, glow = look[:3], look[3:6], look[6:9], look[9:12]
        gloss, lit, pane_height, edges, rim, crown, seam, seed, tall, pane_width, frame = look[12:]
        wall = (~hits.roof).float()
        darkness = view.light.darkness
        pane, shine = _windows(hits, (pane_height, pane_width, frame), lit, seed, darkness)
        pane = pane * wall * (lit > 0)
        strip = _bands(hits, self.scale, edges, rim, crown, seam, tall) * torch.maximum(
            wall, (tall < 0.06 * self.scale).float()
        )
        emission = window * (shine * pane * (0.38 + 0.56 * darkness))
        emission = emission + glow * (strip * (0.05 + 0.85 * darkness))
        low = torch.exp(-hits.height.clamp(min=0) / (0.22 * self.scale))
        street = torch.tensor([1.0, 0.62, 0.34])[:, None] * (low * 0.30 * darkness * darkness)
        albedo = mix(metal, glass, pane * 0.85) * (1 - 0.6 * pane * (shine > 0))
        garden = torch.tensor([0.10, 0.17, 0.05])[:, None].expand_as(albedo)
        albedo = torch.where(hits.roof & (lit < 0.42) & (lit > 0), garden, albedo)  # some roofs are gardens
        if self.snow:
            albedo = mix(albedo, torch.full_like(albedo, 0.85), smoothstep(0.25, 0.7, hits.normal[1]))
        shade = smoothstep(0.1 * self.dim, self.dim, hits.height)
        return Surface(
            albedo=albedo,
            emission=emission + street * albedo,
            gloss=gloss * (0.25 + 0.75 * pane * (shine <= 0)) * wall,
            lit=0.25 + 0.75 * shade,
            open_sky=(0.35 + 0.45 * shade) * (1.35 - 0.78 * darkness),
        )


def _chance(one: Tensor, other: Tensor, seed: Tensor) -> Tensor:
    """Return a random number in [0, 1) for whole numbers and a seed."""
    value = torch.sin(one * 12.9898 + other * 78.233 + seed * 37.719) * 43758.547
    return value - value.floor()


def _windows(
    hits: Hits, panes: tuple[Tensor, Tensor, Tensor], lit: Tensor, seed: Tensor, darkness: float
) -> tuple[Tensor, Tensor]:
    """Return how much of a pixel is glass, and how strongly it is lit from inside, (n,) each.

    Args:
        hits: the pixels.
        panes: height and width of the panes, and share of their frames, (n,) each.
        lit: (n,) share of the windows that are lit at night.
        seed: (n,) number of the building.
        darkness: of the hour.
    """
    row, glass_up = _cells(hits.v, panes[0], hits.pixel, panes[2])
    column, glass_along = _cells(hits.u, panes[1], hits.pixel, 0.14)
    place = seed + 7.0 * hits.side
    band = _chance(row, torch.zeros_like(row), place)  # whole floors are lit,
    group = _chance(row, (column / GROUP).floor(), place + 3.1)  # or a few windows side by side,
    single = _chance(row, column, place + 5.7)  # of which some are dark
    wanted = lit * (0.1 + 0.9 * darkness) * (darkness > 0.05)
    on = ((band < 0.4 * wanted) | (group < 0.8 * wanted)) & (single > 0.2)
    return glass_up * glass_along, on.float() * (0.35 + 0.65 * single)


def _cells(along: Tensor, size: Tensor, pixel: Tensor, frame: Tensor | float) -> tuple[Tensor, Tensor]:
    """Divide a length into cells with a frame between them.

    Returns:
        The number of the cell, and how much of a pixel is inside its frame, (n,) each.
    """
    size = size * torch.exp2(torch.log2(SMALLEST * pixel / size).ceil().clamp(min=0))
    number = (along / size).floor()
    share = along / size - number
    soft = (pixel / size).clamp(0.02, 0.5)
    return number, ((0.5 - frame / 2 - (share - 0.5).abs()) / soft + 0.5).clamp(0, 1)


def _bands(hits: Hits, scale: float, edges: Tensor, rim: Tensor, crown: Tensor, seam: Tensor, tall: Tensor) -> Tensor:
    """Return the strength of the glowing bands, (n,)."""
    wide = torch.maximum(2.0 * hits.pixel, torch.full_like(hits.pixel, 0.022 * scale))
    soft = hits.pixel
    below = tall - hits.v
    top = ((wide - below) / soft + 0.5).clamp(0, 1)
    middle = ((wide - hits.u.abs()) / soft + 0.5).clamp(0, 1)
    corner = ((wide - (hits.half - hits.u.abs())) / soft + 0.5).clamp(0, 1)
    upper = smoothstep(0.62, 1.0, hits.v / tall) * 0.7
    return torch.maximum(torch.maximum(rim * top, seam * middle), torch.maximum(edges * corner, crown * upper))
