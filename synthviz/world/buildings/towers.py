"""Buildings of a city of the future: towers with setbacks, needles with saucers, domes, blades, bridges."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from synthviz.world.buildings.solids import Box, Ellipsoid, Solid, box, cylinder, dome
from synthviz.world.light import Color

METALS: tuple[Color, ...] = (
    (0.34, 0.38, 0.44),
    (0.66, 0.66, 0.64),
    (0.22, 0.25, 0.32),
    (0.44, 0.33, 0.26),
    (0.54, 0.58, 0.60),
    (0.24, 0.36, 0.38),
)
GLASSES: tuple[Color, ...] = ((0.05, 0.08, 0.13), (0.05, 0.13, 0.16), (0.09, 0.09, 0.16), (0.11, 0.16, 0.21))
WINDOWS: tuple[Color, ...] = ((1.0, 0.40, 0.09), (1.0, 0.48, 0.14), (1.0, 0.58, 0.26), (0.36, 0.70, 1.0))
CELLS = ((1.0, 5.0), (1.0, 2.2), (4.5, 0.8), (1.6, 1.2))  # height and width of a pane in floors
GLOWS: tuple[tuple[Color, Color], ...] = (
    ((0.04, 0.62, 1.0), (1.0, 0.22, 0.45)),
    ((0.06, 0.85, 0.70), (1.0, 0.45, 0.10)),
    ((0.32, 0.22, 1.0), (0.08, 0.72, 1.0)),
    ((0.90, 0.12, 0.60), (0.12, 0.60, 1.0)),
    ((1.0, 0.50, 0.14), (0.15, 0.70, 0.85)),
)


@dataclass(frozen=True)
class Look:
    """What a building is made of.

    Attributes:
        metal: reflectance of the frame.
        glass: reflectance of the windows.
        gloss: share of the sky that the glass mirrors.
        window: light of a lit window.
        lit: share of the windows that are lit at night.
        pane: height of a pane of glass.
        pane_width: of the same.
        frame: share of a pane's height that is frame.
        glow: light of the glowing bands.
        edges: strength of the bands along the vertical edges.
        rim: strength of the band along the upper edge.
        crown: strength of the glow that fills the upper third.
        seam: strength of the band up the middle of each wall.
        seed: number of the building, from which its windows are chosen.
    """

    metal: Color
    glass: Color
    gloss: float
    window: Color
    lit: float
    pane: float
    pane_width: float
    frame: float
    glow: Color
    edges: float = 0.0
    rim: float = 0.0
    crown: float = 0.0
    seam: float = 0.0
    seed: float = 0.0


@dataclass
class Blueprint:
    """The solids of a city with their looks, and the lamps on its tips.

    Attributes:
        rng: decides everything.
        parts: the solids.
        looks: of each solid.
        tips: right, height and away of the lamps on spires, and their light.
    """

    rng: np.random.Generator
    parts: list[Solid] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    tips: list[tuple[float, float, float, Color]] = field(default_factory=list)
    glows: tuple[Color, Color] = GLOWS[0]

    def add(self, solid: Solid, look: Look) -> None:
        """Add one solid."""
        self.parts.append(solid)
        self.looks.append(look)

    def uniform(self, low: float, high: float) -> float:
        """Return a random number."""
        return float(self.rng.uniform(low, high))

    def look(self, adorned: bool = True) -> Look:
        """Choose a look; adorned ones have glowing bands."""
        rng = self.rng
        floor, cell = self.uniform(0.07, 0.10), CELLS[rng.integers(len(CELLS))]
        plain = Look(
            metal=METALS[rng.integers(len(METALS))],
            glass=GLASSES[rng.integers(len(GLASSES))],
            gloss=self.uniform(0.2, 0.5),
            window=WINDOWS[rng.integers(len(WINDOWS))],
            lit=self.uniform(0.25, 0.7),
            pane=floor * cell[0],
            pane_width=floor * cell[1],
            frame=self.uniform(0.2, 0.5),
            glow=self.glows[int(rng.random() < 0.3)],
            rim=self.uniform(0.5, 1.0) * float(rng.random() < 0.3),
            seed=self.uniform(0, 100),
        )
        if not adorned:
            return plain
        kind = rng.integers(4)
        strength = self.uniform(0.7, 1.2)
        return replace(
            plain,
            rim=strength * float(rng.random() < 0.8),
            edges=strength * float(kind == 0),
            seam=strength * float(kind == 1),
            crown=strength * float(kind == 2),
        )

    def spire(self, right: float, base: float, away: float, height: float, look: Look, thick: float = 1.0) -> None:
        """Add a spire with a lamp on its tip."""
        bare = replace(look, lit=0.0, glass=look.metal, gloss=0.15, edges=0.0, seam=0.0, crown=0.0, rim=0.0)
        self.add(cylinder(right, base, away, 0.034 * thick, height, 0.010), bare)
        self.tips.append((right, base + height, away, self.glows[1]))


def setback_tower(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower of boxes that become narrower upwards, with a spire."""
    look, turn = plan.look(), plan.uniform(0.1, 1.4)
    levels = int(plan.rng.integers(3, 5))
    bottom, size = base, width
    for level in range(levels):
        tall = height * (0.46, 0.24, 0.15, 0.09)[level] * plan.uniform(0.9, 1.1)
        plan.add(box(right, bottom, away, size, tall, size * 0.9, turn, 0.97), look)
        bottom, size = bottom + tall, size * plan.uniform(0.66, 0.8)
    plan.spire(right, bottom, away, base + height * 1.12 - bottom, look)


