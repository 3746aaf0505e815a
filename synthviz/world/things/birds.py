"""Birds in flight as sprites: from the side, from the front, and soaring overhead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthviz.world.sprites import Sprite
from synthviz.world.things.sheet import Point, Sheet, pale, smooth_outline, turned

BEAK = torch.tensor([0.85, 0.32, 0.03])
EYE = torch.tensor([0.01, 0.01, 0.015])


@dataclass(frozen=True)
class Part:
    """A part of a bird: its outline, how bright it is and how round."""

    outline: tuple[Point, ...]
    shade: float
    round: float


BODY = Part(
    ((0.86, 0.05), (0.74, -0.09), (0.54, -0.08), (0.15, -0.02), (-0.45, 0.10), (-0.98, 0.04), (-0.90, 0.16),
     (-1.02, 0.26), (-0.45, 0.30), (0.05, 0.37), (0.50, 0.31), (0.76, 0.17)),
    1.0, 0.12,
)  # fmt: skip
UPSTROKE = (
    Part(((0.42, 0.02), (0.62, -0.40), (0.60, -0.95), (0.42, -0.66), (0.24, -0.36), (0.02, -0.02)), 0.5, 0.08),
    BODY,
    Part(((0.40, 0.14), (0.26, -0.40), (-0.22, -0.97), (-0.34, -0.70), (-0.52, -0.56), (-0.44, -0.36), (-0.48, -0.16),
          (-0.22, 0.20), (0.18, 0.26)), 0.84, 0.10),
)  # fmt: skip
GLIDE = (
    Part(((0.40, 0.00), (0.55, -0.38), (0.30, -0.98), (0.17, -0.64), (0.05, -0.36), (-0.06, 0.02)), 0.68, 0.08),
    BODY,
    Part(((0.44, 0.12), (0.44, 0.40), (0.12, 0.62), (-0.30, 1.0), (-0.22, 0.66), (-0.18, 0.38), (-0.14, 0.10),
          (0.16, 0.04)), 0.86, 0.09),
)  # fmt: skip
GULL_WING = (
    (-0.06, -0.08), (-0.46, -0.42), (-0.86, -0.66), (-1.30, -0.52), (-1.84, -0.10), (-1.28, -0.20), (-0.90, -0.20),
    (-0.50, 0.10), (-0.08, 0.34),
)  # fmt: skip
SOARING_WING = (
    (-0.06, -0.34), (-0.44, -0.46), (-0.80, -0.58), (-1.20, -0.34), (-1.62, 0.14), (-1.14, 0.00), (-0.76, -0.02),
    (-0.40, 0.10), (-0.06, 0.20),
)  # fmt: skip
SOARING_BODY = (
    (0.0, -0.82), (0.11, -0.66), (0.17, -0.30), (0.16, 0.10), (0.09, 0.42), (0.28, 0.82), (0.0, 0.74), (-0.28, 0.82),
    (-0.09, 0.42), (-0.16, 0.10), (-0.17, -0.30), (-0.11, -0.66),
)  # fmt: skip


def bird(color: Tensor, rows: int, rng: np.random.Generator) -> Sprite:
    """Draw a bird in flight.

    Args:
        color: reflectance of its feathers, (3,).
        rows: of the sprite.
        rng: chooses how it flies.
    """
    flight = rng.choice(["up", "glide", "front", "soaring"])
    if flight == "front":
        return _from_the_front(color, rows, float(rng.uniform(-0.28, 0.28)))
    if flight == "soaring":
        return _soaring(color, rows, float(rng.uniform(-0.75, 0.75)))
    return _from_the_side(color, rows, UPSTROKE if flight == "up" else GLIDE, float(rng.uniform(-0.2, 0.1)))


def _feathers(sheet: Sheet, outline: np.ndarray, color: Tensor, radius: float) -> None:
    mask = sheet.polygon(outline)
    sheet.lay(mask, color, sheet.swell(mask, radius))


def _from_the_side(color: Tensor, rows: int, parts: tuple[Part, ...], tilt: float) -> Sprite:
    sheet = Sheet(1.14, rows)
    for part in parts:
        _feathers(sheet, 0.95 * turned(smooth_outline(part.outline), tilt), color * part.shade, part.round)
    sheet.lay(sheet.polygon(0.95 * turned([(0.82, -0.01), (1.12, 0.09), (0.80, 0.14)], tilt)), BEAK)
    (eye_x, eye_y), *_ = 0.95 * turned([(0.71, 0.03)], tilt)
    sheet.lay(sheet.ellipse(float(eye_x), float(eye_y), 0.035, 0.035), EYE)
    return sheet.sprite()


def _from_the_front(color: Tensor, rows: int, bank: float) -> Sprite:
    sheet = Sheet(1.9, rows)
    for side, shade in ((1, 0.80), (-1, 0.90)):
        wing = smooth_outline([(side * x, y) for x, y in GULL_WING])
        _feathers(sheet, turned(wing, bank), color * shade, 0.12)
    tail = smooth_outline([(-0.12, 0.30), (0.12, 0.30), (0.26, 0.74), (0.0, 0.66), (-0.26, 0.74)])
    _feathers(sheet, turned(tail, bank), color * 0.62, 0.08)
    body = sheet.ellipse(0.0, 0.12, 0.24, 0.36)
    sheet.lay(body, pale(color, 0.12), sheet.swell(body, 0.16))
    head = sheet.ellipse(0.0, -0.14, 0.165, 0.165)
    sheet.lay(head, color, sheet.swell(head, 0.1))
    sheet.lay(sheet.polygon([(-0.055, -0.14), (0.055, -0.14), (0.0, 0.03)]), BEAK)
    return sheet.sprite()


def _soaring(color: Tensor, rows: int, heading: float) -> Sprite:
    sheet = Sheet(1.5, rows)
    size = 0.88
    for side, shade in ((1, 0.78), (-1, 0.9)):
        wing = smooth_outline([(side * x * size, y * size) for x, y in SOARING_WING])
        _feathers(sheet, turned(wing, heading), color * shade, 0.12)
    body = smooth_outline([(x * size, y * size) for x, y in SOARING_BODY])
    _feathers(sheet, turned(body, heading), color, 0.10)
    beak = [(-0.06 * size, -0.80 * size), (0.06 * size, -0.80 * size), (0.0, -1.0 * size)]
    sheet.lay(sheet.polygon(turned(beak, heading)), BEAK)
    return sheet.sprite()
