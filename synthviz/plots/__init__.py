"""All figures. Each function builds a matplotlib `Figure` and returns it; none shows it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
