"""Run the notebooks and store their outputs in them: `make notebooks`.

The notebooks run as one chain in a temporary folder, with their committed parameters, except that `interactive` is off,
because a stored widget shows nothing. Large figures become JPEGs. Every notebook stores a hash of its cells, and a test
compares it with the cells to find out whether they have changed after the outputs were made.
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
    """Return the SHA-256 of the types and sources of all cells."""
    digest = hashlib.sha256()
    for cell in notebook.cells:
        digest.update(f"{cell.cell_type}\0{cell.source}\0".encode())
    return digest.hexdigest()


def shrink_figure(data: dict[str, str]) -> None:
    """Replace a large PNG figure by a JPEG, which is a quarter of its size; the git history stores every version."""
    if len(data.get("image/png", "")) > 100_000:
        figure = Image.open(io.BytesIO(base64.b64decode(data.pop("image/png")))).convert("RGBA")
        shown = Image.alpha_composite(Image.new("RGBA", figure.size, "white"), figure).convert("RGB")
        encoded = io.BytesIO()
        shown.save(encoded, "JPEG", quality=82, subsampling=0, optimize=True)
        data["image/jpeg"] = base64.b64encode(encoded.getvalue()).decode()


def remove_finished_progress(cell: nbformat.NotebookNode) -> None:
    """Remove the blank line that a progress line leaves when it disappears."""
    for output in cell.outputs:
        if output.output_type == "stream":
            output.text = re.sub(r" *\r$", "", output.text)
    cell.outputs = [output for output in cell.outputs if output.get("text") != ""]


def refresh(path: Path, working_folder: str) -> None:
    """Execute one notebook in a folder and write it back with its outputs.

    Raises:
        ValueError: if an output shows a path of this machine.
    """
    notebook = nbformat.read(path, as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    committed = parameters.source
    parameters.source = committed.replace("interactive: bool = True", "interactive: bool = False")
    where = {"metadata": {"path": working_folder}}
    NotebookClient(notebook, kernel_name="python3", resources=where, coalesce_streams=True).execute()
    parameters.source = committed
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            remove_finished_progress(cell)
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
    """Refresh all notebooks, in their order."""
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    with tempfile.TemporaryDirectory() as working_folder:
        for path in sorted(FOLDER.glob("*.ipynb")):
            refresh(path, working_folder)


if __name__ == "__main__":
    main()
