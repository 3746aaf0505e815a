"""Interactive widgets for notebooks. Everything they show can also be computed with the library."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
