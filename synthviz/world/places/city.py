"""A city of the future: across the water, down an avenue, from a hill, or rising out of a sea of clouds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from synthviz.world.buildings.blueprint import GLOWS, Blueprint
from synthviz.world.buildings.districts import boulevard, down_avenue, far_and_wide, skyline
from synthviz.world.buildings.facades import Facades
from synthviz.world.buildings.lamps import Lamp, Trail
from synthviz.world.buildings.solids import Mist, Solids
from synthviz.world.buildings.street_life import cars, frame, railing, street_trees, track
from synthviz.world.camera import Camera
from synthviz.world.ground import Height, Seen
from synthviz.world.land import Drawable, Land, Material, Wishes, rgb
from synthviz.world.light import DARKNESS
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.city_ground import Town, city_ground, under_weather
from synthviz.world.sky import mix
from synthviz.world.sprites import Standing
from synthviz.world.view import View
from synthviz.world.water import Waves

NEARNESS = {"fog": 0.34, "rain": 0.5, "snowfall": 0.48, "thunderstorm": 0.55}  # bad air: all is nearer and smaller


@dataclass(frozen=True)
class Unmirrored:
    """Something near the viewer or in the air, which no water mirrors."""

    drawable: Drawable

    def draw(self, view: View) -> None:
        """Draw it, unless this is the mirror image."""
        if not view.mirrored:
            self.drawable.draw(view)


@dataclass(frozen=True)
class Site:
    """A city at its usual size, before it is moved nearer in bad air.

    Attributes:
        camera: from where it is seen.
        height: the ground; water fills it up to 0.
        material: of the ground.
        mist: between the towers.
        dim: height up to which buildings stand in each other's shade.
        waves: of the water; None without water.
        lamps: in the air and along the streets.
        trees: along the streets.
        terrace: what stands on the viewer's terrace.
    """

    camera: Camera
    height: Height
    material: Callable[[Seen, Tensor, Tensor], Material]
    mist: Mist
    dim: float
    waves: Waves | None = None
    lamps: list[Lamp | Trail] = field(default_factory=list)
    trees: list[Standing] = field(default_factory=list)
    terrace: Blueprint | None = None


def city(wishes: Wishes) -> Land:
    """Build a city, with a bay, a river or a canal if water is wished for."""
    rng = wishes.rng
    plan = Blueprint(rng)
    plan.glows = GLOWS[rng.integers(len(GLOWS))]
    kind = _choose(wishes)
    site = {"across": _across, "avenue": _avenue, "hill": _hill, "clouds": _clouds}[kind](wishes, plan)
    return replace(_build(site, plan, wishes), sights=_sights(kind, site, wishes.water))


def _sights(kind: str, site: Site, water: bool) -> tuple[str, ...]:
    """Return what captions may say of a composition."""
    seen: tuple[str, ...] = {
        "across": ("distant", "across the water") if water else ("distant",),
        "avenue": ("river",) if water else ("street",),
        "hill": ("from above",),
        "clouds": ("sea of clouds",),
    }[kind]
    if kind == "across" and site.trees:
        seen += ("trees",)
    return seen if site.terrace is None else (*seen, "railing")


def _choose(wishes: Wishes) -> str:
    """Choose a composition that leaves the sky of sun or moon free and shows water where it is wished for."""
    chances = {"across": 0.30, "avenue": 0.26, "hill": 0.28, "clouds": 0.16}
    if wishes.water:
        chances["across"], chances["clouds"] = 0.7, 0.0
    if wishes.sun_side in (-1, 1):
        chances["avenue"] = 0.0
    total = sum(chances.values())
    return list(chances)[wishes.rng.choice(len(chances), p=[chance / total for chance in chances.values()])]


def _build(site: Site, plan: Blueprint, wishes: Wishes) -> Land:
    """Turn a site into a land; in bad air a smaller one."""
    scale, darkness = NEARNESS.get(wishes.weather, 1.0), DARKNESS[wishes.time]
    snow = wishes.weather == "snowfall"
    parts = [solid.scaled(scale) for solid in plan.parts]
    facades = Facades.of(parts, plan.looks, scale, site.dim * scale, snow)
    mist = replace(
        site.mist,
        density=site.mist.density / scale,
        thickness=site.mist.thickness * scale,
        begin=site.mist.begin * scale,
        sea=None if site.mist.sea is None else site.mist.sea * scale,
    )
    lamps = site.lamps if darkness > 0.2 else []
    if darkness > 0.2:
        strength = 0.4 + 1.2 * darkness
        lamps = lamps + [
            Lamp(right, height, away, 0.02, (strength * glow[0], strength * glow[1], strength * glow[2]))
            for right, height, away, glow in plan.tips
        ]
    drawables: list[Drawable] = [Solids(parts, facades, mist=mist)]
    if site.terrace is not None:
        near = [solid.scaled(scale) for solid in site.terrace.parts]
        drawables.append(Unmirrored(Solids(near, Facades.of(near, site.terrace.looks, scale, 1e-3))))
    if plan.aircraft:
        flying = [solid.scaled(scale) for solid, _ in plan.aircraft]
        drawables.append(
            Unmirrored(Solids(flying, Facades.of(flying, [look for _, look in plan.aircraft], scale, 1e-3)))
        )
    drawables += [_scaled_tree(tree, scale) for tree in site.trees]
    drawables += [lamp.scaled(scale) for lamp in lamps]
    return Land(
        replace(site.camera, height=site.camera.height * scale),
        lambda x, z, pixel: scale * site.height(x / scale, z / scale, pixel / scale),
        lambda seen, x, z: site.material(seen, x / scale, z / scale),
        site.waves,
        near=0.12 * scale,
        far=26.0 * scale,
        drawables=tuple(drawables),
    )


def _scaled_tree(tree: Standing, scale: float) -> Standing:
    return replace(
        tree,
        right=tree.right * scale,
        base=tree.base * scale,
        away=tree.away * scale,
        width=tree.width * scale,
        height=tree.height * scale,
    )


def _waves(wishes: Wishes) -> Waves:
    rng = wishes.rng
    return Waves(float(rng.uniform(0.006, 0.03)), 0.4, float(rng.uniform(-0.5, 0.5)), (0.01, 0.04, 0.06))


def _mist(wishes: Wishes, plan: Blueprint, density: float, thickness: float, begin: float) -> Mist:
    """Return mist that glows in the colours of the city when it is dark."""
    darkness = DARKNESS[wishes.time]
    one, warm = plan.glows[0], (1.0, 0.55, 0.28)
    strength = 0.14 * darkness * darkness
    glow = tuple(strength * (0.45 * a + 0.55 * b) for a, b in zip(one, warm, strict=True))
    density *= wishes.rng.uniform(0.6, 1.2) * (0.28 + 0.5 * darkness)
    if wishes.weather in NEARNESS:  # the air itself is thick enough
        density *= 0.3
    return Mist(density, thickness, begin, (glow[0], glow[1], glow[2]))


def _across(wishes: Wishes, plan: Blueprint) -> Site:
    """Look at the skyline across water, or across a park."""
    rng, noise = wishes.rng, wishes.noise
    distance = float(rng.uniform(7.5, 9.0))
    low = 0.5 if wishes.water else 0.64  # a park is less to see than water
    camera = Camera(float(rng.uniform(0.14, 0.4)), float(rng.uniform(low, 0.72)), float(rng.uniform(0.36, 0.52)))
    lamps = skyline(plan, camera, distance, wishes.sun_side)
    shore, side = distance - 2.5, float(rng.choice([-1, 1]))
    if rng.random() < (0.35 if wishes.water else 0.7):
        track(plan, side, distance, camera)
    if rng.random() < 0.3:
        frame(plan, camera, wishes.sun_side)
    near_by = rng.choice(["bank", "railing", "nothing"], p=[0.3, 0.3, 0.4])
    terrace = railing(plan, camera) if near_by == "railing" and wishes.water else None
    bank = max(0.0, camera.height - float(rng.uniform(0.2, 0.34)) * 2 * camera.width * 0.7)
    if near_by != "bank" or not wishes.water:
        bank = 0.0
    trees = [] if wishes.water else _park(wishes, plan, camera, shore)
    shift, goal = float(rng.uniform(0, 60)), float(rng.uniform(-1.5, 1.5))
    path = None if wishes.water else goal
    town = Town(shore, DARKNESS[wishes.time], wishes.weather, path, quayside=wishes.water)

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        land = 0.16 * smoothstep(shore, shore + 0.05, z) - 0.1 if wishes.water else 0.02 + 0.0 * z
        far = smoothstep(14, 20, z) * (0.5 + 0.5 * noise.value(x / 6 + shift, z / 6)).clamp(min=0) * 1.1
        near = smoothstep(1.5, 0.5, z + 0.9 - side * 1.1 * x + 0.2 * noise.value(3 * x + shift, 3 * z))
        rough = 0.02 * noise.fbm(6 * x, 6 * z, 3, 0.5, 6 * pixel)
        return land + far + near * ((bank + 0.1 + rough) if bank else 0.0)

    return Site(
        camera,
        height,
        lambda seen, x, z: city_ground(noise, seen, x, z, town),
        _mist(wishes, plan, 0.12, 0.55, distance - 2.0),
        0.8,
        _waves(wishes) if wishes.water else None,
        lamps,
        trees,
        terrace,
    )


def _park(wishes: Wishes, plan: Blueprint, camera: Camera, shore: float) -> list[Standing]:
    """Plant a park before the skyline that leaves its middle free."""
    places = []
    for _ in range(26):
        away = float(2.4 * (shore / 2.4) ** plan.uniform(0, 1))
        places.append((camera.width * away * plan.uniform(0.45, 1.1) * float(plan.rng.choice([-1, 1])), away))
    return street_trees(plan, wishes, places, 0.5)


def _avenue(wishes: Wishes, plan: Blueprint) -> Site:
    """Look down an avenue, or a canal between two rows of towers."""
    rng, noise = wishes.rng, wishes.noise
    camera = Camera(float(rng.uniform(0.16, 0.5)), float(rng.uniform(0.5, 0.68)), float(rng.uniform(0.42, 0.6)))
    half = float(rng.uniform(0.85, 1.1))
    lamps = down_avenue(plan, camera, half, wishes.sun_side == 0)
    if not wishes.water:
        lamps += cars(plan, half)
    places = [(sign * half * 0.86, 1.75 + 0.9 * number) for number in range(7) for sign in (-1, 1)]
    trees = street_trees(plan, wishes, places, 0.42)
    darkness = DARKNESS[wishes.time]
    glow = plan.glows[0]

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        return 0.02 + 0.0 * z - (0.16 * smoothstep(half * 0.74, half * 0.7, x.abs()) if wishes.water else 0.0)

    def material(seen: Seen, x: Tensor, z: Tensor) -> Material:
        fine = noise.fbm(x * 5, z * 5, 4, 0.5, seen.pixel * 5)
        stone = mix(rgb(0.09, 0.10, 0.11), rgb(0.30, 0.30, 0.30), smoothstep(half * 0.62, half * 0.66, x.abs()))
        wide = torch.maximum(0.014 + 0.0 * x, 0.8 * seen.pixel)
        line = torch.exp(-(((x.abs() - half * 0.68) / wide) ** 2)) + 0.7 * torch.exp(-((x / wide) ** 2))
        pools = torch.exp(-(((x.abs() - half * 0.8) / 0.22) ** 2)) * (0.6 + 0.4 * torch.cos(z * 6.2832 / 0.9))
        light = rgb(*glow) * line * (0.05 + 0.9 * darkness) + rgb(1.0, 0.62, 0.32) * 0.12 * pools * darkness
        stone = under_weather(stone, wishes.weather, fine)
        return Material(stone * (1 + 0.07 * fine), 0.01 * fine, 0.01 * fine, light)

    waves = _waves(wishes) if wishes.water else None
    return Site(camera, height, material, _mist(wishes, plan, 0.09, 0.8, 2.0), 0.7, waves, lamps, trees)


def _hill(wishes: Wishes, plan: Blueprint) -> Site:
    """Look from a hill over the whole city, with a bay before it if there is water."""
    rng, noise = wishes.rng, wishes.noise
    lift = float(rng.uniform(0.9, 1.5))
    camera = Camera(lift, float(rng.uniform(0.38, 0.54)), float(rng.uniform(0.40, 0.56)))
    first = 6.0 if wishes.water else 3.0
    lamps = far_and_wide(plan, camera, first, wishes.sun_side)
    terrace = railing(plan, camera) if rng.random() < 0.4 else None
    avenue = boulevard(plan, first)
    town = Town(first - 0.5, DARKNESS[wishes.time], wishes.weather, quayside=wishes.water, streets=(first, *avenue))
    side, shift = float(rng.choice([-1, 1])), float(rng.uniform(0, 60))

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        plain = 0.16 * smoothstep(first - 0.5, first - 0.4, z + 0.5 * torch.sin(x)) - 0.12 if wishes.water else 0.02
        fall = (z - 0.9 * side * x + 0.12 * noise.value(x * 1.5 + shift, z * 1.5)) / 1.5
        slope = smoothstep(1.0, 0.0, fall)
        hill = slope * (lift - 0.22 + 0.02 * noise.fbm(7 * x, 7 * z, 3, 0.5, 7 * pixel))
        far = smoothstep(16, 25, z) * (1.15 * lift + 0.5 * noise.fbm(x / 5 + shift, z / 5, 4, 0.5, pixel / 5))
        return plain + hill + far

    return Site(
        camera,
        height,
        lambda seen, x, z: city_ground(noise, seen, x, z, town),
        _mist(wishes, plan, 0.10, 0.6, first),
        0.7,
        _waves(wishes) if wishes.water else None,
        lamps,
        terrace=terrace,
    )


def _clouds(wishes: Wishes, plan: Blueprint) -> Site:
    """Look at towers that rise out of a sea of clouds."""
    rng, noise = wishes.rng, wishes.noise
    sea, distance = float(rng.uniform(0.7, 1.0)), float(rng.uniform(7.0, 9.0))
    camera = Camera(sea + float(rng.uniform(0.35, 0.8)), float(rng.uniform(0.5, 0.66)), float(rng.uniform(0.38, 0.5)))
    lamps = skyline(plan, camera, distance, wishes.sun_side)
    if rng.random() < 0.3:
        frame(plan, camera, wishes.sun_side)
    terrace = railing(plan, camera) if rng.random() < 0.35 else None
    mist = replace(_mist(wishes, plan, 0.05, 1.0, distance), sea=sea)
    shift = float(rng.uniform(0, 60))
    glow = rgb(*(2.2 * light for light in mist.glow))

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        swell = noise.value(x * 0.2 + shift, z * 0.34)
        near = 0.3 * smoothstep(2.5, 0.4, z)  # clouds before the viewer's feet would hide the view
        return sea - 0.08 - near + 0.05 * swell + 0.62 * _puffs(noise, x + shift, z, pixel) + 0.1 * smoothstep(9, 20, z)

    def material(seen: Seen, x: Tensor, z: Tensor) -> Material:
        near = torch.exp(-(((z - distance) / 3.0) ** 2))
        thick = _puffs(noise, x + shift, z, seen.pixel) + 0.02 * noise.fbm(5 * x, 5 * z, 4, 0.6, 5 * seen.pixel)
        white = mix(rgb(0.62, 0.72, 0.92), rgb(1.14, 1.12, 1.10), smoothstep(0.02, 0.26, thick))
        # Light that enters a cloud leaves it everywhere: it is soft, and only its folds are darker.
        return Material(white, -0.7 * seen.slope_x, -0.7 * seen.slope_z, glow * near)

    return Site(camera, height, material, mist, 1.1, None, lamps, terrace=terrace)


def _puffs(noise: Noise, x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
    """Return the height of heaps of cloud above their folds, 0 to about 0.4."""
    total = torch.zeros_like(x)
    for octave, (frequency, height) in enumerate(((0.30, 0.13), (0.9, 0.09), (2.1, 0.05), (5.0, 0.022))):
        shown = (1.5 - 2.0 * pixel * frequency).clamp(0, 1)
        heaps = noise.value(x * frequency + 7.7 * octave, z * frequency + 0.3 * total).abs().clamp(max=1.5)
        total = total + height * shown * (torch.sqrt(heaps + 0.12) - 0.3)
    return total
