"""weather.py: rain, snow and lightning can be seen, and lightning lights what is near."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthviz.world.camera import Camera
from synthviz.world.labels import LABELS
from synthviz.world.light import light_of, to_screen
from synthviz.world.noise import Noise
from synthviz.world.render import pixel_directions
from synthviz.world.sky import Sky, choose_clouds
from synthviz.world.view import View
from synthviz.world.weather import fall_rain, fall_snow, light_up, paint_lightning

SIZE = 256


@pytest.fixture(params=["day", "night"])
def view(request):
    """A sky over a plain, without anything else."""
    rng = np.random.default_rng(4)
    light, noise = light_of(request.param, 0.8, rng), Noise(torch.Generator().manual_seed(2))
    camera = Camera(0.3, 0.6, 0.6)
    sky = Sky(light, choose_clouds("thunderstorm", rng), noise, 0.3)
    directions = pixel_directions(camera, SIZE)
    labels = torch.full((SIZE, SIZE), LABELS["sky"], dtype=torch.uint8)
    labels[160:] = LABELS["place"]
    color = sky.view(directions, 0.005)
    color[:, 160:] = 0.4 * color.mean()
    depth = torch.where(labels == LABELS["sky"], 1e9, 5.0)
    return View(camera, light, sky, None, 0.05, directions, color.clone(), color, depth, labels)


@pytest.mark.parametrize(("fall", "name"), [(fall_rain, "rain"), (fall_snow, "snowfall")])
def test_what_falls_is_brighter_than_the_land_behind_it_and_everywhere(view, fall, name):
    falling = fall(view, 1.0, torch.Generator().manual_seed(1))
    shown = falling.over_labels(view.labels) == LABELS[name]
    assert 0.01 < shown.float().mean() < 0.35
    for part in (slice(0, 128), slice(128, 256)):
        assert shown[part].any()
    before = to_screen(view.color)
    land = shown & (torch.arange(SIZE) >= 160)[:, None]
    assert (falling.over(before, 1.0) - before).mean(0)[land].mean() > 0.01


def test_little_rain_falls_before_counted_things(view):
    view.labels[100:150, 100:150] = LABELS["balloon"]
    cover = fall_rain(view, 1.0, torch.Generator().manual_seed(1)).cover
    assert cover[100:150, 100:150].mean() < 0.5 * cover.mean()


def test_the_same_seed_gives_the_same_rain(view):
    first, second = (fall_rain(view, 1.0, torch.Generator().manual_seed(3)).cover for _ in range(2))
    assert torch.equal(first, second)


def test_lightning_is_the_brightest_thing_and_lights_the_land_near_it(view):
    flash = paint_lightning(view, Noise(torch.Generator().manual_seed(2)), np.random.default_rng(6))
    bolt = view.labels == LABELS["lightning"]
    assert bolt.float().mean() > 0.002
    assert view.color[:, bolt].mean() > 3 * view.color[:, ~bolt].mean()
    before = view.color.clone()
    light_up(view, flash)
    brighter = (view.color / before.clamp(min=1e-6)).mean(0)[200]
    column = int(bolt.any(0).float().argmax())
    assert brighter.max() > 1.1
    assert brighter[column] > brighter.min()
    assert torch.equal(view.color[:, bolt], before[:, bolt])
