"""painter.py: every place in every light and weather; the same seed, the same picture; masks that fit."""

from __future__ import annotations

import numpy as np
import pytest

from synthviz.world.labels import LABELS, THINGS
from synthviz.world.painter import paint
from synthviz.world.scene import NATURAL, PLACES, SEA_PLACES, STYLES, TIMES, WEATHERS, Scene
from synthviz.world.wordings import SIGHT_WORDS

SIZE = 64


def scene_of(place: str, time: str = "day", weather: str = "clear", **details) -> Scene:
    details.setdefault("water", place in SEA_PLACES)
    details.setdefault("style", NATURAL)
    return Scene(place, time, weather, **details)


@pytest.mark.parametrize("place", PLACES)
def test_the_same_scene_gives_the_same_picture_and_another_seed_another_one(place):
    first, again, other = (paint(scene_of(place, "sunset", seed=seed), SIZE) for seed in (3, 3, 4))
    assert np.array_equal(first.image, again.image)
    assert {name: mask.sum() for name, mask in first.masks.items()} == {n: m.sum() for n, m in again.masks.items()}
    assert np.abs(first.image.astype(int) - other.image).mean() > 5


@pytest.mark.parametrize("place", PLACES)
def test_every_pixel_has_one_name_and_there_is_sky_and_land(place):
    for seed in range(3):
        painting = paint(scene_of(place, "golden hour", seed=seed), SIZE)
        assert painting.image.shape == (SIZE, SIZE, 3)
        assert painting.image.dtype == np.uint8
        assert set(painting.masks) <= set(THINGS)
        assert set(painting.sights) <= set(SIGHT_WORDS)
        assert (sum(mask.astype(int) for mask in painting.masks.values()) == 1).all()
        sky = sum(painting.masks[name].mean() for name in ("sky", "clouds", "stars") if name in painting.masks)
        assert 0.15 < sky < 0.95


@pytest.mark.parametrize("place", PLACES)
def test_every_view_shows_the_land_of_its_place(place):
    for seed in range(8):
        masks = paint(scene_of(place, seed=seed), 48).masks
        land = masks["water" if place == "ocean" else "place"]
        assert land.mean() > 0.06


@pytest.mark.parametrize("place", PLACES)
def test_water_that_is_asked_for_is_seen_in_the_lower_half(place):
    for seed in range(3):
        water = paint(scene_of(place, "day", water=True, seed=seed), SIZE).masks["water"]
        assert water.mean() > 0.05
        assert water[SIZE // 2 :].any()


@pytest.mark.parametrize("weather", WEATHERS)
@pytest.mark.parametrize("time", TIMES)
def test_hours_and_weathers_differ_in_brightness_and_are_never_empty(time, weather):
    image = paint(scene_of("mountains", time, weather, seed=2), SIZE).image.astype(float)
    assert image.std() > 4
    assert 8 < image.mean() < 225


def test_a_day_is_brighter_than_a_night():
    day, night = (paint(scene_of("beach", time, seed=5), SIZE).image.mean() for time in ("day", "night"))
    assert day > 2 * night


@pytest.mark.parametrize("style", STYLES)
def test_styles(style):
    plain, styled = (paint(scene_of("city", "sunset", seed=1, style=name), SIZE).image for name in (NATURAL, style))
    assert np.abs(plain.astype(int) - styled).mean() > 6


@pytest.mark.parametrize("place", ["mountains", "beach"])
def test_odd_sizes_are_painted(place):
    assert paint(scene_of(place, water=True), 33).image.shape == (33, 33, 3)


def test_a_size_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="31"):
        paint(scene_of("city"), 31)


@pytest.mark.parametrize(
    ("weather", "name"), [("rain", "rain"), ("snowfall", "snowfall"), ("thunderstorm", "lightning")]
)
def test_weather_has_its_mask(weather, name):
    assert LABELS[name]
    assert paint(scene_of("ocean", "dusk", weather, seed=1), 128).masks[name].mean() > 0.002
