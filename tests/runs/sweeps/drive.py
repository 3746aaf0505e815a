"""A sweep's driver as a process of its own, to be killed: `python drive.py SWEEP OUTPUT NOTEBOOKS [SCHEDULER TLS]`."""

import sys
from pathlib import Path

from synthviz.runs.errors import RunError
from synthviz.runs.sweeps import ClusterSettings, read_plan, run_sweep

if __name__ == "__main__":
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
