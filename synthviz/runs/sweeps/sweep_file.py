"""Read a sweep file: YAML, or YAML with a CSV table of runs, into one checked set of parameters per run."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthviz.files import user_path
from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import RunError
from synthviz.runs.limits import WANTED, Limits
from synthviz.runs.parameter_values import check_values
from synthviz.runs.parameters import Parameter, check_name, check_parameters, with_absolute_path
from synthviz.runs.sweeps.table import read_table
from synthviz.runs.sweeps.typed_yaml import read_yaml

SHAPES = ("grid", "zip", "runs")
SETTINGS = ("notebooks", "fixed", *SHAPES, "minutes", "memory_gb", "retries")


@dataclass(frozen=True)
class SweepFile:
    """A sweep file whose settings are checked; the parameters of its runs are not checked yet.

    Attributes:
        path: the file.
        notebooks: the notebooks of each run, in their order.
        limits: the limits of each run.
        shape: how the file describes its runs: "grid", "zip" or "runs".
        runs: the content of that setting.
        fixed: the parameters that all runs share.
    """

    path: Path
    notebooks: tuple[str, ...]
    limits: Limits
    shape: str
    runs: Any
    fixed: dict[str, Any]


def read_sweep_file(path: Path) -> SweepFile:
    """Read a sweep file and check its settings.

    Raises:
        RunError: if the file cannot be read, or a setting is misspelled or wrong.
    """
    content = read_yaml(path)
    for name in content:
        if name not in SETTINGS:
            raise RunError(f"{path.name} has no setting {name!r}; there are: {', '.join(SETTINGS)}")
    shapes = [shape for shape in SHAPES if shape in content]
    if len(shapes) != 1:
        found = " and ".join(shapes) or "none of them"
        raise RunError(f"a sweep needs one of grid, zip and runs; this one has {found}")
    return SweepFile(
        path=path,
        notebooks=_check_notebooks(content.get("notebooks", list(NOTEBOOKS))),
        limits=_check_limits(content),
        shape=shapes[0],
        runs=content[shapes[0]],
        fixed=_check_mapping(content.get("fixed") or {}, "fixed"),
    )


def parameter_sets(file: SweepFile, known: Mapping[str, Parameter]) -> Iterator[dict[str, Any]]:
    """Yield the parameters of each run, checked and typed, in the order of the file.

    Args:
        file: the sweep file.
        known: the parameters that its notebooks declare.

    Raises:
        RunError: if a parameter is misspelled, has a wrong value, or is given twice.
    """
    folder = file.path.parent
    # Nobody looks at each of many pictures before it is opened, so they are opened in a process of their own.
    defaults = {"isolate": "true"} if "isolate" in known else {}
    for given in _listed_runs(file) if file.shape == "runs" else _combined_runs(file):
        twice = sorted(set(file.fixed) & set(given))
        if twice:
            raise RunError(f"{', '.join(twice)} stands under 'fixed' and under {file.shape!r}; give it once")
        texts = {**defaults, **file.fixed, **given}
        values = {name: _check_value(known, name, text, folder) for name, text in texts.items()}
        check_values(values, known)
        yield values


def _listed_runs(file: SweepFile) -> Iterator[dict[str, Any]]:
    """Yield the runs of a list, or of a CSV table."""
    runs = read_table(user_path(file.runs, file.path.parent)) if isinstance(file.runs, str) else file.runs
    if not isinstance(runs, list):
        raise RunError(f"runs is {_shown(file.runs)}; it must be a list of parameter sets, or the name of a CSV file")
    for number, run in enumerate(runs, start=1):
        yield _check_mapping(run, f"run {number}")


def _combined_runs(file: SweepFile) -> Iterator[dict[str, Any]]:
    """Yield the runs of a grid (every combination of the lists) or a zip (the lists side by side)."""
    lists = _check_mapping(file.runs, file.shape)
    for name, values in lists.items():
        if not isinstance(values, list):
            raise RunError(f"{file.shape}: {name} is {_shown(values)}; it must be a list, or stand under 'fixed'")
    rows: Iterable[tuple[Any, ...]] = itertools.product(*lists.values())
    if file.shape == "zip":
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) > 1:
            raise RunError(f"the lists under zip have different lengths: {lengths}; they go side by side")
        rows = zip(*lists.values(), strict=True)
    for row in rows:
        yield dict(zip(lists, row, strict=True))


def _check_notebooks(given: Any) -> tuple[str, ...]:
    listed = given if isinstance(given, list) else [given]
    names = tuple(name.removesuffix(".ipynb") if isinstance(name, str) else name for name in listed)
    wrong = [name for name in names if name not in NOTEBOOKS]
    if not isinstance(given, list) or not names or wrong or len(set(names)) < len(names):
        found = ", ".join(_shown(name) for name in listed) or "an empty list"
        raise RunError(f"notebooks is {found}; it must be a list of some of: {', '.join(NOTEBOOKS)}")
    return tuple(name for name in NOTEBOOKS if name in names)


def _check_limits(content: Mapping[str, Any]) -> Limits:
    given: dict[str, Any] = {}
    for name, wanted in WANTED.items():
        if name in content:
            try:
                given[name] = int(content[name]) if name == "retries" else float(content[name])
            except (TypeError, ValueError):
                raise RunError(f"{name} is {_shown(content[name])}; it must be {wanted}") from None
    return Limits(**given)


def _check_mapping(given: Any, setting: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise RunError(f"{setting} is {_shown(given)}; it must be parameters with their values, such as 'seed: 7'")
    return {str(name): value for name, value in given.items()}


def _shown(value: Any) -> str:
    """Return a value from YAML for a message; aliases can make a short file's list endless."""
    if isinstance(value, list | dict):
        return "a list" if isinstance(value, list) else "a mapping"
    return "empty" if value is None else str(value)


def _check_value(known: Mapping[str, Parameter], name: str, value: Any, folder: Path) -> Any:
    """Return a value with the type that the notebook declares."""
    check_name(name, known)
    if value is None:
        raise RunError(f"{name} is empty; give it a value, or leave the name out")
    if not isinstance(value, str):
        raise RunError(f"{name} is {_shown(value)}; it must be a single value, as it is typed")
    return with_absolute_path(name, check_parameters([(name, value)], known)[name], folder)
