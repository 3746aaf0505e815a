"""A volcano: its whole cone over a plain or across water, its slope from nearby, with lava, smoke and fire."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.ground import Seen
from synthviz.world.land import Drawable, Land, Material, Wishes, bumps, height_at, rgb, steepness
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.cone import Cone, mountain
from synthviz.world.places.eruption import Fountain, Glow, Plume, column_of_smoke
from synthviz.world.places.sparse import fill, where_seen
from synthviz.world.sky import mix
from synthviz.world.water import Waves


def volcano(wishes: Wishes) -> Land:
    """Build a volcano."""
    rng, noise = wishes.rng, wishes.noise
    kind = str(rng.choice(["lake", "island"])) if wishes.water else str(rng.choice(["plain", "near", "field"]))
    cone = _cone(kind, wishes)
    height = mountain(noise, cone, kind)
    lift = {
        "plain": (0.12, 0.7),
        "near": (0.15, 0.35),
        "field": (0.1, 0.3),
        "lake": (0.13, 0.28),
        "island": (0.1, 0.5),
    }[kind]
    ground = max(0.03, height_at(height, 0.0, 0.15))
    horizon = (0.52, 0.64) if wishes.water else (0.56, 0.72)
    camera = Camera(ground + rng.uniform(*lift), rng.uniform(*horizon), rng.uniform(0.36, 0.48))
    waves = Waves(float(rng.uniform(0.01, 0.04)), 0.4, float(rng.uniform(-0.6, 0.6)), (0.01, 0.04, 0.05))
    foot = str(rng.choice(["ash", "green", "snow"], p=[0.4, 0.42, 0.18]))
    if wishes.weather == "snowfall":
        foot = "snow"
    if kind == "field":
        foot = "lava"
    look = _Look(noise, cone, foot, float(rng.uniform(0.8, 1.25)))
    return Land(
        camera,
        height,
        where_seen(look.material),
        waves if wishes.water else None,
        near=0.1,
        drawables=_fire(noise, cone, wishes),
        sights=("smoke", *{"lake": ("across the water",), "island": ("island",), "near": ("close",)}.get(kind, ())),
    )


def _cone(kind: str, wishes: Wishes) -> Cone:
    """Choose the shape of the volcano, away from the sun."""
    rng = wishes.rng
    if wishes.sun_side is None:
        side = float(rng.uniform(-1, 1))
    elif wishes.sun_side:
        side = -wishes.sun_side * float(rng.uniform(0.35, 0.9))
    else:
        side = float(rng.choice([-1, 1])) * 1.6
    if kind == "near":
        z, radius, tall = rng.uniform(4.6, 5.6), rng.uniform(3.6, 4.4), rng.uniform(1.5, 1.9)
    else:
        z, radius, tall = rng.uniform(7.5, 9.5), rng.uniform(3.6, 5.0), rng.uniform(1.9, 2.7)
    if kind in ("lake", "island"):
        radius = min(radius, z - 4.0)
    angles = rng.permutation(np.linspace(-1.1, 1.1, 5))[: int(rng.integers(2, 5))] + rng.uniform(-0.15, 0.15)
    streams = tuple((float(angle), float(rng.uniform(0.35, 0.95))) for angle in angles)
    return Cone(
        side * 1.5 * z / 9,
        float(z),
        float(tall),
        float(radius),
        float(rng.uniform(0.28, 0.46)) * (0.8 if kind == "near" else 1.0),
        float(rng.uniform(1.25, 1.75)) + (0.3 if kind == "near" else 0.0),
        streams,
        float(rng.uniform(0, 60)),
    )


@dataclass(frozen=True)
class _Look:
    """What the volcano is made of."""

    noise: Noise
    cone: Cone
    foot: str
    heat: float

    def material(self, seen: Seen, x: Tensor, z: Tensor) -> Material:
        """Return ash and scree, forest or snow at the foot, and lava that shines on what is near."""
        steep = steepness(seen)
        fine, bump_x, bump_z = bumps(self.noise, x + 0.5 * seen.height, z, seen.pixel, 0.3)
        broad = self.noise.fbm(x * 1.1, z * 1.1, 3, 0.5, seen.pixel * 1.1)
        ash = mix(rgb(0.024, 0.022, 0.024), rgb(0.088, 0.077, 0.074), (0.45 + 0.25 * fine + 0.15 * broad).clamp(0, 1))
        rust = smoothstep(0.5, 0.95, seen.height / self.cone.height + 0.1 * broad)
        albedo = mix(ash, rgb(0.19, 0.09, 0.06), 0.6 * rust * smoothstep(-0.8, 1.0, fine))
        share = seen.height / self.cone.height
        if self.foot == "green":
            forest = mix(rgb(0.025, 0.055, 0.02), rgb(0.12, 0.18, 0.05), (0.5 + 0.3 * fine + 0.2 * broad).clamp(0, 1))
            grown = smoothstep(0.42, 0.22, share + 0.10 * broad + 0.05 * fine) * smoothstep(1.3, 0.8, steep)
            albedo = mix(albedo, forest, grown)
        if self.foot == "snow":
            white = smoothstep(-0.3, 0.5, 0.6 - 0.7 * steep + 0.5 * fine + 0.2 * broad)
            albedo = mix(albedo, rgb(0.70, 0.75, 0.82), 0.92 * white)
        lava, shine = self._lava(x, z, fine)
        if self.foot == "lava":
            lava, shine = self._cracks(x, z, seen, lava, shine)
        albedo = albedo * (1 - 0.9 * lava)
        hot = mix(rgb(0.9, 0.08, 0.005), rgb(4.5, 1.5, 0.22), lava**2 * (0.62 + 0.22 * fine).clamp(0, 1))
        emission = self.heat * (hot * lava + shine * rgb(0.62, 0.10, 0.015) * (0.25 + 1.6 * albedo))
        return Material(albedo, bump_x * 0.22, bump_z * 0.22, emission)

    def _lava(self, x: Tensor, z: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        """Return where lava lies, 0 to 1, and how strongly it shines on the ground around it."""
        distance, angle = self.cone.polar(x, z)
        index = (distance < self.cone.radius).flatten().nonzero()[:, 0]
        lava, shine = self._streams(*(values.flatten()[index] for values in (distance, angle, fine)))
        return fill(lava, x.shape, index, 0.0), fill(shine, x.shape, index, 0.0)

    def _streams(self, distance: Tensor, angle: Tensor, fine: Tensor) -> tuple[Tensor, Tensor]:
        cone = self.cone
        down = (distance - cone.crater) / (cone.radius - cone.crater)
        lava = smoothstep(1.02, 0.8, distance / cone.crater)
        shine = torch.exp(-((distance / (cone.crater * 1.5)).square()))
        for number, (stream, length) in enumerate(cone.streams):
            line = torch.full_like(distance, cone.shift + 3.0 * number)
            bend = 0.16 * self.noise.value(distance * 1.3, line) + 0.06 * self.noise.value(distance * 3.7, line)
            aside = ((angle - stream - bend * smoothstep(0, 0.3, down)) * distance).abs()
            wide = (0.05 + 0.10 * (1 - down / length).clamp(min=0)) * (1 + 0.25 * fine)
            along = smoothstep(length, length * 0.75, down) * smoothstep(-0.35, -0.1, down)
            core = smoothstep(wide, 0.35 * wide, aside) * along
            lava = torch.maximum(lava, core * (0.95 - 0.35 * smoothstep(0.2, 1.0, down / length)))
            shine = torch.maximum(shine, 0.8 * torch.exp(-(aside / 0.26)) * along)
        return lava, shine

    def _cracks(self, x: Tensor, z: Tensor, seen: Seen, lava: Tensor, shine: Tensor) -> tuple[Tensor, Tensor]:
        """Add a field of young lava before the viewer: glowing cracks between dark plates."""
        warp = 0.5 * self.noise.value(x * 1.6, z * 1.6 + 5)
        off = self.noise.value(x * 3.0 + warp, z * 2.4 + self.cone.shift - warp).abs()
        off = torch.minimum(off, 0.10 + self.noise.value(x * 7.6 - warp, z * 6.6).abs())
        young = smoothstep(-0.3, 0.8, self.noise.value(x * 0.7 + 3, z * 0.7 + 8)) * smoothstep(5.5, 3.5, z)
        young = young * smoothstep(0.4, 1.2, z)
        crack = smoothstep(0.22, 0.04, off) * young
        return torch.maximum(lava, 0.9 * crack), torch.maximum(shine, 0.75 * torch.exp(-off / 0.3) * young)


def _fire(noise: Noise, cone: Cone, wishes: Wishes) -> tuple[Drawable, ...]:
    """Choose smoke, glow, and now and then a fountain of lava."""
    rng = wishes.rng
    dark = wishes.time in ("dusk", "night", "sunset", "sunrise")
    lean = float(rng.uniform(0.15, 0.9)) * float(rng.choice([-1, 1]))
    if wishes.sun_side:
        lean = -abs(lean) * wishes.sun_side
    tall, spread = float(rng.uniform(1.8, 3.6)), float(rng.uniform(0.16, 0.34))
    thickness = 0.97 if rng.random() < 0.65 else 0.6
    puffs = column_of_smoke(rng, cone.crater * 0.7, tall, lean * tall, spread, thickness)
    fire, soot = 1.0 if dark else 0.5, float(rng.uniform(0, 1))
    plume = Plume(noise, cone.x, cone.height - 0.15, cone.z, puffs, tall, fire, soot)
    glow = Glow(cone.x, cone.height + 0.1, cone.z, cone.crater * 2.4, 0.5 if dark else 0.2)
    things: list[Drawable] = [plume, glow]
    if rng.random() < (0.55 if dark else 0.1):
        reach = float(rng.uniform(0.5, 1.0))
        things.append(Fountain(cone.x, cone.height - 0.12, cone.z, cone.crater * 0.9, reach, int(rng.integers(2**31))))
    return tuple(things)
