"""Notebook 3: a small CNN that classifies the place in a grey picture, and tools that show what it responds to."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
