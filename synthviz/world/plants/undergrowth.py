"""What grows near the viewer: grass, flowers, ferns, trunks and hanging branches, as sprites."""

from __future__ import annotations

import math

import numpy as np
import torch

from synthviz.world.land import rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.plants.foliage import Layer, assemble, bark_colors, crown, facing, leaf_colors, limb, sheet
from synthviz.world.sprites import Sprite

GRASS, FERN, TRUNK, BRANCH, ROCK = 2.0, 1.8, 0.2, 1.5, 1.6
"""Width of a sprite relative to its height, for each kind."""


def grass(noise: Noise, rng: np.random.Generator, flowers: bool = False, dry: float = 0.0) -> Sprite:
    """Make a tuft of broad blades, with heads of flowers or without.

    Args:
        noise: of the scene.
        rng: decides its shape.
        flowers: whether some blades carry a flower.
        dry: from 0, green, to 1, straw.
    """
    x, up = sheet(72, int(72 * GRASS))
    count = 38
    foot = torch.tensor(rng.uniform(-0.72, 0.72, count)).float()[:, None, None]
    tall = torch.tensor(rng.uniform(0.35, 0.98, count)).float()[:, None, None] * (1 - 0.5 * foot.abs())
    bend = torch.tensor(rng.normal(0, 0.28, count)).float()[:, None, None] + 0.25 * foot
    share = up / tall
    off = x - foot - bend * share.square() * tall
    half = 0.034 * (1 - share).clamp(min=0).sqrt() + 0.002
    cover = torch.where((share < 1), (half - off.abs()) / 0.014, torch.full_like(off, -1.0))
    cover, which = cover.max(0, keepdim=True)
    share = share.expand_as(off).gather(0, which)[0].clamp(0, 1)
    side = (off / half).gather(0, which)[0].clamp(-1, 1)
    shade = (0.15 + 0.6 * share + 0.2 * torch.sin(17.0 * which[0])).clamp(0, 1)
    blades = Layer(
        cover[0].clamp(0, 1), facing(0.6 * side, 0.55 + 0 * side, -0.6 + 0 * side), 0.25 + 0.7 * share, shade, 0 * shade
    )
    dark = torch.lerp(rgb(0.05, 0.11, 0.02), rgb(0.26, 0.18, 0.07), dry)
    light = torch.lerp(rgb(0.24, 0.36, 0.07), rgb(0.62, 0.48, 0.22), dry)
    parts = [(blades, dark, light)]
    if flowers:
        heads = rng.integers(0, count, 9)
        middle = [[float(foot[i] + bend[i] * tall[i]), float(tall[i]), 0.1, 0.05, 0.05] for i in heads]
        color = [(0.80, 0.12, 0.08), (0.85, 0.62, 0.05), (0.82, 0.80, 0.84), (0.45, 0.25, 0.70)][int(rng.integers(4))]
        parts.append((crown(noise, rng, x, up, np.array(middle), 0.03), 0.5 * rgb(*color), rgb(*color)))
    return assemble(parts)


def fern(noise: Noise, rng: np.random.Generator, autumn: bool = False) -> Sprite:
    """Make a fern: arched fronds with leaflets on both sides.

    Args:
        noise: of the scene.
        rng: decides its shape.
        autumn: whether it has turned brown.
    """
    x, up = sheet(80, int(80 * FERN))
    count = 11
    angle = torch.tensor(np.linspace(0.25, math.pi - 0.25, count) + rng.uniform(-0.12, 0.12, count)).float()
    angle = angle[:, None, None]
    length = torch.tensor(rng.uniform(0.7, 0.95, count)).float()[:, None, None]
    reach = length * torch.cos(angle)
    reach = torch.where(reach.abs() < 0.1, 0.1 * torch.where(reach < 0, -1.0, 1.0), reach)
    share = x / reach
    rib = 1.35 * length * torch.sin(angle) * share - (0.45 * length + 0.2 * reach.abs()) * share.square()
    inner = share.clamp(0, 1)
    teeth = 0.72 + 0.28 * torch.cos(share * 60)
    half = (0.10 * (inner * (1.05 - inner) * 4).sqrt() * (1 - 0.5 * inner) * teeth + 0.006) * (1 + 0.6 * rib.abs())
    off = up - rib
    cover = torch.where((share > 0) & (share < 1), (half - off.abs()) * 70, torch.full_like(off, -1.0))
    cover, which = cover.max(0, keepdim=True)
    side, inner = (off / half).gather(0, which)[0].clamp(-1, 1), inner.gather(0, which)[0]
    shade = (0.35 + 0.4 * side + 0.3 * inner).clamp(0, 1)
    normal = facing(0.3 * torch.sign(x), 0.65 + 0.3 * side, -0.5 + 0 * side)
    leaf = Layer(cover[0].clamp(0, 1), normal, (0.3 + 0.4 * up + 0.3 * inner).clamp(0, 1), shade, 0 * shade)
    colors = (
        (rgb(0.16, 0.08, 0.025), rgb(0.50, 0.28, 0.08)) if autumn else (rgb(0.04, 0.11, 0.02), rgb(0.20, 0.36, 0.07))
    )
    return assemble([(leaf, *colors)])


