"""Records of how results came about: inside PNGs, and inside executed notebooks for the manifest."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.files import user_path, whole_file

if TYPE_CHECKING:
    from PIL.Image import Image


RESULT_MIME = "application/vnd.synthviz.result+json"
RECORD_KEY = "synthviz"
# https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia
AI_MADE_XMP = """<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>
</rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""
TRACKED_PACKAGES = ("synthviz", "torch", "torchvision", "diffusers", "transformers", "pillow", "numpy", "matplotlib")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide what a run produces."""
    return dict(_versions())


@functools.cache  # reading every package's metadata takes longer than a step of the embedded model
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in TRACKED_PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def report(name: str, value: Any) -> None:
    """Put a result into the notebook's output, where `python -m synthviz run` finds it for the manifest.

    The output holds the value as JSON and shows nothing.

    Args:
        name: of the result, such as "prediction".
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
    display({RESULT_MIME: payload}, raw=True)


def reported_results(cells: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return all results that `report` put into a notebook's cells; of two with the same name, the later one."""
    results = {}
    for cell in cells:
        for output in cell.get("outputs", []):
            payload = output.get("data", {}).get(RESULT_MIME)
            if payload is not None:
                results[payload["name"]] = payload["value"]
    return results


def write_png(path: str | Path, image: Image, record: dict[str, Any]) -> Path:
    """Save a picture as PNG with its record inside, whole or not at all; returns the path.

    The PNG holds the record as JSON under "synthviz" and as the "parameters" text that other image tools show. A
    picture from a model is also labelled as made by AI, by the IPTC digital source type in XMP.

    Args:
        path: of the file; ends in ".png".
        image: a PIL picture.
        record: anything JSON can hold; "ai_generated" tells whether a model made the picture.
    """
    options = label_options(record, ".png")
    with whole_file(path) as unfinished:
        image.save(unfinished, format="PNG", **options)
    return user_path(path)


def label_options(record: dict[str, Any], suffix: str) -> dict[str, Any]:
    """Return the options for Pillow's `save` that label a picture or an animation with its record.

    Args:
        record: as for `write_png`.
        suffix: the kind of file: ".png" gets all that `write_png` describes, ".webp" the label as made by AI, and
            ".gif" the "parameters" text as a comment.
    """
    from PIL.PngImagePlugin import PngInfo

    made_by_ai = bool(record.get("ai_generated"))
    if suffix == ".gif":
        return {"comment": _parameters_text(record)}
    if suffix == ".webp":
        return {"xmp": AI_MADE_XMP.encode()} if made_by_ai else {}
    info = PngInfo()
    if made_by_ai:
        info.add_itxt("XML:com.adobe.xmp", AI_MADE_XMP)
    info.add_itxt("parameters", _parameters_text(record))
    info.add_text(RECORD_KEY, json.dumps(record, sort_keys=True, allow_nan=False))
    return {"pnginfo": info}


def _parameters_text(record: dict[str, Any]) -> str:
    """Return the record in the form that other tools write: prompt, negative prompt, then one line of settings."""
    lines = [str(record.get("prompt", ""))]
    if record.get("negative_prompt"):
        lines.append(f"Negative prompt: {record['negative_prompt']}")
    settings = [
        ("Steps", record.get("steps")),
        ("Sampler", record.get("scheduler")),
        ("CFG scale", record.get("guidance_scale")),
        ("Seed", record.get("seed")),
        ("Size", f"{record.get('width')}x{record.get('height')}"),
        ("Model", record.get("model")),
        ("AI-generated", "yes" if record.get("ai_generated") else "no"),
    ]
    lines.append(", ".join(f"{name}: {value}" for name, value in settings if value is not None))
    return "\n".join(lines).encode("utf-8", "replace").decode("utf-8").replace("\0", "")


def read_record(path: str | Path) -> dict[str, Any] | None:
    """Read the record in a synthviz picture; None for a picture without one.

    Raises:
        FileNotFoundError: if there is no such file.
        PIL.UnidentifiedImageError: if the file is not a picture.
    """
    from PIL import Image

    with Image.open(user_path(path)) as image:
        return record_in(image.info)


def record_in(info: dict[Any, Any]) -> dict[str, Any] | None:
    """Return the record among a picture's texts, which are PIL's `info`; None if there is none."""
    text = info.get(RECORD_KEY)
    try:
        record = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
