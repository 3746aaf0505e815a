"""Pictures in a grid, and picture tensors on axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL.Image import Image
from torch import Tensor

from synthviz.plots.layout import add_caption, new_figure
from synthviz.plots.style import default_style


@default_style()
def picture_grid(
    pictures: Sequence[Image | np.ndarray],
    titles: Sequence[str] = (),
    columns: int = 4,
    caption: str = "",
    side: float = 2.6,
) -> Figure:
    """Draw pictures in rows, each with its title.

    Args:
        pictures: PIL pictures, or arrays (H, W, 3) or (H, W) in [0, 1].
        titles: one title for each picture, or none; they are drawn as plain text, never as a formula.
        columns: the largest number of pictures in a row.
        caption: one sentence under the figure.
        side: width of one picture in inches.

    Raises:
        ValueError: if there is no picture, or the numbers of titles and pictures differ.
    """
    if not pictures:
        raise ValueError("pictures is empty; give at least one")
    if titles and len(titles) != len(pictures):
        raise ValueError(f"there are {len(titles)} titles for {len(pictures)} pictures; give one for each, or none")
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    lines = max((len(textwrap.wrap(title, int(side * 11))) for title in titles), default=0)
    figure = new_figure(columns * side, rows * (side + 0.17 * lines) + (0.4 if caption else 0))
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.set_axis_off()
    for index, picture in enumerate(pictures):
        shown = np.asarray(picture)
        axes[index].imshow(
            shown, cmap="gray", vmin=0, vmax=255 if shown.dtype == np.uint8 else 1, interpolation="lanczos"
        )
        if titles:
            axes[index].set_title(textwrap.fill(titles[index], int(side * 11)), fontsize=9, parse_math=False)
    if caption:
        add_caption(figure, caption)
    return figure


@default_style()
def show_tensor(axes: Axes, picture: Tensor) -> None:
    """Draw a picture tensor, (1, 1 or 3, H, W) in [0, 1], without ticks.

    Raises:
        ValueError: if the tensor has another shape.
    """
    if picture.dim() != 4 or len(picture) != 1 or picture.shape[1] not in (1, 3):
        raise ValueError(f"the picture has shape {tuple(picture.shape)}; it must be (1, 1, H, W) or (1, 3, H, W)")
    axes.imshow(picture[0].detach().cpu().permute(1, 2, 0).numpy(), cmap="gray", vmin=0, vmax=1)
    axes.set(xticks=[], yticks=[])
