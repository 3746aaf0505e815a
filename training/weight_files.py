"""How large the shipped weights are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WeightFiles:
    """Sizes of files of weights.

    Attributes:
        megabytes: all together, in 1,000,000 bytes.
        largest: the largest file, in MiB.
    """

    megabytes: float
    largest: float


def measure_weights(folder: Path) -> WeightFiles:
    """Measure every safetensors file in a folder and the folders below.

    Raises:
        ValueError: if there is none.
    """
    sizes = [path.stat().st_size for path in folder.rglob("*.safetensors")]
    if not sizes:
        raise ValueError(f"{folder} has no safetensors files")
    return WeightFiles(sum(sizes) / 1e6, max(sizes) / 2**20)
