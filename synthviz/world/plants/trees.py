"""Trees and bushes with volume, as sprites: each call makes another one of its kind.

A sprite of a tree is 160 points high (a bush 80); its foot is at the lower edge.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from synthviz.world.land import rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.plants.foliage import (
    Layer,
    assemble,
    bark_colors,
    crown,
    facing,
    leaf_colors,
    limb,
    needle_colors,
    sheet,
)
from synthviz.world.sprites import Sprite

ROWS = 160
CONIFER, BROADLEAF, BIRCH, PALM, BUSH, DEAD = 80 / ROWS, 136 / ROWS, 88 / ROWS, 136 / ROWS, 2.0, 112 / ROWS
"""Width of a sprite relative to its height, for each kind of plant."""


def conifer(noise: Noise, rng: np.random.Generator, snow: float = 0.0, rows: int = ROWS) -> Sprite:
    """Make a spruce or a fir, with layers of drooping branches.

    Args:
        noise: of the scene.
        rng: decides its shape and its green.
        snow: how much snow lies on its branches, 0 to 1.
        rows: height of the sprite in points; more for a tree that is seen from nearby, which has more branches.
    """
    x, up = sheet(rows, int(CONIFER * rows))
    near = rows / ROWS
    shift, tiers = float(rng.uniform(0, 60)), float(rng.uniform(9, 13)) * near
    wide, droop, foot = float(rng.uniform(0.16, 0.225)), float(rng.uniform(0.35, 0.7)), float(rng.uniform(0.05, 0.10))
    fingers, finger_slope, _ = noise.value_and_slopes(x * 17 * near + shift, up * 7 * near - shift)
    fine = noise.value(x * 55 * near - shift, up * 42 * near)
    # The height at which a branch leaves the trunk: branches hang, more so towards their tips.
    origin = up + droop * x.abs() + (0.016 * fingers + 0.006 * fine) / near
    down = ((0.985 - origin) / (0.985 - foot)).clamp(min=0)
    tier = down**0.82 * tiers + 0.25 * noise.value(x * 5 + shift, up * 2)
    share = tier - tier.floor()  # 0 where a layer leaves the trunk, 1 at its rim
    irregular = 1 + 0.16 * noise.value(tier.floor() * 7.3 + shift, 3 * torch.sign(x) + 0.5)
    half = wide * down**0.9 * (0.58 + 0.42 * share) * irregular * (1 + 0.12 * fingers) + 0.006
    inside = (half - x.abs()) / half.clamp(min=0.02)
    alpha = smoothstep(-0.03, 0.12, inside + 0.05 * fine) * smoothstep(1.04, 1.0, down) * smoothstep(0.99, 0.965, up)
    side = (x / half.clamp(min=0.02)).clamp(-1, 1)
    normal = facing(
        0.8 * side - 0.10 * finger_slope, 0.15 + 0.5 * share + 0.15 * fine, -torch.sqrt(1.08 - side.square())
    )
    open_sky = (0.16 + 0.62 * share + 0.25 * (1 - down) + 0.1 * fine).clamp(0.1, 1)
    shade = (0.12 + 0.62 * share**1.5 + 0.18 * fine + 0.10 * fingers).clamp(0, 1)
    low = 1.02 - 0.95 * snow
    lies = smoothstep(low, low + 0.28, 0.15 + 0.72 * share + 0.16 * fingers + 0.08 * fine) * min(1.0, 3 * snow)
    needles = Layer(alpha, normal, torch.maximum(open_sky, 0.75 * lies), shade, lies)
    trunk = limb(x, up, np.array([[0, 0, 0.02, 0, 0.9, 0.004]]), noise, shift)
    return assemble([(trunk, *bark_colors()), (needles, *needle_colors(rng))])


def broadleaf(
    noise: Noise, rng: np.random.Generator, season: str = "summer", snow: float = 0.0, rows: int = ROWS
) -> Sprite:
    """Make an oak, a beech or a lime with a wide crown.

    Args:
        noise: of the scene.
        rng: decides its shape and its colour.
        season: "spring", "summer" or "autumn", which decides the colour of the leaves.
        snow: how much snow lies on it, 0 to 1.
        rows: height of the sprite in points; more for a tree that is seen from nearby, which has finer leaves.
    """
    x, up = sheet(rows, int(BROADLEAF * rows))
    low, wide = float(rng.uniform(0.12, 0.24)), float(rng.uniform(0.31, 0.385))
    high = 0.97
    middle, tall = (low + high) / 2, (high - low) / 2
    blobs = _tufts(rng, 46, middle, wide, tall, (0.065, 0.125), 0.82)
    leaves = crown(noise, rng, x, up, blobs, 0.036 if rows <= ROWS else 0.026, snow)
    shift = float(rng.uniform(0, 60))
    ends = [[0, 0, 0.036, float(rng.normal(0, 0.01)), low + 0.1, 0.026]]
    for _ in range(4):
        reach = float(rng.uniform(-0.75, 0.75)) * wide
        ends.append([ends[0][3], low + rng.uniform(-0.02, 0.1), 0.018, reach, middle + rng.uniform(0, 0.15), 0.008])
    trunk = limb(x, up, np.array(ends), noise, shift)
    return assemble([(trunk, *bark_colors()), (leaves, *leaf_colors(season, rng))])


def birch(noise: Noise, rng: np.random.Generator, season: str = "summer", snow: float = 0.0) -> Sprite:
    """Make a birch: a slender white trunk and a light crown; the parameters are those of `broadleaf`."""
    x, up = sheet(ROWS, int(BIRCH * ROWS))
    shift, bend = float(rng.uniform(0, 60)), float(rng.normal(0, 0.03))
    low, wide = float(rng.uniform(0.26, 0.36)), float(rng.uniform(0.14, 0.19))
    blobs = _tufts(rng, 44, (low + 0.97) / 2, wide, (0.97 - low) / 2, (0.042, 0.075), 0.85)
    leaves = crown(noise, rng, x, up, blobs, 0.026, snow)
    ends = [[0, 0, 0.024, bend, 0.45, 0.018], [bend, 0.45, 0.018, 0.5 * bend, 0.92, 0.006]]
    for _ in range(5):
        start, reach = float(rng.uniform(0.35, 0.7)), float(rng.uniform(-1, 1)) * wide
        ends.append([bend * 0.9, start, 0.007, reach, start + 0.7 * abs(reach) + 0.05, 0.004])
    trunk = limb(x, up, np.array(ends), noise, shift)
    marks = smoothstep(0.8, 1.3, noise.value(x * 14 + shift, up * 34 - shift)) + smoothstep(0.1, 0.02, up)
    trunk = Layer(trunk.alpha, trunk.normal, trunk.open_sky + 0.25, (0.95 - 0.8 * marks).clamp(0, 1), trunk.snow)
    gold = ((0.34, 0.21, 0.02), (0.86, 0.62, 0.09))
    colors = (rgb(*gold[0]), rgb(*gold[1])) if season == "autumn" else leaf_colors(season, rng)
    return assemble([(trunk, rgb(0.05, 0.045, 0.04), rgb(0.72, 0.70, 0.66)), (leaves, *colors)])


def bush(noise: Noise, rng: np.random.Generator, season: str = "summer", snow: float = 0.0) -> Sprite:
    """Make a bush, twice as wide as high; the parameters are those of `broadleaf`."""
    rows = ROWS // 2
    x, up = sheet(rows, int(BUSH * rows))
    count = int(rng.integers(34, 46))
    across = rng.uniform(-0.8, 0.8, count)
    high = rng.uniform(0.0, 0.80, count) * (1 - 0.9 * across**2)
    size = rng.uniform(0.13, 0.23, count)
    blobs = np.stack([across, high, rng.uniform(-0.2, 0.3, count) - 0.4 * high, size, size * 0.9], 1)
    leaves = crown(noise, rng, x, up, blobs, 0.07, snow)
    return assemble([(leaves, *leaf_colors(season, rng))])


def dead_tree(noise: Noise, rng: np.random.Generator, snow: float = 0.0) -> Sprite:
    """Make a bare tree that forks several times.

    Args:
        noise: of the scene.
        rng: decides its shape.
        snow: how much snow lies on its branches, 0 to 1.
    """
    x, up = sheet(ROWS, int(DEAD * ROWS))
    ends: list[list[float]] = []
    tips = [(0.0, 0.0, 0.036, float(rng.normal(0, 0.08)), 0.26)]  # x, up, half width, angle, length
    for generation in range(6):
        grown = []
        for tip_x, tip_up, half, angle, length in tips:
            end_x, end_up = tip_x + length * math.sin(angle), tip_up + length * math.cos(angle)
            ends.append([tip_x, tip_up, half, end_x, end_up, half * 0.72])
            for side in (-1, 1):
                if generation < 2 or rng.random() < 0.8:
                    turn = angle * 0.85 + side * float(rng.uniform(0.22, 0.62))
                    grown.append(
                        (end_x, end_up, max(0.0055, half * 0.68), turn, length * float(rng.uniform(0.68, 0.9)))
                    )
        tips = grown
    trunk = limb(x, up, np.array(ends), noise, float(rng.uniform(0, 60)), snow)
    return assemble([(trunk, *bark_colors())])


def palm(noise: Noise, rng: np.random.Generator) -> Sprite:
    """Make a palm: a bent trunk with rings and a head of feathered fronds.

    Args:
        noise: of the scene.
        rng: decides its shape.
    """
    x, up = sheet(ROWS, int(PALM * ROWS))
    lean, high, shift = float(rng.uniform(-0.16, 0.16)), float(rng.uniform(0.66, 0.74)), float(rng.uniform(0, 60))
    share = np.linspace(0, 1, 8)
    path = np.stack([lean * (2 * share**2 - 1) * 0.7, share * high, 0.026 - 0.010 * share], 1)
    trunk = limb(x, up, np.concatenate([path[:-1], path[1:]], 1), noise, shift)
    rings = 0.5 + 0.45 * torch.cos(up * 2 * math.pi * 26)
    trunk = Layer(trunk.alpha, trunk.normal, trunk.open_sky + 0.2, rings, trunk.snow)
    top = (float(path[-1, 0]), high)
    back, front = (_fronds(noise, rng, x - top[0], up - top[1], count) for count in (8, 9))
    leaf = (rgb(0.030, 0.075, 0.018), rgb(0.19, 0.30, 0.06))
    return assemble(
        [(back, leaf[0], 0.7 * leaf[1]), (trunk, rgb(0.10, 0.075, 0.05), rgb(0.30, 0.24, 0.17)), (front, *leaf)]
    )


def _fronds(noise: Noise, rng: np.random.Generator, x: Tensor, up: Tensor, count: int) -> Layer:
    """Build the fronds of a palm, arcs that leave (0, 0) and hang down at their tips."""
    angle = torch.tensor(np.linspace(-0.35, math.pi + 0.35, count) + rng.uniform(-0.16, 0.16, count))
    angle = angle.float()[:, None, None]
    length = torch.tensor(rng.uniform(0.33, 0.43, count)).float()[:, None, None]
    reach = length * torch.cos(angle)
    reach = torch.where(reach.abs() < 0.06, 0.06 * torch.where(reach < 0, -1.0, 1.0), reach)
    share = x / reach  # 0 at the trunk, 1 at the tip
    rib = length * torch.sin(angle) * share * 1.15 - (0.34 * length + 0.42 * reach.abs()) * share.square()
    shown = (share > 0) & (share < 1)
    inner = share.clamp(0, 1)
    below = rib - up  # leaflets hang from the rib
    teeth = noise.value(share * 13 + 9 * angle, below * 3 + angle)
    spread = (inner * (1.02 - inner) * 4).clamp(min=0).sqrt() * (1 - 0.3 * inner)
    hang = 0.085 * spread * (0.9 + 0.22 * teeth) + 0.005
    cover = torch.minimum(hang - below, below + 0.012 * spread + 0.006) * 80
    cover = torch.where(shown, cover, torch.full_like(cover, -1.0))
    cover, which = cover.max(0, keepdim=True)
    alpha = cover[0].clamp(0, 1)
    hangs = (below / hang).gather(0, which)[0].clamp(0, 1)
    outward, teeth = inner.gather(0, which)[0], teeth.gather(0, which)[0]
    side = torch.sign(x)
    normal = facing(0.45 * side * hangs + 0.25 * side * outward, 0.75 - 0.5 * hangs, -0.6 + 0 * hangs)
    open_sky = (0.95 - 0.5 * hangs - 0.25 * (1 - outward)).clamp(0.15, 1)
    shade = (0.85 - 0.6 * hangs + 0.25 * teeth).clamp(0, 1)
    return Layer(alpha, normal, open_sky, shade, torch.zeros_like(alpha))


def _tufts(
    rng: np.random.Generator,
    count: int,
    middle: float,
    wide: float,
    tall: float,
    size: tuple[float, float],
    squeeze: float,
) -> np.ndarray:
    """Spread tufts over an egg-shaped crown, (count, 5) as `crown` wants them.

    Args:
        rng: decides where.
        count: how many.
        middle: height of the crown's middle.
        wide: half of the crown's width.
        tall: half of the crown's height.
        size: smallest and largest half width of a tuft.
        squeeze: half height of a tuft relative to its half width.
    """
    half = rng.uniform(*size, count)
    around, out = rng.uniform(0, 2 * math.pi, count), np.sqrt(rng.uniform(0.02, 1, count))
    across, high = np.cos(around) * out, np.sin(around) * out
    across = across * (1 - 0.28 * np.clip(high, 0, 1))  # narrower above
    near = np.sqrt(np.clip(1 - out**2, 0.0, 1)) * 0.2
    inner_wide, inner_tall = wide - 0.75 * half, tall - 0.75 * half * squeeze
    return np.stack([across * inner_wide, middle + high * inner_tall, near - 0.06 * high, half, half * squeeze], 1)