def obelisk(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower that tapers to a point, of two boxes turned against each other."""
    look, turn = plan.look(), plan.uniform(0.0, 1.5)
    taper = plan.uniform(0.4, 0.62)
    body = height * 0.82
    plan.add(box(right, base, away, width, body, width, turn, taper), look)
    plan.add(box(right, base, away, width * 0.9, body * 0.9, width * 0.9, turn + math.pi / 4, taper), look)
    plan.add(box(right, base + body, away, width * taper, height * 0.2, width * taper, turn, 0.08), look)
    plan.spire(right, base + height * 0.98, away, height * 0.14, look)


def needle(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a slender shaft that carries a saucer."""
    look = plan.look()
    plan.add(cylinder(right, base, away, width * 0.42, height * 0.78, width * 0.12), look)
    for share, size in ((0.74, 0.62), (0.62, 0.42)):
        disc = replace(look, lit=0.9, pane=0.05, pane_width=0.3, rim=0.0, seam=0.0)
        plan.add(Ellipsoid(right, base + height * share, away, width * 0.30, width * size), disc)
    plan.spire(right, base + height * 0.76, away, height * 0.3, look, 1.4)


def round_tower(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a round tower in two steps under a dome."""
    look, radius = plan.look(), width / 2
    first, second = height * plan.uniform(0.5, 0.66), height * plan.uniform(0.2, 0.26)
    plan.add(cylinder(right, base, away, radius, first, radius * 0.94), look)
    plan.add(cylinder(right, base + first, away, radius * 0.74, second, radius * 0.7), look)
    top = base + first + second
    shell = replace(look, lit=0.15, crown=0.9, rim=0.0, glass=look.metal, gloss=0.3)
    plan.add(dome(right, top, away, radius * 0.7, radius * 1.1), shell)
    plan.spire(right, top + radius, away, base + height * 1.08 - top - radius, look)


def pod(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower shaped like a long egg."""
    look = plan.look()
    plan.add(Ellipsoid(right, base - 0.22 * height, away, 1.22 * height, width * 0.52), replace(look, gloss=0.5))
    if plan.rng.random() < 0.5:
        plan.spire(right, base + height * 0.97, away, height * 0.16, look)


def hourglass(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower that is slender in the middle and carries a bowl with a garden deck."""
    look, radius = plan.look(), width * 0.52
    waist, bowl = height * plan.uniform(0.62, 0.7), height * plan.uniform(0.14, 0.2)
    plan.add(cylinder(right, base, away, radius, waist, radius * 0.42), look)
    plan.add(cylinder(right, base + waist, away, radius * 0.42, bowl, radius * 0.95), look)
    top = base + waist + bowl
    deck = replace(look, lit=0.9, pane=0.06, pane_width=0.3, rim=1.0)
    plan.add(cylinder(right, top, away, radius * 1.0, height * 0.03, radius * 1.0), deck)
    plan.add(dome(right, top, away, radius * 0.6, radius * 0.7), replace(look, crown=0.9, lit=0.1, rim=0.0))
    plan.spire(right, top + radius * 0.6, away, base + height * 1.05 - top - radius * 0.6, look)


def ringed(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a slender tower that wears wide flat discs."""
    look, radius = plan.look(), width * 0.36
    plan.add(cylinder(right, base, away, radius, height * 0.9, radius * 0.5), look)
    disc = replace(look, lit=0.9, pane=0.05, pane_width=0.3, rim=0.0, seam=0.0, edges=0.0, crown=0.0)
    for share, size in zip((0.34, 0.58, 0.78), plan.rng.uniform(0.45, 0.75, 3), strict=True):
        flat = Ellipsoid(right, base + height * share, away, width * 0.17, width * float(size))
        plan.add(flat, disc)
    plan.add(dome(right, base + height * 0.9, away, radius * 0.5, radius), replace(look, crown=0.8))
    plan.spire(right, base + height * 0.92, away, height * 0.16, look)


def blade(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a tower like a blade: wide, thin, running up to an edge."""
    look, turn = plan.look(), plan.uniform(-0.5, 0.5)
    deep = width * 0.5
    plan.add(Box(right, base, away, height, width * 1.1, deep, width * 0.16, deep * 0.8, turn), look)
    plan.add(Box(right, base, away, height * 0.6, width * 0.5, deep * 1.9, width * 0.2, deep * 0.5, turn), look)
    plan.spire(right, base + height * 0.97, away, height * 0.12, look)


def twins(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add two slender towers that lean on each other by bridges."""
    look, turn = plan.look(), plan.uniform(-0.35, 0.35)
    gap, slim = width * 0.62, width * 0.52
    for side, share in ((-1, 1.0), (1, plan.uniform(0.78, 1.0))):
        x, z = right + side * gap * math.cos(turn), away + side * gap * math.sin(turn)
        plan.add(box(x, base, z, slim, height * share, slim, turn, 0.72), look)
        plan.spire(x, base + height * share, z, height * 0.1, look)
    for share in (0.42, 0.66):
        deck = box(right, base + height * share, away, 2 * gap, 0.075, slim * 0.4, turn)
        plan.add(deck, replace(look, lit=1.0, pane=0.075, pane_width=0.2, rim=1.0))


def block(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a plain building, at times with a second level."""
    look, turn = plan.look(adorned=False), plan.uniform(-0.3, 0.3)
    deep = width * plan.uniform(0.7, 1.1)
    plan.add(box(right, base, away, width, height, deep, turn), look)
    if plan.rng.random() < 0.4:
        plan.add(box(right, base, away, width * 0.6, height * 1.3, deep * 0.6, turn), look)


def hall(plan: Blueprint, right: float, base: float, away: float, width: float, height: float) -> None:
    """Add a wide dome that glows from inside."""
    look = replace(plan.look(), lit=0.2, crown=0.7, edges=0.0, seam=0.0, rim=0.0)
    plan.add(cylinder(right, base, away, width * 0.52, height * 0.3), replace(look, crown=0.0, rim=0.9))
    plan.add(dome(right, base + height * 0.3, away, width * 0.5, height * 0.7), look)


def bridge(plan: Blueprint, one: tuple[float, float], other: tuple[float, float], height: float) -> None:
    """Add a slender bridge between two towers.

    Args:
        plan: of the city.
        one: right and away of the first tower.
        other: right and away of the second tower.
        height: of the deck above the water.
    """
    dx, dz = other[0] - one[0], other[1] - one[1]
    look = replace(plan.look(adorned=False), lit=1.0, pane=0.07, pane_width=0.2, rim=1.0, glow=plan.glows[0])
    middle = ((one[0] + other[0]) / 2, (one[1] + other[1]) / 2)
    plan.add(box(middle[0], height, middle[1], math.hypot(dx, dz), 0.07, 0.09, math.atan2(dz, dx)), look)


TOWERS = (setback_tower, obelisk, needle, round_tower, pod, blade, twins, hourglass, ringed)
