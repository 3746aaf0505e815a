"""Read the parameters that notebooks declare, and check the values that are given for them."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthviz.files import user_path
from synthviz.runs.errors import RunError
from synthviz.shipped_models import SHIPPED_DEFAULTS

SET_BY_THE_RUNNER = {"output_dir": "--output-dir", "interactive": "nothing: a headless run is never interactive"}
# The words of YAML too, because people write them into sweep files.
BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
SHIPPED_MODELS = ("auto", *SHIPPED_DEFAULTS)


@dataclass(frozen=True)
class Parameter:
    """One line of a notebook's parameters cell.

    Attributes:
        name: the parameter's name.
        type_name: "str", "int", "float" or "bool".
        default: the default value as Python source.
        help: the comment after it.
    """

    name: str
    type_name: str
    default: str
    help: str


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Return the parameters that a notebook declares, by name."""
    import papermill

    found = papermill.inspect_notebook(str(notebook))
    return {
        name: Parameter(name, entry["inferred_type_name"], entry["default"], entry["help"])
        for name, entry in found.items()
    }


def check_parameters(given: Sequence[tuple[str, str]], known: Mapping[str, Parameter]) -> dict[str, Any]:
    """Convert `-p NAME VALUE` pairs to typed values.

    Raises:
        RunError: if no notebook has the name (the message shows close matches), if the name is set in another way or
            given twice, or if the value is not of the declared type.
    """
    values: dict[str, Any] = {}
    for name, text in given:
        check_name(name, known)
        if name in values:
            raise RunError(f"-p {name} is given twice; give it once")
        values[name] = _convert(known[name], text)
    return values


def check_name(name: str, known: Mapping[str, Parameter]) -> None:
    """Check that a notebook has a parameter of this name, and that it may be set.

    Raises:
        RunError: if not.
    """
    if name in SET_BY_THE_RUNNER:
        raise RunError(f"-p {name} cannot be given; use {SET_BY_THE_RUNNER[name]}")
    if name not in known:
        choices = sorted(set(known) - set(SET_BY_THE_RUNNER))
        close = difflib.get_close_matches(name, choices, n=2)
        hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(choices)}"
        raise RunError(f"no notebook has a parameter {name!r}; {hint}")


def with_absolute_path(name: str, value: Any, folder: Path) -> Any:
    """Return a parameter's value, as an absolute path if it names an existing picture or model.

    Notebooks run inside the output folder, where a relative path would be wrong. A shipped model keeps its name, even
    if there is a file or folder of that name.

    Args:
        name: the parameter's name; only "image_path" and "model" are changed.
        value: the parameter's value.
        folder: the folder that a relative path starts from.
    """
    if name not in ("image_path", "model") or not value or (name == "model" and value in SHIPPED_MODELS):
        return value
    path = user_path(value, folder)
    return str(path.resolve()) if path.exists() else value


def _convert(parameter: Parameter, text: str) -> Any:
    if parameter.type_name == "str":
        return text
    if parameter.type_name == "bool":
        if text.strip().lower() not in BOOLEANS:
            raise RunError(f"{parameter.name} is {text!r}; it must be true or false")
        return BOOLEANS[text.strip().lower()]
    kind, noun = {"int": (int, "a whole number"), "float": (float, "a number")}[parameter.type_name]
    try:
        value: int | float = kind(text)
        if math.isfinite(value):
            return value
    except (ValueError, OverflowError):
        pass
    point = " with a point" if "," in text else ""
    raise RunError(f"{parameter.name} is {text!r}; it must be {noun}{point}, such as {parameter.default}")
