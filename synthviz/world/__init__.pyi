from .captions import Said as Said, describe as describe, write_caption as write_caption
from .painter import Painting as Painting, paint as paint
from .scene import (
    BODIES as BODIES,
    COLORS as COLORS,
    KINDS as KINDS,
    NATURAL as NATURAL,
    PLACES as PLACES,
    SIDES as SIDES,
    STYLES as STYLES,
    TIMES as TIMES,
    WEATHERS as WEATHERS,
    Group as Group,
    Scene as Scene,
    is_held_out as is_held_out,
    sample_scene as sample_scene,
)
from .vocabulary import (
    known_words as known_words,
    nearest_known_words as nearest_known_words,
    unknown_words as unknown_words,
)
