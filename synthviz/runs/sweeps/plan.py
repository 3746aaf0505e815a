"""The plan of a sweep: its runs, each with a key that stands for everything its result depends on."""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import synthviz
from synthviz.files import user_path
from synthviz.runs.chain import NOTEBOOKS, notebooks_folder
from synthviz.runs.errors import RunError
from synthviz.runs.limits import Limits
from synthviz.runs.notebook import without_lessons
from synthviz.runs.parameters import SET_BY_THE_RUNNER, SHIPPED_MODELS, Parameter, read_parameters
from synthviz.runs.sweeps.sweep_file import parameter_sets, read_sweep_file
from synthviz.shipped_models import MODELS

CLASSIFYING_NOTEBOOK = NOTEBOOKS[2]
MODEL_FILES = (".safetensors", ".json", ".txt", ".model")


@dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep.

    Attributes:
        key: 16 hexadecimal digits that stand for everything the run's result depends on; the name of its folder.
        parameters: the parameters that are set for it, checked and typed.
    """

    key: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class SweepPlan:
    """A checked sweep.

    Attributes:
        runs: the runs in the order of the file; each has its own key.
        notebooks: the notebooks of each run, in their order.
        sources: the SHA-256 of the notebooks' cells; a worker compares it with its own notebooks.
        limits: the limits of each run.
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
        folder: the folder of the notebooks; None finds it.

    Raises:
        RunError: if the file cannot be read, a name is misspelled, a value has the wrong type, or there are no runs.
    """
    file = read_sweep_file(user_path(path))
    folder = folder or notebooks_folder()
    known: dict[str, Parameter] = {}
    for notebook in file.notebooks:
        known |= read_parameters(folder / f"{notebook}.ipynb")
    sources = hash_sources(folder, file.notebooks)
    shared = {"notebooks": list(file.notebooks), "sources": sources, "version": synthviz.__version__}
    if CLASSIFYING_NOTEBOOK in file.notebooks:
        shared["classifier"] = _hash_content(str(MODELS / "scene-cnn"))
    planned: dict[str, PlannedRun] = {}
    count = 0
    for parameters in parameter_sets(file, known):
        count += 1
        key = _key(shared, parameters, known)
        planned.setdefault(key, PlannedRun(key, parameters))
    if not planned:
        raise RunError(f"{file.path.name} describes no runs; a list in it is empty")
    return SweepPlan(tuple(planned.values()), file.notebooks, sources, file.limits, count - len(planned))


def hash_sources(folder: Path, notebooks: Sequence[str]) -> str:
    """Return the SHA-256 of the cells that a sweep runs, which are all except those that only teach."""
    import nbformat

    digest = hashlib.sha256()
    for name in notebooks:
        for cell in without_lessons(nbformat.read(folder / f"{name}.ipynb", as_version=4)).cells:
            digest.update(json.dumps([name, cell.cell_type, cell.source]).encode())
    return digest.hexdigest()


def _key(shared: Mapping[str, Any], parameters: dict[str, Any], known: Mapping[str, Parameter]) -> str:
    """Return the hash of everything a run's result depends on.

    A parameter that is set to its default gives the same key as a parameter that is not set.

    Args:
        shared: what all runs of the sweep depend on.
        parameters: the parameters that are set for this run.
        known: the parameters that the notebooks declare.
    """
    defaults = {
        name: ast.literal_eval(parameter.default) for name, parameter in known.items() if name not in SET_BY_THE_RUNNER
    }
    values = {**defaults, **parameters}
    contents = {name: _hash_content(values[name]) for name in ("image_path", "model") if name in values}
    canonical = json.dumps([shared, values, contents], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@functools.cache
def _hash_content(value: str) -> str:
    """Return what stands for the content of a picture or a model.

    This is the hash of its files; for the id of a model on a hub the commit that this machine has, or "" if it has
    none.
    """
    path = MODELS if value in SHIPPED_MODELS else user_path(value)
    if value and path.exists():
        return _hash_files(path)
    if value.count("/") == 1:
        from huggingface_hub import try_to_load_from_cache

        found = try_to_load_from_cache(value, "model_index.json")
        return Path(found).parent.name if isinstance(found, str) else ""
    return ""


def _hash_files(path: Path) -> str:
    """Return the hash of a file, or of the names, sizes and contents of a folder's model files."""
    inside = [file for file in path.rglob("*") if file.suffix in MODEL_FILES] if path.is_dir() else [path]
    digest = hashlib.sha256()
    for file in sorted(file for file in inside if file.is_file()):
        digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.hexdigest()
