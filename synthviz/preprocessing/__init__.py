"""Notebook 2: any picture file becomes a (1, 1, 224, 224) float32 tensor in [0, 1]."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
