"""The models that ship with synthviz: where they are, how they are run, and that they are what was shipped."""

from __future__ import annotations

import functools
import json
from pathlib import Path

from synthviz.errors import SynthvizError
from synthviz.files import sha256

MODELS = Path(__file__).parent / "models"
# What each shipped model is run with unless the config says otherwise: (steps, guidance scale).
SHIPPED_DEFAULTS = {"embedded": (4, 3.0), "embedded-teacher": (25, 3.0)}

CHECKSUMS = "checksums.json"  # beside the shipped models' folders
ADVICE = "install synthviz again"


class DamagedWeights(SynthvizError, ValueError):
    """Shipped weights are not what was shipped."""


def verify_shipped(folder: Path) -> None:
    """See that the weights of a shipped model are the ones that were shipped, by their SHA-256.

    Args:
        folder: of the model, such as `models/embedded`; the checksums stand beside it.

    Raises:
        DamagedWeights: if one is not, or is missing, or their checksums are.
    """
    try:
        expected = json.loads((folder.parent / CHECKSUMS).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedWeights(f"the checksums of the shipped weights cannot be read ({error}); {ADVICE}") from error
    for name, checksum in expected.items():
        if not name.startswith(f"{folder.name}/"):
            continue
        path = folder.parent / name
        try:
            found = _sha256(path, path.stat().st_size, path.stat().st_mtime_ns)
        except OSError as error:
            raise DamagedWeights(f"the shipped weights {name} cannot be read ({error.strerror}); {ADVICE}") from error
        if found != checksum:
            raise DamagedWeights(f"the shipped weights {name} are not as they were shipped; {ADVICE}")


def checksums(models: Path) -> dict[str, str]:
    """The SHA-256 of every file of weights below a folder, by its path in it."""
    return {path.relative_to(models).as_posix(): sha256(path) for path in sorted(models.rglob("*.safetensors"))}


@functools.lru_cache(maxsize=64)
def _sha256(path: Path, size: int, modified: int) -> str:
    """A file's checksum, computed once as long as its size and time stay."""
    return sha256(path)
