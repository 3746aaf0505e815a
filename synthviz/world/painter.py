"""The painter: a scene becomes a picture, and a mask of every thing that can be seen.

The order is: land and light are chosen, the ground is marched and lit, the mirror image is painted for the water, then
everything that stands in the landscape, then the weather, then the picture is exposed like film.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.labels import THINGS
from synthviz.world.land import Wishes
from synthviz.world.light import light_of, to_screen
from synthviz.world.noise import Noise
from synthviz.world.places import PLACES
from synthviz.world.render import empty_view, paint_land
from synthviz.world.scene import Scene
from synthviz.world.sky import Sky, choose_clouds
from synthviz.world.styles import apply_style
from synthviz.world.weather import light_up, paint_lightning, paint_rain, paint_snowfall

OVERSAMPLING = 2  # pixels are painted at twice the size and averaged
HAZE = {"clear": 0.010, "clouds": 0.014, "fog": 0.32, "rain": 0.08, "snowfall": 0.11, "thunderstorm": 0.055}
# The mean brightness of an hour's pictures, in linear light.
EXPOSURES = {"sunrise": 0.48, "day": 0.60, "golden hour": 0.46, "sunset": 0.34, "dusk": 0.20, "night": 0.085}
DIMMED = {"rain": 0.62, "thunderstorm": 0.36, "snowfall": 0.9, "fog": 0.85}  # relative to clear weather
SIDES = {"left": -1, "center": 0, "right": 1}


@dataclass(frozen=True)
class Painting:
    """A painted scene.

    Attributes:
        scene: the scene that was painted.
        image: the picture, (size, size, 3) uint8 RGB.
        masks: a (size, size) bool mask for each visible thing of `labels.THINGS`; each pixel belongs to exactly one.
    """

    scene: Scene
    image: np.ndarray
    masks: dict[str, np.ndarray]


def paint(scene: Scene, size: int = 256) -> Painting:
    """Paint a scene; the same scene and size give the same picture.

    Args:
        scene: what to paint.
        size: side of the picture in pixels, at least 32.

    Raises:
        ValueError: if `size` is below 32.
    """
    if size < 32:
        raise ValueError(f"size is {size}; a painting needs at least 32 pixels a side")
    rng = np.random.default_rng(scene.seed)
    noise = Noise(torch.Generator().manual_seed(int(rng.integers(2**31))))
    side = None if scene.body_side is None else SIDES[scene.body_side]
    land = PLACES[scene.place](Wishes(noise, rng, scene.water, scene.time, scene.weather, side))
    light = light_of(scene.time, _azimuth(scene, side, land.camera, rng), rng)
    air = float(rng.uniform(0.1, 0.5))
    sky = Sky(light, choose_clouds(scene.weather, rng), noise, air)
    haze = HAZE[scene.weather] * (0.6 + 1.6 * air)
    view = empty_view(land, light, sky, haze, size * OVERSAMPLING)
    flash = paint_lightning(view, noise, rng) if scene.weather == "thunderstorm" else None
    paint_land(view, land, noise)
    if flash is not None:
        light_up(view, flash)
    generator = torch.Generator().manual_seed(int(rng.integers(2**31)))
    if scene.weather == "rain":
        paint_rain(view, 1.0, generator)
    elif scene.weather == "thunderstorm":
        paint_rain(view, 0.5, generator)
    elif scene.weather == "snowfall":
        paint_snowfall(view, 1.0, generator)
    labels = view.labels[::OVERSAMPLING, ::OVERSAMPLING].numpy()
    masks = {name: labels == index for index, name in enumerate(THINGS) if (labels == index).any()}
    picture = expose(view.color, _usual_brightness(scene))
    picture = apply_style(scene.style, picture, view.depth, view.labels, noise)
    return Painting(scene, _to_bytes(picture), masks)


def _usual_brightness(scene: Scene) -> float:
    """Return the mean brightness of pictures of an hour and a weather; weather hardly darkens a night."""
    dimmed = DIMMED.get(scene.weather, 1.0)
    return EXPOSURES[scene.time] * float(dimmed ** (0.35 if scene.time == "night" else 1.0))


def _azimuth(scene: Scene, side: int | None, camera: Camera, rng: np.random.Generator) -> float:
    """Choose where the light comes from: a visible sun or moon stands inside the picture."""
    if side is not None:
        return float(np.arctan(camera.width * (0.62 * side + rng.uniform(-0.08, 0.08))))
    if scene.time in ("day", "golden hour") or rng.random() < 0.35:
        return float(rng.choice([-1, 1]) * rng.uniform(0.7, 2.3))
    return float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.2))


def expose(color: Tensor, brightness: float) -> Tensor:
    """Turn linear light into screen colours in [0, 1], (3, H, W), with a little bloom.

    The exposure follows the light half of the way, as a photographer does: a picture that is darker than others of
    its hour and weather becomes brighter, a brighter one darker.

    Args:
        color: (3, H, W) linear light.
        brightness: the usual mean of such pictures, in linear light.
    """
    color = color.clamp(0, 12)
    small = F.avg_pool2d(color[None], OVERSAMPLING)
    found = float(torch.log(small + 0.02).mean().exp())
    exposure = (brightness / found) ** 0.5
    bright = (small * exposure - 0.9).clamp(min=0)
    for radius in (3, 9):
        bright = F.avg_pool2d(F.pad(bright, (radius,) * 4, mode="replicate"), 2 * radius + 1, 1)
    bloom = F.interpolate(bright, scale_factor=OVERSAMPLING, mode="bilinear", align_corners=False)[0]
    return to_screen(color * exposure + 0.5 * bloom)


def _to_bytes(picture: Tensor) -> np.ndarray:
    """Average a picture down to its final size: (size, size, 3) uint8."""
    small = F.avg_pool2d(picture[None], OVERSAMPLING)[0]
    return (small.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
