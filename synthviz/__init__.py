"""From a prompt to a picture, a tensor and the feature maps of a small CNN, with a look inside at every step.

`__init__.pyi` lists the public names. Each is imported when it is first used, so that `import synthviz` loads neither
torch nor diffusers nor matplotlib. In a notebook, synthviz's log lines are shown from now on.
"""

import lazy_loader

from synthviz.console import in_notebook, show_log_lines

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)

if in_notebook():
    show_log_lines()
