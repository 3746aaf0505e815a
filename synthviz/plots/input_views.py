"""Three ways to look at the same numbers: the picture that enters the network."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from synthviz.plots.layout import add_caption, new_figure

BLOCK = 4  # the surface has a point for every 4×4 pixels: 56×56 instead of 50,000, so that it is drawn quickly
LEVELS = np.linspace(0, 1, 11)


def input_visualizations(tensor: Tensor) -> Figure:
    """The network's input as a heatmap, as contour lines and as a surface.

    Args:
        tensor: (1, 1, H, W) in [0, 1], as `synthviz.preprocess_image` makes it.

    Raises:
        ValueError: for another shape.
    """
    if tensor.dim() != 4 or tensor.shape[:2] != (1, 1) or min(tensor.shape[2:]) < 2:
        raise ValueError(f"the tensor has shape {tuple(tensor.shape)}; it must be (1, 1, H, W)")
    values = tensor.detach().cpu().numpy()[0, 0]
    height, width = values.shape
    figure = new_figure(13.5, 4.9)
    heatmap, contour = figure.add_subplot(1, 3, 1), figure.add_subplot(1, 3, 2)
    surface = figure.add_subplot(1, 3, 3, projection="3d")

    image = heatmap.imshow(values, cmap="viridis", vmin=0, vmax=1)
    heatmap.set_title("heatmap")
    figure.colorbar(image, ax=heatmap, label="brightness", orientation="horizontal", shrink=0.85)

    areas = contour.contourf(values, LEVELS, cmap="viridis", vmin=0, vmax=1)
    contour.contour(values, LEVELS[1:-1:2], colors="white", linewidths=0.35, alpha=0.7)
    contour.set(title="contour, ten levels", aspect="equal", xlim=(0, width - 1), ylim=(height - 1, 0))
    figure.colorbar(areas, ax=contour, label="brightness", orientation="horizontal", shrink=0.85, ticks=LEVELS[::2])
    for axes in (heatmap, contour):
        axes.set(xlabel="column (pixels)", ylabel="row (pixels)")

    block = min(BLOCK, height, width)
    heights = values[: height // block * block, : width // block * block]
    heights = heights.reshape(height // block, block, width // block, block).mean(axis=(1, 3))
    rows, columns = (np.indices(heights.shape) + 0.5) * block
    drawn = surface.plot_surface(
        columns, rows, heights, cmap="viridis", vmin=0, vmax=1, rstride=1, cstride=1, linewidth=0, antialiased=False
    )
    surface.set(title="surface", xlabel="column (pixels)", ylabel="row (pixels)", zlabel="brightness", zlim=(0, 1))
    surface.view_init(elev=52, azim=-68)
    surface.invert_yaxis()
    surface.set_box_aspect((1, height / width, 0.4), zoom=0.98)
    surface.set_zticks([0, 0.5, 1])
    surface.tick_params(labelsize=7, pad=0)
    figure.colorbar(drawn, ax=surface, label="brightness", orientation="horizontal", shrink=0.85)
    add_caption(
        figure,
        f"The same {height}×{width} numbers three times: as colours, as lines of equal brightness, and as a landscape "
        f"whose height is brightness (means of {block}×{block} pixels); the network gets nothing else.",
    )
    return figure
