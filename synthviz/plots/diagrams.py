"""Diagrams of the pipeline, of its UNet, of the CNN, and of a filter that slides over numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle

from synthviz.cnn.architecture import output_shapes
from synthviz.cnn.network import INPUT_SHAPE
from synthviz.plots.layout import add_caption, new_figure, new_placed_figure, place_axes
from synthviz.plots.style import default_style

if TYPE_CHECKING:
    from diffusers import DiffusionPipeline

    from synthviz.cnn.network import SceneCNN

INK, LINE = "0.15", "0.45"
DATA, TRAINED, FIXED, MARKED = "#e8f0fe", "#fde8d0", "#e6e6e6", "#ffb300"


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    """Return a figure with one empty drawing surface, whose units are inches."""
    figure = new_figure(width, height)
    axes = figure.add_subplot()
    axes.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    axes.set_axis_off()
    return figure, axes


def _box(axes: Axes, center: tuple[float, float], size: tuple[float, float], text: str, color: str) -> None:
    """Draw a rounded box with a text in it."""
    (x, y), (width, height) = center, size
    corner = (x - width / 2 + 0.06, y - height / 2 + 0.06)
    shape = FancyBboxPatch(
        corner, width - 0.12, height - 0.12, boxstyle="round,pad=0.06", facecolor=color, edgecolor=LINE, linewidth=1
    )
    axes.add_patch(shape)
    axes.text(x, y, text, ha="center", va="center", fontsize=9.5, color=INK, linespacing=1.35)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], text: str = "", **options: Any) -> None:
    """Draw an arrow, with a text above its middle."""
    axes.add_patch(
        FancyArrowPatch(start, end, arrowstyle="-|>", mutation_scale=11, color=LINE, linewidth=1.2, **options)
    )
    if text:
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2 + 0.06)
        axes.text(*middle, text, ha="center", va="bottom", fontsize=9, color=LINE)


def _times(shape: Sequence[int]) -> str:
    return "×".join(str(side) for side in shape)


@default_style()
def pipeline_diagram(pipeline: DiffusionPipeline) -> Figure:
    """Draw the four parts of a Stable Diffusion pipeline and what goes from one to the next, with its shapes.

    Args:
        pipeline: a pipeline with a tokenizer, a text encoder, a UNet and an autoencoder.
    """
    unet, width = pipeline.unet, pipeline.text_encoder.config.hidden_size
    tokens, side = pipeline.tokenizer.model_max_length, unet.config.sample_size
    latents = (unet.config.in_channels, side, side)
    picture = (3, side * pipeline.vae_scale_factor, side * pipeline.vae_scale_factor)
    figure, axes = _canvas(10.6, 2.5)
    y, size = 1.55, (1.35, 0.8)
    centers = {name: (0.85 + 2.22 * index, y) for index, name in enumerate(("tokens", "text", "unet", "vae"))}
    for name, text in {
        "tokens": "tokenizer\nwords → ids",
        "text": "text encoder\nids → vectors",
        "unet": "UNet\nfinds the picture\nin the noise",
        "vae": "decoder\nlatents → pixels",
    }.items():
        _box(axes, centers[name], size, text, FIXED if name == "tokens" else TRAINED)
    for (left, right), text in {
        ("tokens", "text"): f"{tokens} ids",
        ("text", "unet"): f"{tokens}×{width}",
        ("unet", "vae"): _times(latents),
    }.items():
        _arrow(axes, (centers[left][0] + size[0] / 2, y), (centers[right][0] - size[0] / 2, y), text)
    _arrow(axes, (centers["vae"][0] + size[0] / 2, y), (9.35, y))
    _box(axes, (9.95, y), (1.15, 0.7), f"picture\n{_times(picture)}", DATA)
    _box(axes, (centers["tokens"][0], 0.5), (1.2, 0.42), "prompt", DATA)
    _arrow(axes, (centers["tokens"][0], 0.72), (centers["tokens"][0], y - size[1] / 2))
    x = centers["unet"][0]
    _box(axes, (x - 1.05, 0.5), (1.45, 0.42), f"noise {_times(latents)}", DATA)
    _box(axes, (x + 0.95, 0.5), (1.5, 0.42), "scheduler: a step", FIXED)
    _arrow(axes, (x - 0.85, 0.72), (x - 0.25, y - size[1] / 2))
    _arrow(axes, (x + 0.5, y - size[1] / 2), (x + 1.1, 0.72), connectionstyle="arc3,rad=-0.3")
    _arrow(axes, (x + 0.75, 0.72), (x + 0.1, y - size[1] / 2), connectionstyle="arc3,rad=-0.3")
    add_caption(
        figure, "Orange: parts that learnt. Grey: fixed rules. The UNet and the scheduler take turns, step by step."
    )
    return figure


@default_style()
def unet_diagram(unet: Any) -> Figure:
    """Draw the levels of a UNet: down, where places become fewer, and up again, with the shortcuts between them.

    Args:
        unet: diffusers' `UNet2DConditionModel`.
    """
    widths, kinds, side = unet.config.block_out_channels, unet.config.down_block_types, unet.config.sample_size
    levels, step = len(widths), 0.95
    figure, axes = _canvas(8.2, 0.9 + step * levels + 0.75)
    top = 0.55 + step * levels + 0.2
    for level, (width, kind) in enumerate(zip(widths, kinds, strict=True)):
        y, inset = top - step * level, 0.55 * level
        places = side // 2**level
        reads = "CrossAttn" in kind
        for x, way in ((1.3 + inset, "down"), (6.9 - inset, "up")):
            _box(axes, (x, y), (1.75, 0.6), f"{width} channels\n{places}×{places} places", TRAINED)
            if level < levels - 1:
                ends = ((x + 0.2, y - 0.3), (x + 0.45, y - step + 0.3))
                if way == "up":
                    ends = ((x - 0.45, y - step + 0.3), (x - 0.2, y - 0.3))
                _arrow(axes, *ends)
        _arrow(axes, (2.2 + inset, y), (6.0 - inset, y), "details pass by")
        if reads:
            axes.text(4.1, y - 0.1, "reads the words", ha="center", va="top", fontsize=9, color="#b35900")
    y, inset = top - step * levels, 0.55 * (levels - 1)
    _box(axes, (4.1, y), (2.0, 0.5), f"middle: {widths[-1]} channels", TRAINED)
    _arrow(axes, (1.6 + inset, y + step - 0.3), (3.1, y + 0.12))
    _arrow(axes, (5.1, y + 0.12), (6.6 - inset, y + step - 0.3))
    axes.text(1.3, top + 0.4, "noisy latents", ha="center", fontsize=10, color=INK)
    axes.text(6.9, top + 0.4, "the answer", ha="center", fontsize=10, color=INK)
    add_caption(figure, "Fewer places see more of the picture at once; the way up puts the details back.")
    return figure


@default_style()
def network_diagram(model: SceneCNN) -> Figure:
    """Draw the CNN from the picture to the ten shares, each stack of maps in proportion to its side, with its shape.

    It takes two rows, because its type would be too small in one.
    """
    shapes = {"picture": (1, *INPUT_SHAPE), **output_shapes(model)}
    names = list(shapes)
    rows = [names[: (len(names) + 1) // 2], names[(len(names) + 1) // 2 :]]
    figure, axes = _canvas(8.8, 4.6)
    for bottom, gap, row in zip((2.3, 0.1), (0.3, 0.8), rows, strict=True):
        x = 0.15
        for name in row:
            shape = shapes[name][1:]
            draw = _draw_maps if len(shape) == 3 else _draw_numbers
            width = draw(axes, (x, bottom + 1.35), shape)
            axes.text(x + width / 2, bottom + 0.32, name, ha="center", fontsize=11, color=INK)
            axes.text(x + width / 2, bottom + 0.08, _times(shape), ha="center", fontsize=9, color=LINE)
            x += width + gap
    add_caption(figure, "Each layer makes more maps with fewer places; at the end there is one number for each class.")
    return figure


def _draw_maps(axes: Axes, place: tuple[float, float], shape: Sequence[int]) -> float:
    """Draw a stack of maps (C, H, W), in proportion to their side, from its left middle; return its width."""
    x, y = place
    side, sheets = 0.35 + 1.1 * shape[1] / 224, min(6, 1 + shape[0] // 8)
    for sheet in range(sheets):
        corner = (x + 0.05 * sheet, y - side / 2 - 0.02 * sheets + 0.05 * sheet)
        axes.add_patch(Rectangle(corner, side, side, facecolor=DATA, edgecolor=LINE, linewidth=0.8))
    return side + 0.05 * sheets


def _draw_numbers(axes: Axes, place: tuple[float, float], shape: Sequence[int]) -> float:
    """Draw numbers (N,) as a bar, whose height follows the logarithm of N, from its left middle; return its width."""
    (x, y), height = place, 0.25 + 0.3 * math.log10(shape[0])
    axes.add_patch(
        Rectangle((x + 0.12, y - height / 2), 0.12, height, facecolor=TRAINED, edgecolor=LINE, linewidth=0.8)
    )
    return 0.36


@default_style()
def sliding_filter(patch: np.ndarray, kernel: np.ndarray, place: tuple[int, int] = (0, 0)) -> Figure:
    """Draw a patch of numbers, a filter that lies on it, and the numbers that the filter makes of the patch.

    Args:
        patch: (H, W) numbers from 0 to 1, at most 8 × 8.
        kernel: (h, w) weights.
        place: row and column of the filter on the patch.

    Raises:
        ValueError: if the patch is larger than 8 × 8, or the filter does not fit at the place.
    """
    patch, kernel = np.asarray(patch, float), np.asarray(kernel, float)
    if max(patch.shape) > 8:
        raise ValueError(
            f"the patch has shape {patch.shape}; it must be at most (8, 8), or nobody can read the numbers"
        )
    windows = np.lib.stride_tricks.sliding_window_view(patch, kernel.shape)
    row, column = place
    if not (0 <= row < windows.shape[0] and 0 <= column < windows.shape[1]):
        most = (windows.shape[0] - 1, windows.shape[1] - 1)
        raise ValueError(f"place is {place}; the filter fits at rows 0 to {most[0]} and columns 0 to {most[1]}")
    sums = (windows * kernel).sum(axis=(2, 3))
    cell, gap = 0.46, 0.75
    sides = [patch.shape, kernel.shape, sums.shape]
    figure = new_placed_figure(cell * sum(side[1] for side in sides) + 2 * gap + 0.2, cell * patch.shape[0] + 0.85)
    limit, left, panels = max(abs(kernel).max(), 1e-9), 0.1, []
    for height, width in sides:
        bottom = 0.5 + cell * (patch.shape[0] - height) / 2
        panels.append(place_axes(figure, left, bottom, cell * width, cell * height))
        left += cell * width + gap
    _numbers(panels[0], patch, "the pixels", "gray", (0, 1))
    _numbers(panels[1], kernel, "the filter", "RdBu_r", (-limit, limit))
    _numbers(panels[2], sums, "the feature map", "viridis", (sums.min(), sums.max()))
    for panel, (height, width) in ((panels[0], kernel.shape), (panels[2], (1, 1))):
        panel.add_patch(
            Rectangle((column - 0.5, row - 0.5), width, height, fill=False, edgecolor=MARKED, linewidth=3, zorder=3)
        )
    add_caption(
        figure,
        f"Nine pixels times nine weights, added up: {sums[row, column]:.2f}. Then the filter moves on by one pixel."
        if kernel.size == 9
        else f"Pixels times weights, added up: {sums[row, column]:.2f}. Then the filter moves on by one pixel.",
    )
    return figure


def _numbers(axes: Axes, values: np.ndarray, title: str, colors: str, limits: tuple[float, float]) -> None:
    """Draw a table of numbers on squares of their colours."""
    image = axes.imshow(values, cmap=colors, vmin=limits[0], vmax=limits[1])
    for (row, column), value in np.ndenumerate(values):
        red, green, blue, _ = image.cmap(image.norm(value))
        ink = "black" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else "white"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=8.5, color=ink)
    axes.set(xticks=[], yticks=[])
    axes.set_title(title, fontsize=10)
