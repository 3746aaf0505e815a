"""Grey pictures with more than 8 bits, with signed values or with floats, scaled to [0, 1].

- Integers of up to 16 bits are scaled by the range of their type: 0 to 4095 for 12 bits, 0 to 65535 for 16 bits,
  -32768 to 32767 for signed 16 bits. The smallest possible value becomes 0 and the largest 1, even if the picture
  uses only a part of the range.
- Floats that all lie in [0, 1] stay as they are.
- Other floats and 32-bit integers are scaled by their own smallest and largest finite value, because pictures
  rarely use the range of these types. A note gives both values.
- Where the file stores white as 0 (TIFF's "WhiteIsZero"), black and white are swapped.
"""

from __future__ import annotations

import numbers

import numpy as np
from PIL import Image

from synthviz.preprocessing.image_files import PreprocessingError, Samples, Stage


def deep_grey(picture: Image.Image, samples: Samples, grey_background: int) -> Stage:
    """Scale a picture to mode "F" in [0, 1]; transparent values and values that are not finite get the background.

    Args:
        picture: in one of `image_files.DEEP_MODES`, or in mode "L" with signed values.
        samples: how the file stores its greys.
        grey_background: the grey of the background, 0 to 255.

    Raises:
        PreprocessingError: if none of the values is finite.
    """
    values = _stored_values(picture, samples)
    finite = np.isfinite(values)
    if not finite.any():
        raise PreprocessingError("none of its values is finite: all are NaN or infinity")
    low, high, notes = _value_range(values if finite.all() else values[finite], picture.mode, samples)
    black, white = (high, low) if samples.white_is_zero else (low, high)
    step = f"already grey; {low:.6g} to {high:.6g} scaled to [0, 1]" + (", 0 as white" if samples.white_is_zero else "")
    scaled = values - black
    scaled /= (white - black) or 1
    if not finite.all():
        scaled[~finite] = grey_background / 255
        count = values.size - np.count_nonzero(finite)
        notes.append(f"{count} of {values.size} values are not finite (NaN or infinity); they show the background.")
    transparent = picture.info.get("transparency")
    if isinstance(transparent, numbers.Real) and (values == transparent).any():
        scaled[values == transparent] = grey_background / 255
        notes.append("Some pixels are transparent; they show the background.")
    return Stage("grey", step, Image.fromarray(scaled.astype(np.float32, copy=False)), tuple(notes))


def _stored_values(picture: Image.Image, samples: Samples) -> np.ndarray:
    """Return the file's values, (H, W) float32 if they have up to 16 bits, else float64.

    Pillow reads signed 8 bits as unsigned and unsigned 32 bits as signed; both are corrected here.
    """
    stored = np.asarray(picture)
    if picture.mode == "L":
        stored = stored.view(np.int8)
    elif picture.mode == "I" and samples.bits == 32 and not samples.signed:
        stored = stored.view(np.uint32)
    return stored.astype(np.float32 if picture.mode != "F" and samples.bits <= 16 else np.float64)


def _value_range(finite: np.ndarray, mode: str, samples: Samples) -> tuple[float, float, list[str]]:
    """Return the two values that become 0 and 1, and notes about them."""
    if mode != "F" and samples.bits <= 16:
        low = -(2 ** (samples.bits - 1)) if samples.signed else 0
        high = low + 2**samples.bits - 1
        if samples.signed:
            return low, high, [f"Its values are signed; the range of their type, {low} to {high}, became 0 to 1."]
        return low, high, []
    smallest, largest = float(finite.min()), float(finite.max())
    if mode == "F" and smallest >= 0 and largest <= 1:
        return 0, 1, []
    note = f"Its values run from {smallest:.6g} to {largest:.6g}; this range was scaled to [0, 1]."
    return smallest, largest, [note]
