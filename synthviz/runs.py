"""Run the notebooks headless through papermill, strictly: checked parameters, verified cells, a manifest at the end."""

from __future__ import annotations

import difflib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synthviz.execution import RunError, execute
from synthviz.pipelines import SHIPPED_DEFAULTS
from synthviz.records import reported_results, sha256, versions, write_json

NOTEBOOKS = ("01_generation", "02_preprocessing", "03_feature_visualization")
SET_BY_THE_RUNNER = {"output_dir": "--output-dir", "interactive": "nothing: a headless run is never interactive"}
SHIPPED_MODELS = ("auto", *SHIPPED_DEFAULTS)
# What each file is, for the table at the end; the three layers share a line of code.
DESCRIPTIONS = {
    "loaded_image_verification.png": "the picture as it was loaded, and its tensor",
    "input_image_visualizations.png": "the input as heatmap, contour and surface",
    "model_architecture.txt": "every layer of the CNN",
    "conv_layer_1_feature_maps.png": "16 feature maps of the first convolution",
    "conv_layer_2_feature_maps.png": "32 feature maps of the second convolution",
    "conv_layer_3_feature_maps.png": "64 feature maps of the third convolution",
    "manifest.json": "parameters, versions, results and checksums of this run",
}


@dataclass(frozen=True)
class Parameter:
    """One line of a notebook's parameters cell.

    Attributes:
        name: as in the cell.
        type_name: "str", "int", "float" or "bool".
        default: the literal, as text.
        help: the comment after it.
    """

    name: str
    type_name: str
    default: str
    help: str


@dataclass(frozen=True)
class FinishedRun:
    """What a run left.

    Attributes:
        folder: where.
        files: their names, in the order of the table.
        manifest: what stands in manifest.json.
    """

    folder: Path
    files: tuple[str, ...]
    manifest: dict[str, Any]


def notebooks_folder() -> Path:
    """Where the notebooks are: inside an installed package, or beside the package in a checkout.

    Raises:
        RunError: if they are in neither place.
    """
    package = Path(__file__).parent
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if all((folder / f"{name}.ipynb").exists() for name in NOTEBOOKS):
            return folder
    raise RunError("this installation of synthviz has no notebooks; install it again")


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """The parameters that a notebook declares, by name."""
    import papermill

    found = papermill.inspect_notebook(str(notebook))
    return {
        name: Parameter(name, entry["inferred_type_name"], entry["default"], entry["help"])
        for name, entry in found.items()
    }


def check_parameters(given: Sequence[tuple[str, str]], known: dict[str, Parameter]) -> dict[str, Any]:
    """Turn `-p NAME VALUE` pairs into typed values.

    Raises:
        RunError: for a name no notebook has (with close matches), one that is set otherwise, one given twice, or a
            value that is not of the declared type.
    """
    values: dict[str, Any] = {}
    for name, text in given:
        if name in SET_BY_THE_RUNNER:
            raise RunError(f"-p {name} cannot be given; use {SET_BY_THE_RUNNER[name]}")
        if name not in known:
            choices = sorted(set(known) - set(SET_BY_THE_RUNNER))
            close = difflib.get_close_matches(name, choices, n=2)
            hint = f"did you mean {' or '.join(close)}?" if close else f"there are: {', '.join(choices)}"
            raise RunError(f"no notebook has a parameter {name!r}; {hint}")
        if name in values:
            raise RunError(f"-p {name} is given twice; give it once")
        values[name] = _convert(known[name], text)
    return values


def with_whole_path(name: str, value: Any, folder: Path) -> Any:
    """A parameter's value; if it names a picture or a model that is there, seen from a folder, its whole path.

    Notebooks run inside the output folder. The names of shipped models stay, whatever lies there under such a name.
    """
    if name not in ("image_path", "model") or not value or (name == "model" and value in SHIPPED_MODELS):
        return value
    path = folder / Path(value).expanduser()
    return str(path.resolve()) if path.exists() else value


def _convert(parameter: Parameter, text: str) -> Any:
    if parameter.type_name == "str":
        return text
    if parameter.type_name == "bool":
        if text.lower() in ("true", "false"):
            return text.lower() == "true"
        raise RunError(f"{parameter.name} is {text!r}; it must be true or false")
    kind, noun = {"int": (int, "a whole number"), "float": (float, "a number")}[parameter.type_name]
    try:
        return kind(text)
    except ValueError:
        raise RunError(f"{parameter.name} is {text!r}; it must be {noun}, such as {parameter.default}") from None


