"""A picture that is ready for the network, and the test pattern that replaces an unusable one."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from synthviz.preprocessing.image_files import Stage

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LoadedImage:
    """A picture that is ready for the network.

    Attributes:
        name: the file's name, without its folder.
        tensor: (1, 1, size, size) float32 in [0, 1]; 0 is black.
        stages: opened, upright, grey and resized; empty after a fallback.
        warnings: notes about this picture, one sentence each.
        fallback_reason: why `tensor` is the test pattern; None if it is the picture.
        record: the settings and everything above except the pixels, as JSON.
    """

    name: str
    tensor: torch.Tensor
    stages: tuple[Stage, ...]
    warnings: tuple[str, ...]
    fallback_reason: str | None
    record: dict[str, Any]


def test_pattern(size: int = 224) -> torch.Tensor:  # noqa: PT028 - this is not a test
    """Return a vertical gradient, black at the top and white at the bottom: (1, 1, size, size) float32 in [0, 1]."""
    return torch.linspace(0, 1, size).view(1, 1, size, 1).repeat(1, 1, 1, size)


def fallback_image(name: str, reason: str, settings: Mapping[str, Any], warnings: tuple[str, ...] = ()) -> LoadedImage:
    """Return the test pattern in place of a picture that cannot be used.

    Args:
        name: the file's name, without its folder.
        reason: why the picture cannot be used.
        settings: the settings for the record; "size" is the side of the tensor in pixels.
        warnings: notes for the result.
    """
    record = {"file": name, **settings, "steps": [], "warnings": list(warnings), "fallback_reason": reason}
    return LoadedImage(name, test_pattern(settings["size"]), (), warnings, reason, record)


def log_fallback(loaded: LoadedImage) -> None:
    """Log that the test pattern replaces a picture, and why."""
    logger.warning("Using the test pattern instead of %s: %s", loaded.name, loaded.fallback_reason)
