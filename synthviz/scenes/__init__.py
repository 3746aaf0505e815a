"""The painted world: small landscapes with captions and masks, made from a seed.

The embedded Stable Diffusion and the small CNN learn from these paintings, so that both can be trained
by anyone, offline, from nothing but the code in this folder.
"""

from synthviz.scenes.captions import known_words, unknown_words, write_caption
from synthviz.scenes.painter import Painting, paint
from synthviz.scenes.scene import PLACES, TIMES, Scene, sample_scene

__all__ = [
    "PLACES",
    "TIMES",
    "Painting",
    "Scene",
    "known_words",
    "paint",
    "sample_scene",
    "unknown_words",
    "write_caption",
]
