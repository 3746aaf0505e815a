"""The styles: a natural picture as it is, or as a flat poster, a watercolour, in neon light or in ink.

A style works on the exposed picture, its depth and its labels, at twice the final size. The things that captions count
and colour keep their colour in every style, and so do the sun, the moon and lightning.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.filters import box_blur
from synthviz.world.labels import LABELS
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.scene import KINDS
from synthviz.world.sky import mix
from synthviz.world.vectors import evenly_spaced, points

KEPT = tuple(LABELS[name] for name in (*KINDS, "sun", "moon", "crescent moon", "lightning", "stars", "snowfall"))
MARGIN = 16
PAPER = (0.985, 0.972, 0.940)


def apply_style(style: str, picture: Tensor, depth: Tensor, labels: Tensor, noise: Noise) -> Tensor:
    """Restyle a picture.

    Args:
        style: "natural", "flat", "watercolor", "neon" or "ink".
        picture: (3, H, W) screen colours in [0, 1].
        depth: (H, W) distances.
        labels: (H, W) indices into `labels.THINGS`.
        noise: for paper and pigment.

    Returns:
        (3, H, W) in [0, 1].
    """
    if style == "natural":
        return picture
    counted = sum(((labels == label).float() for label in KEPT), torch.zeros_like(depth))
    # Filters look beyond the edge of the picture; there it goes on as it ends.
    everything = torch.cat([picture, torch.log(depth.clamp(0.05, 60))[None], counted[None]])
    everything = F.pad(everything[None], (MARGIN,) * 4, mode="replicate")[0]
    picture, log_depth, kept = everything[:3], everything[3], box_blur(everything[4:], 1).clamp(0, 1)
    restyle = {"flat": _flat, "watercolor": _watercolor, "neon": _neon, "ink": _ink}[style]
    styled = restyle(picture, kept, _outlines(log_depth), noise)
    return styled[:, MARGIN:-MARGIN, MARGIN:-MARGIN].clamp(0, 1)


def _flat(picture: Tensor, kept: Tensor, lines: Tensor, noise: Noise) -> Tensor:
    """Even areas in few tones, as in a printed poster."""
    even = picture
    for reach in (2, 3, 4, 3):
        even = _kuwahara(even, reach)
    tone = _tone(even)
    steps = tone * 7
    stepped = (steps.floor() + smoothstep(0.42, 0.58, steps - steps.floor())) / 7
    flat = even * ((stepped + 0.03) / (tone + 0.03))
    flat = _saturated(flat, 1.25)
    return mix(flat, _saturated(_kuwahara(picture, 2), 1.15), kept)


def _watercolor(picture: Tensor, kept: Tensor, lines: Tensor, noise: Noise) -> Tensor:
    """Washes with uneven pigment that run into each other, darker at their edges, on paper with a ragged border."""
    size = picture.shape[-1]
    x, y = _coordinates(size)
    wet_x, wet_y = noise.fbm(x * 7, y * 7, 4), noise.fbm(x * 7 + 31, y * 7, 4)
    shift = 0.008 * (1 - kept[0])
    grid = points(x * 2 - 1 + wet_x * shift, y * 2 - 1 + wet_y * shift)[None]
    run = F.grid_sample(picture[None], grid, padding_mode="border", align_corners=True)[0]
    wash = mix(_kuwahara(_kuwahara(run, 3), 3), _kuwahara(run, 2), kept)
    rim = (_tone(box_blur(wash, 4)) - _tone(wash)).clamp(min=0)
    pigment = 1.02 - 0.07 * noise.fbm(x * 5 + 7, y * 5, 3) + 0.02 * noise.fbm(x * 60, y * 60, 3)
    paper = torch.tensor(PAPER)[:, None, None]
    absorbed = (paper - _saturated(wash, 1.1)).clamp(min=0)
    strength = (0.80 * pigment[None] + 2.6 * rim) * (1 - kept) + 0.96 * kept
    painted = paper - absorbed * strength
    border = MARGIN / size + 0.030 + 0.012 * noise.fbm(x * 6, y * 6, 4)
    edge = torch.minimum(torch.minimum(x, 1 - x), torch.minimum(y, 1 - y)) - border
    inside = smoothstep(-0.012, 0.012, edge)
    collected = torch.exp(-(((edge - 0.010) / 0.008) ** 2))
    grain = 1 - 0.02 * noise.value(x * 150, y * 150)
    return mix(paper, painted * (1 - 0.16 * collected), inside) * grain


def _neon(picture: Tensor, kept: Tensor, lines: Tensor, noise: Noise) -> Tensor:
    """Dim, saturated surfaces whose outlines glow like tubes."""
    even = _kuwahara(picture, 3)
    vivid = _saturated(even / box_blur(even.amax(0, keepdim=True), 12).clamp(min=0.12), 2.2).clamp(0, 1)
    hue = vivid / vivid.amax(0, keepdim=True).clamp(min=0.05)
    electric = torch.stack([0.35 + 0.65 * hue[0], 0.15 + 0.75 * hue[1] ** 1.5, 0.45 + 0.55 * hue[2]])
    tubes = torch.maximum(lines, 0.5 * _edges(even)).clamp(0, 1)[None]
    light = electric * tubes
    glow = 0.8 * box_blur(light, 3) + 0.7 * box_blur(light, 10) + 0.5 * box_blur(light, 28)
    base = _saturated(even, 1.7) * torch.tensor([0.34, 0.26, 0.46])[:, None, None]
    neon = base + 0.9 * light + 0.8 * glow + 0.2 * tubes
    return mix(neon, picture * 0.95 + 0.25 * glow, kept)


def _ink(picture: Tensor, kept: Tensor, lines: Tensor, noise: Noise) -> Tensor:
    """Dark outlines and brushed shadows over thin washes on warm paper."""
    size = picture.shape[-1]
    x, y = _coordinates(size)
    even = _kuwahara(picture, 4)
    tone = _tone(even)
    low, high = torch.quantile(tone[:, ::4, ::4], torch.tensor([0.04, 0.96]))
    tone = ((tone - low) / (high - low).clamp(min=0.15)).clamp(0, 1)
    paper = torch.tensor((1.0, 0.968, 0.890))[:, None, None]
    wash = paper * (0.46 + 0.54 * (0.5 * tone + 0.5 * (tone * 4).round() / 4))
    wash = wash + 0.42 * (even - _tone(even))
    brush = noise.fbm(x * 14 + y * 9, y * 60 - x * 38, 4) * 0.10
    shadow = smoothstep(0.20, 0.04, tone[0] + brush)
    strokes = torch.maximum(lines * (0.75 + 0.25 * noise.value(x * 18, y * 18)), 0.55 * _edges(even))
    dark = torch.maximum(strokes.clamp(0, 1), 0.80 * shadow)[None]
    ink = torch.tensor([0.07, 0.06, 0.10])[:, None, None]
    drawn = mix(wash, ink, 0.94 * dark)
    return mix(drawn, mix(picture, ink, 0.8 * lines[None].clamp(0, 1)), kept)


def _coordinates(size: int) -> tuple[Tensor, Tensor]:
    """Return x and y of all pixels in [0, 1], (size, size)."""
    line = evenly_spaced(0, 1, size)
    return line[None, :].expand(size, size), line[:, None].expand(size, size)


def _tone(picture: Tensor) -> Tensor:
    """Return the brightness, (1, H, W)."""
    return (picture * torch.tensor([0.30, 0.59, 0.11])[:, None, None]).sum(0, keepdim=True)


def _saturated(picture: Tensor, share: float) -> Tensor:
    """Multiply the saturation of all colours."""
    tone = _tone(picture)
    return tone + (picture - tone) * share


def _kuwahara(picture: Tensor, reach: int) -> Tensor:
    """Smooth areas and keep edges: a pixel takes the mean of the calmest quadrant around it (Kuwahara et al. 1976)."""
    mean = box_blur(picture, reach // 2 + 1)
    spread = (box_blur(_tone(picture) ** 2, reach // 2 + 1) - box_blur(_tone(picture), reach // 2 + 1) ** 2).clamp(
        min=0
    )
    step = reach // 2 + 1
    mean = box_blur(picture, step)
    best, calmest = torch.zeros_like(picture), torch.full_like(spread, 1e9)
    for down in (-step, step):
        for right in (-step, step):
            shifted = torch.cat([spread, mean]).roll((down, right), (1, 2))
            calmer = shifted[:1] < calmest
            best = torch.where(calmer, shifted[1:], best)
            calmest = torch.minimum(calmest, shifted[:1])
    return best


def _edges(picture: Tensor) -> Tensor:
    """Return how strong the edges of a picture are: (H, W) in [0, 1]."""
    right = (picture - picture.roll(2, 2)).abs().amax(0)
    down = (picture - picture.roll(2, 1)).abs().amax(0)
    return smoothstep(0.05, 0.28, torch.maximum(right, down))


def _outlines(log_depth: Tensor) -> Tensor:
    """Return lines, (H, W) in [0, 1], where the depth jumps."""
    jump = torch.maximum((log_depth - log_depth.roll(1, 1)).abs(), (log_depth - log_depth.roll(1, 0)).abs())
    lines = smoothstep(0.06, 0.22, jump)
    wide = F.max_pool2d(lines[None, None], 3, 1, 1)[0, 0]
    return box_blur(wide[None], 1)[0]
