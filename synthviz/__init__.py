"""From a prompt to a picture, a tensor and the feature maps of a small CNN, with a look inside at every step.

Everything named here is imported when it is first used, so that `import synthviz` stays light.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "GenerationConfig": "generation",
    "create_pictures": "generation",
    "generate": "generation",
    "load_pipeline": "pipelines",
    "save_pictures": "generation",
    "preprocess_folder": "folders",
    "preprocess_image": "preprocessing",
    "SceneCNN": "cnn",
    "capture": "features",
}
_MODULES = (
    "activation_maximization",
    "attributions",
    "cnn",
    "denoising_film",
    "devices",
    "explorers",
    "features",
    "generation",
    "pipelines",
    "plots",
    "preprocessing",
    "records",
    "runs",
    "scenes",
    "shipped_pictures",
    "sweeps",
    "word_maps",
)

__all__ = [*_HOMES, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f"synthviz.{_HOMES[name]}"), name)
    elif name in _MODULES:
        value = importlib.import_module(f"synthviz.{name}")
    else:
        raise AttributeError(f"module 'synthviz' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
