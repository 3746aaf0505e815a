"""The parameters of `preprocess_image`, checked before any file is touched."""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthviz.preprocessing.steps import FITS, INTERPOLATIONS, luma

MAX_SIZE = 4096
OLD_FIT = "fit"
FIT_NOTE = 'fit="fit" is now called fit="pad"; in Pillow, "fit" means cropping.'


@dataclass(frozen=True)
class Settings:
    """Checked parameters of `preprocess_image`, which explains them, as plain Python values.

    `notes` holds one sentence for each value that had to be replaced.
    """

    size: int
    fit: str
    interpolation: str
    grey_weights: tuple[float, ...]
    background: tuple[int, ...]
    max_pixels: int
    color_managed: bool
    fast: bool
    notes: tuple[str, ...] = ()

    @property
    def grey_background(self) -> int:
        """The grey value of the background, 0 to 255."""
        return int(luma(np.array(self.background), self.grey_weights))

    @property
    def record(self) -> dict[str, Any]:
        """The settings that shape the tensor, as JSON."""
        return {
            "size": self.size,
            "fit": self.fit,
            "interpolation": self.interpolation,
            "grey_weights": list(self.grey_weights),
            "background": list(self.background),
            "color_managed": self.color_managed,
            "fast": self.fast,
        }


def check_settings(
    size: int,
    fit: str,
    interpolation: str,
    grey_weights: Sequence[float],
    background: Sequence[int],
    max_pixels: int,
    color_managed: bool,
    fast: bool,
) -> Settings:
    """Check the parameters of `preprocess_image` and return them as plain Python values.

    Raises:
        ValueError: for a wrong value; the message names the parameter, the value and what would be right.
    """
    notes = (FIT_NOTE,) if isinstance(fit, str) and fit == OLD_FIT else ()
    fit = check_fit(fit)
    if not _is_whole(size) or not 2 <= size <= MAX_SIZE:
        raise ValueError(f"size is {size!r}; it must be a whole number of pixels from 2 to {MAX_SIZE}")
    _check_name("interpolation", interpolation, INTERPOLATIONS)
    if not _are_three(grey_weights, numbers.Real, 0, 1 + 1e-3) or abs(sum(grey_weights) - 1) > 1e-3:
        raise ValueError(f"grey_weights is {grey_weights!r}; it must be three shares, none negative, that sum to 1")
    if not _are_three(background, numbers.Integral, 0, 255):
        raise ValueError(
            f"background is {background!r}; it must be three whole numbers from 0 to 255: red, green, blue"
        )
    check_max_pixels(max_pixels)
    if fast and interpolation == "nearest":
        raise ValueError(
            "fast averages pixels, but interpolation 'nearest' keeps single pixels; use fast=False or another "
            "interpolation"
        )
    return Settings(
        int(size),
        fit,
        interpolation,
        tuple(map(float, grey_weights)),
        tuple(map(int, background)),
        int(max_pixels),
        bool(color_managed),
        bool(fast),
        notes,
    )


def check_fit(fit: str) -> str:
    """Return the name of a way to make a picture square; an old name as the new one.

    Raises:
        ValueError: for another name.
    """
    fit = "pad" if isinstance(fit, str) and fit == OLD_FIT else fit
    _check_name("fit", fit, FITS)
    return fit


def check_max_pixels(max_pixels: int) -> None:
    """Check the largest number of pixels of a picture.

    Raises:
        ValueError: if it is not a whole number of at least 1.
    """
    if not _is_whole(max_pixels) or max_pixels < 1:
        raise ValueError(f"max_pixels is {max_pixels!r}; it must be a whole number of at least 1")


def _check_name(parameter: str, value: object, allowed: Iterable[str]) -> None:
    allowed = list(allowed)
    if not isinstance(value, str) or value not in allowed:
        close = difflib.get_close_matches(str(value), allowed, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise ValueError(f"{parameter} is {value!r}; it must be one of {', '.join(allowed)}{hint}")


def _is_whole(value: object) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _are_three(values: Any, kind: type, low: float, high: float) -> bool:
    """Whether the values are three numbers of one kind in a range; True and False are not numbers here."""
    if isinstance(values, np.ndarray):
        values = values.tolist()
    if not isinstance(values, Sequence) or len(values) != 3:
        return False
    if any(not isinstance(value, kind) or isinstance(value, bool) for value in values):
        return False
    return all(low <= value <= high for value in values)
