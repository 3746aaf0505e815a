"""The shape of a volcano: a cone with gullies and a crater, on a plain, at a lake, or in the sea."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.ground import Height
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.sparse import fill


@dataclass(frozen=True)
class Cone:
    """The shape of a volcano.

    Attributes:
        x, z: of its middle.
        height: of its rim.
        radius: at its foot.
        crater: radius of its rim.
        curve: how much its slopes flatten towards the foot; 1 is a straight cone.
        streams: angle of each lava stream, 0 towards the viewer, and how far down it flows as a share of the radius.
        shift: where its noise is looked up.
    """

    x: float
    z: float
    height: float
    radius: float
    crater: float
    curve: float
    streams: tuple[tuple[float, float], ...]
    shift: float

    def polar(self, x: Tensor, z: Tensor) -> tuple[Tensor, Tensor]:
        """Return distance from the middle and angle, 0 towards the viewer; the seam lies behind the volcano."""
        right, away = x - self.x, z - self.z
        return torch.sqrt(right.square() + away.square() + 1e-6), torch.atan2(right, -away)

    def flank(self, noise: Noise, x: Tensor, z: Tensor, pixel: Tensor, rough: Tensor, calm: float) -> Tensor:
        """Return the height of the mountain above its plain, with gullies and a crater, at points (N,) within its foot.

        Args:
            noise: of the scene.
            x: position in the world.
            z: position in the world.
            pixel: size of a pixel there.
            rough: roughness of the ground there.
            calm: how rough the slopes are, 0 to 1.
        """
        distance, angle = self.polar(x, z)
        share = (1 - (distance - self.crater) / (self.radius - self.crater)).clamp(0, 1)
        along = pixel / distance.clamp(min=0.2) * 4.2
        gully = noise.fbm(angle * 4.2 + self.shift, distance * 0.35, 4, 0.55, along, ridged=True)
        relief = smoothstep(0, 0.12, share) * smoothstep(0.0, 0.25, 1 - share) * calm
        height = self.height * share**self.curve + relief * (0.05 * gully + 0.04 * rough)
        # The rim is uneven, and lower where the lava leaves it.
        rim = 0.07 * noise.value(angle * 2.2 + self.shift, torch.zeros_like(angle)) + 0.03 * rough - 0.05
        for stream, _ in self.streams:
            rim = rim - 0.10 * (1 - ((angle - stream) / 0.42).square()).clamp(min=0)
        bowl = smoothstep(0.97, 0.55, distance / self.crater)
        return height + rim * smoothstep(0.75, 1.0, share) - 0.32 * bowl


def mountain(noise: Noise, cone: Cone, kind: str) -> Height:
    """Return the height field of a volcano.

    Args:
        noise: of the scene.
        cone: its shape.
        kind: "island" for a volcano that rises from the sea, "lake" for a lake before it, "near" for smooth slopes.
    """
    calm = 0.55 if kind == "near" else 1.0

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        apart = torch.sqrt((x - cone.x).square() + (z - cone.z).square())
        index = (apart < cone.radius).flatten().nonzero()[:, 0]
        broad = noise.value(x / 2.6 + cone.shift, z / 2.6)
        rough = noise.fbm(x * 1.4 + cone.shift, z * 1.4, 5, 0.55, pixel * 1.4)
        right, away, size, lumps = (values.flatten()[index] for values in (x, z, pixel, rough))
        flank = fill(cone.flank(noise, right, away, size, lumps, calm), x.shape, index, 0.0)
        if kind == "island":
            shore = 1 - apart / cone.radius - 0.05 * broad
            return flank + 0.02 * rough - 0.03 - 0.5 * smoothstep(0.1, -0.25, shore)
        plain = (
            0.07 * broad + 0.05 * rough * calm + 0.10 + 0.35 * smoothstep(10, 18, z) * (1 + 0.6 * broad).clamp(min=0)
        )
        if kind == "lake":
            shore = ((x - 0.3 * cone.x) / 4.5).square() + ((z - 2.6) / 2.1).square() + 0.2 * broad
            plain = 0.6 * plain - 0.5 * smoothstep(1.2, 0.6, shore)
        return plain + flank

    return height
