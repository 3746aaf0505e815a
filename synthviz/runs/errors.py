"""Errors of runs and sweeps."""

from __future__ import annotations

from synthviz.errors import SynthvizError


class RunError(SynthvizError, RuntimeError):
    """A run that cannot start or did not finish; the message says where and why."""


class CellError(RunError):
    """A cell of a notebook raised an exception.

    Attributes:
        notebook: the notebook's name, without ".ipynb".
        cell: the cell's number among the code cells, from 1.
        error: the exception's type and message.
        source: the cell's source.
        traceback: the exception's traceback as text, without colour codes.
    """

    def __init__(self, notebook: str, cell: int, error: str, source: str, traceback: str) -> None:
        super().__init__(notebook, cell, error, source, traceback)
        self.notebook, self.cell, self.error, self.source, self.traceback = notebook, cell, error, source, traceback

    def __str__(self) -> str:
        return f"{self.notebook}.ipynb failed: code cell {self.cell} raised {self.error}\n\n{self.source}"


class LimitExceeded(RunError):
    """A run took more time or memory than it may, and was killed."""


class WorkerUnfit(RunError):
    """A worker that cannot do the runs of a sweep refused one; the run itself has not failed."""
