"""A view: the picture that is being painted, with the depth and the name of what every pixel shows.

The same code paints a second view for water: the mirror image, in the rows where the water lies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.light import Light
from synthviz.world.shadows import Shadows
from synthviz.world.sky import Sky, mix, paint_color
from synthviz.world.vectors import along


@dataclass
class View:
    """A picture in progress.

    Attributes:
        camera: from where.
        light: of the hour.
        sky: over the scene.
        shadows: of the land; None if there is no land.
        haze: how much air lies between viewer and land: the share of light lost in a distance of 1 near the ground.
        directions: (3, H, W) unit vectors of the pixels.
        haze_color: (3, H, W) light of the air in the direction of each pixel.
        color: (3, H, W) linear light.
        depth: (H, W) distance along the view.
        labels: (H, W) uint8, index into `labels.THINGS`.
        mirrored: whether this is the mirror image in water at height 0.
        wet: whether rain wets the ground.
    """

    camera: Camera
    light: Light
    sky: Sky
    shadows: Shadows | None
    haze: float
    directions: Tensor
    haze_color: Tensor
    color: Tensor
    depth: Tensor
    labels: Tensor
    mirrored: bool = False
    wet: bool = False

    @property
    def size(self) -> int:
        """Rows and columns."""
        return self.color.shape[-1]

    def project(self, right: float, height: float, away: float) -> tuple[float, float]:
        """Return the column and row, in pixels from the top left corner, of a point relative to the camera.

        Args:
            right: sideways from the camera.
            height: above the water.
            away: along the view.
        """
        camera = self.camera
        slope = ((-height if self.mirrored else height) - camera.height) / away
        column = (right / away / camera.width + 1) / 2 * self.size
        row = (camera.horizon - slope / (2 * camera.width)) * self.size
        return column, row

    def pixels_per_unit(self, away: float) -> float:
        """Return the size in pixels of a length of 1 at a distance."""
        return self.size / (2 * self.camera.width * away)

    def haze_share(self, depth: Tensor | float, height: Tensor | float) -> Tensor:
        """Return how much of the light is the air's: 0 near the viewer, 1 far away; less high up."""
        depth, height = torch.as_tensor(depth), torch.as_tensor(height).clamp(min=0)
        thinner = torch.exp(-(height + max(0.0, self.camera.height)) * 0.45)
        return 1 - torch.exp(-depth.clamp(max=1e4) * self.haze * thinner)

    def illuminate(self, albedo: Tensor, normal: Tensor, lit: Tensor | float, open_sky: Tensor | float) -> Tensor:
        """Return the light that a matt surface sends to the viewer.

        Args:
            albedo: (3, H, W) reflectance.
            normal: (3, H, W) unit vectors: right, up, away from the viewer.
            lit: share of the direct light that reaches it.
            open_sky: share of the sky that it sees.
        """
        light, veil = self.light, self.sky.veil
        direct = along(normal, light.direction).clamp(min=0) * lit * (1 - 0.92 * veil)
        up = normal[1] * 0.5 + 0.5
        ambient = mix(paint_color(light.ambient_low), paint_color(light.ambient_high), up)
        if veil:
            ambient = mix(ambient, ambient.mean(0, keepdim=True), 0.6) * (1.25 - 0.6 * veil)
        bounce = 0.12 * paint_color(light.key) * max(0.15, float(light.direction[1])) * (1 - up)
        found = (ambient * (0.8 * open_sky)).addcmul_(paint_color(light.key), direct)
        return albedo * found.add_(bounce)

    def put(
        self, rows: slice, columns: slice, color: Tensor, alpha: Tensor, depth: Tensor | float, label: int | None
    ) -> None:
        """Lay colours over a part of the picture, where nothing nearer is there already.

        Args:
            rows: of the part.
            columns: of the part.
            color: (3, h, w) linear light, haze included.
            alpha: (h, w) in [0, 1].
            depth: of what is laid, (h, w) or one number.
            label: index into `labels.THINGS`; None keeps the labels that are there.
        """
        behind = self.depth[rows, columns]
        depth = torch.as_tensor(depth, dtype=behind.dtype).expand_as(behind)
        alpha = alpha * (depth <= behind)
        self.color[:, rows, columns].lerp_(color, alpha)
        solid = alpha > 0.5
        torch.where(solid, depth, behind, out=behind)
        if label is not None:
            self.labels[rows, columns].masked_fill_(solid, label)

    def window(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice] | None:
        """Return the rows and columns of a rectangle, cut to the picture; None if nothing of it is inside."""
        columns = slice(max(0, math.floor(left)), min(self.size, math.ceil(right)))
        rows = slice(max(0, math.floor(top)), min(self.size, math.ceil(bottom)))
        if columns.start >= columns.stop or rows.start >= rows.stop:
            return None
        return rows, columns
