"""Paintings are deterministic, their masks are complete, and everything a caption can name is visible."""

from __future__ import annotations

import numpy as np
import pytest

from synthviz.scenes import (
    BODIES,
    COLORS,
    KINDS,
    PLACES,
    SIDES,
    STYLES,
    TIMES,
    WEATHERS,
    Group,
    Scene,
    paint,
    sample_scene,
)
from synthviz.scenes.painter import PAINTERS
from synthviz.scenes.things import COLOR_VALUES, SHAPES
from synthviz.world.scene import DARK_TIMES, SEA_PLACES, fitting_kinds
from synthviz.world.wordings import PLACE_WORDS

LEAST_SHARE = 0.003  # smallest share of the picture that one thing covers


def scene_at(place: str, time: str, seed: int = 0, **changes) -> Scene:
    return Scene(**{"place": place, "time": time, "water": place in SEA_PLACES, "seed": seed, **changes})


def with_thing(kind: str, color: str, count: int = 1, side: str | None = "center", **changes) -> Scene:
    """Return a scene with things of one kind; boats get a lake."""
    group = Group(kind, color, count, side if count == 1 else None)
    return Scene(**{"place": "village", "time": "day", "water": kind == "boat", "things": (group,), **changes})


@pytest.fixture(scope="module")
def paintings():
    rng = np.random.default_rng(11)
    return [paint(sample_scene(rng), 64) for _ in range(80)]


def test_every_place_kind_and_color_can_be_painted():
    assert len(PLACES) == 10
    assert len(TIMES) >= 6
    assert len(WEATHERS) >= 6
    assert len(STYLES) >= 4
    assert set(PAINTERS) == set(PLACES) == set(PLACE_WORDS)
    assert set(SHAPES) == set(KINDS)
    assert set(COLOR_VALUES) == set(COLORS)


@pytest.mark.parametrize("place", PLACES)
def test_the_same_scene_gives_the_same_bytes(place):
    scene = scene_at(place, "dusk", seed=5, stars=True, weather="clouds", style="watercolor")
    first, second = paint(scene, 64), paint(scene, 64)
    assert np.array_equal(first.image, second.image)
    assert first.masks.keys() == second.masks.keys()
    assert not np.array_equal(first.image, paint(scene_at(place, "dusk", seed=6), 64).image)


@pytest.mark.parametrize("size", [32, 100, 128])
def test_shapes_and_types(size):
    painting = paint(scene_at("city", "night", stars=True), size)
    assert painting.image.shape == (size, size, 3)
    assert painting.image.dtype == np.uint8
    assert all(mask.shape == (size, size) and mask.dtype == bool for mask in painting.masks.values())


def test_masks_cover_every_pixel_once(paintings):
    for painting in paintings:
        assert np.array_equal(np.sum(list(painting.masks.values()), axis=0), np.ones((64, 64)))
        assert all(mask.any() for mask in painting.masks.values())


def test_nights_are_darker_than_days():
    for place in PLACES:
        day, night = (
            np.mean([paint(scene_at(place, time, seed), 64).image.mean() for seed in range(3)])
            for time in ("day", "night")
        )
        assert day > night + 40, place


def test_every_time_of_day_has_its_own_sky_color():
    """Compare the mean colour of the sky for every pair of times."""
    colors = {}
    for time in TIMES:
        skies = [paint(scene_at("desert", time, seed), 64) for seed in range(4)]
        colors[time] = np.mean([painting.image[painting.masks["sky"]].mean(axis=0) for painting in skies], axis=0)
    for first in TIMES:
        for second in TIMES:
            if first != second:
                assert np.abs(colors[first] - colors[second]).max() > 20, (first, second)


@pytest.mark.parametrize("weather", WEATHERS[1:])
def test_weather_is_visible(weather):
    thing = {"thunderstorm": "lightning"}.get(weather, weather)
    for place in PLACES:
        masks = paint(scene_at(place, "sunset", weather=weather, seed=3), 128).masks
        assert masks[thing].mean() > 0.003, place
        assert thing not in paint(scene_at(place, "sunset", seed=3), 128).masks


