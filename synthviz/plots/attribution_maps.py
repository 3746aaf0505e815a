"""Figures of what in a picture mattered for a class."""

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

OPACITY = 0.65
QUANTILE = 0.997  # of the absolute values: where a method's colours end


def attributions(
    picture: Tensor, found: Sequence[Attribution], class_names: Sequence[str] = (), opacity: float = OPACITY
) -> Figure:
    """A picture, and over it what each method found.

    Signed values are red where they speak for the class and blue where against it; Grad-CAM's, which have no sign, are
    bright where they are large. Every method has its own scale, beyond whose ends the colour stays the same.

    Args:
        picture: (1, C, H, W) in [0, 1].
        found: one panel for each.
        class_names: to name the class; without them its index stands there.
        opacity: of the colours over the picture, 0 to 1.

    Raises:
        ValueError: if nothing was found, or for another size than the picture's.
    """
    if not found:
        raise ValueError("there is nothing to show; give at least one attribution")
    for one in found:
        if one.values.shape != picture.shape[2:]:
            raise ValueError(
                f"the {one.method} is {tuple(one.values.shape)} and the picture {tuple(picture.shape[2:])}; "
                "they must have the same size"
            )
    figure = new_figure(3.1 * (len(found) + 1), 3.9)
    panels = figure.subplots(1, len(found) + 1)
    show_tensor(panels[0], picture)
    panels[0].set_title("the picture", fontsize=10)
    for axes, one in zip(panels[1:], found, strict=True):
        show_tensor(axes, picture)
        values = one.values.numpy()
        low, limit, colors = attribution_colors(values)
        signed = low < 0
        drawn = axes.imshow(
            values, cmap=colors, vmin=low, vmax=limit, alpha=opacity * attribution_strength(values, limit)
        )
        axes.set_title(f"{one.method}: {_name(one.target, class_names)}", fontsize=10)
        label = "adds to the logit" if signed else "relative strength"
        ticks = [-limit, 0, limit] if signed else [0, limit]
        figure.colorbar(drawn, ax=axes, orientation="horizontal", shrink=0.85, label=label, ticks=ticks, format="%.2g")
    add_caption(
        figure,
        "Red speaks for the class and blue against it; where a method has no sign, yellow is what mattered most. "
        "Where methods disagree, trust what they agree on.",
    )
    return figure


def attribution_colors(values: np.ndarray) -> tuple[float, float, str]:
    """Lower end, upper end and name of the colour map for an attribution, (H, W): diverging where it has a sign."""
    # A few extreme pixels would leave everything else pale.
    limit = max(float(np.quantile(np.abs(values), QUANTILE)), float(np.abs(values).max()) / 20, 1e-12)
    return (-limit, limit, "RdBu_r") if values.min() < 0 else (0.0, limit, "viridis")


def attribution_strength(values: np.ndarray, limit: float) -> np.ndarray:
    """How opaque each pixel is drawn, 0.25 to 1: where nothing was found the picture shines through."""
    return np.clip(2 * np.abs(values) / limit, 0.25, 1)


def receptive_fields(picture: Tensor, fields: dict[str, ReceptiveField]) -> Figure:
    """What one unit of each layer can see, framed on the input.

    Args:
        picture: (1, C, H, W) in [0, 1].
        fields: by the name to show.
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


def _name(target: int, class_names: Sequence[str]) -> str:
    return class_names[target] if class_names else f"class {target}"
