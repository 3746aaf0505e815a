"""Run the notebooks headless, as one chain: check the parameters, execute each notebook, write a manifest last."""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synthviz.files import sha256, user_path, write_json
from synthviz.records import reported_results, versions
from synthviz.runs.errors import RunError
from synthviz.runs.notebook import execute
from synthviz.runs.open_files import check_open_files
from synthviz.runs.parameter_values import check_values
from synthviz.runs.parameters import Parameter, check_parameters, read_parameters, with_absolute_path

logger = logging.getLogger(__name__)

NOTEBOOKS = ("01_generation", "02_preprocessing", "03_feature_visualization")
FILM = "denoising_film.webp"
# The order and the description of the files in the table at the end.
DESCRIPTIONS = {
    FILM: "the first picture as it appeared, step by step",
    "loaded_image_verification.png": "the picture as it was loaded, and its tensor",
    "input_image_visualizations.png": "the input as heatmap, contour and surface",
    "model_architecture.txt": "every layer of the CNN",
    "conv_layer_1_feature_maps.png": "16 feature maps of the first convolution",
    "conv_layer_2_feature_maps.png": "32 feature maps of the second convolution",
    "conv_layer_3_feature_maps.png": "64 feature maps of the third convolution",
    "manifest.json": "parameters, versions, results and checksums of this run",
}


@dataclass(frozen=True)
class FinishedRun:
    """The files and results of a run.

    Attributes:
        folder: the output folder.
        files: the names of the files in it, in the order of the table.
        manifest: the content of manifest.json.
    """

    folder: Path
    files: tuple[str, ...]
    manifest: dict[str, Any]


def notebooks_folder() -> Path:
    """Return the folder of the notebooks: inside an installed package, or beside the package in a checkout.

    Raises:
        RunError: if they are in neither place.
    """
    package = Path(__file__).parents[1]
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if all((folder / f"{name}.ipynb").exists() for name in NOTEBOOKS):
            return folder
    raise RunError("this installation of synthviz has no notebooks; install it again")


def run_notebooks(
    output_dir: str | Path,
    parameters: Sequence[tuple[str, str]] = (),
    folder: Path | None = None,
    notebooks: Sequence[str] = NOTEBOOKS,
    lessons: bool = True,
    progress: bool = True,
) -> FinishedRun:
    """Run notebooks as one chain and leave their files, the executed notebooks and manifest.json in a folder.

    The manifest of an earlier run is removed first, so that a folder with a manifest always holds a whole run.

    Args:
        output_dir: the output folder; created if missing.
        parameters: (name, value as text) pairs; each is passed to every notebook that has the name.
        folder: the folder of the notebooks; None finds it.
        notebooks: the names of the notebooks to run, in this order.
        lessons: whether to run the cells that only teach.
        progress: whether a terminal shows a bar that counts the cells.

    Raises:
        RunError: if too few files may be open, a parameter is wrong, the folder cannot be written to, a cell fails or
            the kernel dies; in the last two cases the notebook so far is stored as `NAME.failed.ipynb`.
    """
    check_open_files()
    folder = folder or notebooks_folder()
    known = {name: read_parameters(folder / f"{name}.ipynb") for name in notebooks}
    values = _check_values(parameters, known)
    output_dir = _prepare_folder(output_dir, notebooks)
    before = _file_identities(output_dir)
    results: dict[str, Any] = {}
    summaries = []
    for number, name in enumerate(notebooks, start=1):
        logger.info("[%d/%d] %s …", number, len(notebooks), name)
        started = time.monotonic()
        own_values = {key: value for key, value in values.items() if key in known[name]}
        cells = execute(folder / f"{name}.ipynb", output_dir, own_values, lessons, progress)
        seconds = time.monotonic() - started
        logger.info("[%d/%d] %s done: %d cells in %.1f s", number, len(notebooks), name, len(cells), seconds)
        results |= reported_results(cells)
        summaries.append({"name": name, "sha256": sha256(folder / f"{name}.ipynb"), "seconds": round(seconds, 2)})
    files = _files_written_since(output_dir, before, notebooks)
    manifest = {
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "parameters": values,
        "notebooks": summaries,
        "results": results,
        "fallbacks": _fallbacks(results),
        "files": {name: _describe_file(output_dir / name) for name in files},
        "versions": versions(),
    }
    write_json(output_dir / "manifest.json", manifest)
    return FinishedRun(output_dir, (*files, "manifest.json"), manifest)


