"""Three small notebooks without heavy imports, for the tests of runs and sweeps."""

from __future__ import annotations

from pathlib import Path

import nbformat

from synthviz.runs.chain import NOTEBOOKS

PARAMETERS = """output_dir: str = "outputs"  # where
prompt: str = "a city"  # what
seed: int = 0  # which
scale: float = 1.5  # how much
interactive: bool = True  # widgets
"""
WORK = """from pathlib import Path
from synthviz import records
Path(output_dir, f"generated_image_{seed}.png").write_bytes(b"png")
records.report("seen", {"prompt": prompt, "seed": seed, "interactive": interactive})
"""


def write_notebook(path: Path, *cells: str, lessons: tuple[str, ...] = (), more_parameters: str = "") -> None:
    """Write a notebook with a parameters cell, these cells, and cells that only teach."""
    parameters = nbformat.v4.new_code_cell(PARAMETERS + more_parameters, metadata={"tags": ["parameters"]})
    taught = [nbformat.v4.new_code_cell(source, metadata={"tags": ["lesson"]}) for source in lessons]
    notebook = nbformat.v4.new_notebook(cells=[parameters, *map(nbformat.v4.new_code_cell, cells), *taught])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, path)


def write_notebooks(folder: Path, work: str = WORK) -> Path:
    """Write all three into a new folder; the first one works, the others only have parameters."""
    folder.mkdir()
    for name in NOTEBOOKS:
        write_notebook(folder / f"{name}.ipynb", work if name == NOTEBOOKS[0] else "print('done')")
    return folder
