"""An arch of rock: a natural bridge, painted once as a sprite with the strata of its canyon."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.strata import Strata
from synthviz.world.sprites import Sprite
from synthviz.world.vectors import evenly_spaced

ROWS, COLUMNS = 192, 256


def rock_arch(noise: Noise, rng: np.random.Generator, strata: Strata, tall: float) -> Sprite:
    """Paint an arch that stands on two legs.

    Args:
        noise: of the scene.
        rng: decides the shape.
        strata: whose colours the arch shows.
        tall: height of the arch in the world.
    """
    shift = float(rng.uniform(0, 60))
    u = evenly_spaced(-1, 1, COLUMNS).expand(ROWS, COLUMNS)
    v = evenly_spaced(1, 0, ROWS)[:, None].expand(ROWS, COLUMNS)
    rough = noise.fbm(u * 2.2 + shift, v * 2.2, 5, 0.5)
    layers = noise.value(v * 9 + shift, u * 0.4)  # soft layers stand back
    inside = _inside(u, v, rng) + 0.035 * rough + 0.012 * layers
    relief = _relief(inside) + 0.035 * rough + 0.03 * layers
    slope_v, slope_u = torch.gradient(relief, spacing=(2 / COLUMNS, 2 / COLUMNS))
    normal = torch.stack([-slope_u, slope_v, -torch.ones_like(u)])
    albedo = strata.color((v * tall + 0.03 * rough + 0.4).clamp(min=0)) * (1 + 0.16 * rough)
    open_sky = (0.55 + 0.45 * smoothstep(0.0, 0.14, inside)) * (0.75 + 0.25 * smoothstep(0.0, 0.3, v))
    return Sprite(albedo.clamp(0, 1), smoothstep(0.0, 0.02, inside), normal / normal.norm(dim=0), open_sky=open_sky)


def _inside(u: Tensor, v: Tensor, rng: np.random.Generator) -> Tensor:
    """Return how far each point lies inside the arch (rows, columns); negative outside."""
    lean = float(rng.uniform(-0.12, 0.12))
    wide, high = float(rng.uniform(0.46, 0.58)), float(rng.uniform(0.58, 0.7))
    power = float(rng.uniform(2.2, 3.4))
    # The legs spread towards the ground.
    spread = 0.86 + 0.12 * (1 - v) ** 3
    outer = 1 - ((u.abs() / spread) ** power + (v / 0.95) ** power) ** (1 / power)
    hole = torch.sqrt(((u - lean) / wide) ** 2 + (v / high) ** 2) - 1
    return torch.minimum(0.85 * outer, 0.5 * hole)


def _relief(inside: Tensor) -> Tensor:
    """Return how far the rock bulges towards the viewer: round at its edges."""
    share = (inside / 0.16).clamp(0, 1)
    return 0.17 * torch.sqrt((1 - (1 - share) ** 2).clamp(min=1e-4))