def run_notebooks(
    output_dir: str | Path,
    parameters: Sequence[tuple[str, str]] = (),
    folder: Path | None = None,
    say: Callable[[str], None] = print,
    notebooks: Sequence[str] = NOTEBOOKS,
    lessons: bool = True,
    progress: bool = True,
) -> FinishedRun:
    """Run notebooks as one chain and leave their files, the executed notebooks and manifest.json in a folder.

    An earlier manifest there goes first, so that one is there only when a run is whole.

    Args:
        output_dir: the folder; made if missing.
        parameters: (name, value as text) pairs; each goes to every notebook that has the name.
        folder: where the notebooks are; None finds them.
        say: where progress goes, line by line.
        notebooks: which, in this order.
        lessons: whether cells that only teach are run; without them a run costs what its result costs.
        progress: whether a terminal shows a bar that counts the cells.

    Raises:
        RunError: if a parameter is wrong, or the folder cannot be made, or a cell fails, or the kernel dies; the
            notebook so far is then kept as `NAME.failed.ipynb`.
    """
    folder = folder or notebooks_folder()
    known = {name: read_parameters(folder / f"{name}.ipynb") for name in notebooks}
    everything = {name: parameter for found in known.values() for name, parameter in found.items()}
    values = check_parameters(parameters, everything)
    values = {name: with_whole_path(name, value, Path()) for name, value in values.items()}
    output_dir = Path(output_dir).expanduser()
    try:
        output_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"the output folder {str(output_dir)!r} cannot be made: {error.strerror}") from error
    for stale in ("manifest.json", *(f"{name}.failed.ipynb" for name in notebooks)):
        (output_dir / stale).unlink(missing_ok=True)

    there_before = _identities(output_dir)
    results: dict[str, Any] = {}
    summaries = []
    for number, name in enumerate(notebooks, start=1):
        say(f"[{number}/{len(notebooks)}] {name} …")
        own = {key: value for key, value in values.items() if key in known[name]}
        began = time.monotonic()
        cells = execute(folder / f"{name}.ipynb", output_dir, own, lessons, progress)
        seconds = time.monotonic() - began
        say(f"[{number}/{len(notebooks)}] {name} done: {len(cells)} cells in {seconds:.1f} s")
        results |= reported_results(cells)
        summaries.append({"name": name, "sha256": sha256(folder / f"{name}.ipynb"), "seconds": round(seconds, 2)})

    files = _made_since(output_dir, there_before, notebooks)
    manifest = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "parameters": values,
        "notebooks": summaries,
        "results": results,
        "fallbacks": _fallbacks(results),
        "files": {
            name: {"sha256": sha256(output_dir / name), "bytes": (output_dir / name).stat().st_size} for name in files
        },
        "versions": versions(),
    }
    write_json(output_dir / "manifest.json", manifest)
    return FinishedRun(output_dir, (*files, "manifest.json"), manifest)


def _identities(folder: Path) -> dict[str, tuple[int, int]]:
    """Which file each name stands for: another one after every write, since files are replaced, never changed."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}


def _made_since(folder: Path, before: dict[str, tuple[int, int]], notebooks: Sequence[str]) -> tuple[str, ...]:
    """The files of this run: the notebooks' products first, then the executed notebooks."""
    made = [name for name, identity in _identities(folder).items() if before.get(name) != identity]
    products = sorted(name for name in made if name.endswith((".png", ".txt")))
    pictures = [name for name in products if name.startswith("generated_image_")]
    pictures.sort(key=lambda name: (len(name), name))  # 2 before 10
    described = [name for name in DESCRIPTIONS if name in products]
    return (*pictures, *described, *(f"{name}.ipynb" for name in notebooks))


def _fallbacks(results: dict[str, Any]) -> list[str]:
    """Every step down that the notebooks reported, as text."""
    found = []
    for name, value in results.items():
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict) and entry.get("fallback_reason"):
                found.append(f"{name}: {entry['fallback_reason']}")
    return sorted(set(found))


def describe(run: FinishedRun) -> str:
    """The table at the end: what was made, and where."""
    rows = []
    fallback = any(picture["fallback_reason"] for picture in run.manifest["results"].get("pictures", ()))
    for name in run.files:
        if name.startswith("generated_image_"):
            what = "a picture that ships with synthviz" if fallback else "a picture made from the prompt"
        else:
            what = DESCRIPTIONS.get(name, "the executed notebook")
        rows.append((name, _size((run.folder / name).stat().st_size), what))
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{name:<{width}}  {size:>8}  {what}" for name, size, what in rows]
    lines = [f"{'file':<{width}}  {'size':>8}  what it is", "-" * (width + 50), *lines]
    prediction = run.manifest["results"].get("prediction")
    if prediction:
        doubt = "" if prediction["valid"] else f", not valid: {prediction['reason']}"
        lines.append(f"\nThe CNN sees: {prediction['class_name']} ({prediction['probability']:.0%}){doubt}")
    lines += [f"Note: a fallback was used: {reason}" for reason in run.manifest["fallbacks"]]
    lines.append(f"\nAll of it is in {run.folder}")
    return "\n".join(lines)


def _size(count: int) -> str:
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"
