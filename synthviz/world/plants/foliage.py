"""Colours of leaves, and crowns of many blobs: what trees, bushes and palms are made of.

A plant is drawn on an upright sheet: x runs to the right from the middle, `up` from 0 at the foot to 1 at the top.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.land import rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.sky import mix
from synthviz.world.sprites import Sprite
from synthviz.world.vectors import unit

Color = tuple[float, float, float]

LEAVES: dict[str, tuple[tuple[Color, Color], ...]] = {  # dark and light leaves of a crown, by season
    "spring": (
        ((0.10, 0.19, 0.03), (0.34, 0.44, 0.10)),
        ((0.13, 0.22, 0.05), (0.42, 0.50, 0.14)),
        ((0.42, 0.20, 0.26), (0.86, 0.60, 0.68)),  # in blossom
    ),
    "summer": (
        ((0.035, 0.085, 0.020), (0.15, 0.25, 0.055)),
        ((0.045, 0.100, 0.018), (0.20, 0.29, 0.070)),
        ((0.030, 0.080, 0.035), (0.12, 0.22, 0.080)),
    ),
    "autumn": (
        ((0.24, 0.09, 0.012), (0.70, 0.32, 0.045)),
        ((0.20, 0.040, 0.015), (0.62, 0.15, 0.04)),
        ((0.30, 0.17, 0.015), (0.78, 0.52, 0.07)),
        ((0.13, 0.11, 0.02), (0.42, 0.34, 0.06)),
    ),
}
NEEDLES: tuple[tuple[Color, Color], ...] = (
    ((0.016, 0.045, 0.026), (0.075, 0.140, 0.070)),
    ((0.020, 0.050, 0.022), (0.095, 0.155, 0.060)),
    ((0.018, 0.048, 0.038), (0.085, 0.145, 0.105)),
)
BARK = ((0.06, 0.045, 0.035), (0.19, 0.145, 0.11))
SNOW = (0.86, 0.90, 0.97)


@dataclass(frozen=True)
class Layer:
    """A part of a plant before it has a colour.

    Attributes:
        alpha: (h, w) coverage.
        normal: (3, h, w) unit vectors: right, up, away from the viewer.
        open_sky: (h, w) share of the sky that is seen.
        shade: (h, w) from 0, the dark colour of the part, to 1, the light one.
        snow: (h, w) share that snow covers.
    """

    alpha: Tensor
    normal: Tensor
    open_sky: Tensor
    shade: Tensor
    snow: Tensor


def sheet(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    """Return x and up of all pixels of a sheet of height 1, (rows, columns) each."""
    x = ((torch.arange(columns) + 0.5) / rows - columns / rows / 2).expand(rows, columns)
    up = (1 - (torch.arange(rows) + 0.5) / rows)[:, None].expand(rows, columns)
    return x, up


def leaf_colors(season: str, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Choose the dark and the light colour of the leaves of a season; blossom is rare."""
    choices = LEAVES[season]
    if season == "spring" and rng.random() > 0.3:
        choices = choices[:2]
    return _colors(choices[int(rng.integers(len(choices)))])


