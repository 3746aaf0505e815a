"""What a forest is made of: kinds of trees, a season, the colours of its roof and its floor."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from synthviz.world.ground import Seen
from synthviz.world.land import Material, Wishes, bumps, rgb
from synthviz.world.noise import Noise, smoothstep
from synthviz.world.plants import trees, undergrowth
from synthviz.world.plants.foliage import LEAVES, NEEDLES, Color
from synthviz.world.plants.grove import Plant
from synthviz.world.plants.scatter import Kinds
from synthviz.world.sky import mix
from synthviz.world.sprites import Sprite

MIXTURES = {  # share of conifers, broad-leaved trees and birches
    "conifers": (4, 0, 0),
    "leaves": (0, 3, 1),
    "mixed": (2, 2, 1),
    "birches": (1, 0, 3),
}


@dataclass(frozen=True)
class Woods:
    """The trees and the season of a forest.

    Attributes:
        season: "spring", "summer" or "autumn".
        snow: how much snow lies on everything, 0 to 1.
        pointed: share of the conifers.
        sprites: of all plants: trees first, then a bush, a tuft of grass and a fern.
        aspects: width of each sprite relative to its height.
        birches: share of the birches.
        trees: how many of the sprites are trees.
        palette: (2, n, 3) dark and light colours of the leaves in the roof of the forest.
        needles: (2, 3) dark and light colour of the needles.
    """

    season: str
    snow: float
    pointed: float
    birches: float
    sprites: tuple[Sprite, ...]
    aspects: tuple[float, ...]
    trees: int
    palette: Tensor
    needles: Tensor

    @property
    def sights(self) -> tuple[str, ...]:
        """What captions may say of the season."""
        if self.snow:
            return ("snow",)
        return () if self.season == "summer" else (self.season,)

    @property
    def bushes(self) -> Kinds:
        """Bushes, to scatter."""
        return Kinds(self.trees, 1, (0.06, 0.13), trees.BUSH, 0.2)

    @property
    def tufts(self) -> Kinds:
        """Grass, flowers and ferns, to scatter."""
        return Kinds(self.trees + 1, 2, (0.035, 0.07), undergrowth.GRASS)

    def dressed(self, plant: Plant) -> Plant:
        """Return a plant as a tree of these woods, with the width of its kind."""
        kind = plant.kind % self.trees
        return replace(plant, kind=kind, width=plant.height * self.aspects[kind])


def choose_woods(wishes: Wishes, rows: int) -> Woods:
    """Choose the trees and the season; while it snows, everything is white.

    Args:
        wishes: of the scene.
        rows: height of the sprites of the trees in points.
    """
    noise, rng = wishes.noise, wishes.rng
    snow = float(rng.uniform(0.45, 0.85)) if wishes.weather == "snowfall" else 0.0
    season = str(rng.choice(["summer", "autumn", "spring"], p=[0.7, 0.3, 0.0] if snow else [0.5, 0.32, 0.18]))
    names = list(MIXTURES)
    mixture = MIXTURES[str(rng.choice(names, p=[0.7, 0.0, 0.3, 0.0] if snow else [0.28, 0.26, 0.32, 0.14]))]
    sprites, aspects = [], []
    for _ in range(mixture[0]):
        sprites.append(trees.conifer(noise, rng, snow, rows))
        aspects.append(trees.CONIFER)
    for _ in range(mixture[1]):
        sprites.append(trees.broadleaf(noise, rng, season, snow, rows))
        aspects.append(trees.BROADLEAF)
    for _ in range(mixture[2]):
        sprites.append(trees.birch(noise, rng, season, snow))
        aspects.append(trees.BIRCH)
    count = len(sprites)
    sprites.append(trees.bush(noise, rng, season, snow))
    dry = 0.85 if snow else {"summer": 0.1, "autumn": 0.75, "spring": 0.0}[season]
    sprites.append(undergrowth.grass(noise, rng, season != "autumn" and not snow and rng.random() < 0.6, dry))
    sprites.append(undergrowth.fern(noise, rng, season == "autumn"))
    pairs = _palette(season)
    return Woods(
        season,
        snow,
        mixture[0] / sum(mixture),
        mixture[2] / sum(mixture),
        tuple(sprites),
        tuple(aspects),
        count,
        torch.tensor(pairs).transpose(0, 1),
        torch.tensor(NEEDLES[int(rng.integers(len(NEEDLES)))]),
    )


def _palette(season: str) -> list[tuple[Color, Color]]:
    leaves = list(LEAVES[season])
    return leaves[:2] + list(LEAVES["summer"][:1]) if season == "spring" else leaves


def free_side(wishes: Wishes) -> int:
    """Return the side on which tall things may stand: opposite to the sun or moon."""
    if wishes.sun_side:
        return -wishes.sun_side
    return int(wishes.rng.choice([-1, 1]))


def meadow(noise: Noise, woods: Woods, seen: Seen, x: Tensor, z: Tensor) -> Material:
    """Grass with patches of herbs and flowers, sand at the water."""
    fine, bump_x, bump_z = bumps(noise, x, z, seen.pixel, 0.12, 4)
    broad = noise.fbm(x / 0.9, z / 0.9, 3, 0.5, seen.pixel / 0.9)
    colors = {
        "summer": (rgb(0.07, 0.14, 0.03), rgb(0.24, 0.32, 0.08)),
        "autumn": (rgb(0.16, 0.13, 0.04), rgb(0.42, 0.33, 0.11)),
        "spring": (rgb(0.10, 0.21, 0.03), rgb(0.30, 0.42, 0.09)),
    }[woods.season]
    albedo = mix(*colors, (0.48 + 0.2 * fine + 0.24 * broad).clamp(0, 1))
    if woods.snow:
        albedo = mix(
            albedo, rgb(0.84, 0.88, 0.95), smoothstep(0.9 - 1.2 * woods.snow, 1.3 - 1.2 * woods.snow, 0.4 + 0.2 * fine)
        )
    shore = smoothstep(0.035, 0.005, seen.height + 0.006 * fine)
    albedo = mix(albedo, rgb(0.24, 0.20, 0.13), shore)
    return Material(albedo, bump_x * 0.12, bump_z * 0.12)
