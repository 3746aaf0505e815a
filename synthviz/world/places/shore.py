"""What light does on sand: wet sand mirrors the sky, palms cast their shadows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.filters import enlarge
from synthviz.world.labels import LABELS
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.sprites import Standing
from synthviz.world.vectors import points, unit
from synthviz.world.view import View


def ground_below(view: View, step: int = 1) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return what the pixels show of the ground: right, height, away, and a mask of ground, each (h, w).

    Args:
        view: with the ground in it.
        step: 2 for every second row and column.
    """
    camera = view.camera
    away = view.depth[::step, ::step].clamp(max=1e3)
    right = camera.columns(view.size)[::step][None, :] * away
    height = camera.height + camera.rows(view.size)[::step][:, None] * away
    return right, height, away, view.labels[::step, ::step] == LABELS["place"]


@dataclass(frozen=True)
class WetSand:
    """A mirror of water that the last wave has left on the sand.

    Attributes:
        noise: of the scene.
        top: height up to which the sand is wet.
    """

    noise: Noise
    top: float = 0.02

    def draw(self, view: View) -> None:
        """Let wet sand mirror the sky."""
        if view.mirrored:
            return
        right, height, away, ground = ground_below(view, 2)
        x, z = view.camera.to_world(right, away)
        ragged = self.noise.value(x * 3.1, z * 3.1) * 0.003
        wet = smoothstep(self.top, self.top * 0.3, height + ragged) * ground
        direction = view.directions[:, ::2, ::2]
        facing = (-direction[1]).clamp(0.02, 1)
        tilt = 0.02 * self.noise.value(x * 9, z * 22)
        reflected = torch.stack([direction[0], facing + tilt.abs(), direction[2]])
        mirrored = view.sky.view(unit(reflected), 8 * view.camera.width / view.size)
        share = wet * (0.16 + 0.84 * (1 - facing) ** 4) * 0.85
        share = share * torch.exp(-away * view.haze)
        layers = enlarge(torch.cat([mirrored, share[None]]))
        view.color.lerp_(layers[:3], layers[3] * (view.labels == LABELS["place"]))


@dataclass(frozen=True)
class TreeShadow:
    """The shadows of trees on the ground before and behind them.

    Attributes:
        trees: which cast them.
        darkness: share of the light that a full shadow takes away in a clear sky.
    """

    trees: tuple[Standing, ...]
    darkness: float = 0.55

    def draw(self, view: View) -> None:
        """Darken the ground where the trees stand in the light."""
        light = view.light
        if view.mirrored or not self.trees:
            return
        right, height, away, ground = ground_below(view, 2)
        sideways, upward, forward = (float(value) for value in light.direction)
        flat = math.hypot(sideways, forward)
        sideways, forward = sideways / flat, forward / flat
        rise = max(upward / flat, 0.12)
        free = torch.ones_like(right)
        for tree in self.trees:
            if tree.away > 4:
                continue
            across, along = tree.right - right, tree.away - away
            toward = sideways * across + forward * along  # how far the tree stands towards the light
            u = 2 * (forward * across - sideways * along) / tree.width
            v = 1 - 2 * (height - tree.base + toward * rise) / tree.height
            grid = points(-u if tree.flip else u, v)[None]
            covered = F.grid_sample(tree.sprite.alpha[None, None], grid, align_corners=False)[0, 0]
            free = free * (1 - covered * (toward > -0.01))
        shade = (
            (1 - free)
            * ground
            * self.darkness
            * min(1.0, 2.5 * rise)
            * max(0.0, 1 - 2.2 * view.sky.veil)
            * (0.5 if light.is_moon else 1.0)
        )
        shade = enlarge(shade[None])[0]
        view.color *= 1 - shade * torch.tensor([1.0, 0.9, 0.78])[:, None, None]
