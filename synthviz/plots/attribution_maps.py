"""Figures of attributions and of receptive fields, drawn over the picture."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from synthviz.cnn.attributions import Attribution
from synthviz.cnn.features import ReceptiveField
from synthviz.plots.layout import add_caption, new_figure
from synthviz.plots.pictures import show_tensor
from synthviz.plots.style import default_style

OPACITY = 0.65
COLUMNS, WIDEST = 4, 10.5  # panels in a row, and inches of a figure; a page would shrink a wider one, and its type
QUANTILE = 0.997  # the colour scale ends at this quantile of the absolute values


@default_style()
def attributions(
    picture: Tensor, found: Sequence[Attribution], class_names: Sequence[str] = (), opacity: float = OPACITY
) -> Figure:
    """Draw a picture, and one panel for each method with its attribution over the picture.

    Signed values are red where they speak for the class and blue where they speak against it. Grad-CAM's values have no
    sign; they are bright where they are large. Each method has its own colour scale, and values beyond its ends have
    the colour of the end.

    Args:
        picture: (1, 1 or 3, H, W) in [0, 1].
        found: the attributions of this picture, at least one.
        class_names: names for the panels' titles; without them the titles show the index of the class.
        opacity: opacity of the colours over the picture, from 0 to 1.

    Raises:
        ValueError: if there is no attribution, or its size is not the picture's size.
    """
    if not found:
        raise ValueError("found is empty; give at least one attribution")
    for one in found:
        if one.values.shape != picture.shape[2:]:
            raise ValueError(
                f"the attribution by {one.method} has shape {tuple(one.values.shape)}; "
                f"it must be that of the picture, {tuple(picture.shape[2:])}"
            )
    columns = min(COLUMNS, len(found) + 1)
    rows = -(-(len(found) + 1) // columns)
    side = min(3.1, WIDEST / columns)
    figure = new_figure(side * columns, (side + 0.9) * rows + 0.5)
    panels = figure.subplots(rows, columns, squeeze=False, subplot_kw={"anchor": "N"}).ravel()
    for axes in panels[len(found) + 1 :]:
        axes.set_axis_off()
    show_tensor(panels[0], picture)
    panels[0].set_title("the picture", fontsize=10)
    for axes, one in zip(panels[1 : len(found) + 1], found, strict=True):
        show_tensor(axes, picture)
        values = one.values.numpy()
        low, limit, colors = attribution_colors(values)
        signed = low < 0
        drawn = axes.imshow(
            values, cmap=colors, vmin=low, vmax=limit, alpha=opacity * attribution_strength(values, limit)
        )
        name = class_names[one.target] if class_names else f"class {one.target}"
        axes.set_title(f"{one.method}: {name}", fontsize=10)
        label = "relative strength" if one.method == "Grad-CAM" else "adds to the logit"
        ticks = [-limit, 0, limit] if signed else [0, limit]
        # The bar lies in the panel, so that all panels of a row stay in one line.
        bar = axes.inset_axes((0.08, -0.1, 0.84, 0.045))
        figure.colorbar(drawn, cax=bar, orientation="horizontal", label=label, ticks=ticks, format="%.2g")
    add_caption(
        figure,
        "Red pixels speak for the class and blue pixels against it. In a map without a sign, yellow pixels mattered "
        "most.",
    )
    return figure


def attribution_colors(values: np.ndarray) -> tuple[float, float, str]:
    """Return the lower end, the upper end and the name of a colour map for an attribution, (H, W).

    The colour map is diverging and centred on 0 if a value is negative.
    """
    # Without the quantile, a few extreme pixels would make all others look pale.
    limit = max(float(np.quantile(np.abs(values), QUANTILE)), float(np.abs(values).max()) / 20, 1e-12)
    return (-limit, limit, "RdBu_r") if values.min() < 0 else (0.0, limit, "viridis")


def attribution_strength(values: np.ndarray, limit: float) -> np.ndarray:
    """Return the opacity of each pixel, 0.25 to 1, so that the picture stays visible where the values are near 0."""
    strength: np.ndarray = np.clip(2 * np.abs(values) / limit, 0.25, 1)
    return strength


@default_style()
def receptive_fields(picture: Tensor, fields: dict[str, ReceptiveField]) -> Figure:
    """Draw the receptive field of one unit of each layer as a frame on the input.

    Args:
        picture: (1, 1 or 3, H, W) in [0, 1].
        fields: the receptive fields by the names of their layers.

    Raises:
        ValueError: if the picture has another shape.
    """
    figure = new_figure(5.4, 5.6)
    axes = figure.subplots()
    show_tensor(axes, picture)
    styles = ("-", "--", ":", "-.")
    for index, (name, field) in enumerate(fields.items()):
        color = f"C{index}"
        corner = (field.left - 0.5, field.top - 0.5)
        width, height = field.right - field.left, field.bottom - field.top
        style = styles[index % len(styles)]
        axes.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=color, linewidth=2, linestyle=style))
        axes.text(
            field.left,
            field.top - 2,
            f"{name}: {height}×{width}",
            fontsize=9,
            color="white",
            va="bottom",
            bbox={"boxstyle": "square,pad=0.2", "facecolor": color, "linewidth": 0},
        )
    axes.set_title("Receptive fields", fontsize=12)
    add_caption(figure, "Each frame holds all the pixels that one unit of the layer can see; deeper units see more.")
    return figure
