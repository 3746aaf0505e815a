"""Three ways to look at the same numbers: the picture that enters the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from synthviz.plots.layout import add_caption, new_placed_figure, place_axes

BLOCK = 4  # the surface has a point for every 4×4 pixels: 56×56 instead of 50,000, so that it is drawn quickly
QUICK_POINTS = 28  # along a side of the surface that turns under a slider
SMALL = 3.2  # inches; the side of a view on its own
FEW = 4  # ticks at most along an axis; text takes longer to draw than anything else here
LEVELS = np.linspace(0, 1, 11)


def input_visualizations(tensor: Tensor) -> Figure:
    """The network's input as a heatmap, as contour lines and as a surface.

    Args:
        tensor: (1, 1, H, W) in [0, 1], as `synthviz.preprocess_image` makes it.

    Raises:
        ValueError: for another shape.
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
        axes.set_title(title, y=1)  # a place that matplotlib need not look for
    scale = place_axes(figure, 3.4, 0.8, 5.7, 0.13)
    figure.colorbar(image, cax=scale, label="brightness", orientation="horizontal", ticks=LEVELS[::2])
    add_caption(
        figure,
        f"The same {height}×{width} numbers three times: as colours, as lines of equal brightness, and as a landscape "
        f"whose height is brightness (means of {block}×{block} pixels); the network gets nothing else.",
    )
    return figure


def contour_view(tensor: Tensor) -> Figure:
    """The input's contour lines alone, filling a small square figure; quick to draw.

    Args:
        tensor: (1, 1, H, W) in [0, 1].

    Raises:
        ValueError: for another shape.
    """
    figure = Figure(figsize=(SMALL, SMALL))
    axes = figure.add_axes((0, 0, 1, 1))
    _draw_contour(axes, _values(tensor))
    axes.set_axis_off()
    return figure


def surface_view(tensor: Tensor, azimuth: float, elevation: float) -> Figure:
    """The input as a landscape alone, seen from a chosen side; quick to draw.

    Args:
        tensor: (1, 1, H, W) in [0, 1].
        azimuth, elevation: of the eye, in degrees.

    Raises:
        ValueError: for another shape.
    """
    values = _values(tensor)
    figure = Figure(figsize=(SMALL, SMALL))
    axes: Any = figure.add_axes((0, 0, 1, 1), projection="3d")
    _draw_surface(axes, values, max(1, max(values.shape) // QUICK_POINTS), azimuth, elevation)
    axes.set(xlabel="", ylabel="", zlabel="", xticklabels=[], yticklabels=[], zticklabels=[])
    axes.set_box_aspect((1, values.shape[0] / values.shape[1], 0.4), zoom=1.2)
    return figure


def turn_surface(figure: Figure, azimuth: float, elevation: float) -> None:
    """Look at the landscape of `surface_view` from another side; half the work of building another."""
    axes: Any = figure.axes[0]
    axes.view_init(elev=elevation, azim=azimuth)


def _values(tensor: Tensor) -> np.ndarray:
    if tensor.dim() != 4 or tensor.shape[:2] != (1, 1) or min(tensor.shape[2:]) < 2:
        raise ValueError(f"the tensor has shape {tuple(tensor.shape)}; it must be (1, 1, H, W)")
    return tensor.detach().cpu().numpy()[0, 0]


def _draw_contour(axes: Axes, values: np.ndarray) -> None:
    height, width = values.shape
    axes.contourf(values, LEVELS, cmap="viridis", vmin=0, vmax=1)
    axes.contour(values, LEVELS[1:-1:2], colors="white", linewidths=0.35, alpha=0.7)
    axes.set(aspect="equal", xlim=(0, width - 1), ylim=(height - 1, 0))


def _draw_surface(axes: Any, values: np.ndarray, block: int, azimuth: float, elevation: float) -> None:
    """A landscape of the means of block × block pixels."""
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
