"""Tell what the name of a model can mean: a shipped model, a place on the disk, or a hub id."""

from __future__ import annotations

import difflib
from pathlib import Path

from synthviz import files
from synthviz.diffusion.checkpoints import NEVER_OPENED, WEIGHTS
from synthviz.shipped_models import SHIPPED_DEFAULTS


def why_no_model(model: str) -> str | None:
    """Return why a name that is neither a shipped model nor a folder means no model; None for a hub id."""
    file = files.user_path(model)
    if file.is_file():
        return _why_no_file(model, file)
    if _is_path(model):
        return f"there is no folder {model!r}"
    if _is_hub_id(model):
        return None
    close = difflib.get_close_matches(model, SHIPPED_DEFAULTS, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    return f"{model!r} is neither 'embedded', nor a local folder, nor a hub id 'owner/name'{hint}"


def _why_no_file(model: str, file: Path) -> str:
    if file.name == "model_index.json":
        return f"{model!r} is a file; name the folder that holds it"
    return (
        f"{model!r} is a single file, not the folder of a diffusers pipeline; if it holds a whole model, convert it "
        "once with diffusers: from_single_file(...) of its pipeline, then save_pretrained(folder)"
    )


def _is_path(model: str) -> bool:
    """Tell whether a name can only mean a place on the disk: no hub id begins or ends like this."""
    return model.startswith((".", "/", "~")) or "\\" in model or Path(model).suffix in (WEIGHTS, *NEVER_OPENED)


def _is_hub_id(model: str) -> bool:
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import validate_repo_id  # type: ignore[attr-defined]  # documented, not in its __all__

    try:
        validate_repo_id(model)
    except HFValidationError:
        return False
    return "/" in model