def needle_colors(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Choose the dark and the light colour of needles."""
    return _colors(NEEDLES[int(rng.integers(len(NEEDLES)))])


def bark_colors() -> tuple[Tensor, Tensor]:
    """Return the dark and the light colour of bark."""
    return _colors(BARK)


def _colors(pair: tuple[Color, Color]) -> tuple[Tensor, Tensor]:
    return rgb(*pair[0]), rgb(*pair[1])


def facing(x: Tensor, up: Tensor, away: Tensor) -> Tensor:
    """Return the directions of (x, up, away), (3, h, w) of length 1."""
    return unit(torch.stack([x, up, away]))


def crown(
    noise: Noise, rng: np.random.Generator, x: Tensor, up: Tensor, blobs: np.ndarray, leaf: float, snow: float = 0.0
) -> Layer:
    """Build a crown of round tufts, the nearer ones before the farther ones.

    Args:
        noise: of the scene; it breaks the outlines into leaves.
        rng: decides which part of the noise.
        x: of all pixels.
        up: of all pixels.
        blobs: (n, 5) middle x, middle up, nearness of the middle, half width and half height of each tuft.
        leaf: size of a spray of leaves, 0.02 to 0.06.
        snow: how much snow lies on it, 0 to 1.
    """
    shift = float(rng.uniform(0, 60))
    spray, slope_x, slope_up = noise.value_and_slopes(x / (1.5 * leaf) + shift, up / (1.2 * leaf) - shift)
    fine, fine_x, fine_up = noise.value_and_slopes(x / (0.62 * leaf) - shift, up / (0.5 * leaf) + 2.3 * shift)
    u, v, inside, nearness = _nearest_tuft(noise, x, up, blobs, leaf)
    cover = inside + 0.16 * fine + 0.20 * spray
    alpha = smoothstep(-0.02, 0.14, cover)
    # Half the normal is the tuft's, half the whole crown's: tufts show, and the crown is round.
    middle, spread = blobs[:, :2].mean(0), np.abs(blobs[:, :2] - blobs[:, :2].mean(0)).max(0) + blobs[:, 3:].mean(0)
    whole_x, whole_up = (x - float(middle[0])) / float(spread[0]), (up - float(middle[1])) / float(spread[1])
    normal = facing(
        0.55 * u + 0.6 * whole_x - 0.09 * slope_x - 0.09 * fine_x,
        0.55 * v + 0.6 * whole_up + 0.15 - 0.09 * slope_up - 0.09 * fine_up,
        -0.8 * inside.clamp(min=0.1).sqrt(),
    )
    depth = ((nearness - float(blobs[:, 2].min())) / float(np.ptp(blobs[:, 2]) + blobs[:, 3].max())).clamp(0, 1)
    open_sky = (0.26 + 0.30 * whole_up + 0.30 * v + 0.45 * depth + 0.16 * fine + 0.12 * spray).clamp(0.1, 1)
    shade = (0.34 + 0.26 * v + 0.20 * fine + 0.18 * spray + 0.3 * (depth - 0.4)).clamp(0, 1)
    lies = smoothstep(
        1.05 - 1.1 * snow, 1.5 - 1.1 * snow, 0.55 + 0.7 * v + 0.35 * whole_up + 0.16 * spray + 0.12 * fine
    )
    return Layer(alpha, normal, open_sky, shade, lies * min(1.0, 3 * snow))


def _nearest_tuft(
    noise: Noise, x: Tensor, up: Tensor, blobs: np.ndarray, leaf: float
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Find the tuft that each pixel shows; at half the size, as tufts are large.

    Returns:
        Position in the tuft, right and up from -1 to 1; 1 in its middle to 0 at its rim, negative outside; nearness.
    """
    size = x.shape
    x, up = x[::2, ::2], up[::2, ::2]
    wave = noise.value(x / (3.2 * leaf) + 7, up / (3.2 * leaf))
    x, up = x + 0.3 * leaf * wave, up - 0.3 * leaf * wave
    part = torch.as_tensor(blobs, dtype=torch.float32)[:, :, None, None]
    u, v = (x - part[:, 0]) / part[:, 3], (up - part[:, 1]) / part[:, 4]
    inside = 1 - u.square() - v.square()
    front = torch.where(inside > 0, part[:, 2] + part[:, 3] * inside.clamp(min=0).sqrt(), -9 + inside)
    nearness, nearest = front.max(0, keepdim=True)
    found = torch.cat([*(values.gather(0, nearest) for values in (u, v, inside)), nearness])
    found = F.interpolate(found[None], size=size, mode="bilinear", align_corners=False)[0]
    return found[0].clamp(-1.3, 1.3), found[1].clamp(-1.3, 1.3), found[2], found[3]


def limb(
    x: Tensor, up: Tensor, ends: np.ndarray, noise: Noise, shift: float, snow: float = 0.0, bark: float = 0.03
) -> Layer:
    """Build trunks and branches: tapered, round sticks.

    Args:
        x: of all pixels.
        up: of all pixels.
        ends: (n, 6) x, up and half width of the lower end, then of the upper end.
        noise: of the scene.
        shift: which part of the noise.
        snow: how much snow lies on them, 0 to 1.
        bark: size of the furrows.
    """
    part = torch.as_tensor(ends, dtype=torch.float32)[:, :, None, None]
    along_x, along_up = part[:, 3] - part[:, 0], part[:, 4] - part[:, 1]
    length = (along_x.square() + along_up.square()).clamp(min=1e-6)
    share = (((x - part[:, 0]) * along_x + (up - part[:, 1]) * along_up) / length).clamp(0, 1)
    radius = part[:, 2] + (part[:, 5] - part[:, 2]) * share
    off_x, off_up = x - part[:, 0] - share * along_x, up - part[:, 1] - share * along_up
    across, nearest = (torch.sqrt(off_x.square() + off_up.square()) / radius).min(0, keepdim=True)
    radius, off_x, off_up = (values.expand_as(radius).gather(0, nearest)[0] for values in (radius, off_x, off_up))
    pixel = 1 / x.shape[0]
    alpha = (radius * (1 - across[0]) / pixel + 0.5).clamp(0, 1)
    side, top = (off_x / radius).clamp(-1, 1), (off_up / radius).clamp(-1, 1)
    furrow, slope, _ = noise.value_and_slopes(x / bark + shift, up / (3.5 * bark) - shift)
    normal = facing(side - 0.14 * slope, top + 0.1, -torch.sqrt((1.05 - side.square() - top.square()).clamp(min=0.05)))
    open_sky = (0.62 + 0.1 * furrow).clamp(0.2, 1)
    shade = (0.45 + 0.28 * furrow).clamp(0, 1)
    return Layer(alpha, normal, open_sky, shade, smoothstep(0.1, 0.6, top) * min(1.0, 2 * snow))


def assemble(parts: list[tuple[Layer, Tensor, Tensor]]) -> Sprite:
    """Lay coloured parts over each other, the farthest first.

    Args:
        parts: each with its dark and light colour.

    Returns:
        A sprite whose colours go on where nothing covers it, so that its edges do not turn dark.
    """
    snow = rgb(*SNOW)
    first, dark, light = parts[-1]
    albedo = mix(mix(dark, light, first.shade), snow, first.snow)
    alpha, normal, open_sky = first.alpha, first.normal, first.open_sky
    for layer, dark, light in reversed(parts[:-1]):  # what lies behind fills what is still free
        color = mix(mix(dark, light, layer.shade), snow, layer.snow)
        share = ((1 - alpha) * layer.alpha) / (alpha + (1 - alpha) * layer.alpha).clamp(min=1e-4)
        albedo, normal = mix(albedo, color, share), mix(normal, layer.normal, share)
        open_sky = mix(open_sky, layer.open_sky, share)
        alpha = alpha + (1 - alpha) * layer.alpha
    return Sprite(albedo, alpha, normal, None, open_sky)
