"""From a prompt to a picture, a tensor and the feature maps of a small CNN, with a look inside at every step.

The public names stand in `__init__.pyi`. Each is imported when it is first used, so that `import synthviz` loads
neither torch nor diffusers nor matplotlib.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
