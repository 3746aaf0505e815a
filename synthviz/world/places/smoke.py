"""Smoke that rises from a chimney and drifts away."""

from __future__ import annotations

import numpy as np
import torch

from synthviz.world.noise import Noise, smoothstep
from synthviz.world.sprites import Sprite, Standing
from synthviz.world.vectors import evenly_spaced

ROWS, COLUMNS = 96, 64


def smoke(noise: Noise, rng: np.random.Generator, right: float, height: float, away: float) -> Standing:
    """Let smoke rise.

    Args:
        noise: of the scene.
        rng: decides its drift.
        right: of the chimney's mouth.
        height: of the chimney's mouth.
        away: of the chimney's mouth.
    """
    shift = float(rng.uniform(0, 60))
    u = evenly_spaced(-1, 1, COLUMNS).expand(ROWS, COLUMNS)
    up = evenly_spaced(1, 0, ROWS)[:, None].expand(ROWS, COLUMNS)
    drift = 0.75 * up**1.5 + 0.16 * up * noise.value(up * 4 + shift, up * 0) - 0.35 * up
    across = (u - drift) / (0.09 + 0.34 * up)
    puffs = noise.fbm(u * 2.2 + shift, up * 4, 4, 0.55)
    body = 1 - across.square() + 0.35 * puffs
    alpha = smoothstep(0.0, 0.9, body) * (1 - up) ** 0.8 * 0.75 * smoothstep(0.0, 0.04, up)
    normal = torch.stack([across.clamp(-1, 1) * 0.7, 0.55 + 0.2 * puffs, torch.full_like(u, -0.6)])
    albedo = torch.full((3, ROWS, COLUMNS), 0.62)
    tall = float(rng.uniform(0.32, 0.5))
    sprite = Sprite(albedo, alpha, normal / normal.norm(dim=0))
    flip = bool(rng.random() < 0.5)
    return Standing(sprite, right, height, away, 0.66 * tall, tall, None, flip, floats=True)
