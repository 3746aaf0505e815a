"""Read weights that were trained in Flux.jl, and convert them to those of `SceneCNN`.

Flux and PyTorch store the same network differently:

- Flux orders the axes of a batch as (width, height, channels, pictures). A kernel is (width, height, in, out) in Flux
  and (out, in, height, width) in PyTorch.
- Flux's `Conv` is a convolution in the mathematical sense: it rotates the kernel by 180 degrees and then slides it over
  the picture. PyTorch slides the kernel without rotating it.
- Julia stores arrays in column-major order, NumPy in row-major order. Because the order of the axes differs too, both
  frameworks flatten feature maps in the same order: width fastest, then height, then channels.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

# Flux's name of each layer → SceneCNN's name.
from synthviz.files import user_path

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
            "dense2.bias", as Flux stores them.
        shapes: the shape that each of `SceneCNN`'s parameters must have, by PyTorch's names.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not an .npz file of numbers, or an array is missing, unknown, of another shape, or
            not finite; the message names the array.
    """
    name = Path(path).name
    arrays = _read_arrays(path)
    _check_names(name, set(arrays))
    return {
        f"{layer}.{part}": _convert(
            f"{flux_layer}.{part} in {name}", arrays[f"{flux_layer}.{part}"], shapes[f"{layer}.{part}"]
        )
        for flux_layer, layer in LAYERS.items()
        for part in ("weight", "bias")
    }


def _read_arrays(path: str | Path) -> dict[str, np.ndarray]:
    name = Path(path).name
    try:
        with user_path(path).open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except FileNotFoundError:
        raise FileNotFoundError(f"there is no file {name}") from None
    except (zipfile.BadZipFile, EOFError, OSError, ValueError) as error:
        raise ValueError(f"{name} is not an .npz file of numbers: {error}") from None


def _check_names(name: str, found: set[str]) -> None:
    expected = {f"{layer}.{part}" for layer in LAYERS for part in ("weight", "bias")}
    missing, unknown = ", ".join(sorted(expected - found)), ", ".join(sorted(found - expected))
    if missing:
        raise ValueError(f"{name} lacks {missing}" + (f"; it has {unknown} instead" if unknown else ""))
    if unknown:
        raise ValueError(f"{name} has arrays of another network: {unknown}")


def _convert(label: str, array: np.ndarray, shape: tuple[int, ...]) -> Tensor:
    """Return one of Flux's arrays in PyTorch's layout; rotate the kernels of convolutions by 180 degrees."""
    converted = array[::-1, ::-1].transpose(3, 2, 1, 0) if array.ndim == 4 else array
    if converted.shape != shape or not np.issubdtype(array.dtype, np.floating):
        expected = shape[::-1] if len(shape) == 4 else shape
        raise ValueError(f"{label} is {array.dtype} {array.shape}; it must be floating-point {expected}")
    if not np.isfinite(array).all():
        raise ValueError(f"{label} holds NaN or infinity")
    return torch.tensor(np.ascontiguousarray(converted), dtype=torch.float32)
