"""Execute one notebook through papermill and trust nothing: every cell must have run, or it is told which did not."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Any

from synthviz.runs.errors import CellError, RunError
from synthviz.runs.private_folders import private_folder

COLOR_CODE = re.compile(r"\x1b\[[0-9;]*m")


def without_lessons(notebook: Any) -> Any:
    """A notebook, as nbformat reads it, without the cells that only teach."""
    kept = [cell for cell in notebook.cells if "lesson" not in cell.metadata.get("tags", [])]
    return type(notebook)({**notebook, "cells": kept})


def execute(notebook: Path, output_dir: Path, values: dict[str, Any], lessons: bool, progress: bool) -> list[Any]:
    """Execute one notebook inside the output folder and return its code cells, each of them verified.

    Args:
        notebook: its file.
        output_dir: the folder where it runs, and where the executed notebook goes.
        values: of its parameters.
        lessons: whether cells that only teach are run.
        progress: whether a terminal shows a bar that counts the cells.

    Raises:
        CellError: if a cell raised; the notebook so far is then kept as `NAME.failed.ipynb`, as in the next case.
        RunError: if a cell did not run to its end, as when the kernel dies, or the outputs cannot be written.
    """
    import nbformat
    import papermill

    unfinished = output_dir / f".unfinished-{notebook.name}"
    failed = output_dir / f"{notebook.stem}.failed.ipynb"
    try:
        with private_folder() as private:
            source = notebook
            if not lessons:
                source = private / notebook.name
                nbformat.write(without_lessons(nbformat.read(notebook, as_version=4)), source)
            papermill.execute_notebook(
                _escape(source),
                _escape(unfinished),
                parameters={**values, "output_dir": ".", "interactive": False},
                cwd=str(output_dir),
                kernel_name="python3",
                progress_bar=progress and sys.stderr.isatty(),
                config=_private_connection(private),
            )
        reason = None
    except Exception as error:  # papermill, nbclient and jupyter_client each have their own
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
    except BaseException:  # Ctrl-C: leave nothing half-written behind
        unfinished.unlink(missing_ok=True)
        raise
    cells = []
    if unfinished.exists():
        try:
            executed = nbformat.read(unfinished, as_version=4)
        except ValueError as error:  # half a file: the disk is full
            unfinished.unlink()
            raise RunError(f"{notebook.name} failed: {reason or 'its outputs could not be written'}") from error
        cells = [cell for cell in executed.cells if cell.cell_type == "code" and cell.source.strip()]
    failure: RunError | None = _first_error(notebook.stem, cells)
    if failure is None:
        unrun = _first_unrun(cells)
        problem = "; ".join(part for part in (unrun, reason) if part is not None)
        failure = RunError(f"{notebook.name} failed: {problem}") if problem else None
    if failure is None:
        unfinished.replace(output_dir / notebook.name)
        return cells
    if unfinished.exists():
        unfinished.replace(failed)
    raise failure


def _escape(path: Path) -> str:
    """A path as papermill wants it: papermill takes braces for parameters to fill in."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _private_connection(folder: Path) -> Any:
    """How to talk to a kernel: over sockets in a folder of its own, which nobody else can read, not over TCP.

    Windows has no such sockets; there it is TCP on the loopback interface, as Jupyter does by default.
    """
    from traitlets.config import Config

    config = Config()
    if os.name != "nt":
        config.KernelManager.transport = "ipc"
        config.KernelManager.connection_file = str(folder / "kernel.json")
    return config


def _ended_itself(cell: Any) -> bool:
    """Whether a cell ended the notebook by `sys.exit(0)`, which papermill takes for a success too."""
    return any(
        output.output_type == "error" and output.ename == "SystemExit" and output.evalue in ("", "0")
        for output in cell.outputs
    )


def _first_error(notebook: str, cells: list[Any]) -> CellError | None:
    """The first cell that raised."""
    for number, cell in enumerate(cells, start=1):
        for output in cell.outputs:
            if output.output_type == "error" and not _ended_itself(cell):
                traceback = COLOR_CODE.sub("", "\n".join(output.traceback))
                return CellError(notebook, number, f"{output.ename}: {output.evalue}", cell.source, traceback)
    return None


def _first_unrun(cells: list[Any]) -> str | None:
    """The first cell that has no execution count.

    papermill's own status is not asked: it calls cells completed that a dead kernel never ran.
    """
    if not cells:
        return "it has no executed cells"
    for number, cell in enumerate(cells, start=1):
        if cell.execution_count is None:
            return f"code cell {number} did not run to its end"
        if _ended_itself(cell):
            return None
    return None