def _check_values(given: Sequence[tuple[str, str]], known: dict[str, dict[str, Parameter]]) -> dict[str, Any]:
    """Return the typed values of the given parameters; `known` holds the parameters of each notebook."""
    all_known = {name: parameter for found in known.values() for name, parameter in found.items()}
    values = check_parameters(given, all_known)
    values = {name: with_absolute_path(name, value, Path()) for name, value in values.items()}
    check_values(values, all_known)
    return values


def _prepare_folder(output_dir: str | Path, notebooks: Sequence[str]) -> Path:
    """Create the output folder, and remove what an earlier run says about itself."""
    folder = user_path(output_dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise RunError(f"the output folder {str(folder)!r} cannot be made or written to: {error.strerror}") from error
    for stale in ("manifest.json", *(f"{name}.failed.ipynb" for name in notebooks)):
        (folder / stale).unlink(missing_ok=True)
    return folder


def _file_identities(folder: Path) -> dict[str, tuple[int, int]]:
    """Return an identity for each file; it changes with every write, since files are replaced and never changed."""
    return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in folder.iterdir() if path.is_file()}


def _files_written_since(folder: Path, before: dict[str, tuple[int, int]], notebooks: Sequence[str]) -> tuple[str, ...]:
    """Return the files of this run: the pictures, the described files, then the executed notebooks."""
    written = [name for name, identity in _file_identities(folder).items() if before.get(name) != identity]
    pictures = [name for name in written if name.startswith("generated_image_") and name.endswith(".png")]
    pictures.sort(key=lambda name: (len(name), name))  # 2 before 10
    described = [name for name in DESCRIPTIONS if name in written and name.endswith((".png", ".txt", ".webp"))]
    return (*pictures, *described, *(f"{name}.ipynb" for name in notebooks))


def _describe_file(path: Path) -> dict[str, Any]:
    return {"sha256": sha256(path), "bytes": path.stat().st_size}


def _fallbacks(results: dict[str, Any]) -> list[str]:
    """Return every fallback that the notebooks reported, with its reason."""
    found = set()
    for name, value in results.items():
        for entry in value if isinstance(value, list) else [value]:
            if isinstance(entry, dict) and entry.get("fallback_reason"):
                found.add(f"{name}: {entry['fallback_reason']}")
    return sorted(found)


def describe(run: FinishedRun) -> str:
    """Return the table at the end of a run: its files and their sizes, the prediction, and the fallbacks."""
    fallback = any(picture["fallback_reason"] for picture in run.manifest["results"].get("pictures", ()))
    picture = "a picture that ships with synthviz" if fallback else "a picture made from the prompt"
    width = max(len(name) for name in run.files)
    lines = [f"{'file':<{width}}  {'size':>8}  what it is", "-" * (width + 50)]
    for name in run.files:
        size = _format_size((run.folder / name).stat().st_size)
        default = picture if name.startswith("generated_image_") else "the executed notebook"
        lines.append(f"{name:<{width}}  {size:>8}  {DESCRIPTIONS.get(name, default)}")
    prediction = run.manifest["results"].get("prediction")
    if prediction:
        doubt = "" if prediction["valid"] else f", not valid: {prediction['reason']}"
        lines.append(f"\nThe CNN sees: {prediction['class_name']} ({prediction['probability']:.0%}){doubt}")
    lines += [f"Note: a fallback was used: {reason}" for reason in run.manifest["fallbacks"]]
    lines.append(f"\nAll of it is in {run.folder}")
    return "\n".join(lines)


def _format_size(count: int) -> str:
    return f"{count / 1024:.0f} KB" if count < 1024 * 1024 else f"{count / 1024 / 1024:.1f} MB"
