"""The shape of a beach: where its shore runs, its sand, and what lies behind it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from synthviz.world.ground import Height
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.sparse import fill

Inland = Callable[[Tensor, Tensor], Tensor]  # x and z to the distance from the shore, negative in the sea


def shore(kind: str, side: float, noise: Noise, rng: np.random.Generator) -> Inland:
    """Choose where the shore runs."""
    shift = float(rng.uniform(0, 60))
    if kind == "out":
        start, slant = float(rng.uniform(0.5, 0.88)), float(rng.uniform(-0.22, 0.22))
        return lambda x, z: start + slant * x + 0.12 * noise.value(x * 0.8 + shift, z * 0.2) - z
    if kind == "along":
        start, slant = float(rng.uniform(-0.02, 0.22)), float(rng.uniform(-0.02, 0.16))

        def along(x: Tensor, z: Tensor) -> Tensor:
            bend = 0.10 * noise.value(z * 0.55 + shift, x * 0.1) + 0.5 * noise.value(z * 0.13 + shift, x * 0.05)
            return side * x - start + slant * z - bend * smoothstep(0.2, 5.0, z) + 0.22 * smoothstep(0.6, 0.0, z)

        return along
    far, wide, tip = float(rng.uniform(5.5, 7.5)), float(rng.uniform(1.4, 2.4)), float(rng.uniform(1.0, 2.6))

    def bay(x: Tensor, z: Tensor) -> Tensor:
        bulge = wide * smoothstep(0.3, 2.8, z) * smoothstep(far + 0.3, far - 2.6, z)
        cape = (wide * 0.4 + tip) * smoothstep(far - 1.8, far, z) * smoothstep(far + 3.5, far + 1.2, z)
        bend = 0.10 * noise.value(z * 0.8 + shift, x * 0.2)
        return (side * x + 0.75 - bulge + cape - bend - 0.6 * smoothstep(far + 2, far + 6, z)) * 0.8

    return bay


def profile(inland: Tensor) -> Tensor:
    """Return the height of sand at a distance from the shore: a bed that falls slowly, a flat beach, a berm."""
    land = 0.045 * inland + 0.045 * smoothstep(0.25, 0.8, inland)
    return torch.where(inland < 0, 0.115 * inland, land).clamp(-0.6, 0.16)


def ground(kind: str, side: float, noise: Noise, inland: Inland, rng: np.random.Generator) -> Height:
    """Choose the height field of a beach: the bed of the sea, sand, boulders, dunes and hills."""
    shift, tall = float(rng.uniform(0, 60)), float(rng.uniform(0.45, 1.05))
    dune = 0.14 if kind == "bay" else 0.05
    cliff = float(rng.choice([0.6, 1.5, 2.2]))
    islet = (-side * float(rng.uniform(0.5, 2.5)), float(rng.uniform(6.5, 10))) if rng.random() < 0.45 else None
    boulders = _boulders(kind, side, rng)

    def hills(d: Tensor, x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rough = noise.fbm(x * 1.1 + shift, z * 1.1 - shift, 5, 0.52, pixel * 1.1)
        back = dune * smoothstep(0.35, 1.2, d) * (0.5 + 0.5 * rough).clamp(0, 1.5)
        if kind == "out":
            return back
        steep = smoothstep(0.15, cliff, d + 0.12 * rough) if kind == "bay" else smoothstep(0.7, 3.2, d)
        broad = noise.value(x * 0.45 + shift, z * 0.45)
        high = (0.5 + 0.22 * rough + 0.3 * broad + 0.25 * smoothstep(0.5, 3, d)).clamp(min=0.05)
        return back + tall * high * steep * smoothstep(3.2, 6.5, z)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        d = inland(x, z)
        index = (d > -0.1).flatten().nonzero()[:, 0]
        points = (values.flatten()[index] for values in (d, x, z, pixel))
        sand = profile(d) + fill(hills(*points), x.shape, index, 0.0)
        for right, away, size in boulders:
            apart = ((x - right).square() + (z - away).square()) / size**2
            index = (apart < 2.5).flatten().nonzero()[:, 0]
            stone = _boulder(noise, size, *(values.flatten()[index] for values in (apart, x, z, pixel)))
            sand = sand + fill(stone, x.shape, index, 0.0)
        if kind == "out" and islet is not None:
            apart = torch.sqrt(((x - islet[0]) / 1.3).square() + (z - islet[1]).square())
            index = (apart < 1.6).flatten().nonzero()[:, 0]
            u, v, size_there = (values.flatten()[index] for values in (x, z, pixel))
            crags = noise.fbm(u * 3.1 + shift, v * 3.1, 4, 0.55, size_there * 3.1)
            bump = (0.28 + 0.32 * tall) * (1 + 0.35 * crags)
            bump = bump * smoothstep(1.0, 0.0, apart.flatten()[index] + 0.16 * crags) - 0.03
            sand = torch.maximum(sand, fill(bump, x.shape, index, -1.0))
        return sand

    return height


def _boulder(noise: Noise, size: float, apart: Tensor, x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
    """Return the height of a boulder above the sand at points (N,); `apart` is 1 at its edge."""
    lump = noise.fbm(x * 5.0, z * 5.0, 4, 0.55, pixel * 5.0)
    return size * (0.7 + 0.08 * lump) * smoothstep(1.05, 0.1, apart + 0.2 * lump)


def _boulders(kind: str, side: float, rng: np.random.Generator) -> list[tuple[float, float, float]]:
    """Choose boulders at the water's edge: right, away and size of each."""
    if kind == "bay" or rng.random() < 0.6:
        return []
    boulders = []
    for _ in range(int(rng.integers(2, 6))):
        away = float(rng.uniform(0.9, 2.4))
        right = side * (away * rng.uniform(0.15, 0.5)) if kind == "out" else side * rng.uniform(0.1, 0.5)
        boulders.append((float(right), away, float(rng.uniform(0.05, 0.15))))
    return boulders
