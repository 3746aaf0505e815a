"""Widgets to play with, for notebooks: everything they show can be had from the library without them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
