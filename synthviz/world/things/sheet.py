"""A sheet on which sprites are drawn: shapes with soft edges, colours, normals and light of their own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from torch import Tensor

from synthviz.world.sprites import Sprite
from synthviz.world.vectors import unit

Color = tuple[float, float, float]
Point = tuple[float, float]

SAMPLES = 3  # a side of a pixel, for polygons

SCREEN_COLORS: dict[str, Color] = {
    "red": (0.93, 0.12, 0.12),
    "yellow": (1.00, 0.82, 0.08),
    "green": (0.06, 0.72, 0.22),
    "blue": (0.03, 0.34, 0.98),
    "purple": (0.60, 0.13, 0.84),
    "white": (0.97, 0.97, 0.96),
}


def reflectance(color: Color) -> Tensor:
    """Convert a screen colour to the reflectance that looks like it under white light: (3,)."""
    return torch.tensor(color) ** 2.2


def pale(color: Tensor, share: float) -> Tensor:
    """Mix a colour with white."""
    return color + (0.9 - color) * share


class Sheet:
    """A sheet with coordinates: y runs from -1 at the top to 1 at the bottom, x from -aspect to aspect.

    Args:
        aspect: width divided by height.
        rows: pixels from top to bottom.
    """

    def __init__(self, aspect: float, rows: int) -> None:
        columns = round(rows * aspect)
        self.aspect, self.pixel = columns / rows, 2 / rows
        y = ((torch.arange(rows) + 0.5) / rows * 2 - 1)[:, None].expand(rows, columns)
        x = (((torch.arange(columns) + 0.5) / columns * 2 - 1) * self.aspect)[None].expand(rows, columns)
        self.x, self.y = x, y
        self._albedo = torch.zeros(3, rows, columns)
        self._alpha = torch.zeros(rows, columns)
        self._normal = torch.zeros(3, rows, columns)
        self._emission = torch.zeros(3, rows, columns)

    def inside(self, distance: Tensor) -> Tensor:
        """Turn a distance from an outline, negative inside, into coverage with a soft edge."""
        return (0.5 - distance / self.pixel).clamp(0, 1)

    def ellipse(self, x: float, y: float, wide: float, high: float) -> Tensor:
        """Return the coverage of an ellipse with these half-axes."""
        away = torch.sqrt(((self.x - x) / wide) ** 2 + ((self.y - y) / high) ** 2)
        return self.inside((away - 1) * min(wide, high))

    def box(self, left: float, top: float, right: float, bottom: float) -> Tensor:
        """Return the coverage of a rectangle."""
        across = torch.maximum(left - self.x, self.x - right)
        along = torch.maximum(top - self.y, self.y - bottom)
        return self.inside(torch.maximum(across, along))

    def polygon(self, points: Sequence[Point] | np.ndarray) -> Tensor:
        """Return the coverage of a polygon."""
        rows, columns = self.y.shape
        scale = SAMPLES / self.pixel
        corners = [((x + self.aspect) * scale, (y + 1) * scale) for x, y in points]
        large = Image.new("L", (columns * SAMPLES, rows * SAMPLES))
        ImageDraw.Draw(large).polygon(corners, fill=255)
        return torch.as_tensor(np.asarray(large.reduce(SAMPLES), np.float32) / 255)

    def swell(self, mask: Tensor, radius: float, depth: float = 1.2) -> Tensor:
        """Return the normals of a flat shape that is blown up like a cushion: (3, rows, columns).

        Args:
            mask: coverage of the shape.
            radius: how far from its outline it is curved.
            depth: how strongly.
        """
        reach = max(1, round(radius / self.pixel))
        soft = _blur(_blur(mask, reach), reach)
        around = F.pad(soft[None, None], (1, 1, 1, 1), mode="replicate")[0, 0]
        across, along = (around[1:-1, 2:] - around[1:-1, :-2]) / 2, (around[2:, 1:-1] - around[:-2, 1:-1]) / 2
        strength = depth * 2 * reach
        # Towards the outline the cushion falls: its normal points out of the shape.
        normal = torch.stack([-across * strength, along * strength, -torch.ones_like(across) * 0.7])
        return unit(normal)

    def lay(
        self, mask: Tensor, color: Tensor | Color, normal: Tensor | None = None, emission: Tensor | float = 0.0
    ) -> None:
        """Lay a shape over what is there.

        Args:
            mask: its coverage.
            color: its reflectance, (3,) or (3, rows, columns).
            normal: its normals; None faces the viewer.
            emission: light of its own, as the colour.
        """
        color = torch.as_tensor(color)
        color = color[:, None, None] if color.dim() == 1 else color
        if isinstance(emission, Tensor) and emission.dim() == 1:
            emission = emission[:, None, None]
        alpha = mask + self._alpha * (1 - mask)
        share = mask / alpha.clamp(min=1e-4)
        if normal is None:
            normal = torch.tensor([0.0, 0.1, -0.99])[:, None, None]
        self._albedo += (color - self._albedo) * share
        self._normal += (normal - self._normal) * share
        self._emission += (emission - self._emission) * share
        self._alpha = alpha

    def sprite(self) -> Sprite:
        """Return what was drawn; colours reach a little beyond the outline, so that no dark seam appears."""
        weight = self._alpha[None]
        parts = torch.cat([torch.cat([self._albedo, self._normal, self._emission]) * weight, weight])
        around = _blur(parts, 3)
        found = around[:9] / around[9:].clamp(min=1e-4)
        albedo, normal, emission = (
            torch.where(self._alpha > 0.02, own, far)
            for own, far in zip(
                (self._albedo, self._normal, self._emission), (found[:3], found[3:6], found[6:]), strict=True
            )
        )
        return Sprite(albedo, self._alpha, normal, emission)


def _blur(values: Tensor, reach: int) -> Tensor:
    """Average the values (..., H, W) over squares of 2 * reach + 1 pixels; beyond the edge they are 0."""
    window = 2 * reach + 1
    for dim in (-1, -2):
        wider = [0, 0, 0, 0]
        wider[0 if dim == -1 else 2], wider[1 if dim == -1 else 3] = reach + 1, reach
        sums = F.pad(values, wider).cumsum(dim)
        values = (sums.narrow(dim, window, values.shape[dim]) - sums.narrow(dim, 0, values.shape[dim])) / window
    return values


def smooth_outline(points: Sequence[Point], steps: int = 8) -> np.ndarray:
    """Return a closed curve through points (Catmull-Rom): (n, 2)."""
    corners = np.asarray(points, np.float64)
    before, after, later = np.roll(corners, 1, 0), np.roll(corners, -1, 0), np.roll(corners, -2, 0)
    share = np.linspace(0, 1, steps, endpoint=False)[None, :, None]
    p0, p1, p2, p3 = (values[:, None] for values in (before, corners, after, later))
    curve: np.ndarray = 0.5 * (
        2 * p1 + (p2 - p0) * share + (2 * p0 - 5 * p1 + 4 * p2 - p3) * share**2 + (3 * p1 - p0 - 3 * p2 + p3) * share**3
    )
    return curve.reshape(-1, 2)


def turned(points: np.ndarray | Sequence[Point], angle: float) -> np.ndarray:
    """Turn points around the middle of the sheet, clockwise on the screen."""
    cos, sin = np.cos(angle), np.sin(angle)
    turn = np.array([[cos, sin], [-sin, cos]])
    result: np.ndarray = np.asarray(points) @ turn
    return result
