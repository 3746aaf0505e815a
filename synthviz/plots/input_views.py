"""Figures of the network's input: the same numbers as a heatmap, as contour lines and as a surface."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from synthviz.plots.layout import add_caption, new_placed_figure, place_axes
from synthviz.plots.style import default_style

BLOCK = 4  # pixels; the surface has one point for each 4×4 block, 56×56 instead of 224×224, to be drawn quickly
QUICK_POINTS = 28  # points along a side of the surface that a slider rotates
SMALL = 3.2  # inches; the side of a figure with a single view
FEW = 4  # the largest number of ticks on an axis; text is the slowest part to draw
LEVELS = np.linspace(0, 1, 11)

# 3D axes are typed as `Any` below, because matplotlib's types do not cover them.


@default_style()
def input_visualizations(tensor: Tensor) -> Figure:
    """Draw the network's input as a heatmap, as contour lines and as a surface.

    Args:
        tensor: (1, 1, H, W) in [0, 1], as `synthviz.preprocess_image` returns it.

    Raises:
        ValueError: if the tensor has another shape.
    """
    values = _values(tensor)
    height, width = values.shape
    figure = new_placed_figure(13.0, 5.0)
    heatmap = place_axes(figure, 0.6, 1.55, 3.1, 3.1)
    contour = place_axes(figure, 4.75, 1.55, 3.1, 3.1)
    surface = place_axes(figure, 8.2, 1.0, 4.0, 3.65, projection="3d")

    image = heatmap.imshow(values, cmap="viridis", vmin=0, vmax=1)
    _draw_contour(contour, values)
    for axes in (heatmap, contour):
        axes.locator_params(nbins=FEW)
        axes.set(xlabel="column (pixels)", ylabel="row (pixels)")
    block = min(BLOCK, height, width)
    _draw_surface(surface, values, block, azimuth=-68, elevation=52)

    for axes, title in ((heatmap, "heatmap"), (contour, "contour, ten levels"), (surface, "surface")):
        axes.set_title(title, y=1)  # a fixed place is drawn faster
    scale = place_axes(figure, 3.4, 0.8, 5.7, 0.13)
    figure.colorbar(image, cax=scale, label="brightness", orientation="horizontal", ticks=LEVELS[::2])
    add_caption(
        figure,
        f"The panels show the same {height}×{width} numbers as colours, as lines of equal brightness, and as a surface "
        f"whose height is the brightness (means of {block}×{block} pixels); the network receives nothing else.",
    )
    return figure


@default_style()
def contour_view(tensor: Tensor) -> Figure:
    """Draw only the input's contour lines, quickly, in a small square figure.

    Args:
        tensor: (1, 1, H, W) in [0, 1].

    Raises:
        ValueError: if the tensor has another shape.
    """
    figure = new_placed_figure(SMALL, SMALL)
    axes = figure.add_axes((0, 0, 1, 1))
    _draw_contour(axes, _values(tensor))
    axes.set_axis_off()
    return figure


@default_style()
def surface_view(tensor: Tensor, azimuth: float, elevation: float) -> Figure:
    """Draw only the input's surface, quickly, in a small square figure.

    Args:
        tensor: (1, 1, H, W) in [0, 1].
        azimuth: direction of view, in degrees around the vertical axis.
        elevation: angle of view above the horizontal plane, in degrees.

    Raises:
        ValueError: if the tensor has another shape.
    """
    values = _values(tensor)
    figure = new_placed_figure(SMALL, SMALL)
    axes: Any = figure.add_axes((0, 0, 1, 1), projection="3d")
    _draw_surface(axes, values, max(1, max(values.shape) // QUICK_POINTS), azimuth, elevation)
    axes.set(xlabel="", ylabel="", zlabel="", xticklabels=[], yticklabels=[], zticklabels=[])
    axes.set_box_aspect((1, values.shape[0] / values.shape[1], 0.4), zoom=1.2)
    return figure


def turn_surface(figure: Figure, azimuth: float, elevation: float) -> None:
    """Rotate the surface in a figure of `surface_view`; this takes half the time of a new figure."""
    axes: Any = figure.axes[0]
    axes.view_init(elev=elevation, azim=azimuth)


def _values(tensor: Tensor) -> np.ndarray:
    if tensor.dim() != 4 or tensor.shape[:2] != (1, 1) or min(tensor.shape[2:]) < 2:
        raise ValueError(f"the tensor has shape {tuple(tensor.shape)}; it must be (1, 1, H, W)")
    values: np.ndarray = tensor.detach().cpu().numpy()[0, 0]
    return values


def _draw_contour(axes: Axes, values: np.ndarray) -> None:
    height, width = values.shape
    axes.contourf(values, LEVELS, cmap="viridis", vmin=0, vmax=1)
    axes.contour(values, LEVELS[1:-1:2], colors="white", linewidths=0.35, alpha=0.7)
    axes.set(aspect="equal", xlim=(0, width - 1), ylim=(height - 1, 0))


def _draw_surface(axes: Any, values: np.ndarray, block: int, azimuth: float, elevation: float) -> None:
    """Draw a surface of the means of block × block pixels."""
    height, width = values.shape
    heights = values[: height // block * block, : width // block * block]
    heights = heights.reshape(height // block, block, width // block, block).mean(axis=(1, 3))
    rows, columns = (np.indices(heights.shape) + 0.5) * block
    axes.plot_surface(
        columns, rows, heights, cmap="viridis", vmin=0, vmax=1, rstride=1, cstride=1, linewidth=0, antialiased=False
    )
    axes.set(xlabel="column (pixels)", ylabel="row (pixels)", zlabel="brightness", zlim=(0, 1))
    axes.locator_params(nbins=FEW)
    axes.view_init(elev=elevation, azim=azimuth)
    axes.invert_yaxis()
    axes.set_box_aspect((1, height / width, 0.4), zoom=0.98)
    axes.set_zticks([0, 0.5, 1])
    axes.tick_params(labelsize=7, pad=0)
