"""Sprites: small pictures with normals that stand upright in the landscape and are lit like everything else."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.vectors import points, unit
from synthviz.world.view import View


@dataclass(frozen=True)
class Sprite:
    """The picture of a thing, seen from the side.

    Attributes:
        albedo: (3, h, w) reflectance.
        alpha: (h, w) coverage in [0, 1].
        normal: (3, h, w) unit vectors: right, up, away from the viewer (so -1 faces the viewer).
        emission: (3, h, w) light that it sends out itself; or None.
        open_sky: (h, w) share of the sky that each part sees, dark inside and below; or None for 1.
    """

    albedo: Tensor
    alpha: Tensor
    normal: Tensor
    emission: Tensor | None = None
    open_sky: Tensor | None = None


@dataclass(frozen=True)
class Standing:
    """A sprite at a place in the landscape, relative to the camera.

    Attributes:
        sprite: its picture.
        right: of its middle.
        base: height of its lower edge above the water.
        away: distance along the view.
        width: in the units of the world.
        height: in the units of the world.
        label: index into `labels.THINGS`; None takes part in what is there already.
        flip: whether it is mirrored left to right.
        floats: whether it hangs in the air; then it casts no shadow on its foot.
    """

    sprite: Sprite
    right: float
    base: float
    away: float
    width: float
    height: float
    label: int | None = None
    flip: bool = False
    floats: bool = False

    def draw(self, view: View) -> None:
        """Draw the sprite, lit and seen through the haze."""
        left, foot = view.project(self.right - self.width / 2, self.base, self.away)
        right, head = view.project(self.right + self.width / 2, self.base + self.height, self.away)
        window = view.window(left, min(foot, head), right, max(foot, head))
        if window is None or right - left < 0.4:
            return
        rows, columns = window
        u = ((torch.arange(columns.start, columns.stop) + 0.5 - left) / (right - left)) * 2 - 1
        v = ((torch.arange(rows.start, rows.stop) + 0.5 - head) / (foot - head)) * 2 - 1
        if self.flip:
            u = -u
        grid = points(u.expand(len(v), -1), v[:, None].expand(-1, len(u)))[None]
        sprite = self.sprite
        parts = [sprite.albedo, sprite.alpha[None], sprite.normal]
        parts.append(torch.ones_like(sprite.alpha)[None] if sprite.open_sky is None else sprite.open_sky[None])
        if sprite.emission is not None:
            parts.append(sprite.emission)
        texture = torch.cat(parts)[None]
        # Without smaller versions of the texture a distant sprite would glitter.
        shrink = int(min(texture.shape[-2] / max(1.0, abs(foot - head)), texture.shape[-1] / max(1.0, right - left)))
        if shrink >= 2:
            texture = F.avg_pool2d(texture, shrink)
        found = F.grid_sample(texture, grid, padding_mode="zeros", align_corners=False)[0]
        alpha = found[3]
        albedo, normal = found[:3], found[4:7]
        normal = unit(normal)
        if self.flip:
            normal = torch.stack([-normal[0], normal[1], normal[2]])
        lit = self._direct_light(view)
        color = view.illuminate(albedo, normal, lit, found[7])
        if sprite.emission is not None:
            color = color + found[8:11]
        share = view.haze_share(self.away, self.base + self.height / 2)
        haze = view.haze_color[:, rows, columns]
        view.put(rows, columns, color * (1 - share) + haze * share, alpha, self.away, self.label)

    def _direct_light(self, view: View) -> float:
        """Return how much direct light reaches the sprite; the land may cast its shadow on it."""
        if view.shadows is None or self.floats:
            return 1.0
        x, z = view.camera.to_world(torch.tensor([[self.right]]), torch.tensor([[self.away]]))
        lit, _ = view.shadows.at(x, z)
        return float(lit)
