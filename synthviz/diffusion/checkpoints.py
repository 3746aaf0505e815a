"""Check the folder of a checkpoint before any of its files is opened.

A pickle runs code when it is read, and a checkpoint names the Python classes that open it. So its weights must be
safetensors, in one file or in the parts that an index names, and its classes must belong to diffusers or transformers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from synthviz.errors import SynthvizError

LIBRARIES = ("diffusers", "transformers")
WEIGHTS = ".safetensors"
RENAMED = {"CLIPFeatureExtractor": "CLIPImageProcessor"}  # diffusers opens it as such, with transformers 5
VARIANT = re.compile(r"[^./]+?(?:\.(?!safetensors)([^/]+?))?(?:-\d{5}-of-\d{5})?\.safetensors")
NEVER_OPENED = (".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle", ".h5", ".msgpack", ".onnx", ".py", ".so", ".joblib")


class UnsafeCheckpoint(SynthvizError, ValueError):
    """A checkpoint that must not be opened; the message names the part and the reason."""


def check_checkpoint(folder: Path) -> list[str]:
    """Check that a saved diffusers pipeline can be opened without running code from its folder.

    Args:
        folder: of a pipeline, as `save_pretrained` writes it.

    Returns:
        The names of files in it that are never opened, such as pickled weights beside the safetensors.

    Raises:
        UnsafeCheckpoint: if a part has a class of another library, is a pipeline or an ONNX model, brings its own
            code, or has no safetensors; or if an index of weights names other files than safetensors.
    """
    index = _read_json(folder / "model_index.json")
    check_index(index)
    ignored = sorted(
        path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.suffix.lower() in NEVER_OPENED
    )
    for name, (library, class_name) in components(index).items():
        part = folder / name
        weights = [path for path in part.glob("*") if path.suffix.lower() in NEVER_OPENED and path.suffix != ".py"]
        if (weights or _has_weights(library, class_name)) and not list(part.glob(f"*{WEIGHTS}")):
            names = ", ".join(sorted(path.name for path in weights))
            found = f", only {names}, which may run code when opened" if names else f"; there must be some in {name}/"
            raise UnsafeCheckpoint(f"its {name} has no safetensors{found}")
        for file in part.glob("*.json"):
            content = _read_json(file)
            if "auto_map" in content and class_name.startswith("Auto"):
                raise UnsafeCheckpoint(f"its {name} wants to be opened by code of its own ({file.name}: auto_map)")
    for file in folder.rglob(f"*{WEIGHTS}.index*.json"):
        _check_weight_map(file, file.relative_to(folder).as_posix())
    return ignored


def check_index(index: dict[str, Any]) -> None:
    """Check that a `model_index.json` names only classes of diffusers and transformers, and no pipeline as a part.

    Raises:
        UnsafeCheckpoint: if it names anything else, before that is imported.
    """
    import diffusers

    kind = index.get("_class_name")
    own = _own_class("diffusers", kind) if isinstance(kind, str) else None
    if own is None:
        raise UnsafeCheckpoint(f"it wants the pipeline {kind!r}, which diffusers does not have")
    _check_installed(own, f"it wants the pipeline {kind}")
    for name, (library, class_name) in components(index).items():
        if Path(name).name != name or name in (".", ".."):
            raise UnsafeCheckpoint(f"it names a part {name!r}, which is no folder of its own")
        found = _own_class(library, class_name)
        if found is None:
            raise UnsafeCheckpoint(
                f"its {name} is a {library}.{class_name}, which is not one of diffusers' or transformers' own"
            )
        if issubclass(found, (diffusers.DiffusionPipeline, diffusers.OnnxRuntimeModel)):
            raise UnsafeCheckpoint(
                f"its {name} is a {library}.{class_name}; a part must be no pipeline and no ONNX model, whose weights "
                "need not be safetensors"
            )
        _check_installed(found, f"its {name} is a {library}.{class_name}")


def find_variant(files: Iterable[str]) -> str | None:
    """Return the variant in which a saved pipeline stores weights, such as "fp16"; None where plain names suffice.

    diffusers opens `model.fp16.safetensors` only if it is asked for the variant "fp16". A part that has weights under
    its plain name is opened from those.

    Args:
        files: the names of the pipeline's files, such as "unet/diffusion_pytorch_model.fp16.safetensors".

    Raises:
        UnsafeCheckpoint: if no variant has the weights of all parts.
    """
    variants: dict[str, set[str | None]] = {}
    for part, _, name in (file.partition("/") for file in files):
        if match := VARIANT.fullmatch(name):
            variants.setdefault(part, set()).add(match[1])
    needed = {part: found for part, found in variants.items() if None not in found}
    shared = set.intersection(*needed.values()) if needed else set()
    if needed and not shared:
        stored = ", ".join(
            f"{part} in {' and '.join(sorted(map(str, found)))}" for part, found in sorted(needed.items())
        )
        raise UnsafeCheckpoint(f"its parts are stored in different variants, of which diffusers opens one: {stored}")
    return min(map(str, shared), default=None)


def components(index: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the parts that a `model_index.json` names: name to library and class. Lists of numbers are settings.

    Raises:
        UnsafeCheckpoint: if an entry does not have diffusers' form.
    """
    found = {}
    for name, value in index.items():
        if name.startswith("_") or not isinstance(value, list) or all(isinstance(one, int | float) for one in value):
            continue
        if len(value) != 2 or not all(part is None or isinstance(part, str) for part in value):
            raise UnsafeCheckpoint(f"its {name} is {value!r}, not a library and a class")
        if value[0] is not None and value[1] is not None:
            found[name] = (value[0], value[1])
    return found


