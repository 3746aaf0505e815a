"""What a sweep is to run: a YAML file, checked against the notebooks, as a list of runs with names of their own."""

from __future__ import annotations

import ast
import csv
import functools
import hashlib
import itertools
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import synthviz
from synthviz.runs.chain import NOTEBOOKS, notebooks_folder
from synthviz.runs.errors import RunError
from synthviz.runs.notebook import without_lessons
from synthviz.runs.parameters import (
    SET_BY_THE_RUNNER,
    SHIPPED_MODELS,
    Parameter,
    check_parameters,
    read_parameters,
    with_whole_path,
)
from synthviz.shipped_models import MODELS

SHAPES = ("grid", "zip", "runs")
SETTINGS = ("notebooks", "fixed", *SHAPES, "minutes", "memory_gb", "retries")
CLASSIFIED_BY = NOTEBOOKS[2]
MODEL_FILES = (".safetensors", ".json", ".txt", ".model")
NOUNS = {"str": "text, in quotes", "int": "a whole number", "float": "a number", "bool": "true or false"}


@dataclass(frozen=True)
class Limits:
    """What one run may cost.

    Attributes:
        minutes: after which it is ended and counts as failed.
        memory_gb: of its kernel, in 10^9 bytes, after which the same happens; None is the worker's share of its
            machine, and 16 at most.
        retries: how often a run starts again after its kernel died of something else.
    """

    minutes: float = 60.0
    memory_gb: float | None = None
    retries: int = 2


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        key: 16 hexadecimal digits that stand for everything that decides its result; its folder's name.
        parameters: what is set for it, checked and typed.
    """

    key: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class SweepPlan:
    """A checked sweep.

    Attributes:
        runs: in the order of the file; no two have one key.
        notebooks: run in each, in this order.
        sources: the SHA-256 of the notebooks' cells, by which a worker sees that it has the same ones.
        limits: for each run.
        duplicates: how many runs of the file repeat an earlier one.
    """

    runs: tuple[PlannedRun, ...]
    notebooks: tuple[str, ...]
    sources: str
    limits: Limits
    duplicates: int = 0


def read_plan(path: str | Path, folder: Path | None = None) -> SweepPlan:
    """Read a sweep file and check all of it.

    Args:
        path: a YAML file: `fixed` parameters, and one of `grid` (every combination of lists), `zip` (lists side by
            side) or `runs` (a list of parameter sets, or the name of a CSV file of them); optionally `notebooks`,
            `minutes`, `memory_gb` and `retries`.
        folder: where the notebooks are; None finds them.

    Raises:
        RunError: for a file that cannot be read, anything misspelled, a value of the wrong type, or no runs at all.
    """
    path = Path(path).expanduser()
    content = _read_yaml(path)
    for name in content:
        if name not in SETTINGS:
            raise RunError(f"{path.name} has no setting {name!r}; there are: {', '.join(SETTINGS)}")
    notebooks = _notebooks(content.get("notebooks", list(NOTEBOOKS)))
    folder = folder or notebooks_folder()
    known = {
        name: parameter
        for notebook in notebooks
        for name, parameter in read_parameters(folder / f"{notebook}.ipynb").items()
    }
    sources = hash_sources(folder, notebooks)
    fixed = _mapping(content.get("fixed") or {}, "fixed")
    everything = {"notebooks": list(notebooks), "sources": sources, "version": synthviz.__version__}
    if CLASSIFIED_BY in notebooks:
        everything["classifier"] = _content_hash(str(MODELS / "scene-cnn"))
    planned: dict[str, PlannedRun] = {}
    count = 0
    for given in _parameter_sets(content, path.parent, fixed, known):
        count += 1
        parameters = {name: _check_value(known, name, value, path.parent) for name, value in given.items()}
        key = _key(everything, parameters, known)
        planned.setdefault(key, PlannedRun(key, parameters))
    if not planned:
        raise RunError(f"{path.name} describes no runs; a list in it is empty")
    return SweepPlan(tuple(planned.values()), notebooks, sources, _limits(content), count - len(planned))


def hash_sources(folder: Path, notebooks: Sequence[str]) -> str:
    """The SHA-256 of what a sweep runs of some notebooks: the cells that do not only teach."""
    import nbformat

    digest = hashlib.sha256()
    for name in notebooks:
        for cell in without_lessons(nbformat.read(folder / f"{name}.ipynb", as_version=4)).cells:
            digest.update(json.dumps([name, cell.cell_type, cell.source]).encode())
    return digest.hexdigest()


def _read_yaml(path: Path) -> dict[str, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML says that a name must not come twice; PyYAML would keep the last one without a word."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
            names = [self.construct_object(key, deep=True) for key, _ in node.value]
            twice = {str(name) for name in names if names.count(name) > 1}
            if twice:
                raise RunError(f"{path.name} says {', '.join(sorted(twice))} twice, at line {node.start_mark.line + 1}")
            return super().construct_mapping(node, deep)

    try:
        with path.open(encoding="utf-8") as file:
            content = yaml.load(file, Loader)
    except OSError as error:
        raise RunError(f"the sweep file {str(path)!r} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path.name} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except yaml.YAMLError as error:
        raise RunError(f"{path.name} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise RunError(f"{path.name} holds no settings; it needs lines such as 'grid:', see the README")
    return content


def _notebooks(given: Any) -> tuple[str, ...]:
    names = tuple(str(name).removesuffix(".ipynb") for name in given) if isinstance(given, list) else ()
    wrong = [name for name in names if name not in NOTEBOOKS]
    if not names or wrong or len(set(names)) < len(names):
        raise RunError(f"notebooks is {given!r}; it must be a list of some of: {', '.join(NOTEBOOKS)}")
    return tuple(name for name in NOTEBOOKS if name in names)


def _mapping(given: Any, what: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise RunError(f"{what} is {given!r}; it must be parameters with their values, such as 'seed: 7'")
    return {str(name): value for name, value in given.items()}


def _parameter_sets(
    content: dict[str, Any], folder: Path, fixed: dict[str, Any], known: Mapping[str, Parameter]
) -> Iterator[dict[str, Any]]:
    """Every run's parameters, unchecked; `fixed` ones first."""
    shapes = [shape for shape in SHAPES if shape in content]
    if len(shapes) != 1:
        found = " and ".join(shapes) or "none of them"
        raise RunError(f"a sweep needs one of grid, zip and runs; this one has {found}")
    (shape,) = shapes
    if shape == "runs":
        rows = content["runs"]
        given = _read_csv(folder / rows, known) if isinstance(rows, str) else rows
        if not isinstance(given, list):
            raise RunError(f"runs is {rows!r}; it must be a list of parameter sets, or the name of a CSV file")
        sets: Iterator[dict[str, Any]] = (_mapping(row, f"run {number}") for number, row in enumerate(given, start=1))
    else:
        lists = _mapping(content[shape], shape)
        for name, values in lists.items():
            if not isinstance(values, list):
                raise RunError(f"{shape}: {name} is {values!r}; it must be a list, or stand under 'fixed'")
        lengths = {name: len(values) for name, values in lists.items()}
        if shape == "zip" and len(set(lengths.values())) > 1:
            raise RunError(f"the lists under zip have different lengths: {lengths}; they go side by side")
        rows = itertools.product(*lists.values()) if shape == "grid" else zip(*lists.values(), strict=True)
        sets = (dict(zip(lists, row, strict=True)) for row in rows)
    # Nobody looks at each of many files before it is opened.
    defaults = {"isolate": True} if "isolate" in known else {}
    for values in sets:
        twice = sorted(set(fixed) & set(values))
        if twice:
            raise RunError(f"{', '.join(twice)} stands under 'fixed' and under {shape!r}; say it once")
        yield {**defaults, **fixed, **values}


