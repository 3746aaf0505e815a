"""The painted world: landscapes with captions and masks, made from a seed.

The embedded Stable Diffusion and the small CNN are trained on these paintings. Anyone can therefore train both offline,
with the code of this folder as the only source of data.
"""

from synthviz.scenes.painter import Painting, paint
from synthviz.world.captions import Said, describe, write_caption
from synthviz.world.scene import (
    BODIES,
    COLORS,
    KINDS,
    PLACES,
    SIDES,
    STYLES,
    TIMES,
    WEATHERS,
    Group,
    Scene,
    is_held_out,
    sample_scene,
)
from synthviz.world.vocabulary import known_words, nearest_known_words, unknown_words

__all__ = [
    "BODIES",
    "COLORS",
    "KINDS",
    "PLACES",
    "SIDES",
    "STYLES",
    "TIMES",
    "WEATHERS",
    "Group",
    "Painting",
    "Said",
    "Scene",
    "describe",
    "is_held_out",
    "known_words",
    "nearest_known_words",
    "paint",
    "sample_scene",
    "unknown_words",
    "write_caption",
]
