"""Weights trained in Flux.jl, turned into those of `SceneCNN`.

Flux and PyTorch store the same network differently:

- Flux lays arrays out as (width, height, channels, pictures), so a kernel is (width, height, in, out); PyTorch's is
  (out, in, height, width).
- Flux's `Conv` is a convolution in the mathematician's sense, which turns the kernel by 180 degrees before it slides it
  over the picture; PyTorch slides it as it is.
- Julia stores the first index next to one another, NumPy the last. Together with the order of the axes this cancels
  out where maps are flattened: both go along the width first, then the height, then the channels.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

# Name in Flux, and in SceneCNN.
LAYERS = {
    "conv1": "conv1.convolution",
    "conv2": "conv2.convolution",
    "conv3": "conv3.convolution",
    "dense1": "dense1.linear",
    "dense2": "dense2",
}


def read_flux_weights(path: str | Path, shapes: dict[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Read arrays exported from Flux.jl into a state dictionary of `SceneCNN`.

    Args:
        path: an .npz file with "conv1.weight" (3, 3, in, out), "conv1.bias" (out,), …, "dense1.weight" (out, in), …,
            "dense2.bias", as Flux holds them.
        shapes: PyTorch's names and the shapes they must have.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is not an .npz file of numbers, an array is missing, too many, of another shape, or not
            finite; the message names it.
    """
    name = Path(path).name
    try:
        with Path(path).open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {name}") from None
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise ValueError(f"{name} is not an .npz file of numbers: {error}") from None
    expected = {f"{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")}
    missing, unknown = sorted(expected - arrays.keys()), sorted(arrays.keys() - expected)
    if missing or unknown:
        found = f"; it has {', '.join(unknown)} instead" if unknown and missing else ""
        wrong = f"lacks {', '.join(missing)}{found}" if missing else f"has arrays of another network: {unknown}"
        raise ValueError(f"{name} {wrong}")
    weights: dict[str, Tensor] = {}
    for layer, own in LAYERS.items():
        for part in ("weight", "bias"):
            array = arrays[f"{layer}.{part}"]
            turned = array[::-1, ::-1].transpose(3, 2, 1, 0) if array.ndim == 4 else array
            wanted = shapes[f"{own}.{part}"]
            if turned.shape != wanted or not np.issubdtype(array.dtype, np.floating):
                needed = wanted[::-1] if len(wanted) == 4 else wanted
                raise ValueError(
                    f"{layer}.{part} in {name} is {array.dtype} {array.shape}; it must be floating-point {needed}"
                )
            if not np.isfinite(array).all():
                raise ValueError(f"{layer}.{part} in {name} holds NaN or infinity")
            weights[f"{own}.{part}"] = torch.tensor(np.ascontiguousarray(turned), dtype=torch.float32)
    return weights
