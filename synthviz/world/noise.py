"""Noise in two dimensions that never ends: sums of octaves, smooth, ridged or eroded, without aliasing in the distance.

All octaves read the same small periodic texture, each turned and scaled in its own way. An octave fades out where its
waves become finer than a pixel.
"""

from __future__ import annotations

import cmath
import math

import torch
import torch.nn.functional as F
from torch import Tensor

CELLS = 64  # random values on a side of the texture
SIDE = 512  # pixels on a side of the texture
TURN = 0.65  # radians from octave to octave, so that their lattices never line up
LACUNARITY = 2.03  # not 2, so that their lattices never line up
NEXT_OCTAVE = cmath.rect(LACUNARITY, TURN)


class Noise:
    """A field of random values with its slopes.

    Args:
        generator: of the CPU; decides the values.
    """

    def __init__(self, generator: torch.Generator) -> None:
        values = torch.as_tensor(torch.rand(1, 1, CELLS, CELLS, generator=generator, device="cpu"))[0, 0] * 2 - 1
        scale = SIDE // CELLS
        cells = F.pad(torch.eye(CELLS)[None], (2, 2), mode="circular")[:, :, None]
        shares = F.interpolate(cells, scale_factor=(1, scale), mode="bicubic", align_corners=False)[0, :, 0]
        shares = shares[:, 2 * scale : -2 * scale]  # (CELLS, SIDE)
        smooth = shares.T @ values @ shares
        smooth = (smooth - smooth.mean()) / smooth.std()
        slope_x = (smooth.roll(-1, 1) - smooth.roll(1, 1)) / 2 * scale
        slope_y = (smooth.roll(-1, 0) - smooth.roll(1, 0)) / 2 * scale
        texture = torch.stack([smooth, slope_x, slope_y])[None].roll((SIDE // 2, SIDE // 2), (2, 3))
        # (1, 3, SIDE + 1, SIDE + 1): value, slope in x, slope in y; the origin lies in the middle
        self._texture = F.pad(texture, (0, 1, 0, 1), mode="circular")

    def value(self, x: Tensor, y: Tensor) -> Tensor:
        """Return values with mean 0 and standard deviation 1 at points, one random cell per unit; same shape as x."""
        return self._look_up(self._texture[:, :1], _places(x, y))[0]

    def value_and_slopes(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the values and their slopes in x and y."""
        value, slope_x, slope_y = self._look_up(self._texture, _places(x, y))
        return value, slope_x, slope_y

    def _look_up(self, texture: Tensor, places: Tensor) -> Tensor:
        """(C, *places.shape) of a periodic texture; places are complex, one period per unit."""
        periods = torch.view_as_real(places)
        grid = periods - periods.round()
        found = F.grid_sample(texture, grid.mul_(2).reshape(1, 1, -1, 2), align_corners=True)
        return found.reshape(texture.shape[1], *places.shape)

    def fbm(
        self,
        x: Tensor,
        y: Tensor,
        octaves: int,
        gain: float = 0.5,
        pixel: Tensor | float = 0.0,
        ridged: bool = False,
        erosion: float = 0.0,
    ) -> Tensor:
        """Sum octaves of noise (fractional Brownian motion).

        Args:
            x: first coordinate, one random cell per unit in the first octave.
            y: second coordinate, of the same shape.
            octaves: how many; each has about twice the frequency of the one before.
            gain: amplitude of an octave relative to the one before.
            pixel: size of a pixel at each point, in the units of x; finer octaves fade out.
            ridged: sharp crests (1 - |value|) instead of smooth hills.
            erosion: how much slopes of earlier octaves damp later ones, which leaves smooth valleys and rough peaks
                (Quilez, "Value noise derivatives").

        Returns:
            Values around 0 with a standard deviation of about 1; same shape as x.
        """
        total, slope_x, slope_y = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x)
        amplitude, frequency = 1.0, 1.0
        places = _places(x + 17.3, y - 5.9)
        for octave in range(octaves):
            if erosion:
                value, along_x, along_y = self._look_up(self._texture, places)
                slope_x.add_(along_x, alpha=amplitude)
                slope_y.add_(along_y, alpha=amplitude)
                value.div_(slope_x.square().addcmul_(slope_y, slope_y).mul_(erosion).add_(1))
            else:
                value = self._look_up(self._texture[:, :1], places)[0]
            if ridged:
                value = value.abs_().mul_(-1.5).add_(1)
            if isinstance(pixel, Tensor):
                value *= (pixel * (-3.2 * frequency)).add_(1.6).clamp_(0, 1)
            total.add_(value, alpha=amplitude)
            amplitude *= gain
            frequency *= LACUNARITY
            places = places.mul_(NEXT_OCTAVE).add_(complex(11.7 * (octave + 1), -7.1) / CELLS)
        return total.div_(math.sqrt(sum(gain ** (2 * octave) for octave in range(octaves))))


def _places(x: Tensor, y: Tensor) -> Tensor:
    """Return points as complex numbers, one period of the texture per unit: they are turned and scaled at once."""
    return torch.complex(x, y).mul_(1 / CELLS)


def smoothstep(low: float | Tensor, high: float | Tensor, value: Tensor) -> Tensor:
    """Rise smoothly from 0 at `low` to 1 at `high`; falls if `high` is below `low`."""
    share = ((value - low) / (high - low)).clamp_(0, 1)
    return (share * -2).add_(3).mul_(share).mul_(share)
