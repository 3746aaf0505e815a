"""Greys that 8 bits without a sign cannot hold, scaled to [0, 1].

Integers of up to 16 bits are scaled by the range of their type, so that 0 to 4095 of 12 bits, or -32768 to 32767 of
16 bits with a sign, is black to white whatever the picture shows. Floats in [0, 1] are taken as they are, also if they
fill little of it. No picture fills the range of other floats or of 32-bit integers, so those are scaled by the
range of their own finite values, and that is said.
"""

from __future__ import annotations

import numbers

import numpy as np
from PIL import Image

from synthviz.preprocessing.image_files import PreprocessingError, Samples, Stage


def deep_grey(picture: Image.Image, samples: Samples, backdrop: int, said: list[str]) -> Stage:
    """The picture in mode "F" in [0, 1]; what is transparent or not finite gets the background.

    Args:
        picture: in one of `decoding.DEEP_MODES`, or in mode "L" with a sign.
        samples: how the file stores it.
        backdrop: the grey behind it, 0 to 255.
        said: what is worth knowing is added here.

    Raises:
        PreprocessingError: if none of its values is finite.
    """
    values = _values(picture, samples)
    finite = np.isfinite(values)
    if not finite.any():
        raise PreprocessingError("none of its values is finite: all are NaN or infinity")
    low, high = _range(values if finite.all() else values[finite], picture.mode, samples, said)
    black, white = (high, low) if samples.white_is_zero else (low, high)
    step = f"already grey; {low:.6g} to {high:.6g} scaled to [0, 1]" + (", 0 as white" if samples.white_is_zero else "")
    scaled = (values - black) / ((white - black) or 1)
    if not finite.all():
        scaled[~finite] = backdrop / 255
        count = values.size - np.count_nonzero(finite)
        said.append(f"{count} of {values.size} values are not finite (NaN or infinity); they show the background.")
    transparent = picture.info.get("transparency")
    if isinstance(transparent, numbers.Real) and (values == transparent).any():
        scaled[values == transparent] = backdrop / 255
        said.append("Some pixels are transparent; they show the background.")
    return Stage("grey", step, Image.fromarray(scaled.astype(np.float32)))


def _values(picture: Image.Image, samples: Samples) -> np.ndarray:
    """The file's values, (H, W) float64; Pillow reads 8 bits as if without a sign, and 32 bits as if with one."""
    stored = np.asarray(picture)
    if picture.mode == "L":
        stored = stored.view(np.int8)
    elif picture.mode == "I" and samples.bits == 32 and not samples.signed:
        stored = stored.view(np.uint32)
    return stored.astype(np.float64)


def _range(finite: np.ndarray, mode: str, samples: Samples, said: list[str]) -> tuple[float, float]:
    """The values of black and white, the least first."""
    if mode != "F" and samples.bits <= 16:
        least = -(2 ** (samples.bits - 1)) if samples.signed else 0
        most = least + 2**samples.bits - 1
        if samples.signed:
            said.append(f"Its values have a sign; {least} to {most}, all that they can be, was scaled to [0, 1].")
        return least, most
    low, high = float(finite.min()), float(finite.max())
    if mode == "F" and low >= 0 and high <= 1:
        return 0, 1
    said.append(f"Its values run from {low:.6g} to {high:.6g}; this range was scaled to [0, 1].")
    return low, high
