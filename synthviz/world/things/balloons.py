"""Hot-air balloons and paper lanterns as sprites."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor

from synthviz.world.noise import smoothstep
from synthviz.world.sprites import Sprite
from synthviz.world.things.sheet import Sheet, pale
from synthviz.world.vectors import unit

RADIUS, MIDDLE, TANGENT = 0.70, -0.28, math.radians(50)  # of the envelope: a sphere above, a cone below
MOUTH = 0.53  # lower end of the envelope
GORES = 16

WICKER = (0.24, 0.13, 0.06)
ROPE = (0.10, 0.08, 0.07)
FLAME = (1.0, 0.55, 0.16)
GOLD = (0.75, 0.48, 0.12)
LACQUER = (0.045, 0.03, 0.03)


def balloon(color: Tensor, glow: float, rows: int, rng: np.random.Generator) -> Sprite:
    """Draw a hot-air balloon with gores, ropes and a basket.

    Args:
        color: reflectance of the envelope, (3,).
        glow: how strongly the burner lights it from inside, 0 to 1.
        rows: of the sprite.
        rng: chooses the pattern.
    """
    sheet = Sheet(0.74, rows)
    x, y, flame = sheet.x, sheet.y, torch.tensor(FLAME)
    radius, slope = _envelope(y)
    for side in (-1, 1):
        top, bottom = 0.13 * side, 0.10 * side
        sheet.lay(
            sheet.polygon([(top - 0.018, MOUTH), (top + 0.018, MOUTH), (bottom + 0.018, 0.80), (bottom - 0.018, 0.80)]),
            ROPE,
        )
    sheet.lay(sheet.box(-0.075, 0.60, 0.075, 0.66), flame, emission=flame * 1.2 * glow)
    basket = sheet.polygon([(-0.135, 0.77), (0.135, 0.77), (0.115, 0.985), (-0.115, 0.985)])
    round_x = (x / 0.15).clamp(-0.95, 0.95)
    normal = torch.stack([round_x, torch.full_like(x, 0.1), -torch.sqrt(1 - round_x**2)])
    weave = 0.8 + 0.2 * torch.sign(torch.sin(y * 75))
    sheet.lay(basket, torch.tensor(WICKER)[:, None, None] * weave, normal, flame * 0.05 * glow)
    sheet.lay(sheet.box(-0.15, 0.755, 0.15, 0.80), torch.tensor(WICKER) * 0.55, normal)
    across = (x / radius.clamp(min=1e-3)).clamp(-0.999, 0.999)
    longitude = torch.asin(across)
    gore = (longitude / math.pi + 0.5) * GORES / 2
    bulge = (gore - gore.floor() - 0.5) * 0.55
    around = longitude + bulge
    normal = unit(torch.stack([around.sin(), slope.clamp(-3, 3), -around.cos()]))
    mask = sheet.inside(torch.maximum((x.abs() - radius) * 0.8, torch.maximum(y - MOUTH, -1.0 - y)))
    pattern = _pattern(color, gore, y, rng)
    seam = smoothstep(0.0, 0.12, (0.5 - (gore - gore.floor() - 0.5).abs()))
    inner = torch.exp(-(((y - 0.35) / 0.55) ** 2) - (across / 0.9) ** 2)
    sheet.lay(
        mask, pattern * (0.72 + 0.28 * seam), normal, (0.7 * pattern + 0.12 * color[:, None, None]) * 0.9 * glow * inner
    )
    scoop = mask * smoothstep(MOUTH - 0.07, MOUTH - 0.05, y)
    sheet.lay(scoop, color * 0.35, normal, flame * 0.25 * glow)
    return sheet.sprite()


def _envelope(y: Tensor) -> tuple[Tensor, Tensor]:
    """Return the radius at each height and how it grows downwards."""
    low = MIDDLE + RADIUS * math.sin(TANGENT)
    ball = torch.sqrt((RADIUS**2 - (y - MIDDLE) ** 2).clamp(min=1e-6))
    cone = RADIUS * math.cos(TANGENT) - math.tan(TANGENT) * (y - low) * 0.97
    radius = torch.where(y < low, ball, cone)
    slope = torch.where(y < low, -(y - MIDDLE) / ball, torch.full_like(y, -math.tan(TANGENT)))
    return radius, slope


def _pattern(color: Tensor, gore: Tensor, y: Tensor, rng: np.random.Generator) -> Tensor:
    """Return the reflectance of the envelope: its colour with a darker and a paler relative of it."""
    plain = color[:, None, None]
    dark = plain * (0.66 if float(color[1]) > 0.5 else 0.5)  # yellow turns brown where it is dark
    light = (
        pale(color, 0.5)[:, None, None] if float(color.min()) < 0.5 else torch.tensor([0.5, 0.6, 0.75])[:, None, None]
    )
    kind = rng.choice(["gores", "belt", "spiral", "crown"])
    if kind == "gores":
        return torch.where(gore.floor() % 2 == 0, plain, dark)
    if kind == "spiral":
        return torch.where((gore + 3.2 * (y + 0.3)).floor() % 3 == 0, dark, plain)
    if kind == "belt":
        zigzag = 0.10 * ((gore - gore.floor() - 0.5).abs() * 2)
        belt = (y + 0.27 + zigzag - 0.05).abs() < 0.10
        return torch.where(belt, light, torch.where(gore.floor() % 2 == 0, plain, plain * 0.78))
    crown = (y < -0.70) | ((y > 0.12) & (y < 0.24))
    return torch.where(crown, dark, plain)


def lantern(color: Tensor, glow: float, rows: int, rng: np.random.Generator) -> Sprite:
    """Draw a paper lantern, round, tall or barrel-shaped, with ribs, caps and a tassel.

    Args:
        color: reflectance of the paper, (3,).
        glow: how strongly it shines, 0 to 1; by day only the sky shines through its paper.
        rows: of the sprite.
        rng: chooses the shape.
    """
    kind = rng.choice(["round", "tall", "barrel"])
    wide, high, power = {"round": (0.66, 0.56, 2.0), "tall": (0.42, 0.64, 3.2), "barrel": (0.52, 0.54, 2.6)}[kind]
    sheet = Sheet(wide + 0.06, rows)
    x, y = sheet.x, sheet.y + 0.12
    cap, gold = 0.55 * wide, torch.tensor(GOLD)
    sheet.lay(sheet.box(-0.03, high - 0.15, 0.03, 0.98), gold, emission=gold * 0.2)
    sheet.lay(
        sheet.polygon([(-0.05, 0.68), (0.05, 0.68), (0.10, 0.99), (-0.10, 0.99)]), color * 0.7, emission=color * 0.15
    )
    ring = (sheet.ellipse(0, -high - 0.27, 0.10, 0.10) - sheet.ellipse(0, -high - 0.27, 0.055, 0.055)).clamp(min=0)
    sheet.lay(ring, gold, emission=gold * 0.15)
    along = (y / high).clamp(-0.999, 0.999)
    radius = wide * (1 - along.abs() ** power) ** (1 / power)
    ribs = 9
    wave = (along * ribs / 2 * math.pi).cos()
    radius = radius * (0.985 + 0.02 * wave)
    across = (x / radius.clamp(min=1e-3)).clamp(-0.99, 0.99)
    mask = sheet.inside(torch.maximum((x.abs() - radius) * 0.8, y.abs() - high * 0.96))
    up = (-along * 0.8 + 0.35 * (along * ribs / 2 * math.pi).sin()).clamp(-1, 1)
    normal = unit(torch.stack([across, up, -torch.sqrt(1 - across**2)]))
    rib = smoothstep(-0.97, -0.55, wave)
    core = torch.exp(-((across / 0.75) ** 2) - ((along - 0.15) / 0.7) ** 2)
    paper = color[:, None, None] * (0.55 + 0.45 * rib)
    bright = 0.72 if float(color.min()) > 0.5 else 1.0  # white paper would outshine its ribs
    shine = bright * (0.30 + 0.75 * core) * (0.30 + 0.70 * rib) * (0.22 + 0.78 * glow)
    warm = (torch.tensor(FLAME) * 0.3 + 0.3 * color)[:, None, None] * core**3 * 0.4 * glow
    sheet.lay(mask, paper * (0.95 - 0.25 * glow), normal, color[:, None, None] * shine + warm)
    flat = torch.stack([(x / cap).clamp(-0.9, 0.9), torch.full_like(x, 0.3), -torch.ones_like(x) * 0.6])
    for sign in (-1, 1):
        edges = sorted((sign * (high - 0.07) - 0.12, sign * (high + 0.06) - 0.12))
        sheet.lay(sheet.box(-cap, edges[0], cap, edges[1]), LACQUER, flat)
        trim = sorted((sign * (high - 0.07) - 0.12, sign * (high - 0.03) - 0.12))
        sheet.lay(sheet.box(-cap, trim[0], cap, trim[1]), gold, flat, gold * 0.25)
    return sheet.sprite()
