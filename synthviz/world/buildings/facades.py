"""Facades: frames and glass by day, ribbons of lit windows and glowing bands by night.

Panes that are too small to be seen one by one melt into an even glow, so that distant towers do not glitter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.buildings.blueprint import Look
from synthviz.world.buildings.solids import Hits, Solid, Surface
from synthviz.world.noise import smoothstep
from synthviz.world.sky import mix
from synthviz.world.view import View

SMALLEST = (3.5, 8.0)  # pixels between which panes change from an even glow to a pattern
MULLION = 0.03  # width of the frame between panes that lie side by side
STRETCH = 0.5  # length of a wall along which a ribbon of windows is lit alike


@dataclass(frozen=True)
class Facades:
    """Paints the solids of a city.

    Attributes:
        table: (24, solids) numbers of each solid's look.
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
                    look.garden,
                ),
            ]
            for part, look in zip(parts, looks, strict=True)
        ]
        return cls(torch.tensor(rows, dtype=torch.float32).T.contiguous(), scale, dim, snow)

    def __call__(self, hits: Hits, view: View) -> Surface:
        """Return the material of the pixels that show buildings."""
        look = self.table.index_select(1, hits.part)
        metal, glass, window, glow = look[:3], look[3:6], look[6:9], look[9:12]
        gloss, lit, pane_height, edges, rim, crown, seam, seed, tall, pane_width, frame, garden = look[12:]
        wall = (~hits.roof).float()
        darkness = view.light.darkness
        pane, shine = _windows(hits, (pane_height, pane_width, frame), lit, seed, (self.scale, darkness))
        pane, shine = pane * wall * (lit > 0), shine * (lit > 0)
        strip = _bands(hits, self.scale, edges, rim, crown, seam, tall) * torch.maximum(
            wall, (tall < 0.06 * self.scale).float()
        )
        upward = (hits.v / tall).clamp(0, 1)
        spread = (0.08 + 0.92 * pane) * wall  # a lit floor also brightens the frames before it
        emission = window * (shine * spread * (0.40 + 0.46 * darkness) * (1.3 - 0.6 * upward))
        emission = emission + glow * (strip * (0.05 + 0.85 * darkness))
        low = torch.exp(-hits.height.clamp(min=0) / (0.22 * self.scale))
        street = torch.tensor([1.0, 0.62, 0.34])[:, None] * (low * 0.30 * darkness * darkness)
        albedo = mix(metal, glass, pane * 0.85) * (1 - 0.5 * pane * shine)
        roof = hits.roof.float()
        plants = torch.tensor([0.15, 0.27, 0.09])[:, None].expand_as(albedo)
        albedo = mix(albedo, plants, roof * garden)
        if self.snow:
            albedo = mix(albedo, torch.full_like(albedo, 0.85), smoothstep(0.25, 0.7, hits.normal[1]))
        shade = torch.maximum(smoothstep(0.1 * self.dim, self.dim, hits.height), roof)
        return Surface(
            albedo=albedo,
            emission=emission + street * albedo,
            gloss=gloss * (0.22 + 0.78 * pane * (1 - 0.85 * shine)) * wall,
            lit=0.25 + 0.75 * shade,
            open_sky=(0.35 + 0.45 * shade) * (0.46 + 0.8 * (1 - darkness) ** 2),
        )


def _chance(one: Tensor, other: Tensor, seed: Tensor) -> Tensor:
    """Return a random number in [0, 1) for whole numbers and a seed."""
    value = torch.sin(one * 12.9898 + other * 78.233 + seed * 37.719) * 43758.547
    return value - value.floor()


def _windows(
    hits: Hits, panes: tuple[Tensor, Tensor, Tensor], lit: Tensor, seed: Tensor, setting: tuple[float, float]
) -> tuple[Tensor, Tensor]:
    """Return how much of a pixel is glass, and how strongly it is lit from inside, (n,) each.

    Args:
        hits: the pixels.
        panes: height and width of the panes, and share of their frames, (n,) each.
        lit: (n,) share of the windows that are lit at night.
        seed: (n,) number of the building.
        setting: scale of the city and darkness of the hour.
    """
    scale, darkness = setting
    row, glass_up, seen = _cells(hits.v, panes[0], hits.pixel, panes[2])
    mullion = (MULLION * scale / panes[1]).clamp(max=0.2)
    _, glass_along, _ = _cells(hits.u + panes[1] / 2, panes[1], hits.pixel, mullion)
    stretch = STRETCH * scale * (1 + (seed * 0.37) % 1)
    place = seed + 7.0 * hits.side
    along = hits.u / stretch + 5.0 * _chance(row, torch.zeros_like(row), place)
    number = along.floor()
    one, other = _chance(row, number, place + 3.1), _chance(row, number + 1, place + 3.1)
    bright = one + (other - one) * smoothstep(0.3, 0.7, along - number)
    wanted = lit * (0.1 + 0.9 * darkness) * (1.0 if darkness > 0.05 else 0.0)
    on = smoothstep(0.95 - wanted, 1.35 - wanted, bright)
    return glass_up * glass_along, mix(0.55 * wanted, torch.maximum(on, 0.14 * wanted), seen)


def _cells(along: Tensor, size: Tensor, pixel: Tensor, frame: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Divide a length into cells with a frame between them.

    Returns:
        The number of the cell, how much of a pixel is inside its frame, and how well it is seen from 0 to 1, (n,) each.
    """
    number = (along / size).floor()
    share = along / size - number
    soft = (pixel / size).clamp(0.02, 0.5)
    inside = ((0.5 - frame / 2 - (share - 0.5).abs()) / soft + 0.5).clamp(0, 1)
    seen = smoothstep(*SMALLEST, size / pixel)
    return number, mix(1 - frame, inside, seen), seen


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
