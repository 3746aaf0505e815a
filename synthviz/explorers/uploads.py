"""Files that the user uploads in an explorer."""

from __future__ import annotations

from pathlib import Path

import ipywidgets as widgets


def save_upload(upload: widgets.FileUpload, folder: Path) -> tuple[str, Path]:
    """Save the uploaded file under a name that is valid on every system; return its own name and the path.

    Args:
        upload: a widget with a file.
        folder: where to save it.
    """
    uploaded = upload.value[0]
    name = Path(str(uploaded["name"]).replace("\\", "/")).name or "picture"
    suffix = Path(name).suffix.lower()
    plain = suffix if suffix[1:].isascii() and suffix[1:].isalnum() else ""
    path = folder / f"uploaded{len(list(folder.iterdir()))}{plain}"
    path.write_bytes(bytes(uploaded["content"]))
    return name, path
