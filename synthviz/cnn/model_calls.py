"""Models as people have them: wrapped, compiled, in half precision, on any device, with outputs of any kind."""

from __future__ import annotations

import copy
import dataclasses
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext

import torch
from torch import Tensor, nn

NAMED = ("logits", "last_hidden_state")  # the fields of transformers' outputs that hold what a model or layer computes
WRAPPERS = ("module", "_orig_mod")  # what DataParallel, DistributedDataParallel and torch.compile call the model inside


def call_of(model: nn.Module) -> Callable[[Tensor], object]:
    """Return a model's method `logits`, or the model itself; without the wrappers of PyTorch around it."""
    while type(model).__module__.startswith("torch.") and len(names := list(dict(model.named_children()))) == 1:
        if names[0] not in WRAPPERS:
            break
        model = model.get_submodule(names[0])
    method: object = getattr(model, "logits", None)
    return method if callable(method) and not isinstance(method, nn.Module) else model


def logits_of(model: nn.Module) -> Callable[[Tensor], Tensor]:
    """Return the function that computes a model's logits, (N, classes), for pictures.

    It is the model's method `logits`, which takes the same pictures as the model. A model without such a method must
    return logits itself: as a tensor, in a field called `logits`, or as the only (N, classes) tensor of a tuple or
    dictionary. A layer that is called `logits` does not count as a method. PyTorch's own wrappers, such as
    `nn.DataParallel`, are looked through.

    Raises:
        ValueError: by the function, if the model's output holds no logits, or several tensors that may be logits.
    """
    call = call_of(model)

    def logits(x: Tensor) -> Tensor:
        output = call(x)
        found = [tensor for tensor in _fields(output).values() if tensor.dim() == 2 and len(tensor) == len(x)]
        named = _fields(output).get("logits")
        if named is not None and named.dim() == 2:
            return named
        if len(found) != 1:
            count = "no tensor" if not found else f"{len(found)} tensors"
            raise ValueError(
                f"{type(model).__name__} returns {_describe(output)} with {count} of shape (N, classes); give a model "
                "that returns logits of that shape, or has a method `logits`"
            )
        return found[0]

    return logits


def only_tensor(name: str, output: object) -> Tensor:
    """Return the tensor that a layer computes: its output, or the only tensor inside a tuple, list or dictionary.

    Raises:
        TypeError: if the output holds no tensor, or several and none of them is called `last_hidden_state` or `logits`.
    """
    fields = _fields(output)
    for key in NAMED:
        if key in fields:
            return fields[key]
    if len(fields) != 1 or _has_nested_tensors(output):
        raise TypeError(f"layer {name!r} returns {_describe(output)}; it must return one tensor to be captured")
    return next(iter(fields.values()))


def with_tensor(output: object, old: Tensor, new: Tensor) -> object:
    """Return a layer's output with a tensor in place of the one that `only_tensor` found."""
    if output is old:
        return new
    key = next(key for key, value in _fields(output).items() if value is old)
    if isinstance(output, tuple):
        values = [new if value is old else value for value in output]
        return type(output)(*values) if hasattr(output, "_fields") else tuple(values)
    changed = copy.copy(output)
    changed[int(key) if isinstance(output, list) else key] = new  # type: ignore[index]
    return changed


def like_weights(model: nn.Module, picture: Tensor) -> Tensor:
    """Return a picture on the device and in the floating type of a model's weights; a new tensor, without gradient.

    Raises:
        ValueError: if the weights were made in `torch.inference_mode()`, which forbids gradients for ever.
    """
    weights = next((weight for weight in model.parameters() if weight.is_floating_point()), None)
    if weights is None:
        return picture.detach().clone()
    if weights.is_inference():
        raise ValueError(
            f"the weights of {type(model).__name__} were made in torch.inference_mode(), so that nothing can follow "
            "gradients through them; make or load the model outside of it"
        )
    return picture.detach().to(weights.device, weights.dtype, copy=True)


@contextmanager
def gradients_allowed() -> Iterator[None]:
    """Allow gradients, also inside `torch.no_grad()` and `torch.inference_mode()` of the caller."""
    with torch.inference_mode(False), torch.enable_grad():
        yield


@contextmanager
def uncompiled() -> Iterator[None]:
    """Run models of `torch.compile` as they were written, because compiled code does not call hooks."""
    compiled_models_may_exist = "torch._dynamo" in sys.modules
    with torch.compiler.set_stance("force_eager") if compiled_models_may_exist else nullcontext():
        yield


@contextmanager
def evaluating(model: nn.Module) -> Iterator[None]:
    """Put a model into eval mode for the block, then restore the mode of every submodule."""
    training = [module for module in model.modules() if module.training]
    if training:
        model.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def plain_name(name: str) -> str:
    """Return a layer's name without the parts that wrappers add: "module.conv1" becomes "conv1"."""
    parts = name.split(".")
    while len(parts) > 1 and parts[0] in WRAPPERS:
        parts = parts[1:]
    return ".".join(parts)


def _fields(output: object) -> dict[str, Tensor]:
    """Return the tensors directly inside an output, by their names or positions."""
    if isinstance(output, Tensor):
        return {"": output}
    if isinstance(output, Mapping):
        pairs = [(str(key), value) for key, value in output.items()]
    elif isinstance(output, (tuple, list)):
        names = getattr(output, "_fields", [str(place) for place in range(len(output))])
        pairs = list(zip(names, output, strict=True))
    elif dataclasses.is_dataclass(output):
        pairs = [(field.name, getattr(output, field.name)) for field in dataclasses.fields(output)]
    else:
        pairs = []
    return {key: value for key, value in pairs if isinstance(value, Tensor)}


def _has_nested_tensors(output: object) -> bool:
    inside = output.values() if isinstance(output, Mapping) else output if isinstance(output, (tuple, list)) else ()
    return any(isinstance(value, (tuple, list, Mapping)) and len(_fields(value)) > 0 for value in inside)


def _describe(output: object) -> str:
    shapes = [f"{key} {tuple(tensor.shape)}".strip() for key, tensor in _fields(output).items()]
    return f"a {type(output).__name__}" + (f" of {', '.join(shapes)}" if shapes else "")
