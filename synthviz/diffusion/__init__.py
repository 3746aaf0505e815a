"""Notebook 1: a prompt becomes a picture, with any text-to-image pipeline of diffusers."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
