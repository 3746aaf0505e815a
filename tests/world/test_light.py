"""light.py and shadows.py: colours come back as they were asked for, and shadows are as long as they should be."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from synthviz.world.camera import Camera
from synthviz.world.light import HOURS, light_of, to_light, to_screen
from synthviz.world.shadows import cast_shadows


def test_a_palette_colour_is_shown_as_it_is():
    for hours in HOURS.values():
        for hour in hours:
            for color in (hour.zenith, hour.middle, hour.horizon):
                assert torch.allclose(to_screen(to_light(color)), torch.tensor(color).clamp(max=0.995), atol=0.01)


@pytest.mark.parametrize("time", HOURS)
def test_the_light_stands_where_it_is_asked_for(time):
    light = light_of(time, 0.4, np.random.default_rng(1))
    assert light.direction.norm().item() == pytest.approx(1, abs=1e-5)
    assert math.atan2(light.direction[0].item(), light.direction[2].item()) == pytest.approx(0.4, abs=1e-5)
    assert light.direction[1] > 0
    assert light.is_moon == (time in ("dusk", "night"))


def test_a_wall_casts_a_shadow_of_the_right_length():
    light = light_of("golden hour", 0.0, np.random.default_rng(2))  # from straight ahead, so that shadows fall here
    elevation = math.asin(light.direction[1].item())

    def wall(x, z, pixel):
        return torch.where((z > 4.0) & (z < 4.4), torch.full_like(x, 0.5), torch.zeros_like(x))

    shadows = cast_shadows(wall, False, Camera(0.3, 0.5, 0.6), light, 12.0)
    z = torch.linspace(0.5, 3.9, 200)
    lit, _ = shadows.at(torch.zeros(1, 200), z[None])
    length = 4.0 - z[(lit[0] > 0.5)].max().item()
    assert length == pytest.approx(0.5 / math.tan(elevation), rel=0.12)


def test_a_hollow_sees_less_sky_than_a_plain():
    light = light_of("day", 1.0, np.random.default_rng(3))

    def hollow(x, z, pixel):
        return -0.8 * torch.exp(-((x**2 + (z - 5) ** 2) / 0.3))

    shadows = cast_shadows(hollow, False, Camera(0.3, 0.5, 0.6), light, 12.0)
    _, sky = shadows.at(torch.tensor([[0.0, 4.0]]), torch.tensor([[5.0, 5.0]]))
    assert sky[0, 0] < 0.8 < 0.95 < sky[0, 1]
