"""Read a sweep file: YAML, or YAML with a CSV table of runs, into one checked set of parameters per run."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthviz.files import user_path
from synthviz.runs.chain import NOTEBOOKS
from synthviz.runs.errors import RunError
from synthviz.runs.parameters import Parameter, check_name, check_parameters, with_absolute_path
from synthviz.runs.sweeps.limits import Limits

SHAPES = ("grid", "zip", "runs")
SETTINGS = ("notebooks", "fixed", *SHAPES, "minutes", "memory_gb", "retries")
NOUNS = {"str": "text, in quotes", "int": "a whole number", "float": "a number", "bool": "true or false"}


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
    content = _read_yaml(path)
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
        RunError: if a parameter is misspelled, has a value of the wrong type, or is given twice.
    """
    folder = file.path.parent
    # Nobody looks at each of many pictures before it is opened, so they are opened in a process of their own.
    defaults = {"isolate": True} if "isolate" in known else {}
    for given in _listed_runs(file, known) if file.shape == "runs" else _combined_runs(file):
        twice = sorted(set(file.fixed) & set(given))
        if twice:
            raise RunError(f"{', '.join(twice)} stands under 'fixed' and under {file.shape!r}; give it once")
        values = {**defaults, **file.fixed, **given}
        yield {name: _check_value(known, name, value, folder) for name, value in values.items()}


def _listed_runs(file: SweepFile, known: Mapping[str, Parameter]) -> Iterator[dict[str, Any]]:
    """Yield the runs of a list, or of a CSV table."""
    runs = _read_csv(user_path(file.runs, file.path.parent), known) if isinstance(file.runs, str) else file.runs
    if not isinstance(runs, list):
        raise RunError(f"runs is {file.runs!r}; it must be a list of parameter sets, or the name of a CSV file")
    for number, run in enumerate(runs, start=1):
        yield _check_mapping(run, f"run {number}")


def _combined_runs(file: SweepFile) -> Iterator[dict[str, Any]]:
    """Yield the runs of a grid (every combination of the lists) or a zip (the lists side by side)."""
    lists = _check_mapping(file.runs, file.shape)
    for name, values in lists.items():
        if not isinstance(values, list):
            raise RunError(f"{file.shape}: {name} is {values!r}; it must be a list, or stand under 'fixed'")
    rows: Iterable[tuple[Any, ...]] = itertools.product(*lists.values())
    if file.shape == "zip":
        lengths = {name: len(values) for name, values in lists.items()}
        if len(set(lengths.values())) > 1:
            raise RunError(f"the lists under zip have different lengths: {lengths}; they go side by side")
        rows = zip(*lists.values(), strict=True)
    for row in rows:
        yield dict(zip(lists, row, strict=True))


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        text = path.read_text(encoding="utf-8")
        _check_unique_names(yaml.compose(text, yaml.SafeLoader), path.name)
        content = yaml.safe_load(text)
    except OSError as error:
        raise RunError(f"the sweep file {str(path)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path.name} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except yaml.YAMLError as error:
        raise RunError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RunError(f"{path.name} holds no settings; it needs lines such as 'grid:', see the README")
    return content


def _check_unique_names(root: Any, file_name: str) -> None:
    """Check that no name stands twice in a YAML mapping: YAML forbids it, but PyYAML silently takes the last one.

    Args:
        root: the node of the whole file, from `yaml.compose`.
        file_name: for the message.
    """
    import yaml

    waiting, seen = [root], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
        elif isinstance(node, yaml.MappingNode):
            names = [key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode)]
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise RunError(f"{file_name} has {', '.join(twice)} twice, at line {node.start_mark.line + 1}")
            waiting += [value for _, value in node.value]


def _read_csv(path: Path, known: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """Return one run per row of a table; an empty field leaves the notebook's default."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file, strict=True))
    except OSError as error:
        raise RunError(f"the table {str(path)!r} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"{path.name} is not a UTF-8 table with commas: {error}") from error
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise RunError(f"{path.name}, line {number} has not as many fields as the first line")
    return [check_parameters([(name, text) for name, text in row.items() if text], known) for row in rows]


def _check_notebooks(given: Any) -> tuple[str, ...]:
    names = tuple(str(name).removesuffix(".ipynb") for name in given) if isinstance(given, list) else ()
    wrong = [name for name in names if name not in NOTEBOOKS]
    if not names or wrong or len(set(names)) < len(names):
        raise RunError(f"notebooks is {given!r}; it must be a list of some of: {', '.join(NOTEBOOKS)}")
    return tuple(name for name in NOTEBOOKS if name in names)


def _check_limits(content: Mapping[str, Any]) -> Limits:
    given = {name: content[name] for name in ("minutes", "memory_gb", "retries") if name in content}
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name == "retries" and not (number and isinstance(value, int) and value >= 0):
            raise RunError(f"retries is {value!r}; it must be 0, 1, 2 …")
        if name != "retries" and not (number and 0 < value < math.inf):
            raise RunError(f"{name} is {value!r}; it must be a number above 0")
    return Limits(**given)


def _check_mapping(given: Any, setting: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise RunError(f"{setting} is {given!r}; it must be parameters with their values, such as 'seed: 7'")
    return {str(name): value for name, value in given.items()}


def _check_value(known: Mapping[str, Parameter], name: str, value: Any, folder: Path) -> Any:
    """Return a value from YAML with the type that the notebook declares."""
    check_name(name, known)
    kind = known[name].type_name
    fits = {
        "str": isinstance(value, str),
        "bool": isinstance(value, bool),
        "int": isinstance(value, int) and not isinstance(value, bool),
        "float": isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
    }[kind]
    if not fits:
        raise RunError(f"{name} is {value!r}; it must be {NOUNS[kind]}")
    if kind == "float":
        return float(value)
    return with_absolute_path(name, value, folder)
