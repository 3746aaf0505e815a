"""Weather in front of the land: rain, falling snow at all depths, lightning, and the air of fog."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.filters import box_blur
from synthviz.world.labels import LABELS
from synthviz.world.light import to_screen
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.scene import KINDS
from synthviz.world.sky import mix, paint_color
from synthviz.world.vectors import evenly_spaced
from synthviz.world.view import View

Path = list[tuple[float, float]]  # columns and rows in pixels

RAIN_LAYERS = 3


def _streaks(size: int, count: int, length: int, slant: float, generator: torch.Generator) -> Tensor:
    """Scatter fine streaks over a picture: (size, size) coverage in [0, 1].

    Args:
        size: of the picture.
        count: of the streaks.
        length: of a streak in pixels, rounded up to a power of two.
        slant: sideways movement relative to the fall.
        generator: decides where they are, and how strong each is.
    """
    picture = torch.zeros(size * size, device="cpu")  # of streaks in one place, a GPU would show any
    positions = torch.randint(size * size, (count,), generator=generator, device="cpu")
    picture[positions] = 0.3 + 0.7 * torch.rand(count, generator=generator, device="cpu")
    streaks = torch.as_tensor(picture.view(size, size))  # moves to where the scene is painted
    reach = 1
    while reach < length:  # each step doubles the length
        streaks = torch.maximum(streaks, streaks.roll((reach, round(slant * reach)), (0, 1)))
        reach *= 2
    return 0.5 * streaks + 0.25 * (streaks.roll(1, 1) + streaks.roll(-1, 1))


def _flakes(size: int, count: int, radius: float, generator: torch.Generator) -> Tensor:
    """Scatter soft round flakes over a picture: (size, size) coverage in [0, 1].

    Args:
        size: of the picture.
        count: of the flakes.
        radius: of a flake in pixels.
        generator: decides where they are, and how large each is.
    """
    x, y, share = torch.as_tensor(torch.rand(3, count, generator=generator, device="cpu"))
    places = torch.stack([x, y, share], 1) * torch.tensor([size, size, 1.0])
    index, distance, places = _pixels_around(places, math.ceil(radius) + 1, size)
    flakes = smoothstep(radius * (0.7 + 0.3 * places[:, 2, None, None]), 0.0, distance)
    picture = torch.zeros(size * size)
    return picture.scatter_reduce_(0, index.flatten(), flakes.flatten(), "amax").view(size, size)


def _pixels_around(places: Tensor, reach: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the pixels of the square around each place; places whose square the picture cuts are left out.

    Args:
        places: (n, 2 or more) columns and rows in pixels, and more that is passed on.
        reach: pixels from the middle of a square to its edges.
        size: of the picture.

    Returns:
        Index of each pixel in the flat picture and its distance from the place, (m, side, side); the (m, ...) places.
    """
    corner = places[:, :2].floor() - reach
    whole = ((corner >= 0) & (corner + 2 * reach + 1 <= size)).all(1)
    places, corner = places[whole], corner[whole]
    window = torch.arange(2 * reach + 1)
    columns, rows = corner[:, None, :1] + window[:, None], corner[:, None, 1:] + window[:, None]  # (m, side, 1)
    distance = torch.hypot((columns - places[:, None, :1]).mT, rows - places[:, None, 1:2])
    return (rows * size + columns.mT).long(), distance, places


@dataclass(frozen=True)
class Falling:
    """Rain or snow in front of a picture.

    Attributes:
        cover: (H, W) how much of each pixel it covers, 0 to 1.
        light: (3,) its linear light.
        label: index into `labels.THINGS`.
        visible: from which cover on a pixel shows rain or snow rather than what is behind it.
    """

    cover: Tensor
    light: Tensor
    label: int
    visible: float

    def over(self, picture: Tensor, exposure: float) -> Tensor:
        """Lay it over a picture in screen colours, whatever its style."""
        return mix(picture, paint_color(to_screen(self.light * exposure)), self.cover)

    def over_labels(self, labels: Tensor) -> Tensor:
        """Lay its name over those of what is behind it."""
        return torch.where(self.cover > self.visible, torch.full_like(labels, self.label), labels)


def fall_rain(view: View, strength: float, generator: torch.Generator) -> Falling:
    """Let rain fall: fine slanted streaks in three depths."""
    size = view.size
    slant = float(torch.rand(1, generator=generator, device="cpu") - 0.5) * 0.6
    light = (0.4 * view.light.horizon.mean() + 0.9 * view.sky.grey.mean()) * torch.tensor([0.95, 1.0, 1.06])
    cover = torch.zeros(size, size)
    for layer in range(RAIN_LAYERS):
        nearness = (layer + 1) / RAIN_LAYERS
        count = int((1100, 460, 150)[layer] * strength * (size / 512) ** 2)
        streaks = _streaks(size, count, int(size * (0.02 + 0.055 * nearness)), slant, generator)
        cover = torch.maximum(cover, streaks * (0.20 + 0.24 * nearness))
    return Falling(cover * _thinner_before_things(view), light * 1.4, LABELS["rain"], 0.08)


