"""Things, sun, moon and stars are visible, whole, large enough, on their side, readable, and the same for one seed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from synthviz.world.bodies import RADII, place_body, place_stars
from synthviz.world.camera import Camera
from synthviz.world.ground import march
from synthviz.world.labels import LABELS
from synthviz.world.land import Land, Material
from synthviz.world.light import light_of, to_screen
from synthviz.world.noise import Noise
from synthviz.world.places.sea import Sea
from synthviz.world.scene import BODIES, COLORS, KINDS, SIDES, Group
from synthviz.world.sky import Sky
from synthviz.world.sprites import Sprite
from synthviz.world.things.placement import SPRITES, place_things
from synthviz.world.things.room import CELLS, look_around
from synthviz.world.things.sheet import SCREEN_COLORS, Sheet, reflectance
from synthviz.world.vectors import unit
from synthviz.world.view import View
from synthviz.world.water import Waves

SIZE = 192
LEAST = {1: 0.012, 2: 0.0075, 3: 0.0058, 4: 0.005}
MIDDLES = {"left": (0.05, 0.34), "center": (0.33, 0.67), "right": (0.66, 0.95)}


def bare_material(seen, x, z):
    flat = torch.zeros_like(x)
    return Material(torch.full((3, *x.shape), 0.3), flat, flat)


def plain(water):
    """A plain with hills behind it, or a lake in front of them."""
    camera = Camera(0.35, 0.55, 0.45)

    def height(x, z, pixel):
        return (z - 9).clamp(min=0) * 0.12 + (-0.2 if water else 0.02)

    return Land(camera, height, bare_material, Waves(0.02, 0.5, 0.0, (0.01, 0.05, 0.06)) if water else None)


@cache
def set_up(water, time="day"):
    rng = np.random.default_rng(1)
    land = plain(water)
    light = light_of(time, 0.8, rng)
    sky = Sky(light, (), Noise(torch.Generator().manual_seed(1)), 0.3)
    seen = march(land.height, land.camera, SIZE, land.near, land.far)
    return land, light, sky, seen, look_around(land, seen, light, sky)


def empty_view(land, light, sky, seen):
    camera = land.camera
    right = camera.columns(SIZE)[None, :].expand(SIZE, SIZE)
    up = camera.rows(SIZE)[:, None].expand(SIZE, SIZE)
    directions = unit(torch.stack([right, up, torch.ones_like(right)]))
    depth, label = seen.depth, torch.where(seen.hit, LABELS["place"], LABELS["sky"])
    if land.waves is not None:
        surface = torch.where(up < 0, camera.height / (-up).clamp(min=1e-4), torch.full_like(up, 1e9))
        wet = (up < 0) & (surface < depth)
        depth, label = torch.where(wet, surface, depth), torch.where(wet, LABELS["water"], label)
    return View(
        camera=camera,
        light=light,
        sky=sky,
        shadows=None,
        haze=0.02,
        directions=directions,
        haze_color=sky.haze_color(directions),
        color=sky.view(directions, 0.004),
        depth=depth.clone(),
        labels=label.to(torch.uint8),
    )


def draw(groups, water=False, time="day", seed=0):
    land, light, sky, seen, room = set_up(water, time)
    view = empty_view(land, light, sky, seen)
    rng = np.random.default_rng(seed)
    for drawable in place_things(groups, room, light, None, rng):
        drawable.draw(view)
    return view


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_every_thing_is_whole_and_large_enough(kind, count):
    for seed in range(3):
        side = SIDES[seed] if count == 1 else None
        view = draw([Group(kind, "red", count, side)], kind == "boat", seed=seed)
        mask = view.labels == LABELS[kind]
        assert float(mask.float().mean()) >= LEAST[count] * count
        assert not mask[[0, -1]].any()
        assert not mask[:, [0, -1]].any()


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_single_thing_stands_on_its_side(kind, side):
    view = draw([Group(kind, "blue", 1, side)], kind == "boat", seed=7)
    columns = torch.nonzero(view.labels == LABELS[kind])[:, 1].float() / SIZE
    low, high = MIDDLES[side]
    assert low <= float(columns.mean()) <= high


def test_flying_things_are_in_the_sky_and_boats_on_water():
    view = draw([Group("balloon", "red", 3), Group("boat", "white", 2)], water=True)
    rows = {name: torch.nonzero(view.labels == LABELS[name])[:, 0].float() for name in ("balloon", "boat")}
    horizon = 0.55 * SIZE
    assert float(rows["balloon"].max()) < horizon
    assert float(rows["boat"].max()) > horizon


@pytest.mark.parametrize("height", [0.0, 0.03])
def test_a_hull_is_seen_whole_in_a_swell_and_mirrored_below(height):
    land, light, sky, seen, _ = set_up(True)
    noise = Noise(torch.Generator().manual_seed(2))
    land = replace(land, drawables=(Sea(noise, height, 0.4, land.waves),))
    room = look_around(land, seen, light, sky)
    (wake, boat) = place_things([Group("boat", "red", 1, "center")], room, light, None, np.random.default_rng(3))
    view = empty_view(land, light, sky, seen)
    for drawable in (*land.drawables, wake):
        drawable.draw(view)
    before = view.color.clone()
    boat.draw(view)
    mask = view.labels == LABELS["boat"]
    top, bottom = (int(rows) for rows in torch.nonzero(mask.any(1))[[0, -1], 0])
    hull = mask[bottom - (bottom - top) // 12]
    assert float(hull.sum()) > 0.4 * float(mask.any(0).sum())
    sprite = boat.sprite.alpha[: round((1 - boat.draught) * len(boat.sprite.alpha))]
    shown = float(mask.sum()) / float(
        (view.pixels_per_unit(boat.away) * torch.tensor([boat.width, boat.height])).prod()
    )
    assert shown == pytest.approx(float(sprite.sum()) / boat.sprite.alpha.numel(), rel=0.08)
    changed = ((view.color - before).abs().sum(0) > 1e-3) & ~mask
    assert changed[bottom + 2 :].any()
    assert (view.labels[bottom + 3 :] != LABELS["boat"]).all()


def test_a_flock_flies_one_way():
    room, light = set_up(False)[4], set_up(False)[1]
    birds = place_things([Group("bird", "red", 4)], room, light, None, np.random.default_rng(5))
    assert not any(bird.flip for bird in birds)
    assert len({round(float(bird.sprite.alpha.sum())) for bird in birds}) == 4  # each beats its wings in its own way


def test_a_tree_casts_its_shadow_away_from_the_light():
    land, light, sky, seen, room = set_up(False)
    (tree,) = place_things([Group("tree", "red", 1, "center")], room, light, None, np.random.default_rng(3))
    view = empty_view(land, light, sky, seen)
    before = view.color.clone()
    tree.draw(view)
    shade = ((view.color - before).mean(0) < -0.02) & (view.labels == LABELS["place"])
    column, _ = view.project(tree.right, tree.base, tree.away)
    middle = float(torch.nonzero(shade)[:, 1].float().mean())
    assert (middle < column) == (float(light.direction[0]) > 0)


@pytest.mark.parametrize("time", ["sunset", "night"])
@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_colour_stays_readable_in_every_light(kind, color, time):
    view = draw([Group(kind, color, 1, "center")], kind == "boat", time, seed=3)
    mask = view.labels == LABELS[kind]
    shown = to_screen(view.color)[:, mask].median(1).values
    brightness, shown = float(shown.max()), shown / shown.max()
    distances = {name: float((shown - as_shown(name)).norm()) for name in COLORS}
    assert min(distances, key=distances.get) == color
    assert brightness > 0.35


def as_shown(name):
    value = to_screen(reflectance(SCREEN_COLORS[name]))
    return value / value.max()


@pytest.mark.parametrize("kind", KINDS)
def test_sprites_are_finite_with_unit_colours(kind):
    light = set_up(False)[1]
    for seed in range(6):
        sprite = SPRITES[kind](reflectance(SCREEN_COLORS["green"]), light, 80, 0.4, np.random.default_rng(seed))
        for values in (sprite.albedo, sprite.alpha, sprite.normal, sprite.emission, sprite.open_sky):
            assert values is None or torch.isfinite(values).all()
        assert float(sprite.alpha.max()) <= 1.001
        assert float(sprite.alpha.min()) >= 0


def sprite_with_wings(thickness):
    """A wide sprite, a part of whose rows is covered."""
    alpha = torch.zeros(40, 110)
    alpha[18 : 18 + thickness] = 1.0
    normal = torch.tensor([0.0, 0.0, -1.0])[:, None, None].expand(3, 40, 110)
    return Sprite(torch.full((3, 40, 110), 0.3), alpha, normal)


@pytest.mark.parametrize("side", SIDES)
def test_wide_things_fit_on_every_side(monkeypatch, side):
    for seed in range(6):
        birds = itertools.cycle([sprite_with_wings(4), sprite_with_wings(5)])  # the first one is too slim
        monkeypatch.setitem(SPRITES, "bird", lambda *_, birds=birds: next(birds))
        mask = draw([Group("bird", "red", 1, side)], seed=seed).labels == LABELS["bird"]
        assert float(mask.float().mean()) >= LEAST[1]
        across = torch.nonzero(mask.any(0))
        assert float(across.max() - across.min()) < 0.6 * SIZE
        assert not mask[:, [0, -1]].any()


def test_the_same_seed_draws_the_same_things():
    groups = [Group("lantern", "yellow", 2), Group("tower", "purple", 1, "left")]
    assert torch.equal(draw(groups, seed=5).color, draw(groups, seed=5).color)


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("side", SIDES)
def test_a_sun_or_moon_is_round_large_enough_and_on_its_side(kind, side):
    time = "sunset" if kind == "sun" else "night"
    land, light, sky, seen, room = set_up(False, time)
    body = place_body(kind, side, time, land.camera, room.free, np.random.default_rng(2))
    view = empty_view(land, body.light(light, land.camera), sky, seen)
    body.draw(view)
    rows, columns = torch.nonzero(view.labels == LABELS[kind], as_tuple=True)
    assert len(rows) / SIZE**2 >= 0.0035
    assert MIDDLES[side][0] <= float(columns.float().mean()) / SIZE <= MIDDLES[side][1]
    if kind != "crescent moon":
        assert abs(int(rows.max() - rows.min()) - int(columns.max() - columns.min())) <= 1
    direction = body.light(light, land.camera).direction
    assert float(direction.norm()) == pytest.approx(1)
    column, row = view.project(*(20 * float(v) for v in (direction[0], direction[1])), 20 * float(direction[2]))
    assert column / SIZE == pytest.approx(body.column, abs=0.01)
    assert abs(row / SIZE - body.row) < 0.05  # the camera is a little above the ground


def test_a_body_keeps_clear_of_what_hides_the_sky():
    free = torch.zeros(CELLS, CELLS, dtype=torch.bool)
    free[:40, 70:] = True
    body = place_body("sun", "right", "sunset", Camera(0.3, 0.6, 0.45), free, np.random.default_rng(0))
    assert body.row + body.radius < 40 / CELLS + 0.01
    assert RADII["sun"][0] <= body.radius <= RADII["sun"][1]


def test_stars_keep_away_from_the_moon_and_the_land():
    land, light, sky, seen, room = set_up(False, "night")
    rng = np.random.default_rng(4)
    moon = place_body("moon", "left", "night", land.camera, room.free, rng)
    view = empty_view(land, light, sky, seen)
    moon.draw(view)
    before = view.labels.clone()
    stars = place_stars(land.camera, moon, rng)
    stars.draw(view)
    changed = view.labels != before
    assert float((view.labels == LABELS["stars"]).float().mean()) > 0.005
    assert (before[changed] == LABELS["sky"]).all()
    assert (np.hypot(stars.places[:, 0] - moon.column, stars.places[:, 1] - moon.row) > moon.radius).all()


def test_a_sheet_draws_shapes_where_they_belong():
    sheet = Sheet(1.0, 50)
    disc = sheet.ellipse(0.0, 0.0, 0.5, 0.5)
    assert float(disc.sum()) == pytest.approx(np.pi * 12.5**2, rel=0.02)
    square = sheet.polygon([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    assert float(square.sum()) == pytest.approx(625, rel=0.06)
    normal = sheet.swell(disc, 0.2)
    assert float(normal[0, 25, 13]) < 0 < float(normal[0, 25, 36])
    assert float(normal[1, 13, 25]) > 0 > float(normal[1, 36, 25])
