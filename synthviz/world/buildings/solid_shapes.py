"""The shapes of solids, and where rays enter and leave them.

A point on a ray lies `away` in front of the viewer, `right * away` beside him and `up * away` above his eye; all
positions are relative to the camera, heights are above the water. Every function returns distances along the view.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from synthviz.world.view import View

FAR = 1e6
SHAPE = ("turn", "twist", "square", "profile", "sway")  # what does not grow with the size of a solid


@dataclass(frozen=True)
class Rays:
    """The rays of a part of the picture.

    Attributes:
        eye: height from which they start; below the water in a mirrored view.
        right: (columns,) sideways slopes.
        up: (rows,) upward slopes.
        pixel: size of a pixel at distance 1.
    """

    eye: float
    right: Tensor
    up: Tensor
    pixel: float

    @classmethod
    def of(cls, view: View) -> Rays:
        """Return the rays of a whole view; a mirrored one looks up from below the water."""
        camera, size = view.camera, view.size
        sign = -1.0 if view.mirrored else 1.0
        return cls(sign * camera.height, camera.columns(size), sign * camera.rows(size), 2 * camera.width / size)

    def cut(self, rows: slice, columns: slice) -> Rays:
        """Return the rays of a rectangle."""
        return Rays(self.eye, self.right[columns], self.up[rows], self.pixel)


@dataclass(frozen=True)
class Solid:
    """An upright convex solid.

    Attributes:
        right: of its middle, relative to the camera.
        base: height of its foot above the water.
        away: of its middle along the view.
        height: from foot to head.
    """

    right: float
    base: float
    away: float
    height: float

    @property
    def reach(self) -> float:
        """Radius of an upright cylinder around the solid."""
        raise NotImplementedError

    def scaled(self, factor: float) -> Solid:
        """Return the solid `factor` times as large and as far from the viewer's foot."""
        sizes = {entry.name: getattr(self, entry.name) * factor for entry in fields(self) if entry.name not in SHAPE}
        return replace(self, **sizes)

    def cast(self, rays: Rays) -> tuple[Tensor, Tensor]:
        """Return where rays enter and leave the walls, (rows or 1, columns) each; without floor and roof."""
        raise NotImplementedError

    def window(self, view: View) -> tuple[slice, slice] | None:
        """Return the rows and columns in which the solid can be seen; None if there are none."""
        reach = self.reach
        if self.away + reach < 0.06:
            return None
        near, far = max(0.06, self.away - reach), self.away + reach
        corners = [
            view.project(right, height, away)
            for right in (self.right - reach, self.right + reach)
            for height in (self.base, self.base + self.height)
            for away in (near, far)
        ]
        columns, rows = [corner[0] for corner in corners], [corner[1] for corner in corners]
        return view.window(min(columns), min(rows), max(columns), max(rows))


@dataclass(frozen=True)
class Box(Solid):
    """A box, which may become narrower upwards.

    Attributes:
        width: of the foot, along its own right.
        depth: of the foot, along its own away.
        top_width: of the head; 0 makes a ridge that runs along its own away.
        top_depth: of the head.
        turn: about the vertical axis, in radians, from right towards away.
    """

    width: float
    depth: float
    top_width: float
    top_depth: float
    turn: float

    @property
    def reach(self) -> float:
        """Radius of an upright cylinder around the box."""
        return 0.5 * math.hypot(max(self.width, self.top_width), max(self.depth, self.top_depth))

    def cast(self, rays: Rays) -> tuple[Tensor, Tensor]:
        """Return where rays enter and leave the four walls."""
        cos, sin = math.cos(self.turn), math.sin(self.turn)
        across = (cos, sin, self.width / 2, self.top_width / 2)
        along = (-sin, cos, self.depth / 2, self.top_depth / 2)
        enter, leave = self._between(rays, *across)
        enter_too, leave_too = self._between(rays, *along)
        return torch.maximum(enter, enter_too), torch.minimum(leave, leave_too)

    def _between(self, rays: Rays, axis_x: float, axis_z: float, half: float, top: float) -> tuple[Tensor, Tensor]:
        """Return where rays enter and leave the space between two opposite walls."""
        speed = (axis_x * rays.right + axis_z)[None]
        middle = axis_x * self.right + axis_z * self.away
        if half == top:  # upright walls: parallel planes
            speed = torch.where(speed.abs() < 1e-5, torch.full_like(speed, 1e-5), speed)
            one, other = (middle - half) / speed, (middle + half) / speed
            return torch.minimum(one, other), torch.maximum(one, other)
        lean = (half - top) / self.height
        room = half + lean * (self.base - rays.eye)
        enter, leave = _half_space(speed + lean * rays.up[:, None], room + middle)
        enter_too, leave_too = _half_space(-speed + lean * rays.up[:, None], room - middle)
        return torch.maximum(enter, enter_too), torch.minimum(leave, leave_too)