def fall_snow(view: View, strength: float, generator: torch.Generator) -> Falling:
    """Let snow fall: small flakes far away, large soft ones near the viewer."""
    size = view.size
    light = 0.9 * view.light.ambient_low + 0.5 * view.sky.grey
    light = light / light.mean() * max(float(light.mean()), 1.5 * float(view.color.mean()), 0.10)
    cover = torch.zeros(size, size)
    for layer, (count, radius) in enumerate(((900, 1.6), (420, 2.6), (150, 4.2), (40, 7.0), (12, 12.0))):
        flakes = _flakes(size, int(count * strength), radius * size / 512, generator)
        cover = torch.maximum(cover, flakes * (0.85 - 0.125 * layer))
    return Falling(cover * _thinner_before_things(view), light * 1.2, LABELS["snowfall"], 0.25)


def paint_lightning(view: View, noise: Noise, rng: np.random.Generator) -> Tensor:
    """Let lightning strike in the sky, before the land is painted: a branching bolt that lights the clouds.

    Returns:
        (size, size) the light of the flash, 1 near the bolt; `light_up` lets it fall on the land.
    """
    size = view.size
    bolt = torch.zeros(size, size)
    bottom = float(np.clip(view.camera.horizon + rng.uniform(-0.03, 0.05), 0.25, 0.85)) * size
    for path, width in _branches(float(rng.uniform(0.2, 0.8)) * size, bottom, rng):
        _draw_path(bolt, path, width)
    flash = _blurred(bolt, 6) + 0.7 * _blurred(bolt, 2) + 0.4 * _blurred(bolt, 16)
    relief = 0.75 + 0.3 * noise.value(*_picture_coordinates(size))
    tint = torch.tensor([0.62, 0.68, 1.0]) * (0.12 + 0.7 * float(view.sky.grey.mean()))
    view.color = view.color + paint_color(tint) * flash * relief.clamp(min=0.2)
    view.color = mix(view.color, paint_color(torch.tensor([2.6, 2.7, 3.2])), bolt.clamp(0, 1))
    _label(view, bolt > 0.3, "lightning")
    return flash


def light_up(view: View, flash: Tensor) -> None:
    """Let the flash of a lightning fall on everything but the sky and the bolt itself."""
    land = (view.labels != LABELS["sky"]) & (view.labels != LABELS["lightning"])
    below = torch.maximum(flash, flash.mean(0, keepdim=True) * 1.5)  # it reaches down to the foot of the picture
    view.color = view.color * (1 + 1.6 * below * land)


def _blurred(picture: Tensor, share: int) -> Tensor:
    """Blur a picture smoothly over about a `share`-th of its size; the brightest point becomes 1."""
    size = picture.shape[-1]
    coarse = F.avg_pool2d(picture[None, None], 8)
    reach = max(1, size // share // 16)
    for _ in range(3):
        coarse = box_blur(coarse[0], reach)[None]
    smooth = F.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=False)[0, 0].clamp(min=0)
    return smooth / smooth.max().clamp(min=1e-6)


def _branches(start: float, bottom: float, rng: np.random.Generator) -> Iterator[tuple[Path, float]]:
    """Yield the paths of a bolt and its branches, as points (column, row), with half their width in pixels."""
    end = (start + float(rng.normal(0, 0.22)) * bottom, bottom)
    main = _jagged((start, -4.0), end, 0.16 * bottom, rng)
    yield main, 1.5
    for _ in range(int(rng.integers(3, 7))):
        begin = main[int(rng.integers(len(main) // 6, 3 * len(main) // 4))]
        reach = bottom * float(rng.uniform(0.15, 0.4))
        tip = (begin[0] + float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.1)) * reach, begin[1] + reach)
        yield _jagged(begin, tip, 0.14 * reach, rng), 0.8


def _jagged(begin: tuple[float, float], end: tuple[float, float], sway: float, rng: np.random.Generator) -> Path:
    """Return a line between two points whose middles are moved aside, again and again, by less and less."""
    path = [begin, end]
    for _ in range(6):
        finer = [path[0]]
        for (x0, y0), (x1, y1) in itertools.pairwise(path):
            finer += [((x0 + x1) / 2 + float(rng.normal(0, sway)) / 2, (y0 + y1) / 2), (x1, y1)]
        path, sway = finer, sway * 0.52
    return path


def _draw_path(picture: Tensor, path: Path, width: float) -> None:
    """Draw a line of soft dots along a path."""
    dots = [
        np.linspace(begin, end, max(2, int(np.abs(end - begin).max())))
        for begin, end in itertools.pairwise(np.array(path))
    ]
    places = torch.tensor(np.concatenate(dots)).float()
    index, distance, _ = _pixels_around(places, int(width) + 2, picture.shape[-1])
    shine = smoothstep(width + 1.2, width - 0.4, distance)
    picture.view(-1).scatter_reduce_(0, index.flatten(), shine.flatten(), "amax")


def _picture_coordinates(size: int) -> tuple[Tensor, Tensor]:
    line = evenly_spaced(0, 9, size)
    return line[None, :].expand(size, size), line[:, None].expand(size, size)


def _thinner_before_things(view: View) -> Tensor:
    """Return how much of the rain or snow falls before each pixel: little before counted things, which are near."""
    counted = torch.isin(view.labels, torch.tensor([LABELS[kind] for kind in KINDS], dtype=torch.uint8))
    return 1 - 0.8 * counted.float()


def _label(view: View, where: Tensor, name: str) -> None:
    view.labels = torch.where(where, torch.full_like(view.labels, LABELS[name]), view.labels)
