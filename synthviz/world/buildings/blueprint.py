"""What a city is built of: the looks of its buildings, and the blueprint that collects their solids."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from synthviz.world.buildings.solids import Solid, cylinder
from synthviz.world.light import Color

METALS: tuple[Color, ...] = (
    (0.56, 0.57, 0.60),
    (0.42, 0.45, 0.51),
    (0.46, 0.41, 0.35),
    (0.20, 0.25, 0.34),
    (0.14, 0.17, 0.26),
    (0.22, 0.33, 0.36),
)
GLASSES: tuple[Color, ...] = ((0.05, 0.08, 0.13), (0.05, 0.13, 0.16), (0.09, 0.09, 0.16), (0.11, 0.16, 0.21))
WINDOWS: tuple[Color, ...] = ((1.0, 0.46, 0.15), (1.0, 0.54, 0.22), (1.0, 0.62, 0.32), (0.42, 0.70, 1.0))
# Height and width of a pane in floors, and the share of its height that is frame: ribbons, fins, grids, sheer glass.
PANES = ((1.1, 40.0, 0.52), (5.0, 0.9, 0.1), (1.5, 1.5, 0.3), (3.0, 40.0, 0.12))
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
        garden: 1 where plants grow on the roofs, 0 elsewhere.
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
    garden: float = 0.0
    seed: float = 0.0


@dataclass
class Blueprint:
    """The solids of a city with their looks, and the lamps on its tips.

    Attributes:
        rng: decides everything.
        parts: the solids.
        looks: of each solid.
        aircraft: solids in the air, with their looks.
        tips: right, height and away of the lamps on spires, and their light.
    """

    rng: np.random.Generator
    parts: list[Solid] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    aircraft: list[tuple[Solid, Look]] = field(default_factory=list)
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
        floor, (tall, wide, frame) = self.uniform(0.10, 0.15), PANES[rng.choice(len(PANES), p=[0.4, 0.2, 0.2, 0.2])]
        plain = Look(
            metal=METALS[rng.integers(len(METALS))],
            glass=GLASSES[rng.integers(len(GLASSES))],
            gloss=self.uniform(0.4, 0.72),
            window=WINDOWS[rng.integers(len(WINDOWS))],
            lit=self.uniform(0.45, 0.8),
            pane=floor * tall,
            pane_width=floor * wide,
            frame=frame,
            glow=self.glows[int(rng.random() < 0.3)],
            rim=self.uniform(0.5, 1.0) * float(rng.random() < 0.5),
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
