"""The architecture of `SceneCNN` as a text table: the file `model_architecture.txt` of notebook 3."""

from __future__ import annotations

import torch
from torch import nn

from synthviz.cnn.network import INPUT_SHAPE, SceneCNN


@torch.no_grad()
def output_shapes(model: SceneCNN) -> dict[str, tuple[int, ...]]:
    """Return the shape of each layer's output for one picture, measured on a forward pass, such as (1, 64, 52, 52)."""
    x = torch.zeros(1, *INPUT_SHAPE, device=next(model.parameters()).device)
    shapes = {}
    for name, layer in model.named_children():
        x = layer(x)
        shapes[name] = tuple(x.shape)
    return shapes


def describe_architecture(model: SceneCNN) -> str:
    """Return a table of all layers with their output shapes and their parameters."""
    rows = [("layer", "what it does", "output shape", "parameters")]
    for name, shape in output_shapes(model).items():
        layer = model.get_submodule(name)
        parameters = _count_parameters(layer)
        rows.append((name, _describe_layer(layer), str(shape), f"{parameters:,}" if parameters else "-"))
    rows.append(("total", "", "", f"{_count_parameters(model):,}"))
    header, *layers, total = _align_columns(rows)
    rule = "-" * len(header)
    return "\n".join(
        [
            "SceneCNN",
            "",
            "Input: (N, 1, 224, 224) float32 in [0, 1], a grey picture; the shapes below are for N = 1.",
            "The names conv1, conv2, conv3 and dense1 include the ReLU, as layers do in Flux.jl.",
            "",
            header,
            rule,
            *layers,
            rule,
            total,
            "",
            f"Output: {len(model.class_names)} class probabilities: {', '.join(model.class_names)}.",
            "",
        ]
    )


def _count_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _align_columns(rows: list[tuple[str, str, str, str]]) -> list[str]:
    """Return each row as a line: columns padded to equal widths, the last one aligned right."""
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return ["  ".join((*(row[i].ljust(widths[i]) for i in range(3)), row[3].rjust(widths[3]))).rstrip() for row in rows]


def _describe_layer(layer: nn.Module) -> str:
    match layer:
        case nn.Sequential():
            return ", ".join(_describe_layer(part) for part in layer)
        case nn.Conv2d(kernel_size=(height, width)):
            return f"convolution {height}×{width}, {layer.in_channels} → {layer.out_channels}"
        case nn.MaxPool2d(kernel_size=size):
            return f"max pooling {size}×{size}"
        case nn.Linear():
            return f"dense {layer.in_features} → {layer.out_features}"
        case _:
            return {"ReLU": "ReLU", "Flatten": "flatten", "Softmax": "softmax"}[type(layer).__name__]
