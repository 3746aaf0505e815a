"""Water: a plane at height 0 whose waves mirror the sky and the mirrored ground."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from synthviz.world.camera import Camera
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.sky import mix, paint_color
from synthviz.world.vectors import along, evenly_spaced, points, unit
from synthviz.world.view import View

FAR = 1e8  # depths beyond are sky


@dataclass(frozen=True)
class Waves:
    """The surface of the water.

    Attributes:
        strength: slope of the waves; 0.02 is a calm lake, 0.25 a rough sea.
        scale: length of the largest waves.
        turn: direction in which they run, in radians.
        deep: colour of the water itself, in linear light under full light.
    """

    strength: float
    scale: float
    turn: float
    deep: tuple[float, float, float]


def wave_slopes(noise: Noise, waves: Waves, x: Tensor, z: Tensor, pixel: Tensor) -> tuple[Tensor, Tensor]:
    """Return the slopes of the water in x and z at points, finer waves fading out in the distance."""
    cos, sin = math.cos(waves.turn), math.sin(waves.turn)
    along, across = (cos * x + sin * z) / waves.scale, (-sin * x + cos * z) / waves.scale
    slope_a, slope_b = torch.zeros_like(x), torch.zeros_like(x)
    amplitude, frequency = 1.0, 1.0
    for octave in range(6):
        angle = 0.5 * math.sin(2.4 * octave + 1)
        c, s = math.cos(angle), math.sin(angle)
        # Crests are longer than the way from crest to crest.
        u, v = frequency * (c * along + s * across), frequency * 0.35 * (-s * along + c * across)
        shown = (1.5 - 2.2 * pixel / waves.scale * frequency).clamp(0, 1)
        _, du, dv = _slopes(noise, u + 13.1 * octave, v)
        slope_a = slope_a + amplitude * shown * (c * du - 0.35 * s * dv)
        slope_b = slope_b + amplitude * shown * (s * du + 0.35 * c * dv)
        amplitude *= 0.72
        frequency *= 1.9
    strength = waves.strength / 2
    slope_along, slope_across = strength * slope_a, strength * slope_b
    return cos * slope_along - sin * slope_across, sin * slope_along + cos * slope_across


def _slopes(noise: Noise, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return value and slopes of the noise, scaled to about 1."""
    value, du, dv = noise.value_and_slopes(u, v)
    return value, du / 2.2, dv / 2.2


def paint_water(mirror: View, noise: Noise, waves: Waves, rows: slice) -> Tensor:
    """Return the light of the water plane for some rows: (3, rows, W), without haze.

    Args:
        mirror: the mirror image of what stands on land, in the water's own rows; empty where the sky is mirrored.
        noise: of the waves.
        waves: the surface.
        rows: of the view, all below the horizon.
    """
    light, sky, camera, size = mirror.light, mirror.sky, mirror.camera, mirror.size
    direction = mirror.directions[:, rows]
    down = (-direction[1] / direction[2]).clamp(min=1e-4)
    slope_x, slope_z = _slopes_in_view(camera, noise, waves, direction, down, size)
    normal = unit(torch.stack([-slope_x, torch.ones_like(slope_x), -slope_z]))
    facing = (-(direction * normal).sum(0)).clamp(0.02, 1)
    reflected = direction + 2 * facing * normal
    reflected = unit(torch.stack([reflected[0], reflected[1].abs() + 0.002, reflected[2]]))
    covered = (mirror.depth < FAR).float()
    shifted = _shifted(torch.cat([mirror.color, covered[None]]), rows, slope_x, slope_z)
    image = mix(sky.view(reflected, 1.5 * 2 * camera.width / size), shifted[:3], shifted[3:])
    fresnel = 0.15 + 0.85 * (1 - facing) ** 5
    ambient = (light.zenith + light.horizon) / 2 + light.key * max(0.05, float(light.direction[1])) * 0.5
    crests = 1 + 0.5 * (slope_z / (waves.strength + 0.02)).clamp(-1, 1)
    color = mix(paint_color(torch.tensor(waves.deep) * ambient) * crests, image, fresnel)
    sparkle = along(reflected, light.direction).clamp(0, 1) ** (260 if waves.strength < 0.08 else 120)
    strength = (1 - 0.9 * sky.veil) * (0.8 if light.is_moon else 2.6) * (1 - shifted[3])
    return color + paint_color(light.key + light.glow) * sparkle * strength * smoothstep(0.0, 0.01, down)


def _slopes_in_view(
    camera: Camera, noise: Noise, waves: Waves, direction: Tensor, down: Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """Return the slopes of the water to the right of the viewer and away from the viewer, for every pixel."""
    distance = (camera.height / down).clamp(max=400.0)
    x, z = camera.to_world(direction[0] / direction[2] * distance, distance)
    pixel = 2 * camera.width / size * distance / down.clamp(max=1.0)  # foreshortened
    slope_x, slope_z = wave_slopes(noise, waves, x, z, pixel * 0.25)
    cos, sin = math.cos(camera.yaw), math.sin(camera.yaw)
    return cos * slope_x - sin * slope_z, sin * slope_x + cos * slope_z


def _shifted(mirror: Tensor, rows: slice, slope_x: Tensor, slope_z: Tensor) -> Tensor:
    """Return some rows of the mirror image as waves shift it: mostly up and down, since the eye meets them flatly."""
    size = mirror.shape[-1]
    line = evenly_spaced(-1, 1, size)
    grid = points(line[None, :] + slope_x * 1.2, line[rows, None] + (slope_z * 2.4).clamp(-0.3, 0.3))
    return F.grid_sample(mirror[None], grid[None], padding_mode="border", align_corners=True)[0]
