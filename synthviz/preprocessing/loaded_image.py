"""A picture that is ready for the network, and the test pattern that stands in for one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from synthviz.preprocessing.image_files import (
    Stage,
)


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A picture, ready for the network.

    Attributes:
        name: the file's name, without its folder.
        tensor: (1, 1, size, size) float32 in [0, 1]; 0 is black.
        stages: opened, upright, grey, resized; empty after a fallback.
        warnings: what is worth knowing about this picture, a sentence each.
        fallback_reason: why `tensor` is the test pattern; None if it is the picture.
        record: all of this but the pixels, as JSON.
    """

    name: str
    tensor: torch.Tensor
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...]
    fallback_reason: str | None
    record: dict[str, Any]


def test_pattern(size: int = 224) -> torch.Tensor:  # noqa: PT028 - not a test
    """A vertical gradient, black at the top and white at the bottom: (1, 1, size, size) float32 in [0, 1]."""
    return torch.linspace(0, 1, size).view(1, 1, size, 1).repeat(1, 1, 1, size)


test_pattern.__test__ = False  # type: ignore[attr-defined]  # or pytest would collect it