def _own_class(library: str, class_name: str) -> type | None:
    """Return a class of diffusers or transformers; None for any other, which is not imported."""
    import diffusers
    import diffusers.pipelines
    import transformers

    homes: dict[str, Any] = {"diffusers": diffusers, "transformers": transformers}
    # Some parts stand beside their pipelines in diffusers, such as the safety checker.
    if library not in homes and library.isidentifier() and hasattr(diffusers.pipelines, library):
        homes[library] = getattr(diffusers.pipelines, library)
    if library not in homes or not class_name.isidentifier() or class_name.startswith("_"):
        return None
    if library == "transformers":
        class_name = RENAMED.get(class_name, class_name)
    found = getattr(homes[library], class_name, None)
    return found if isinstance(found, type) and found.__module__.split(".")[0] in LIBRARIES else None


def _check_installed(found: type, what: str) -> None:
    """Check that diffusers has a class, and not only the stand-in for one whose optional library is missing."""
    if type(found).__name__ != "DummyObject":
        return
    try:
        found()
    except ImportError as error:
        missing = re.search(r"requires the (\S+) library", str(error))
        raise UnsafeCheckpoint(
            f"{what}, which needs a library that is not installed: {missing[1] if missing else error}"
        ) from error


def _has_weights(library: str, class_name: str) -> bool:
    from torch.nn import Module

    found = _own_class(library, class_name)
    return found is not None and issubclass(found, Module)


def _check_weight_map(file: Path, shown: str) -> None:
    """Check that an index of weights names only safetensors; another file would be opened as a pickle."""
    weight_map = _read_json(file).get("weight_map")
    if not isinstance(weight_map, dict):
        raise UnsafeCheckpoint(f"its {shown} has no weight_map that says which file holds which weights")
    for name in weight_map.values():
        if not isinstance(name, str) or Path(name).name != name or not name.endswith(WEIGHTS):
            raise UnsafeCheckpoint(f"its {shown} names {name!r}, which is not a {WEIGHTS} file in the same folder")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UnsafeCheckpoint(f"its {path.name} cannot be read: {error}") from error
    if not isinstance(content, dict):
        raise UnsafeCheckpoint(f"its {path.name} holds no settings")
    return content
