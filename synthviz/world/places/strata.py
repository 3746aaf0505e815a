"""Layers of rock: hard ones stand as cliffs, soft ones lie as slopes; each has its colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

POINTS = 1024  # of a table
HIGHEST = 2.7  # height up to which colours are listed
# Reds, oranges and creams, as reflectances.
COLORS = (
    (0.38, 0.115, 0.045),
    (0.47, 0.160, 0.060),
    (0.52, 0.205, 0.080),
    (0.31, 0.090, 0.040),
    (0.54, 0.255, 0.115),
    (0.60, 0.350, 0.185),
    (0.42, 0.175, 0.095),
)


@dataclass(frozen=True)
class Strata:
    """The layers of one canyon.

    Attributes:
        profile: (1, 1, 1, POINTS) height from 0 to 1 along the way from the foot (0) to the rim (1).
        tower: (1, 1, 1, POINTS) the same for a butte: a slope of talus, then one cliff, then a flat top.
        colors: (1, 3, 1, POINTS) reflectance by height from 0 to HIGHEST.
        dust, dust_dark: (3, 1, 1) reflectance of what lies on flat ground.
    """

    profile: Tensor
    tower: Tensor
    colors: Tensor
    dust: Tensor
    dust_dark: Tensor

    def terrace(self, way: Tensor) -> Tensor:
        """Return heights of terraces, 0 to 1; 0 before the foot and 1 behind the rim; same shape as `way`."""
        return _look_up(self.profile, way)[0]

    def butte(self, inside: Tensor) -> Tensor:
        """Return heights of a butte, 0 to 1, by the distance from its edge; negative outside."""
        return _look_up(self.tower, inside / 1.2 + 0.6)[0]

    def color(self, height: Tensor) -> Tensor:
        """Return reflectances (3, H, W) of rock by its height (H, W)."""
        return _look_up(self.colors, height / HIGHEST)


def _look_up(table: Tensor, share: Tensor) -> Tensor:
    """Read a table (1, C, 1, POINTS) between 0 and 1; (C, *share.shape)."""
    along = (share.clamp(0, 1) * 2 - 1).reshape(1, 1, -1)
    grid = torch.stack([along, torch.zeros_like(along)], dim=-1)
    found = F.grid_sample(table, grid, padding_mode="border", align_corners=True)
    return found.reshape(table.shape[1], *share.shape)


def choose_strata(rng: np.random.Generator, brightness: float) -> Strata:
    """Choose the layers of a canyon.

    Args:
        rng: decides them.
        brightness: of all reflectances, relative to `COLORS`.
    """
    dust = brightness * np.array([0.40, 0.155, 0.060]) * rng.uniform(0.8, 1.1)
    return Strata(
        _table(_profile(rng)[None]),
        _table(_tower()[None]),
        _table(brightness * _colors(rng)),
        torch.tensor(dust, dtype=torch.float32)[:, None, None],
        torch.tensor(dust * 0.72, dtype=torch.float32)[:, None, None],
    )


def _table(values: np.ndarray) -> Tensor:
    return torch.tensor(values, dtype=torch.float32)[None, :, None, :]


def _profile(rng: np.random.Generator) -> np.ndarray:
    """Return heights (POINTS,): slopes of rubble and cliffs in turn; narrow ledges break the cliffs."""
    way, height = [0.0], [0.0]

    def climb(run: float, rise: float) -> None:
        way.append(way[-1] + run)
        height.append(height[-1] + rise)

    for _ in range(int(rng.integers(3, 6))):
        slope = float(rng.uniform(0.7, 1.5))
        climb(slope, 0.4 * slope)
        for _ in range(int(rng.integers(1, 4))):
            climb(0.05, float(rng.uniform(0.35, 0.8)))
            climb(float(rng.uniform(0.04, 0.16)), 0.03)
    steps = np.linspace(0, 1, POINTS)
    return np.interp(steps, np.array(way) / way[-1], np.array(height) / height[-1])


def _tower() -> np.ndarray:
    """Return heights (POINTS,) of a butte over distances of -0.72 to 0.48 from its edge."""
    distance = (np.linspace(0, 1, POINTS) - 0.6) * 1.2
    return np.interp(distance, [-0.6, -0.3, 0.0, 0.08, 0.12, 0.19, 0.4], [0, 0.12, 0.44, 0.76, 0.79, 0.96, 1.0])


def _colors(rng: np.random.Generator) -> np.ndarray:
    """Return reflectances (3, POINTS) of layers of random thickness."""
    palette = np.array(COLORS) * rng.uniform(0.88, 1.02, (len(COLORS), 1))
    contrast = rng.uniform(0.7, 1.1)
    palette = palette.mean(0) + contrast * (palette - palette.mean(0))
    values = np.empty((3, POINTS))
    start, previous = 0, -1
    while start < POINTS:
        thickness = int(rng.choice([12, 24, 48, 88], p=[0.3, 0.3, 0.25, 0.15]))
        chosen = int(rng.choice([i for i in range(len(palette)) if i != previous]))
        values[:, start : start + thickness] = palette[chosen][:, None]
        start, previous = start + thickness, chosen
    fine = np.convolve(rng.normal(0, 0.14, POINTS + 2), np.ones(3) / 3, "valid")
    soft = np.ones(5) / 5
    smooth = np.stack([np.convolve(np.pad(row, 2, mode="edge"), soft, "valid") for row in values])
    return np.clip(smooth * (1 + fine), 0.03, 0.9)
