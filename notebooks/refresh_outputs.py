"""Run the notebooks and keep their outputs in them: `make notebooks`.

They run as one chain in a temporary folder, with the parameters they are committed with but `interactive` off, since
a stored widget shows nothing. Large figures become JPEGs. Each then carries the hash of its cells, by which a test sees
when the cells have moved on from the outputs.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).parent
MACHINE_PATH = re.compile(rf"/(home|Users|root|tmp|var|private)/|[A-Z]:\\|{re.escape(str(FOLDER.parent))}")


def hash_sources(notebook: nbformat.NotebookNode) -> str:
    """The SHA-256 over the type and source of every cell."""
    digest = hashlib.sha256()
    for cell in notebook.cells:
        digest.update(f"{cell.cell_type}\0{cell.source}\0".encode())
    return digest.hexdigest()


def shrink_figure(data: dict[str, str]) -> None:
    """Keep a large figure as a JPEG, a quarter of its size: the history holds every version, and pages load it."""
    if len(data.get("image/png", "")) > 100_000:
        figure = Image.open(io.BytesIO(base64.b64decode(data.pop("image/png")))).convert("RGBA")
        shown = Image.alpha_composite(Image.new("RGBA", figure.size, "white"), figure).convert("RGB")
        encoded = io.BytesIO()
        shown.save(encoded, "JPEG", quality=88, subsampling=0, optimize=True)
        data["image/jpeg"] = base64.b64encode(encoded.getvalue()).decode()


def refresh(path: Path, working_folder: str) -> None:
    """Execute one notebook in a folder and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    committed = parameters.source
    parameters.source = committed.replace("interactive: bool = True", "interactive: bool = False")
    where = {"metadata": {"path": working_folder}}
    NotebookClient(notebook, kernel_name="python3", resources=where, coalesce_streams=True).execute()
    parameters.source = committed
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            found = MACHINE_PATH.search(str(output.get("text", "")) + str(output.get("data", {}).get("text/plain", "")))
            if found:
                raise ValueError(f"{path.name} shows a path of this machine: {found[0]!r} in cell {cell.id}")
            shrink_figure(output.get("data", {}))
    notebook.metadata["synthviz"] = {"sources_sha256": hash_sources(notebook)}
    notebook.metadata["language_info"] = {"name": "python"}
    nbformat.write(notebook, path)
    print(f"{path.name}: {path.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    with tempfile.TemporaryDirectory() as working_folder:
        for path in sorted(FOLDER.glob("*.ipynb")):
            refresh(path, working_folder)


if __name__ == "__main__":
    main()