def _half_space(speed: Tensor, room: float) -> tuple[Tensor, Tensor]:
    """Return where a ray that leaves a half-space with this speed enters it and leaves it."""
    speed = torch.where(speed.abs() < 1e-6, torch.full_like(speed, 1e-6), speed)
    border = room / speed
    leaving = speed > 0
    return border.masked_fill(leaving, -FAR), border.masked_fill(~leaving, FAR)


@dataclass(frozen=True)
class Cylinder(Solid):
    """An upright cylinder, or a cone if its head has another radius.

    Attributes:
        radius: of the foot.
        top_radius: of the head.
    """

    radius: float
    top_radius: float

    @property
    def reach(self) -> float:
        """Radius of an upright cylinder around the solid."""
        return max(self.radius, self.top_radius)

    def cast(self, rays: Rays) -> tuple[Tensor, Tensor]:
        """Return where rays enter and leave the round wall."""
        lean = (self.radius - self.top_radius) / self.height
        rest = self.radius + lean * (self.base - rays.eye)
        right = rays.right[None]
        square = right * right + 1
        half = right * self.right + self.away
        if lean:
            up = lean * rays.up[:, None]
            square, half = (square - up * up).clamp(min=1e-5), half - rest * up
        return roots(square, half, self.right**2 + self.away**2 - rest * rest)


@dataclass(frozen=True)
class Ellipsoid(Solid):
    """A round solid, wide or tall.

    Attributes:
        radius: sideways, at half its height.
    """

    radius: float

    @property
    def reach(self) -> float:
        """Radius of an upright cylinder around the solid."""
        return self.radius

    def cast(self, rays: Rays) -> tuple[Tensor, Tensor]:
        """Return where rays enter and leave the ellipsoid."""
        around, upright = 1 / self.radius**2, 4 / self.height**2
        lift = self.base + self.height / 2 - rays.eye
        right, up = rays.right[None], rays.up[:, None]
        square = (right * right + 1) * around + up * up * upright
        half = (right * self.right + self.away) * around + up * (lift * upright)
        return roots(square, half, (self.right**2 + self.away**2) * around + lift * lift * upright - 1)


def roots(square: Tensor, half: Tensor, rest: Tensor | float) -> tuple[Tensor, Tensor]:
    """Return where square * t**2 - 2 * half * t + rest is 0; the first beyond the second where it never is."""
    below = half * half - square * rest
    root = below.clamp(min=0).sqrt() / square
    middle = half / square
    missed = below <= 0
    return (middle - root).masked_fill(missed, FAR), (middle + root).masked_fill(missed, -FAR)


def box(
    right: float,
    base: float,
    away: float,
    width: float,
    height: float,
    depth: float,
    turn: float = 0.0,
    taper: float = 1.0,
) -> Box:
    """Return a box whose head is `taper` times as wide and deep as its foot."""
    return Box(right, base, away, height, width, depth, width * taper, depth * taper, turn)


def gable(right: float, base: float, away: float, width: float, height: float, depth: float, turn: float = 0.0) -> Box:
    """Return a gable roof: its ridge runs along its own away, its triangles face its own front."""
    return Box(right, base, away, height, width, depth, 0.0, depth, turn)


def cylinder(
    right: float, base: float, away: float, radius: float, height: float, top_radius: float | None = None
) -> Cylinder:
    """Return a cylinder; with `top_radius` a cone or a part of one."""
    return Cylinder(right, base, away, height, radius, radius if top_radius is None else top_radius)


def dome(right: float, foot: float, away: float, radius: float, height: float) -> Ellipsoid:
    """Return a dome over a round foot; its lower half lies hidden below the foot."""
    return Ellipsoid(right, foot - height, away, 2 * height, radius)
