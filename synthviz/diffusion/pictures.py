"""Pictures from a pipeline's output tensor, and a check of each for what is clearly wrong."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

DARKEST_HIGHLIGHT = 0.02  # a picture without any brighter value is black
PLAIN_DEVIATION = 0.004  # standard deviation; about one of 255 levels


def as_tensor(pictures: Tensor | np.ndarray) -> Tensor:
    """Return a pipeline's output as (B, 3, H, W) float32; an array is (B, H, W, 3)."""
    if isinstance(pictures, np.ndarray):
        pictures = torch.from_numpy(pictures).movedim(-1, 1)
    return pictures.float()


def to_images(pictures: Tensor) -> list[Image.Image]:
    """Convert (B, 3, H, W) float in [0, 1] to PIL pictures, rounded as diffusers rounds; NaN and infinity are black."""
    pixels = pictures.nan_to_num(nan=0, posinf=0, neginf=0).mul(255).round().to(torch.uint8)
    return [Image.merge("RGB", [Image.fromarray(plane) for plane in picture]) for picture in pixels.cpu().numpy()]


def find_problems(pictures: Tensor, filtered: Sequence[bool]) -> list[list[str]]:
    """Return for each picture a note if it is hidden, broken, black or plain.

    Args:
        pictures: (B, 3, H, W) float in [0, 1].
        filtered: whether the model's safety filter replaced the picture.
    """
    values = pictures.flatten(1)
    # NaN and infinity reach the extremes. One transfer from a GPU for all numbers.
    measured = torch.stack([values.amin(1), values.amax(1), values.std(1)]).T.tolist()
    problems = [
        _problem(picture, lowest, highest, deviation, is_filtered)
        for picture, (lowest, highest, deviation), is_filtered in zip(values, measured, filtered, strict=True)
    ]
    return [[problem] if problem else [] for problem in problems]


def _problem(values: Tensor, lowest: float, highest: float, deviation: float, filtered: bool) -> str:
    if filtered:
        return "the model's safety filter replaced the picture by a black one"
    if not (math.isfinite(lowest) and math.isfinite(highest)):
        broken = 1 - values.isfinite().float().mean().item()
        return f"{broken:.0%} of its values are not numbers (shown black); try float32 or another scheduler"
    if highest < DARKEST_HIGHLIGHT:
        return "it is black; try float32, more steps or another scheduler"
    if deviation < PLAIN_DEVIATION:
        return "it is one plain colour; try more steps or another scheduler"
    return ""
