"""Reading the logs of training stages."""

from __future__ import annotations

import json
from pathlib import Path


def last_line(log: Path) -> dict[str, float]:
    return json.loads(log.read_text().splitlines()[-1])
