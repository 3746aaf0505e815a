"""The description of a failed run, as it is stored in `failures/KEY/failure.json`."""

from __future__ import annotations

import socket
from typing import Any

from synthviz.runs.errors import CellError, LimitExceeded, RunError
from synthviz.runs.sweeps.plan import PlannedRun


def describe_failure(error: Exception, run: PlannedRun) -> dict[str, Any]:
    """Return a failure as a dictionary for JSON; "kind" is "cell", "limit", "kernel" or "system"."""
    kinds = {CellError: "cell", LimitExceeded: "limit", RunError: "kernel"}
    kind = next((name for error_type, name in kinds.items() if isinstance(error, error_type)), "system")
    failure: dict[str, Any] = {"key": run.key, "parameters": run.parameters, "kind": kind, "host": socket.gethostname()}
    failure["error"] = " ".join(str(error).partition("\n\n")[0].split()) or type(error).__name__
    if isinstance(error, CellError):
        failure |= {
            "notebook": error.notebook,
            "cell": error.cell,
            "source": error.source,
            "traceback": error.traceback,
        }
    return failure