def trunk(noise: Noise, rng: np.random.Generator, birch: bool = False, pine: bool = False) -> Sprite:
    """Make the trunk of a tree whose crown is above the picture.

    Args:
        noise: of the scene.
        rng: decides its shape.
        birch: whether it is white with black marks.
        pine: whether it is reddish.
    """
    rows = 240
    x, up = sheet(rows, int(TRUNK * rows))
    lean, half, shift = float(rng.normal(0, 0.012)), float(rng.uniform(0.044, 0.06)), float(rng.uniform(0, 60))
    ends = [[0, 0.05, half, lean, 1.1, 0.75 * half], [0, -0.03, 1.6 * half, 0, 0.10, half]]
    wood = limb(x, up, np.array(ends), noise, shift, bark=0.018)
    if not birch:
        colors = (rgb(0.10, 0.045, 0.025), rgb(0.34, 0.17, 0.09)) if pine else bark_colors()
        return assemble([(wood, *colors)])
    marks = smoothstep(0.8, 1.2, noise.value(x * 13 + shift, up * 74 - shift)) + smoothstep(0.06, 0.01, up)
    wood = Layer(wood.alpha, wood.normal, wood.open_sky + 0.25, (0.95 - 0.85 * marks).clamp(0, 1), wood.snow)
    return assemble([(wood, rgb(0.05, 0.045, 0.04), rgb(0.70, 0.68, 0.64))])


def branch(noise: Noise, rng: np.random.Generator, season: str = "summer", snow: float = 0.0) -> Sprite:
    """Make a leafy branch that hangs into the picture from its upper left corner.

    Args:
        noise: of the scene.
        rng: decides its shape.
        season: "spring", "summer" or "autumn", which decides the colour of the leaves.
        snow: how much snow lies on it, 0 to 1.
    """
    rows = 150
    x, up = sheet(rows, int(BRANCH * rows))
    left = -BRANCH / 2
    ends, blobs = [], []
    for start, tip_x, tip_up in ((0.97, 0.62, 0.62), (0.94, 0.10, 0.35), (1.0, 0.45, 0.92)):
        tip_x += float(rng.normal(0, 0.08)) - 0.15
        ends.append([left, start, 0.02, tip_x, tip_up, 0.006])
        for share in np.linspace(0.08, 1, 17):
            size = float(rng.uniform(0.075, 0.14)) * (1.15 - 0.4 * share)
            middle = left + (tip_x - left) * share, start + (tip_up - start) * share - 0.12 * share * (1 - share)
            blobs.append(
                [
                    middle[0] + rng.normal(0, 0.05),
                    middle[1] + rng.normal(0, 0.05),
                    rng.uniform(0, 0.1),
                    size,
                    0.7 * size,
                ]
            )
    wood = limb(x, up, np.array(ends), noise, float(rng.uniform(0, 60)), snow)
    leaves = crown(noise, rng, x, up, np.array(blobs), 0.036, snow)
    return assemble([(wood, *bark_colors()), (leaves, *leaf_colors(season, rng))])


def rock(noise: Noise, rng: np.random.Generator, snow: float = 0.0) -> Sprite:
    """Make a mossy boulder, or one with a cap of snow.

    Args:
        noise: of the scene.
        rng: decides its shape.
        snow: how much snow lies on it, 0 to 1.
    """
    rows = 80
    x, up = sheet(rows, int(ROCK * rows))
    shift = float(rng.uniform(0, 60))
    coarse, slope_x, slope_up = noise.value_and_slopes(x * 3.2 + shift, up * 3.2)
    fine, fine_x, fine_up = noise.value_and_slopes(x * 9 - shift, up * 9)
    u, v = x / 0.70, up / (0.86 + 0.05 * coarse)
    inside = 1 - u.square().square() * 0.5 - u.square() * 0.5 - v.square() + 0.07 * coarse + 0.03 * fine
    alpha = smoothstep(0.0, 0.05, inside)
    normal = facing(u - 0.16 * slope_x - 0.07 * fine_x, v + 0.1 - 0.16 * slope_up - 0.07 * fine_up, -0.6 + 0 * u)
    shade = (0.45 + 0.22 * coarse + 0.2 * fine).clamp(0, 1)
    lies = smoothstep(0.75 - 0.5 * snow, 1.0 - 0.5 * snow, normal[1] + 0.08 * fine) * min(1.0, 2 * snow)
    stone = Layer(alpha, normal, (0.35 + 0.7 * up).clamp(0, 1), shade, lies)
    return assemble([(stone, rgb(0.09, 0.09, 0.08), rgb(0.30, 0.29, 0.26))])
