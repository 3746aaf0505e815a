"""Check the values of parameters before the first notebook starts, as the first cells of the notebooks would.

This is the one module of the runs that knows what parameters mean: the others only know the notebooks' cells.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from synthviz.files import user_path
from synthviz.runs.errors import RunError
from synthviz.runs.parameters import SHIPPED_MODELS

OWN_CHOICE = {"steps": 0, "width": 0, "height": 0, "scheduler": ""}  # with these values the model chooses


def check_values(values: Mapping[str, Any], known: Collection[str]) -> None:
    """Check typed values, of which some may belong together.

    Args:
        values: the given values, by name; pictures and models with absolute paths, if they exist.
        known: the names of all parameters that the notebooks declare.

    Raises:
        RunError: for a value that a notebook would refuse; the message says what would be right.
    """
    try:
        if "count" in known:
            _check_generation(values)
        if "fit" in values or "max_pixels" in values:
            _check_preprocessing(values)
    except ValueError as error:
        raise RunError(str(error)) from error


def _check_generation(values: Mapping[str, Any]) -> None:
    from synthviz.diffusion.config import GenerationConfig, check_engine
    from synthviz.diffusion.model_names import why_no_model

    config = {name: value for name, value in values.items() if name in GenerationConfig.__dataclass_fields__}
    config = {name: value for name, value in config.items() if value != OWN_CHOICE.get(name)}
    if config.get("guidance_scale", 0) < 0:
        del config["guidance_scale"]
    GenerationConfig(**{"prompt": "", **config})
    check_engine(values.get("engine", "torch"))
    model = values.get("model", "auto")
    if model not in SHIPPED_MODELS and not user_path(model).is_dir() and (problem := why_no_model(model)):
        raise ValueError(problem)


def _check_preprocessing(values: Mapping[str, Any]) -> None:
    from synthviz.preprocessing.settings import check_fit, check_max_pixels

    if "fit" in values:
        check_fit(values["fit"])
    if "max_pixels" in values:
        check_max_pixels(values["max_pixels"])