def _read_csv(path: Path, known: Mapping[str, Parameter]) -> list[dict[str, Any]]:
    """A run for each row; an empty field leaves the notebook's own value."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
    except OSError as error:
        raise RunError(f"the table {str(path)!r} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise RunError(f"{path.name} is not a UTF-8 table with commas: {error}") from error
    for number, row in enumerate(rows, start=2):
        if None in row or None in row.values():
            raise RunError(f"{path.name}, line {number} has not as many fields as the first line")
    given = [{name: text for name, text in row.items() if text} for row in rows]
    return [{name: check_parameters([(name, text)], dict(known))[name] for name, text in row.items()} for row in given]


def _check_value(known: Mapping[str, Parameter], name: str, value: Any, folder: Path) -> Any:
    """A value from YAML, as the notebook declares it."""
    if name not in known or name in SET_BY_THE_RUNNER:
        check_parameters([(name, "")], dict(known))  # says what is wrong with the name
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
    return with_whole_path(name, value, folder)


def _limits(content: dict[str, Any]) -> Limits:
    given = {name: content[name] for name in ("minutes", "memory_gb", "retries") if name in content}
    for name, value in given.items():
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if name == "retries" and not (number and isinstance(value, int) and value >= 0):
            raise RunError(f"retries is {value!r}; it must be 0, 1, 2 …")
        if name != "retries" and not (number and 0 < value < math.inf):
            raise RunError(f"{name} is {value!r}; it must be a number above 0")
    return Limits(**given)


def _key(everything: dict[str, Any], parameters: dict[str, Any], known: Mapping[str, Parameter]) -> str:
    """The hash of all that decides a run's result; a value that is said and one that is left at its default are one."""
    defaults = {
        name: ast.literal_eval(parameter.default) for name, parameter in known.items() if name not in SET_BY_THE_RUNNER
    }
    values = {**defaults, **parameters}
    contents = {name: _content_hash(values[name]) for name in ("image_path", "model") if name in values}
    canonical = json.dumps([everything, values, contents], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@functools.cache
def _content_hash(value: str) -> str:
    """The hash of a picture or a model; of a hub id, the commit that is on this machine, if any."""
    path = MODELS if value in SHIPPED_MODELS else Path(value).expanduser()
    if value and path.exists():
        inside = [file for file in path.rglob("*") if file.suffix in MODEL_FILES] if path.is_dir() else [path]
        files = sorted(file for file in inside if file.is_file())
        digest = hashlib.sha256()
        for file in files:
            digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
        return digest.hexdigest()
    if value.count("/") == 1:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(value, "model_index.json")
        return Path(found).parent.name if isinstance(found, str) else ""
    return ""
