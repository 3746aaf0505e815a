"""The sea near the viewer: swell with real relief, clear shallows, whitecaps, and surf along a shore.

The core's water is a plane. This drawable lies over the plane near the viewer and gives way to it in the distance. It
is computed at half of the painter's resolution, which is that of the finished picture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.filters import enlarge
from synthviz.world.ground import Height, Seen, march
from synthviz.world.labels import LABELS
from synthviz.world.land import rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.sky import mix, paint_color
from synthviz.world.vectors import along, unit
from synthviz.world.view import View
from synthviz.world.water import Waves, wave_slopes

FOAM = (0.86, 0.89, 0.90)
LIFT = 0.002  # of calm water above the core's plane, so that it covers the plane
NEAREST, FARTHEST = 0.04, 60.0
SOFT = 0.065  # angle in radians over which rough water blurs the clouds that it mirrors


@dataclass(frozen=True)
class Surf:
    """Waves that break along a shore.

    Attributes:
        spacing: depth of the water from one breaker to the next.
        height: of a breaker.
        edge: depth at which the last thin sheet of foam ends.
        wash: how much foam lies at the shore itself, 0 to 1.
    """

    spacing: float
    height: float
    edge: float
    wash: float = 0.5


@dataclass(frozen=True)
class Sea:
    """The surface of a sea with its colours.

    Attributes:
        noise: of the scene.
        height: of the swell from trough to crest.
        length: from crest to crest.
        ripples: the fine waves on it, and the colour of deep water.
        whitecaps: share of the crests that break, 0 to 1.
        bed: the land, whose part below 0 is the bed of the sea; None where there is no land.
        shallows: reflectance of the bed as it shines through clear water.
        clear: depth at which a third of the bed's light is left.
        surf: how waves break on the shore; None without.
        reach: distance at which the core's plane takes over.
    """

    noise: Noise
    height: float
    length: float
    ripples: Waves
    whitecaps: float = 0.0
    bed: Height | None = None
    shallows: tuple[float, float, float] = (0.10, 0.42, 0.40)
    clear: float = 0.12
    surf: Surf | None = None
    reach: float = 14.0

    @property
    def covers(self) -> float:
        """Distance up to which nothing is seen of the core's plane."""
        return 0.5 * self.reach

    def draw(self, view: View) -> None:
        """Draw the sea over the plane of the water; the mirror image of the land has no sea."""
        if view.mirrored:
            return
        seen = march(self._surface, view.camera, view.size // 2, self._nearest(view), FARTHEST)
        x, z = view.camera.to_world(seen.right.clamp(-90, 90), seen.away.clamp(max=90))
        depth = self._depth(x, z)
        color = self._shade(view, seen, x, z, depth)
        alpha = seen.hit.float() * smoothstep(self.reach, self.covers, seen.away)
        if depth is not None:  # the last sheet of water is thin
            alpha = alpha * smoothstep(0.0, 0.0025, seen.height + depth)
        layers = enlarge(torch.cat([color, alpha[None], seen.depth.clamp(max=1e4)[None]]))
        everything = slice(0, view.size)
        view.put(everything, everything, layers[:3], layers[3], layers[4] - 1e-3, LABELS["water"])

    def _nearest(self, view: View) -> float:
        """Return a distance before which the view shows no water: its lowest rays are above the crests."""
        top = LIFT + 1.1 * self.height + (0.0 if self.surf is None else 1.4 * self.surf.height + 2 * self.surf.edge)
        return max(NEAREST, (view.camera.height - top) / -float(view.camera.rows(view.size)[-1]))

    def _depth(self, x: Tensor, z: Tensor) -> Tensor | None:
        """Return the depth of the water, negative on land; None in the open sea."""
        return None if self.bed is None else -self.bed(x, z, torch.full_like(x, 0.02))

    def _surface(self, x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        surface = self.height * self._crests(x, z, pixel)
        depth = self._depth(x, z)
        if depth is not None:
            surface = surface * smoothstep(-0.01, 0.10, depth)
            if self.surf is not None:
                breaker, _ = self._breakers(x, z, depth)
                surface = surface + self.surf.height * breaker * (1.4 - 40 * pixel).clamp(0, 1)
                # The last sheet of water runs up the sand in tongues.
                surface = surface + 0.45 * self.surf.edge * (1 + self.noise.value(x * 1.7, z * 1.7 + 4.4)).clamp(min=0)
        return surface + LIFT

    def _crests(self, x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        """Return the swell between 0 and about 1: long sharp crests, wide round troughs."""
        cos, sin = math.cos(self.ripples.turn), math.sin(self.ripples.turn)
        forward, across = (cos * z + sin * x) / self.length, (-sin * z + cos * x) / self.length
        total, amplitude, frequency = torch.zeros_like(x), 1.0, 1.0
        for octave in range(4):
            turn = 0.42 * math.sin(2.1 * octave + 0.6)
            c, s = math.cos(turn), math.sin(turn)
            u = frequency * (c * forward + s * across)
            v = frequency * (0.3 + 0.1 * octave) * (-s * forward + c * across)
            shown = (1.5 - 2.5 * pixel / self.length * frequency).clamp(0, 1)
            value = self.noise.value(u + 7.7 * octave, v - 3.1 * octave)
            rounded = torch.sqrt(value.square() + 0.03)  # a sharper crest would glitter
            total = total + amplitude * shown * (1.08 - 1.1 * rounded).clamp(min=-0.6)
            amplitude *= 0.46
            frequency *= 1.9
        return (0.3 + 0.42 * total).clamp(min=0)

    def _breakers(self, x: Tensor, z: Tensor, depth: Tensor) -> tuple[Tensor, Tensor]:
        """Return the shape of the breaking waves and how much foam they leave behind, both from 0 to 1."""
        assert self.surf is not None
        bend = 0.30 * self.noise.value(x * 0.8 + 3.1, z * 0.8) + 0.13 * self.noise.value(x * 2.3, z * 2.3 + 8.2)
        phase = depth / self.surf.spacing + bend
        number = phase.floor()
        phase = phase - number  # 0 at the shoreward side of a wave, 1 at its seaward side
        strength = 0.3 + 0.7 * smoothstep(-0.7, 0.8, self.noise.value(x * 0.6 + 5.3 * number, z * 0.6 + 2.7))
        strength = strength * smoothstep(4.4, 2.0, number) * smoothstep(0.0, 0.3, depth / self.surf.spacing)
        crest = smoothstep(0.06, 0.22, phase) * smoothstep(0.62, 0.22, phase)
        wash = smoothstep(0.02, 0.12, phase) * smoothstep(0.85, 0.14, phase) ** 2
        return crest * strength, wash * strength

    def _lace(self, x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        """Return the threads of foam, 1 on a thread and 0 in a hole; even where a pixel holds many of them."""
        warp = 0.4 * self.noise.value(x * 4.3, z * 4.3 + 1.7)
        threads = torch.full_like(x, 1.08)
        for amplitude, size in ((0.42, 8.0), (0.40, 19.0), (0.34, 43.0)):
            shown = (1.6 - pixel * size * 1.4).clamp(0, 1)
            hole = self.noise.value(x * size + warp, z * size * 1.3 - warp).abs()
            threads = threads - amplitude * mix(torch.full_like(x, 0.75), hole, shown)
        return threads.clamp(0, 1)

    def _foam(self, x: Tensor, z: Tensor, seen: Seen, crest: Tensor, depth: Tensor | None) -> Tensor:
        """Return how much of the water is foam, 0 to 1."""
        amount = torch.zeros_like(x)
        if self.whitecaps:
            cos, sin = math.cos(self.ripples.turn), math.sin(self.ripples.turn)
            forward, across = (cos * z + sin * x) / self.length, (-sin * z + cos * x) / self.length
            broad = self.noise.value(forward * 1.1 + 2.2, across * 0.6)
            high = 1.14 - 0.38 * self.whitecaps
            amount = 1.2 * smoothstep(high, high + 0.22, crest + 0.12 * broad)
            old = smoothstep(0.5, 1.9, self.noise.value(forward * 0.9, across * 0.5 + 6.6) + 0.8 * crest)
            amount = torch.maximum(amount, 0.5 * min(1.0, self.whitecaps) * old)
        if depth is not None and self.surf is not None:
            edge = self.surf.edge
            _, wash = self._breakers(x, z, depth)
            sheet = seen.height + depth  # how much water lies on the bed
            swash = smoothstep(4 * edge, 0.0, sheet) * (self.surf.wash + 0.3 * self.noise.value(x * 1.3, z * 1.3))
            swash = torch.maximum(swash, 1.1 * smoothstep(1.1 * edge, 0.3 * edge, sheet))
            amount = torch.maximum(amount, torch.maximum(1.25 * wash, swash))
        amount = amount.clamp(0, 1.3) * (0.72 + 0.28 * smoothstep(0.0004, 0.003, seen.pixel))
        lace = smoothstep(1.0 - amount, 1.6 - amount, self._lace(x, z, seen.pixel))
        return 0.95 * lace * (0.3 + 0.7 * amount).clamp(max=1) * smoothstep(0.0, 0.1, amount)

    def _shade(self, view: View, seen: Seen, x: Tensor, z: Tensor, depth: Tensor | None) -> Tensor:
        """Return the light of the surface, (3, h, w), haze included."""
        ripples = self.ripples
        direction, haze_color = view.directions[:, ::2, ::2], view.haze_color[:, ::2, ::2]
        fine_x, fine_z = wave_slopes(self.noise, ripples, x, z, seen.pixel * 2.5)
        slope_x, slope_z = seen.slope_x + fine_x, seen.slope_z + fine_z
        normal = unit(torch.stack([-slope_x, torch.ones_like(slope_x), -slope_z]))
        facing = (-(direction * normal).sum(0)).clamp(0.02, 1)
        reflected = direction + 2 * facing * normal
        # Far away mostly those faces of the waves are seen that lean towards the viewer; they mirror a higher sky.
        lean = 0.5 * ripples.strength + 0.25 * self.height / self.length
        reflected = unit(torch.stack([reflected[0], reflected[1].abs() + lean, reflected[2].clamp(min=-0.6)]))
        fresnel = 0.03 + 0.97 * (1 - facing) ** 5
        crest = ((seen.height - LIFT) / max(self.height, 1e-3)).clamp(0, 1.5)
        body = self._body(view, crest, depth, slope_z)
        color = mix(body, view.sky.view(reflected, SOFT), fresnel * 0.92)
        color = color + self._glitter(view, seen, reflected, x, z)
        foam = self._foam(x, z, seen, crest, depth)
        upright = unit(normal + torch.tensor([0.0, 1.0, 0.0])[:, None, None])
        white = view.illuminate(rgb(*FOAM).expand_as(color), upright, 1.0, 1.0)
        white = mix(white, white.mean(0, keepdim=True), min(1.0, 1.5 * view.sky.veil))
        color = mix(color, white, foam)
        share = view.haze_share(seen.away.clamp(max=1e4), 0.0)
        return mix(color, haze_color, share)

    def _glitter(self, view: View, seen: Seen, reflected: Tensor, x: Tensor, z: Tensor) -> Tensor:
        """Return the light of the sun or moon that the waves mirror to the viewer, (3, h, w)."""
        light = view.light
        strength = max(0.0, 1 - 2.2 * view.sky.veil) * (0.8 if light.is_moon else 2.2)
        shine = along(reflected, light.direction).clamp(0, 1) ** (150 if self.ripples.strength > 0.08 else 260)
        # Close by, single faces of the waves are seen; a whole one that mirrors the sun would be a white blot.
        broken = smoothstep(0.0, 1.6, self.noise.value(x * 31, z * 47) + 0.5 * self.noise.value(x * 67, z * 90))
        shine = shine * mix(1.3 * broken, torch.ones_like(x), smoothstep(0.0015, 0.008, seen.pixel))
        return paint_color(light.key + light.glow) * shine * strength

    def _body(self, view: View, crest: Tensor, depth: Tensor | None, slope_z: Tensor) -> Tensor:
        """Return the light that comes out of the water: deep colour, thin crests that light shines through, the bed."""
        light = view.light
        direct = max(0.05, float(light.direction[1])) * 0.5 * (1 - 0.9 * view.sky.veil)
        bright = 0.45 * (light.zenith + light.horizon) * (1 - 0.4 * view.sky.veil) + light.key * direct
        deep = torch.tensor(self.ripples.deep)
        through = mix(
            torch.tensor(self.shallows), deep * 1.5 + 0.04, min(0.75, 1.4 * view.sky.veil)
        )  # no sun, no turquoise
        thin = (crest - 0.35).clamp(min=0) * (0.35 + 0.5 * max(0.0, float(light.direction[2])))
        thin = thin * (0.4 + (0.5 - slope_z).clamp(0, 1.2))
        body = paint_color(deep * bright) + paint_color((0.5 * through + deep) * bright) * thin * 0.8
        if depth is None:
            return body
        shine = torch.exp(-depth.clamp(min=0) / self.clear)
        sand = paint_color(through * bright * 1.2) * (1 - 0.3 * shine) + paint_color(bright * 0.26) * shine**8
        return mix(body, sand, shine)
