"""Lamps on spires and along streets, and trails of light that aircraft draw through the air."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from synthviz.world.light import Color
from synthviz.world.view import View

PIECES = 14  # straight pieces of which a trail is drawn


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


@dataclass(frozen=True)
class Trail:
    """The light that a stream of aircraft draws through the air: a soft arc that fades towards its beginning.

    Attributes:
        begin, bend, end: right, height and away of the points of a quadratic Bezier curve.
        color: light at its end.
    """

    begin: tuple[float, float, float]
    bend: tuple[float, float, float]
    end: tuple[float, float, float]
    color: Color

    def scaled(self, factor: float) -> Trail:
        """Return the trail `factor` times as large and as far from the viewer's foot."""
        begin, bend, end = (tuple(factor * part for part in point) for point in (self.begin, self.bend, self.end))
        return Trail((begin[0], begin[1], begin[2]), (bend[0], bend[1], bend[2]), (end[0], end[1], end[2]), self.color)

    def at(self, share: float) -> tuple[float, float, float]:
        """Return right, height and away of a point, from 0 at the beginning to 1 at the end."""
        one, two, three = (1 - share) ** 2, 2 * share * (1 - share), share * share
        points = zip(self.begin, self.bend, self.end, strict=True)
        right, height, away = (one * a + two * b + three * c for a, b, c in points)
        return right, height, away

    def draw(self, view: View) -> None:
        """Add the light to the view, where nothing nearer hides it."""
        points = [self.at(number / PIECES) for number in range(PIECES + 1)]
        places = [view.project(*point) for point in points]
        wide = view.size / 280
        for number in range(PIECES):
            (x0, y0), (x1, y1), away = places[number], places[number + 1], points[number][2]
            window = view.window(min(x0, x1), min(y0, y1) - 3 * wide, max(x0, x1), max(y0, y1) + 3 * wide)
            if window is None:
                continue
            rows, columns = window
            across = torch.arange(columns.start, columns.stop) + 0.5
            inside = (across > min(x0, x1)) & (across <= max(x0, x1))
            share = (across - x0) / (x1 - x0)
            off = (torch.arange(rows.start, rows.stop) + 0.5)[:, None] - (y0 + share * (y1 - y0))
            tilt = (1 + ((y1 - y0) / (x1 - x0)) ** 2) ** 0.5
            distance = (off / (wide * tilt)).square()
            glow = torch.exp(-1.8 * distance) + 0.15 * torch.exp(-0.4 * distance)
            fade = ((number + share) / PIECES) ** 1.5 * inside * (1 - view.haze_share(away, points[number][1]))
            shown = view.depth[rows, columns] >= away
            view.color[:, rows, columns] += torch.tensor(self.color)[:, None, None] * (glow * fade * shown)
