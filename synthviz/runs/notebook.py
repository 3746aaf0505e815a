"""Execute one notebook through papermill, and verify afterwards that every cell really ran."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthviz.files import UNFINISHED
from synthviz.runs.errors import CellError, RunError
from synthviz.runs.kernel import private_folder, this_python

if TYPE_CHECKING:
    from nbformat import NotebookNode

COLOR_CODE = re.compile(r"\x1b\[[0-9;]*m")


def without_lessons(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a notebook without the cells that only teach, which carry the tag "lesson"."""
    kept = [cell for cell in notebook.cells if "lesson" not in cell.metadata.get("tags", [])]
    return type(notebook)({**notebook, "cells": kept})


def execute(
    notebook: Path, output_dir: Path, values: dict[str, Any], lessons: bool = True, progress: bool = True
) -> list[NotebookNode]:
    """Execute one notebook inside the output folder and return its code cells, all of them verified.

    Args:
        notebook: the notebook's file.
        output_dir: the working directory of the notebook; the executed notebook is stored there too.
        values: the values of the notebook's parameters.
        lessons: whether to run the cells that only teach.
        progress: whether a terminal shows a bar that counts the cells.

    Raises:
        CellError: if a cell raised; the notebook so far is stored as `NAME.failed.ipynb`.
        RunError: if a cell did not run to its end, for example because the kernel died (the notebook so far is stored
            in the same way), or if the executed notebook cannot be written.
    """
    unfinished = output_dir / f"{UNFINISHED}{notebook.name}"
    problem = None
    try:
        _run_papermill(notebook, unfinished, values, lessons, progress)
    except Exception as error:  # papermill, nbclient and jupyter_client each raise errors of their own
        lines = [line.strip() for line in str(error).splitlines() if any(map(str.isalnum, line))]
        problem = lines[0] if lines else type(error).__name__
    except BaseException:  # Ctrl-C: leave no half-written file
        unfinished.unlink(missing_ok=True)
        raise
    cells = _read_code_cells(unfinished, notebook.name, problem)
    failure = _find_failure(notebook, cells, problem)
    if failure is None:
        unfinished.replace(output_dir / notebook.name)
        return cells
    if unfinished.exists():
        unfinished.replace(output_dir / f"{notebook.stem}.failed.ipynb")
    raise failure


def store_unfinished(output_dir: Path, notebooks: Sequence[str]) -> str | None:
    """Store the notebook of a killed run as `NAME.failed.ipynb`, and remove all that the run has half written.

    Args:
        output_dir: the output folder of the run.
        notebooks: the names of its notebooks.

    Returns:
        The name of the stored notebook; None if none was begun, or its file is cut off.
    """
    stored = None
    for name in notebooks:
        with suppress(OSError, ValueError):
            unfinished = output_dir / f"{UNFINISHED}{name}.ipynb"
            json.loads(unfinished.read_bytes())
            unfinished.replace(output_dir / f"{name}.failed.ipynb")
            stored = f"{name}.failed.ipynb"
    for unfinished in output_dir.glob(f"{UNFINISHED}*"):
        with suppress(OSError):
            unfinished.unlink()
    return stored


def _run_papermill(notebook: Path, target: Path, values: dict[str, Any], lessons: bool, progress: bool) -> None:
    """Execute a notebook in the folder of `target`, and write it there."""
    import nbformat
    import papermill

    with private_folder() as private, this_python(private) as kernel:
        source = notebook
        if not lessons:
            source = private / notebook.name
            nbformat.write(without_lessons(nbformat.read(notebook, as_version=4)), source)
        papermill.execute_notebook(
            _escape(source),
            _escape(target),
            parameters={**values, "output_dir": ".", "interactive": False},
            cwd=str(target.parent),
            progress_bar=progress and sys.stderr.isatty(),
            # Store only the last state of a line that updates in place, such as a progress bar.
            coalesce_streams=True,
            **kernel,
        )


def _escape(path: Path) -> str:
    """Double the braces in a path; papermill takes single ones for parameters to fill in."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _read_code_cells(executed: Path, name: str, problem: str | None) -> list[NotebookNode]:
    """Read the code cells of an executed notebook; none if papermill wrote no file."""
    import nbformat

    if not executed.exists():
        return []
    try:
        cells = nbformat.read(executed, as_version=4).cells
    except ValueError as error:  # half a file: the disk is full
        executed.unlink()
        raise RunError(f"{name} failed: {problem or 'its outputs could not be written'}") from error
    return [cell for cell in cells if cell.cell_type == "code" and cell.source.strip()]


def _find_failure(notebook: Path, cells: list[NotebookNode], problem: str | None) -> RunError | None:
    """Return the error of an executed notebook: a cell that raised, a cell that did not run, or papermill's error."""
    raised = _first_error(notebook.stem, cells)
    if raised is not None:
        return raised
    reasons = [reason for reason in (_first_unrun(cells), problem) if reason is not None]
    return RunError(f"{notebook.name} failed: {'; '.join(reasons)}") if reasons else None


def _first_error(notebook: str, cells: list[NotebookNode]) -> CellError | None:
    """Return the error of the first cell that raised."""
    for number, cell in enumerate(cells, start=1):
        for output in cell.outputs:
            if output.output_type == "error" and not _exited_cleanly(cell):
                traceback = COLOR_CODE.sub("", "\n".join(output.traceback))
                return CellError(notebook, number, f"{output.ename}: {output.evalue}", cell.source, traceback)
    return None


def _first_unrun(cells: list[NotebookNode]) -> str | None:
    """Describe the first cell that has no execution count.

    papermill's own status is not used: it calls cells "completed" that never ran because the kernel had died.
    """
    if not cells:
        return "it has no executed cells"
    for number, cell in enumerate(cells, start=1):
        if cell.execution_count is None:
            return f"code cell {number} did not run to its end"
        if _exited_cleanly(cell):
            return None
    return None


def _exited_cleanly(cell: NotebookNode) -> bool:
    """Whether a cell ended the notebook with `sys.exit(0)`, which papermill counts as a success too."""
    return any(
        output.output_type == "error" and output.ename == "SystemExit" and output.evalue in ("", "0")
        for output in cell.outputs
    )
