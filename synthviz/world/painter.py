"""The painter: a scene becomes a picture, and a mask of every thing that can be seen.

Land and light are chosen first, then where the sun or moon and the counted things find room. Then the sky is painted,
the ground, the water and everything that stands there, and the weather. At last the picture is exposed like film and
gets its style.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import torch

from synthviz.world.bodies import Body, Stars, place_body, place_stars
from synthviz.world.camera import Camera
from synthviz.world.exposure import BALANCE, OVERSAMPLING, SHARPENING, develop, expose, to_bytes, usual_brightness
from synthviz.world.ground import Seen, march
from synthviz.world.labels import THINGS
from synthviz.world.land import Land, Wishes
from synthviz.world.light import Light, light_of
from synthviz.world.noise import Noise
from synthviz.world.places.beach import beach
from synthviz.world.places.canyon import canyon
from synthviz.world.places.city import city
from synthviz.world.places.desert import desert
from synthviz.world.places.forest import forest
from synthviz.world.places.mountains import mountains
from synthviz.world.places.ocean import ocean
from synthviz.world.places.snowy_hills import snowy_hills
from synthviz.world.places.village import village
from synthviz.world.places.volcano import volcano
from synthviz.world.render import empty_view, paint_land
from synthviz.world.scene import NATURAL, Scene
from synthviz.world.sky import Sky, choose_clouds
from synthviz.world.styles import apply_style
from synthviz.world.things.placement import place_things
from synthviz.world.things.room import look_around
from synthviz.world.view import View
from synthviz.world.weather import Falling, fall_rain, fall_snow, light_up, paint_lightning

BUILDERS: dict[str, Callable[[Wishes], Land]] = {
    "city": city,
    "mountains": mountains,
    "ocean": ocean,
    "desert": desert,
    "forest": forest,
    "snowy hills": snowy_hills,
    "beach": beach,
    "village": village,
    "canyon": canyon,
    "volcano": volcano,
}
HAZE = {"clear": 0.010, "clouds": 0.014, "fog": 0.28, "rain": 0.06, "snowfall": 0.09, "thunderstorm": 0.045}
SIDES = {"left": -1, "center": 0, "right": 1}


@dataclass(frozen=True)
class Painting:
    """A painted scene.

    Attributes:
        scene: the scene that was painted.
        image: the picture, (size, size, 3) uint8 RGB.
        masks: a (size, size) bool mask for each visible thing of `labels.THINGS`; each pixel belongs to exactly one.
        sights: what else can be seen, of `wordings.SIGHT_WORDS`: the viewpoint, the foreground, the season.
    """

    scene: Scene
    image: np.ndarray
    masks: dict[str, np.ndarray]
    sights: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Setting:
    """Everything about a scene that is chosen before anything is painted."""

    land: Land
    seen: Seen
    light: Light
    sky: Sky
    haze: float
    body: Body | None
    stars: Stars | None


def paint(scene: Scene, size: int = 256, *, device: torch.device | str | None = None) -> Painting:
    """Paint a scene; the same scene and size give the same picture, to rounding on another device.

    Args:
        scene: what to paint.
        size: side of the picture in pixels, at least 32.
        device: where to compute, such as "cuda"; None is torch's default device, usually the CPU.

    Raises:
        ValueError: if `size` is below 32.
    """
    if size < 32:
        raise ValueError(f"size is {size}; a painting needs at least 32 pixels a side")
    with nullcontext() if device is None else torch.device(device):  # all new tensors lie there
        return _paint(scene, size)


def _paint(scene: Scene, size: int) -> Painting:
    """Paint a scene on torch's default device."""
    rng = np.random.default_rng(scene.seed)
    noise = Noise(torch.Generator().manual_seed(int(rng.integers(2**31))))
    setting = _choose(scene, noise, size * OVERSAMPLING, rng)
    view = _paint_light(scene, setting, noise, rng)
    picture, exposure = expose(view.color, usual_brightness(scene.time, scene.weather), BALANCE[scene.time])
    picture = develop(picture, scene.time)
    picture = apply_style(scene.style, picture, view.depth, view.labels, noise)
    labels = view.labels
    falling = _fall(scene, view, torch.Generator().manual_seed(int(rng.integers(2**31))))
    if falling is not None:
        picture, labels = falling.over(picture, exposure), falling.over_labels(labels)
    names = labels[::OVERSAMPLING, ::OVERSAMPLING].cpu().numpy()
    masks = {name: names == index for index, name in enumerate(THINGS) if (names == index).any()}
    sharpening = SHARPENING if scene.style == NATURAL else 0.0
    return Painting(scene, to_bytes(picture, sharpening), masks, setting.land.sights)


def _choose(scene: Scene, noise: Noise, size: int, rng: np.random.Generator) -> _Setting:
    """Choose the land, the light, and the places of sun, moon and things."""
    side = None if scene.body_side is None else SIDES[scene.body_side]
    land = BUILDERS[scene.place](Wishes(noise, rng, scene.water, scene.time, scene.weather, side))
    light = light_of(scene.time, _azimuth(scene, side, land.camera, rng), rng)
    air = float(rng.uniform(0.1, 0.5))
    clouds = choose_clouds(scene.weather, rng)
    sky = Sky(light, clouds, noise, air)
    seen = march(land.height, land.camera, size, land.near, land.far, every=2)
    body, stars = None, None
    if scene.body is not None or scene.things:
        room = look_around(land, seen, light, sky)
        if scene.body is not None and scene.body_side is not None:
            body = place_body(scene.body, scene.body_side, scene.time, land.camera, room.free, rng)
            light = body.light(light, land.camera)
            sky = Sky(light, clouds, noise, air)
        things = place_things(scene.things, room, light, body, rng)
        land = replace(land, drawables=(*land.drawables, *things))
    if scene.stars:
        stars = place_stars(land.camera, body, rng)
    return _Setting(land, seen, light, sky, HAZE[scene.weather] * (0.6 + 1.6 * air), body, stars)


def _paint_light(scene: Scene, setting: _Setting, noise: Noise, rng: np.random.Generator) -> View:
    """Paint the linear light of a scene, from the sky to what stands in the landscape."""
    wet = scene.weather in ("rain", "thunderstorm")
    view = empty_view(setting.land, setting.light, setting.sky, setting.haze, setting.seen, wet)
    for shining in (setting.body, setting.stars):
        if shining is not None:
            shining.draw(view)
    flash = paint_lightning(view, noise, rng) if scene.weather == "thunderstorm" else None
    paint_land(view, setting.land, setting.seen, noise)
    if flash is not None:
        light_up(view, flash)
    return view


def _fall(scene: Scene, view: View, generator: torch.Generator) -> Falling | None:
    """Return the rain or snow that falls in front of everything; it is laid over the styled picture."""
    if scene.weather in ("rain", "thunderstorm"):
        return fall_rain(view, 1.0 if scene.weather == "rain" else 0.5, generator)
    return fall_snow(view, 1.0, generator) if scene.weather == "snowfall" else None


def _azimuth(scene: Scene, side: int | None, camera: Camera, rng: np.random.Generator) -> float:
    """Choose where the light comes from: a visible sun or moon stands inside the picture."""
    if side is not None:
        return float(np.arctan(camera.width * (0.62 * side + rng.uniform(-0.08, 0.08))))
    if scene.time in ("day", "golden hour") or rng.random() < 0.35:
        return float(rng.choice([-1, 1]) * rng.uniform(0.7, 2.3))
    return float(rng.choice([-1, 1]) * rng.uniform(0.5, 1.2))
