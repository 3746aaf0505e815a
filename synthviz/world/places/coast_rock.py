"""Rock at the sea: stacks, headlands and boulders as height fields, and what they are made of."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from synthviz.world.ground import Height, Seen
from synthviz.world.land import Material, bumps, rgb, steepness
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.places.sparse import fill
from synthviz.world.sky import mix

SHALLOWS = 0.34  # width of the shallow water around a rock


@dataclass(frozen=True)
class Rock:
    """A rock that rises from the sea.

    Attributes:
        x, z: of its middle.
        width: half of its extent in x.
        depth: half of its extent in z.
        height: above the water.
        sharp: 0 for a rounded rock, 1 for a table with vertical walls.
    """

    x: float
    z: float
    width: float
    depth: float
    height: float
    sharp: float = 0.5


def rocks(noise: Noise, all_rocks: tuple[Rock, ...], floor: float, detail: int = 5) -> Height:
    """Return the height field of rocks on a bed of the sea at a height below 0.

    Args:
        noise: of the scene.
        all_rocks: that rise from the bed.
        floor: height of the bed.
        detail: octaves of their roughness; 2 are enough for the depth of the water around them.
    """

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        index = _around(all_rocks, x, z).flatten().nonzero()[:, 0]
        near = _heights(noise, all_rocks, floor, detail, *(values.flatten()[index] for values in (x, z, pixel)))
        return fill(near, x.shape, index, floor)

    return height


def _around(all_rocks: tuple[Rock, ...], x: Tensor, z: Tensor) -> Tensor:
    """Return whether points lie on a rock or on the shallows around one."""
    near = torch.zeros_like(x, dtype=torch.bool)
    for rock in all_rocks:
        wide, deep = 1.4 * rock.width + SHALLOWS, 1.4 * rock.depth + SHALLOWS
        near |= ((x - rock.x) / wide).square() + ((z - rock.z) / deep).square() < 1
    return near


def _heights(
    noise: Noise, all_rocks: tuple[Rock, ...], floor: float, detail: int, x: Tensor, z: Tensor, pixel: Tensor
) -> Tensor:
    rough = noise.fbm(x * 2.3 + 4.4, z * 2.3, detail, 0.58, pixel * 2.3)
    crag = noise.fbm(x * 1.6 - 3.1, z * 1.6, 2, 0.5, pixel * 1.6, ridged=True)
    lumps = noise.fbm(x * 7.0, z * 7.0, min(detail, 4), 0.6, pixel * 7.0)
    total = torch.full_like(x, floor)
    for rock in all_rocks:
        radius = ((x - rock.x) / rock.width).square() + ((z - rock.z) / rock.depth).square()
        radius = radius.clamp(max=25).sqrt()
        small = rock.height < 0.25
        foot = radius + (0.32 * lumps if small else 0.13 * rough)
        wall = smoothstep(1.08, 0.84 - 0.75 * (1 - rock.sharp), foot)
        ledge = smoothstep(0.72, 0.58, foot + 0.1 * crag)  # a second step, higher up
        shape = 0.68 + 0.32 * ledge if rock.sharp > 0.5 else 0.75 + 0.25 * crag
        apron = smoothstep(SHALLOWS, 0.0, (radius - 1) * min(rock.width, rock.depth))  # shallows with rubble
        top = rock.height * (shape + (0.25 * lumps if small else 0.14 * rough))
        total = torch.maximum(total, floor + (top - floor) * wall + (0.02 - floor) * apron * (1 - wall))
    return total


def cliffs(noise: Noise, side: float, near: float, tall: float, floor: float, detail: int = 5) -> Height:
    """Return the height field of a coast with cliffs that runs away from the viewer.

    Args:
        noise: of the scene.
        side: -1 for land on the left, 1 for land on the right.
        near: how far it begins to the side of the viewer.
        tall: height of the cliffs.
        floor: height of the bed of the sea.
        detail: octaves of its roughness.
    """

    def height(x: Tensor, z: Tensor, pixel: Tensor) -> Tensor:
        rough = noise.fbm(x * 1.5 + 2.2, z * 1.5, detail, 0.56, pixel * 1.5)
        capes = noise.value(z * 0.42 + 6.1, x * 0.12) + 0.35 * noise.value(z * 1.3, x * 0.5)
        inland = (
            side * x - near - 0.13 * z - 0.5 * capes * smoothstep(0.3, 2.5, z) * smoothstep(30, 8, z) + 0.10 * rough
        )
        wall = smoothstep(-0.02, 0.2, inland)
        apron = smoothstep(-0.45, 0.0, inland)
        hills = smoothstep(0.3, 4.0, inland) * (0.65 + 0.35 * noise.value(x * 0.5, z * 0.5 + 1.4))
        top = tall * (0.8 + 0.13 * rough + 1.6 * hills)
        return floor + (top - floor) * wall + (0.02 - floor) * apron * (1 - wall)

    return height


def coast_material(
    noise: Noise, seen: Seen, x: Tensor, z: Tensor, dark: Tensor, pale: Tensor, grass_line: float, snow: float
) -> Material:
    """Layered rock, wet and dark at the water, with grass above a line and snow (0 to 1) where it is flat."""
    steep = steepness(seen)
    fine, bump_x, bump_z = bumps(noise, x + 0.7 * seen.height, z + 0.5 * seen.height, seen.pixel, 0.2)
    strata = noise.value(seen.height * 12 + 0.6 * fine, x * 0.15 + z * 0.1)
    rock = mix(dark, pale, (0.45 + 0.22 * fine + 0.28 * strata).clamp(0, 1))
    cleft = noise.value(x * 6.5 + 0.6 * fine, z * 6.5 + 0.4 * seen.height).abs()
    rock = rock * (1 - 0.45 * smoothstep(0.35, 0.0, cleft) * (1.5 - 20 * seen.pixel).clamp(0, 1))
    wet = smoothstep(0.08, 0.015, seen.height + 0.02 * fine)
    rock = rock * (1 - 0.65 * wet)
    grass = mix(rgb(0.07, 0.12, 0.03), rgb(0.19, 0.24, 0.07), (0.5 + 0.35 * fine).clamp(0, 1))
    green = smoothstep(1.3, 0.7, steep + 0.2 * fine) * smoothstep(grass_line, grass_line + 0.1, seen.height)
    albedo = mix(rock, grass, green)
    if snow:
        white = snow * smoothstep(1.6, 0.8, steep + 0.3 * fine) * smoothstep(0.04, 0.12, seen.height)
        albedo = mix(albedo, rgb(0.80, 0.83, 0.88), white)
    rough = 0.3 * (1 - 0.7 * green)
    return Material(albedo, bump_x * rough, bump_z * rough)