def test_styles_change_the_picture_and_not_the_masks():
    plain = paint(scene_at("mountains", "day", seed=2), 128)
    for style in STYLES[1:]:
        styled = paint(scene_at("mountains", "day", seed=2, style=style), 128)
        assert np.abs(styled.image.astype(int) - plain.image).mean() > 8, style
        assert all(np.array_equal(styled.masks[thing], mask) for thing, mask in plain.masks.items())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("body", BODIES)
def test_nothing_hides_the_sun_or_the_moon(place, body):
    for seed, side in enumerate(SIDES):
        for things in ((), (Group("balloon", "red", 4),)):
            time = "night" if "moon" in body else "golden hour"
            scene = scene_at(
                place, time, seed, body=body, body_side=side, things=things, weather=("clear", "fog")[seed % 2]
            )
            mask = paint(scene, 128).masks[body]
            assert mask.mean() > 0.004, (side, things)
            assert side_of(mask) == side


def side_of(mask: np.ndarray) -> str:
    return SIDES[int(np.nonzero(mask)[1].mean() / mask.shape[1] * 3)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("side", SIDES)
def test_a_single_thing_stands_on_its_side(kind, side):
    for seed in range(4):
        assert side_of(paint(with_thing(kind, "red", side=side, seed=seed), 128).masks[kind]) == side


@pytest.mark.parametrize("kind", KINDS)
def test_things_can_be_counted(kind):
    for count in (1, 2, 3, 4):
        for seed in range(4):
            mask = paint(with_thing(kind, "white", count, seed=seed, time="night"), 128).masks[kind]
            assert mask.mean() > count * LEAST_SHARE
            assert count_pieces(mask) == count, (count, seed)


def count_pieces(mask: np.ndarray) -> int:
    """Count the things of a mask: each is a run of columns that contain masked pixels."""
    columns = np.nonzero(mask.any(axis=0))[0]
    return 1 + int((np.diff(columns) > 1).sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("style", STYLES)
def test_things_keep_their_color_in_every_light_and_style(kind, style):
    names = list(COLOR_VALUES)
    values = np.array([COLOR_VALUES[name] for name in names])
    for index, color in enumerate(COLORS):
        for time in (TIMES[index], TIMES[(index + 3) % 6]):
            painting = paint(with_thing(kind, color, 2, time=time, style=style, seed=index), 128)
            pixels = painting.image[painting.masks[kind]] / 255
            # Apart from outlines, windows and trunks, most pixels are nearest to the named colour.
            nearest = np.linalg.norm(pixels[:, None] - values, axis=2).argmin(axis=1)
            vivid = (pixels.max(axis=1) - pixels.min(axis=1) > 0.25) | (color == "white")
            counts = np.bincount(nearest[vivid], minlength=len(names))
            assert names[counts.argmax()] == color, (time, dict(zip(names, counts, strict=True)))


@pytest.mark.parametrize("time", TIMES)
def test_things_stand_out_from_the_background(time):
    """Some colour channel differs clearly between a thing of any colour and the ring around it."""
    for kind in KINDS:
        for color in COLORS:
            painting = paint(with_thing(kind, color, time=time, seed=1), 128)
            mask = painting.masks[kind]
            ring = grow(mask, 3) & ~grow(mask, 1)
            inside, outside = (painting.image[part].astype(float) for part in (mask, ring))
            strongest = np.abs(np.percentile(inside, [10, 90], axis=0) - outside.mean(axis=0)).max()
            assert strongest > 50, (kind, color)


def grow(mask: np.ndarray, steps: int) -> np.ndarray:
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    return mask


def test_every_fitting_thing_is_visible_in_every_place():
    for place in PLACES:
        for water in {place in SEA_PLACES, True}:
            for kind in fitting_kinds(place, water):
                scene = scene_at(place, "dusk", water=water, things=(Group(kind, "white", 3),), weather="rain")
                assert paint(scene, 128).masks[kind].mean() > 2 * LEAST_SHARE, (place, kind)


def test_stars_shine_in_the_dark():
    for time in DARK_TIMES:
        painting = paint(scene_at("desert", time, stars=True), 128)
        assert painting.masks["stars"].mean() > 0.001
        brightness = painting.image.mean(axis=2)
        assert brightness[painting.masks["stars"]].mean() > brightness[painting.masks["sky"]].mean() + 60


def test_a_size_below_32_raises():
    with pytest.raises(ValueError, match="size is 16"):
        paint(scene_at("city", "day"), 16)
