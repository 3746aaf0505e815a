"""The models that ship with synthviz: their folder, their defaults, and a check that their weights are unchanged."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from synthviz.errors import SynthvizError
from synthviz.files import sha256

MODELS = Path(__file__).parent / "models"
# The defaults of each model: (steps, guidance scale).
SHIPPED_DEFAULTS = {"embedded": (4, 3.0), "embedded-teacher": (25, 3.0)}

CHECKSUMS = "checksums.json"  # in the folder of all models
ADVICE = "install synthviz again"


class DamagedWeights(SynthvizError, ValueError):
    """A file of shipped weights has changed, or is missing."""


def read_checksums(models: Path = MODELS) -> dict[str, str]:
    """Read the SHA-256 that each file of weights must have, by its path below the folder of all models.

    Raises:
        DamagedWeights: if the list cannot be read.
    """
    try:
        checksums: dict[str, str] = json.loads((models / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedWeights(f"the checksums of the shipped weights cannot be read ({error}); {ADVICE}") from error
    return checksums


def verify_shipped(folder: Path) -> None:
    """Check that the weights of a shipped model are the ones that were shipped, by their SHA-256.

    Args:
        folder: of the model, such as `models/embedded`; the list of checksums stands beside it.

    Raises:
        DamagedWeights: if a file has changed or is missing, or the list of checksums cannot be read.
    """
    for name, checksum in read_checksums(folder.parent).items():
        if not name.startswith(f"{folder.name}/"):
            continue
        path = folder.parent / name
        try:
            found = _sha256(path, path.stat().st_size, path.stat().st_mtime_ns)
        except OSError as error:
            raise DamagedWeights(f"the shipped weights {name} cannot be read ({error.strerror}); {ADVICE}") from error
        if found != checksum:
            raise DamagedWeights(f"the shipped weights {name} are not as they were shipped; {ADVICE}")


def compute_checksums(models: Path) -> dict[str, str]:
    """Compute the SHA-256 of every file of weights below a folder, by its path in it."""
    return {path.relative_to(models).as_posix(): sha256(path) for path in sorted(models.rglob("*.safetensors"))}


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, size: int, modified: int) -> str:
    """Compute a file's checksum once, as long as its size and time stay the same."""
    return sha256(path)
