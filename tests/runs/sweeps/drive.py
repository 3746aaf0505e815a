"""Run a sweep in a process that a test can kill: `python drive.py SWEEP OUTPUT NOTEBOOKS [SCHEDULER TLS]`."""

import sys
from pathlib import Path

from synthviz.console import show_log_lines
from synthviz.runs.errors import RunError
from synthviz.runs.sweeps import ClusterSettings, read_plan, run_sweep

if __name__ == "__main__":
    show_log_lines()
    sweep, output, notebooks, *cluster = sys.argv[1:]
    settings = ClusterSettings(workers=2)
    if cluster:
        scheduler, tls = cluster
        settings = ClusterSettings(scheduler, None, *(f"{tls}/{name}.pem" for name in ("ca", "cert", "key")))
    try:
        finished = run_sweep(read_plan(sweep, Path(notebooks)), output, settings, notebooks_dir=Path(notebooks))
    except RunError as error:
        sys.exit(f"error: {error}")
    sys.exit(1 if finished.failed else 0)
