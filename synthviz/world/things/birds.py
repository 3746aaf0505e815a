"""Birds in flight as sprites: long slim wings in any beat, seen from any side, a little from below."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthviz.world.noise import smoothstep
from synthviz.world.sprites import Sprite
from synthviz.world.things.sheet import Sheet, pale
from synthviz.world.vectors import unit

Fit = Callable[[np.ndarray], np.ndarray]

BEAK = (0.80, 0.36, 0.04)
EYE = (0.01, 0.01, 0.015)
TIP = 0.16  # reflectance of the tips of the wings relative to the rest
# Angles of the inner and outer half of the wings above the horizon in radians, and how often they are seen.
BEATS = (
    ((0.26, -0.12), 0.30),  # gliding
    ((0.14, 0.10), 0.15),  # gliding with straight wings
    ((0.75, 0.42), 0.20),  # wings up
    ((0.48, -0.20), 0.15),  # on their way down
    ((-0.22, -0.62), 0.20),  # wings down
)
WRIST = 0.44  # where a wing bends, as a share of its length
# Along the body, where the wings are at 0 and half their span is 1: places and radii from the tail to the head.
SPINE = ((-0.40, 0.020), (-0.30, 0.045), (-0.16, 0.078), (0.02, 0.098), (0.14, 0.092), (0.25, 0.066), (0.34, 0.068),
         (0.39, 0.050))  # fmt: skip
NARROWEST = 1.1  # width of a sprite relative to its height


@dataclass(frozen=True)
class Flight:
    """How a bird flies and is seen.

    Attributes:
        course: in radians: 0 to the right, a quarter turn towards the viewer, a half turn to the left.
        below: angle from below which it is seen.
        climb: angle at which it climbs.
        roll: angle to which it leans.
    """

    course: float
    below: float
    climb: float
    roll: float

    def project(self, forward: np.ndarray, up: np.ndarray, right: np.ndarray) -> np.ndarray:
        """Turn points of the bird into points of the view: (n, 3) right, down, away."""
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        up, right = cos * up - sin * right, cos * right + sin * up
        cos, sin = math.cos(self.climb), math.sin(self.climb)
        forward, up = cos * forward - sin * up, cos * up + sin * forward
        cos, sin = math.cos(self.course), math.sin(self.course)
        x, away = cos * forward - sin * right, -sin * forward - cos * right
        cos, sin = math.cos(self.below), math.sin(self.below)
        return np.stack([x, sin * away - cos * up, cos * away + sin * up], -1)


def choose_course(rng: np.random.Generator) -> float:
    """Choose the course of a flock: across the picture or towards the viewer; in between, the head hides a wing."""
    course = float(rng.uniform(*((-0.2, 0.45) if rng.random() < 0.55 else (1.0, 1.55))))
    return course if rng.random() < 0.5 else math.pi - course


def bird(color: Tensor, rows: int, course: float, rng: np.random.Generator) -> Sprite:
    """Draw a bird in flight.

    Args:
        color: reflectance of its feathers, (3,).
        rows: about the square root of the number of points.
        course: of its flock, as in `Flight`.
        rng: chooses the beat of its wings.
    """
    chances = np.array([chance for _, chance in BEATS])
    inner, outer = BEATS[int(rng.choice(len(BEATS), p=chances / chances.sum()))][0]
    inner, outer = inner + float(rng.normal(0, 0.06)), outer + float(rng.normal(0, 0.08))
    course += float(rng.normal(0, 0.12))
    flight = Flight(course, rng.uniform(0.32, 0.6), rng.normal(0.05, 0.08), rng.normal(0, 0.16))
    wings = [_wing(flight, side, inner, outer) for side in (-1, 1)]
    wings.sort(key=lambda wing: -wing[:, 2].mean())  # the farther one first
    spine, radii = _spine(flight)
    tail = flight.project(
        np.array([-0.30, -0.62, -0.56, -0.62, -0.30]), np.zeros(5), np.array([-0.03, -0.11, 0.0, 0.11, 0.03])
    )
    beak = flight.project(np.array([0.40, 0.40, 0.52]), np.array([0.03, -0.02, -0.01]), np.zeros(3))
    round_body = spine[:, None, :2] + radii[:, None, None] * np.array([[0, -1], [0, 1], [-1, 0], [1, 0]])
    corners = np.concatenate([round_body.reshape(-1, 2), *(part[:, :2] for part in (*wings, tail, beak))])
    sheet, fit = _fitting_sheet(corners, rows)
    _lay_wing(sheet, fit, wings[0], color, 0.82)
    _lay_part(sheet, fit(tail), 0.72 * color)
    _lay_body(sheet, fit, spine, radii, color)
    sheet.lay(sheet.polygon(fit(beak)), BEAK)
    _lay_wing(sheet, fit, wings[1], color, 0.95)
    return sheet.sprite()


def _fitting_sheet(corners: np.ndarray, rows: int) -> tuple[Sheet, Fit]:
    """Return a sheet around the bird, and what turns points of the view, (n, 2 or 3), into points on it."""
    low, high = corners.min(0) - 0.03, corners.max(0) + 0.03
    wide, tall = high - low
    tall = max(tall, 0.3 * wide)
    aspect = max(wide / tall, NARROWEST)
    middle = (low + high) / 2
    return Sheet(aspect, round(rows / math.sqrt(aspect))), lambda points: (points[:, :2] - middle) * 2 / tall


def _wing(flight: Flight, side: int, inner: float, outer: float) -> np.ndarray:
    """Return the outline of a wing in the view, (2 n, 3): its front edge outwards, its rear edge back."""
    share = np.linspace(0, 1, 15)
    angle = inner + (outer - inner) * np.clip((share - WRIST + 0.14) / 0.28, 0, 1)
    step = np.diff(share, prepend=0.0)
    out, up = 0.05 + np.cumsum(step * np.cos(angle)), 0.05 + np.cumsum(step * np.sin(angle))
    beyond = np.clip((share - WRIST) / (1 - WRIST), 0, 1)
    front = 0.13 + 0.10 * np.sin(np.clip(share / WRIST, 0, 1) * math.pi / 2) - 0.42 * beyond**1.5
    chord = (0.27 - 0.03 * np.clip(share / WRIST, 0, 1)) * np.clip(1 - beyond**1.7, 0, 1) ** 0.85
    edges = [flight.project(place, up, side * out) for place in (front, front - chord)]
    return np.concatenate([edges[0], edges[1][::-1]])


def _spine(flight: Flight) -> tuple[np.ndarray, np.ndarray]:
    """Return places along the body in the view, (n, 3), and its radii there."""
    places, radii = np.array(SPINE).T
    along = np.linspace(places[0], places[-1], 18)
    lift = 0.02 * np.clip(along / 0.3, 0, 1) ** 2
    return flight.project(along, lift, np.zeros_like(along)), np.interp(along, places, radii)


def _lay_wing(sheet: Sheet, fit: Fit, wing: np.ndarray, color: Tensor, shade: float) -> None:
    """Lay the halves of a wing, each with its own slope, its tip dark and its rear feathers a little darker."""
    count = len(wing) // 2
    outline = fit(wing)
    bend = round(WRIST * count)
    for first, last in ((bend - 1, count), (0, bend + 1)):
        part = np.concatenate([outline[first:last], outline[::-1][first:last][::-1]])
        front, rear = wing[first:last], wing[::-1][first:last]
        across, along = (front - rear).mean(0), wing[last - 1] - wing[first]
        flat = np.cross(across, along)
        flat = flat / max(np.linalg.norm(flat), 1e-6) * (-1 if flat[2] > 0 else 1)
        mask = sheet.polygon(part)
        normal = torch.tensor([flat[0], -flat[1], flat[2]], dtype=torch.float32)[:, None, None]
        reach = np.linalg.norm(outline[count - 1] - outline[0])
        out = torch.hypot(sheet.x - float(outline[0, 0]), sheet.y - float(outline[0, 1])) / float(reach)
        tone = shade * (1 - (1 - TIP) * smoothstep(0.74, 0.86, out))
        sheet.lay(mask, color[:, None, None] * tone, unit(0.8 * normal + 0.5 * sheet.swell(mask, 0.07)))


def _lay_part(sheet: Sheet, outline: np.ndarray, color: Tensor) -> None:
    mask = sheet.polygon(outline)
    sheet.lay(mask, color, sheet.swell(mask, 0.08))


def _lay_body(sheet: Sheet, fit: Fit, spine: np.ndarray, radii: np.ndarray, color: Tensor) -> None:
    """Lay the body, round and paler below, with an eye where it is seen from the side."""
    scale = float(np.linalg.norm(fit(np.eye(3))[0] - fit(np.zeros((1, 3)))[0]))
    middle = torch.as_tensor(fit(spine), dtype=torch.float32)[:, :, None, None]
    radius = torch.as_tensor(radii * scale, dtype=torch.float32)[:, None, None]
    away = torch.hypot(sheet.x - middle[:, 0], sheet.y - middle[:, 1]) - radius
    mask = sheet.inside(away.amin(0))
    normal = sheet.swell(mask, 0.09 * scale)
    below = smoothstep(0.1, -0.6, normal[1])
    feathers = color[:, None, None] + (pale(color, 0.22)[:, None, None] - color[:, None, None]) * below
    sheet.lay(mask, feathers, normal)
    eye = fit(spine)[-3] + np.array([0.0, -0.25 * radii[-3] * scale])
    if abs(spine[-1, 0] - spine[0, 0]) > 0.45:
        sheet.lay(sheet.ellipse(float(eye[0]), float(eye[1]), 0.018 * scale, 0.018 * scale), EYE)
