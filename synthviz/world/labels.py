"""The names of what a pixel can show; a label is an index into `THINGS`."""

from __future__ import annotations

THINGS = (
    "sky",
    "sun",
    "moon",
    "crescent moon",
    "stars",
    "clouds",
    "place",
    "ground",
    "water",
    "fog",
    "rain",
    "snowfall",
    "lightning",
    "bird",
    "lantern",
    "balloon",
    "boat",
    "tree",
    "tower",
)
LABELS = {name: index for index, name in enumerate(THINGS)}
