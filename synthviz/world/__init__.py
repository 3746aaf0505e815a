"""The painted world: landscapes with light, each with captions and a mask of every thing, made from a seed.

A world is a height field, materials and an atmosphere. The embedded models learn from such paintings, so that anybody
can train them, offline, from the code in this folder.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
