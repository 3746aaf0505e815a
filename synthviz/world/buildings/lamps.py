"""Lamps: small soft lights in the air, on spires and along streets."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from synthviz.world.light import Color
from synthviz.world.view import View


@dataclass(frozen=True)
class Lamp:
    """A light with a soft halo, relative to the camera.

    Attributes:
        right: sideways from the camera.
        height: above the water.
        away: along the view.
        radius: of the bright middle; a lamp is drawn at least about two pixels wide.
        color: light of the middle.
        stretch: how much longer than high it is.
    """

    right: float
    height: float
    away: float
    radius: float
    color: Color
    stretch: float = 1.0

    def scaled(self, factor: float) -> Lamp:
        """Return the lamp `factor` times as large and as far from the viewer's foot."""
        return replace(
            self,
            right=self.right * factor,
            height=self.height * factor,
            away=self.away * factor,
            radius=self.radius * factor,
        )

    def draw(self, view: View) -> None:
        """Add the light to the view, where nothing nearer hides it."""
        column, row = view.project(self.right, self.height, self.away)
        size = max(view.size / 300, self.radius * view.pixels_per_unit(self.away))
        wide = 3.2 * size * self.stretch
        window = view.window(column - wide, row - 3.2 * size, column + wide, row + 3.2 * size)
        if window is None:
            return
        rows, columns = window
        u = (torch.arange(columns.start, columns.stop) + 0.5 - column) / (size * self.stretch)
        v = (torch.arange(rows.start, rows.stop) + 0.5 - row) / size
        distance = u.square()[None] + v.square()[:, None]
        strength = torch.exp(-1.6 * distance) + 0.12 * torch.exp(-0.35 * distance)
        share = view.haze_share(self.away, self.height)
        strength = strength * (view.depth[rows, columns] >= self.away - 0.1) * (1 - share)
        view.color[:, rows, columns] += torch.tensor(self.color)[:, None, None] * strength
