"""Errors of runs."""

from __future__ import annotations

from synthviz.errors import SynthvizError


class RunError(SynthvizError, RuntimeError):
    """A run that cannot start or did not finish; the message says where and why."""


class CellError(RunError):
    """A cell raised.

    Attributes:
        notebook: its name, without ".ipynb".
        cell: its number among the code cells, from 1.
        source: the cell's.
        traceback: as text, without colours.
    """

    def __init__(self, notebook: str, cell: int, error: str, source: str, traceback: str) -> None:
        super().__init__(f"{notebook}.ipynb failed: code cell {cell} raised {error}\n\n{source}")
        self.notebook, self.cell, self.source, self.traceback = notebook, cell, source, traceback
