"""Run the notebooks headless: one of them, the chain of three, or a sweep of many chains."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
