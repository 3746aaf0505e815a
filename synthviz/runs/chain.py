"""Run the notebooks headless through papermill, strictly: checked parameters, verified cells, a manifest at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from synthviz.files import sha256, write_json
from synthviz.records import reported_results, versions
from synthviz.runs.errors import RunError
from synthviz.runs.notebook import execute
from synthviz.runs.parameters import check_parameters, read_parameters, with_whole_path

NOTEBOOKS = ("01_generation", "02_preprocessing", "03_feature_visualization")
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
    package = Path(__file__).parents[1]
    for folder in (package / "notebooks", package.parent / "notebooks"):
        if all((folder / f"{name}.ipynb").exists() for name in NOTEBOOKS):
            return folder
    raise RunError("this installation of synthviz has no notebooks; install it again")


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
