"""What a run did: records inside PNGs, results inside notebooks, manifests, and files written whole or not at all."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

RESULT_MIME = "application/vnd.synthviz.result+json"
RECORD_KEY = "synthviz"
TRACKED_PACKAGES = ("synthviz", "torch", "torchvision", "diffusers", "transformers", "pillow", "numpy", "matplotlib")


@contextmanager
def whole_file(path: str | Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    Yields a temporary path in the same folder; it is renamed into place when the block ends, and removed if the
    block raises. The suffix is kept, so that Pillow and matplotlib recognise the format.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".unfinished-", suffix=path.suffix)
    os.close(handle)
    unfinished = Path(name)
    try:
        yield unfinished
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_text(path: str | Path, text: str) -> Path:
    """Write UTF-8 text whole or not at all; returns the path."""
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
    return Path(path)


def write_json(path: str | Path, value: Any) -> Path:
    """Write JSON, indented, with sorted keys and no NaN, whole or not at all; returns the path."""
    return write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


def sha256(path: str | Path) -> str:
    """The SHA-256 of a file, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """The versions of Python and of the packages that decide what a run produces."""
    found = {"python": platform.python_version()}
    for name in TRACKED_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def report(name: str, value: Any) -> None:
    """Put a result into the notebook's output, where `python -m synthviz run` finds it for the manifest.

    Shown as one line of text; the value travels beside it as JSON.

    Args:
        name: what it is, such as "prediction".
        value: anything JSON can hold.

    Raises:
        ValueError: if the value is not JSON (NaN and infinity are not).
    """
    from IPython.display import display

    payload = {"name": name, "value": value}
    try:
        json.dumps(payload, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(f"the result {name!r} cannot be recorded as JSON: {error}") from error
    display({RESULT_MIME: payload, "text/plain": f"recorded for the manifest: {name}"}, raw=True)


def reported_results(cells: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """All results that `report` left in a notebook's cells; a later one of the same name wins."""
    results = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            payload = output.get("data", {}).get(RESULT_MIME)
            if payload is not None:
                results[payload["name"]] = payload["value"]
    return results


def read_record(path: str | Path) -> dict[str, Any] | None:
    """The record that a synthviz picture carries; None for a picture without one.

    Raises:
        FileNotFoundError: if there is no such file.
        PIL.UnidentifiedImageError: if the file is not a picture.
    """
    from PIL import Image

    with Image.open(path) as image:
        text = image.info.get(RECORD_KEY)
    try:
        record = json.loads(text) if isinstance(text, str) else None
    except json.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None
