"""A grove: many sprites of plants in the landscape, drawn together and lit once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.labels import LABELS
from synthviz.world.sprites import Sprite
from synthviz.world.vectors import unit
from synthviz.world.view import View

NORMAL, OPEN_SKY, ALPHA, LIT, DEPTH, BASE = slice(3, 6), 6, 7, 8, 9, 10
SMALL = 0.08  # height up to which plants are left out of the mirror image
CHANNELS = 11  # three of the albedo, then those above; all but ALPHA multiplied by it


@dataclass(frozen=True)
class Plant:
    """One plant of a grove, relative to the camera.

    Attributes:
        kind: index of its sprite.
        right: of its middle.
        base: height of its foot above the water.
        away: distance along the view.
        width: in the units of the world.
        height: in the units of the world.
        tint: its reflectance relative to that of the sprite.
        flip: whether it is mirrored left to right.
    """

    kind: int
    right: float
    base: float
    away: float
    width: float
    height: float
    tint: float = 1.0
    flip: bool = False


@dataclass(frozen=True)
class Grove:
    """Plants that share a few sprites.

    Hundreds of plants take as long as a few `Standing`s, because light and haze are computed once for all.

    Attributes:
        sprites: the pictures; none sends out light.
        plants: where each stands, in any order.
        label: index into `labels.THINGS`.
    """

    sprites: tuple[Sprite, ...]
    plants: tuple[Plant, ...]
    label: int = LABELS["place"]
    _versions: dict[int, list[Tensor]] = field(default_factory=dict, compare=False, repr=False)  # for both views

    def draw(self, view: View) -> None:
        """Draw all plants, the near ones first, so that hidden ones cost nothing."""
        if not self.plants:
            return
        plants = [plant for plant in self.plants if plant.height > SMALL or not view.mirrored]
        order = sorted(plants, key=lambda plant: plant.away)
        layer = torch.zeros(CHANNELS, view.size, view.size)
        top, bottom = view.size, 0
        parts, marks = _factors(order, direct_light(view, order))
        for plant, part, mark in zip(order, parts, marks, strict=True):
            rows = _lay(layer, view, plant, part, mark, self._textures(plant.kind))
            if rows is not None:
                top, bottom = min(top, rows.start), max(bottom, rows.stop)
        if top < bottom:
            self._light(view, layer, slice(top, bottom))

    def _textures(self, kind: int) -> list[Tensor]:
        if kind not in self._versions:
            self._versions[kind] = _smaller_versions(self.sprites[kind])
        return self._versions[kind]

    def _light(self, view: View, layer: Tensor, rows: slice) -> None:
        """Lay the plants, lit and seen through the haze, into some rows of the view."""
        layer = layer[:, rows]
        alpha = layer[ALPHA]
        mean = layer / alpha.clamp(min=1e-4)
        color = view.illuminate(mean[:3], unit(mean[NORMAL]), mean[LIT], mean[OPEN_SKY])
        share = view.haze_share(mean[DEPTH], mean[BASE])
        columns = slice(0, view.size)
        color = color + (view.haze_color[:, rows] - color) * share
        view.put(rows, columns, color, alpha, mean[DEPTH] * 0.999, self.label)


def direct_light(view: View, plants: Sequence[Plant]) -> list[float]:
    """Return how much direct light reaches each plant: the land's shadow may lie on it."""
    if view.shadows is None or not plants:
        return [1.0] * len(plants)
    right = torch.tensor([[plant.right for plant in plants]])
    away = torch.tensor([[plant.away for plant in plants]])
    lit, _ = view.shadows.at(*view.camera.to_world(right, away))
    return [float(value) for value in lit[0]]


def _smaller_versions(sprite: Sprite) -> list[Tensor]:
    """Return a sprite's parts, multiplied by its alpha, at full size, half, a quarter and so on: (8, h, w) each."""
    open_sky = torch.ones_like(sprite.alpha) if sprite.open_sky is None else sprite.open_sky
    parts = torch.cat([sprite.albedo, sprite.normal, open_sky[None]]) * sprite.alpha
    versions = [torch.cat([parts, sprite.alpha[None]])]
    while min(versions[-1].shape[1:]) >= 4:
        versions.append(F.avg_pool2d(versions[-1][None], 2)[0])
    return versions


def _factors(plants: Sequence[Plant], lit: list[float]) -> tuple[Tensor, Tensor]:
    """Return what is multiplied to each plant's picture, (n, 8, 1, 1), and to its alpha for the rest, (n, 3, 1, 1)."""
    parts, marks = torch.ones(len(plants), LIT, 1, 1), torch.empty(len(plants), CHANNELS - LIT, 1, 1)
    parts[:, :3] = torch.tensor([plant.tint for plant in plants])[:, None, None, None]
    parts[:, NORMAL.start] = torch.tensor([-1.0 if plant.flip else 1.0 for plant in plants])[:, None, None]
    middles = [max(0.0, plant.base + plant.height / 2) for plant in plants]
    marks[..., 0, 0] = torch.tensor([lit, [plant.away for plant in plants], middles]).T
    return parts, marks


def _lay(layer: Tensor, view: View, plant: Plant, part: Tensor, mark: Tensor, versions: list[Tensor]) -> slice | None:
    """Lay one plant, with its factors, into the layer where no land is nearer; return its rows."""
    left, foot = view.project(plant.right - plant.width / 2, plant.base, plant.away)
    right, head = view.project(plant.right + plant.width / 2, plant.base + plant.height, plant.away)
    window = view.window(left, min(foot, head), right, max(foot, head))
    if window is None or right - left < 0.8:
        return None
    rows, columns = window
    free = (view.depth[rows, columns] >= plant.away) * (1 - layer[ALPHA, rows, columns])
    if float(free.max()) < 0.02:
        return None
    height, width = max(1, round(abs(foot - head))), max(1, round(right - left))
    level = 0
    while level + 1 < len(versions) and versions[level + 1].shape[1] >= height:
        level += 1
    picture = F.interpolate(versions[level][None], size=(height, width), mode="bilinear", align_corners=False)[0]
    turned = [2] * plant.flip + [1] * (foot < head)  # the mirror image hangs upside down
    if turned:
        picture = picture.flip(turned)
    # The window is the whole plant's rectangle, cut to the picture.
    skip_x, skip_y = max(0, columns.start - round(left)), max(0, rows.start - round(min(foot, head)))
    picture = picture[:, skip_y : skip_y + free.shape[0], skip_x : skip_x + free.shape[1]]
    if not picture.numel():
        return None
    rows = slice(rows.start, rows.start + picture.shape[1])
    columns = slice(columns.start, columns.start + picture.shape[2])
    picture = picture * free[: picture.shape[1], : picture.shape[2]]
    under = layer[:, rows, columns]
    under[:LIT].addcmul_(picture, part)
    under[LIT:].addcmul_(picture[ALPHA], mark)
    return rows
