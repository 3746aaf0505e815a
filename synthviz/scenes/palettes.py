"""The colours of each time of day."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from synthviz.scenes.canvas import Color, mix, scale


@dataclass(frozen=True)
class Palette:
    """The colours and the light of one time of day.

    Attributes:
        sky: three colours of the sky: at the zenith, in the middle, at the horizon.
        light: factor by which the colours of everything on the ground are multiplied.
        haze: colour into which distant things fade.
        disc: colour of the sun or moon.
        glow: light around the sun or moon.
        cloud: colour of the lit side of clouds.
        shade: colour of the underside of clouds.
        lamps: share of lit windows, 0 to 1.
    """

    sky: tuple[Color, Color, Color]
    light: Color
    haze: Color
    disc: Color
    glow: Color
    cloud: Color
    shade: Color
    lamps: float


PALETTES = {
    "sunrise": Palette(
        sky=((0.42, 0.60, 0.84), (0.90, 0.74, 0.80), (1.00, 0.86, 0.66)),
        light=(0.92, 0.80, 0.80),
        haze=(0.97, 0.82, 0.76),
        disc=(1.00, 0.95, 0.76),
        glow=(0.55, 0.38, 0.16),
        cloud=(1.00, 0.87, 0.85),
        shade=(0.80, 0.66, 0.76),
        lamps=0.12,
    ),
    "day": Palette(
        sky=((0.18, 0.46, 0.86), (0.42, 0.68, 0.94), (0.80, 0.91, 0.98)),
        light=(1.06, 1.04, 1.00),
        haze=(0.76, 0.87, 0.96),
        disc=(1.00, 0.98, 0.84),
        glow=(0.40, 0.38, 0.26),
        cloud=(1.00, 1.00, 1.00),
        shade=(0.78, 0.85, 0.92),
        lamps=0.0,
    ),
    "golden hour": Palette(
        sky=((0.62, 0.66, 0.56), (0.96, 0.80, 0.42), (1.00, 0.90, 0.56)),
        light=(1.04, 0.86, 0.56),
        haze=(0.99, 0.86, 0.54),
        disc=(1.00, 0.97, 0.80),
        glow=(0.45, 0.32, 0.06),
        cloud=(1.00, 0.94, 0.74),
        shade=(0.88, 0.70, 0.42),
        lamps=0.1,
    ),
    "sunset": Palette(
        sky=((0.32, 0.18, 0.46), (0.88, 0.30, 0.36), (1.00, 0.58, 0.26)),
        light=(0.78, 0.50, 0.46),
        haze=(0.97, 0.54, 0.34),
        disc=(1.00, 0.86, 0.46),
        glow=(0.60, 0.32, 0.06),
        cloud=(1.00, 0.64, 0.46),
        shade=(0.62, 0.28, 0.42),
        lamps=0.35,
    ),
    "dusk": Palette(
        sky=((0.10, 0.09, 0.30), (0.32, 0.22, 0.52), (0.84, 0.46, 0.56)),
        light=(0.52, 0.42, 0.66),
        haze=(0.60, 0.36, 0.56),
        disc=(0.98, 0.94, 0.88),
        glow=(0.26, 0.22, 0.28),
        cloud=(0.66, 0.40, 0.60),
        shade=(0.32, 0.22, 0.46),
        lamps=0.6,
    ),
    "night": Palette(
        sky=((0.02, 0.035, 0.13), (0.05, 0.09, 0.25), (0.14, 0.22, 0.42)),
        light=(0.34, 0.41, 0.62),
        haze=(0.15, 0.23, 0.42),
        disc=(0.97, 0.96, 0.88),
        glow=(0.20, 0.22, 0.28),
        cloud=(0.26, 0.31, 0.46),
        shade=(0.12, 0.16, 0.29),
        lamps=0.75,
    ),
}


def vary(palette: Palette, rng: np.random.Generator) -> Palette:
    """Shift hue and brightness a little, by the same amount for all colours: the same time on another day."""
    shift = 1 + rng.uniform(-0.06, 0.06, 3)
    brightness = rng.uniform(0.94, 1.05)

    def moved(color: Color) -> Color:
        red, green, blue = (min(1.2, value * change * brightness) for value, change in zip(color, shift, strict=True))
        return red, green, blue

    return replace(
        palette,
        sky=(moved(palette.sky[0]), moved(palette.sky[1]), moved(palette.sky[2])),
        light=moved(palette.light),
        haze=moved(palette.haze),
        cloud=moved(palette.cloud),
        shade=moved(palette.shade),
    )


def overcast(palette: Palette, amount: float, dark: float) -> Palette:
    """Return the palette under heavy clouds: greyer by `amount` (0 to 1), the upper sky multiplied by `dark`.

    The horizon keeps most of its colour, so that the time of day can still be recognised.
    """

    def grey(color: Color, share: float, strength: float) -> Color:
        level = sum(color) / 3
        return scale(mix(color, (level * 0.94, level * 0.99, level * 1.07), share), strength)

    return replace(
        palette,
        sky=(
            grey(palette.sky[0], amount, dark),
            grey(palette.sky[1], 0.8 * amount, (1 + dark) / 2),
            grey(palette.sky[2], 0.3 * amount, 1.0),
        ),
        light=grey(palette.light, 0.5 * amount, (2 + dark) / 3),
        haze=grey(palette.haze, 0.4 * amount, 1.0),
        cloud=grey(palette.cloud, amount, dark),
        shade=grey(palette.shade, amount, 0.85 * dark),
    )


def lit(color: Color, palette: Palette, depth: float = 0.0) -> Color:
    """Return a colour as it appears in this light at a distance: `depth` 0 is near, 1 is only haze."""
    red, green, blue = (value * light for value, light in zip(color, palette.light, strict=True))
    return mix((red, green, blue), palette.haze, depth)
