"""A second device without its hardware: tensors that compute on the CPU, but are as strict as those on a GPU.

They say that they lie on `DEVICE`. As with CUDA, an operation refuses to mix them with tensors of the CPU, except for
single numbers (no dimensions) in elementwise operations; copying, `.to` and `.cpu` move between the two; a mask or
index may come from the CPU, but not go there; NumPy does not see them, and a generator of the CPU cannot draw them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

DEVICE = torch.device("lazy", 0)  # a device that torch knows and that needs no hardware
ATEN = torch.ops.aten
COPIES = {ATEN._to_copy.default, ATEN.copy_.default, ATEN.copy.default}
INDEXED = {ATEN.index.Tensor, ATEN.index_put.default, ATEN.index_put_.default, ATEN._index_put_impl_.default}


class FarTensor(Tensor):
    """A tensor that says that it lies on `DEVICE`; its values are those of a tensor on the CPU.

    Attributes:
        near: that tensor.
    """

    near: Tensor

    @staticmethod
    def __new__(cls, near: Tensor) -> FarTensor:
        far = Tensor._make_wrapper_subclass(
            cls, near.shape, near.stride(), near.storage_offset(), dtype=near.dtype, device=DEVICE
        )
        far.near = near
        return far

    def tolist(self) -> Any:
        """Copy the values into lists; torch does not do this for subclasses."""
        return self.near.tolist()

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


class _StrictDevice(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return compute(func, args, kwargs or {})


@contextmanager
def strict_device() -> Iterator[torch.device]:
    """Let `DEVICE` exist, and return it.

    Raises:
        RuntimeError: inside, where an operation mixes devices, a generator of the CPU draws on `DEVICE`, or NumPy reads
            a tensor of it.
    """
    torch._C._set_only_lift_cpu_tensors(True)  # `torch.tensor` builds on the CPU and then moves
    try:
        with _StrictDevice():
            yield DEVICE
    finally:
        torch._C._set_only_lift_cpu_tensors(False)


def compute(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """Compute an operation on the device on which a GPU would."""
    tensors: list[Tensor] = []
    _map(tensors.append, (args, *kwargs.values()))
    wanted = kwargs.get("device")
    if wanted is not None:
        far = wanted.type == DEVICE.type
        kwargs = kwargs | {"device": torch.device("cpu")}
    elif func in COPIES:
        far = isinstance(args[0], FarTensor)
    else:
        far = any(isinstance(value, FarTensor) for value in tensors)
    if far and func not in COPIES:
        _check(func, args, tensors)
    if far and kwargs.get("generator") is not None:
        raise RuntimeError(f"{func}: expected a generator of {DEVICE}, but found one of the CPU")
    found = func(*_map(_near, args), **{name: _map(_near, value) for name, value in kwargs.items()})
    if not far:
        return found
    owners = {id(value.near): value for value in tensors if isinstance(value, FarTensor)}  # of operations in place
    return _map(lambda value: owners[id(value)] if id(value) in owners else FarTensor(value), found)


def _map(change: Callable[[Tensor], Any], value: Any) -> Any:
    """Change every tensor in a value, which may be a list or tuple of them."""
    if isinstance(value, list | tuple):
        return type(value)([_map(change, item) for item in value])
    return change(value) if isinstance(value, Tensor) else value


def _near(value: Tensor) -> Tensor:
    return value.near if isinstance(value, FarTensor) else value


def _check(func: Any, args: tuple[Any, ...], tensors: list[Tensor]) -> None:
    """Refuse what mixes devices."""
    if func in INDEXED and isinstance(args[0], FarTensor):  # indices may lie on the CPU
        tensors = [args[0], *args[2:3]]
    elementwise = torch.Tag.pointwise in func.tags
    strangers = [v for v in tensors if not isinstance(v, FarTensor) and not (elementwise and v.dim() == 0)]
    if strangers:
        shapes = [tuple(stranger.shape) for stranger in strangers]
        raise RuntimeError(f"{func}: expected all tensors on {DEVICE}, but found {shapes} on the CPU")
