"""Figures of preprocessing: from the picture in the file to the tensor that the network receives."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from synthviz.plots.layout import add_caption, new_figure
from synthviz.plots.style import default_style
from synthviz.preprocessing.image_files import Stage
from synthviz.preprocessing.loaded_image import LoadedImage

MOST_SHOWN = 800  # pixels per side; a panel cannot show more
ALARM = "#c62828"
INK = "#37474f"


@default_style()
def verification(loaded: LoadedImage) -> Figure:
    """Draw what was loaded, to check by eye: the picture, its tensor, and a histogram of the tensor's values.

    If `preprocess_image` fell back to the test pattern, a red heading says "TEST PATTERN" and gives the reason.

    Args:
        loaded: the result of `preprocess_image`; `loaded.tensor` is (1, 1, size, size) in [0, 1].
    """
    figure = new_figure(11, 4.9)
    figure.set_layout_engine("constrained", h_pad=0.1)
    file, received, histogram = figure.subplots(1, 3)
    _draw_file(file, loaded)
    _draw_received(received, loaded)
    _draw_histogram(histogram, loaded.tensor[0, 0].numpy())
    if loaded.fallback_reason is None:
        figure.suptitle(_shorten(loaded.name, 80), fontsize=13, fontweight="bold", parse_math=False)
        caption = (
            "The panels show the picture in the file, the grey square that the network receives, and the histogram of "
            "its values with their mean in orange. "
        ) + " ".join(loaded.warnings)
    else:
        _frame(received, ALARM)
        heading = figure.suptitle(
            _shorten(f"TEST PATTERN: {loaded.fallback_reason}", 95),
            fontsize=13,
            fontweight="bold",
            color="white",
            parse_math=False,
        )
        heading.set_bbox({"facecolor": ALARM, "edgecolor": "none", "boxstyle": "round,pad=0.4"})
        caption = (
            f"synthviz could not use {_shorten(loaded.name, 80)}, so the network receives a gradient instead; "
            "its prediction for the gradient means nothing."
        )
    add_caption(figure, caption.strip())
    return figure


def _draw_file(axes: Axes, loaded: LoadedImage) -> None:
    if loaded.stages:
        _show_stage(axes, loaded.stages[0])
        axes.set_title(f"the file\n{_describe(loaded.stages[0].picture)}", fontsize=10)
    else:
        axes.set_title("the file\nnot readable", fontsize=10, color=ALARM)
        axes.text(0.5, 0.5, "no picture", ha="center", va="center", color=ALARM, transform=axes.transAxes)
        _frame(axes, ALARM)


def _draw_received(axes: Axes, loaded: LoadedImage) -> None:
    values = loaded.tensor[0, 0].numpy()
    _show_grey(axes, values)
    value_range = f"{values.min():.2f} to {values.max():.2f}"
    axes.set_title(f"what the network receives\n{tuple(loaded.tensor.shape)} float32, {value_range}", fontsize=10)


def _draw_histogram(axes: Axes, values: np.ndarray) -> None:
    axes.hist(values.ravel(), bins=32, range=(0, 1), color=INK)
    axes.axvline(values.mean(), color="#ef6c00", linewidth=1.5)
    axes.set_title(f"its values\nmean {values.mean():.3f}, standard deviation {values.std():.3f}", fontsize=10)
    axes.set(xlabel="value (0 black, 1 white)", ylabel="pixels", xlim=(0, 1), box_aspect=1, anchor="N")
    axes.spines[["top", "right"]].set_visible(False)


@default_style()
def stages(loaded: LoadedImage) -> Figure:
    """Draw all stages of a picture side by side, each with its name, size, mode and range of values.

    Args:
        loaded: the result of `preprocess_image`; its `stages` hold the pictures.

    Raises:
        ValueError: if `preprocess_image` fell back to the test pattern, which has no stages.
    """
    if not loaded.stages:
        raise ValueError(f"{loaded.name} has no stages: {loaded.fallback_reason}")
    figure = new_figure(11, 4)
    for axes, stage in zip(figure.subplots(1, len(loaded.stages)), loaded.stages, strict=True):
        _show_stage(axes, stage)
        axes.set_title(stage.name, fontsize=12, fontweight="bold")
        axes.set_xlabel(f"{_describe(stage.picture)}\n{_range(stage.picture)}", fontsize=11)
    steps = "; ".join(stage.step for stage in loaded.stages[1:])
    add_caption(figure, f"The first panel shows the file, each further panel the result of one step: {steps}.")
    return figure


@default_style()
def side_by_side(pictures: Mapping[str, ArrayLike], caption: str) -> Figure:
    """Draw pictures in a row, each under its name, with pixels as sharp squares.

    Args:
        pictures: by name, pictures in [0, 1]: grey (H, W), (1, H, W) or (1, 1, H, W), or RGB (H, W, 3).
        caption: one sentence that says what to see.

    Raises:
        ValueError: if a picture has another shape.
    """
    side = min(3.0, 10.5 / len(pictures))  # inches; in a wider figure, the type would be small on a page
    figure = new_figure(side * len(pictures), side + 0.7)
    row = figure.subplots(1, len(pictures), squeeze=False)[0]
    for axes, (name, picture) in zip(row, pictures.items(), strict=True):
        values = np.asarray(picture)
        while values.ndim > 2 and values.shape[0] == 1:
            values = values[0]
        if values.ndim == 2:
            _show_grey(axes, values)
        elif values.ndim == 3 and values.shape[-1] == 3:
            axes.imshow(_thin_out(values), interpolation="nearest", vmin=0, vmax=1)
            _no_ticks(axes)
        else:
            raise ValueError(f"{name!r} has shape {np.shape(picture)}; it must be (H, W), (1, 1, H, W) or (H, W, 3)")
        axes.set_title(name, fontsize=10)
    add_caption(figure, caption)
    return figure


def _show_grey(axes: Axes, values: np.ndarray) -> None:
    axes.imshow(_thin_out(values), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    _no_ticks(axes)


def _show_stage(axes: Axes, stage: Stage) -> None:
    axes.imshow(displayable(stage), interpolation="nearest")
    _no_ticks(axes)


def displayable(stage: Stage) -> np.ndarray:
    """Return a stage's picture as (H, W, 3) uint8 for the screen, with about `MOST_SHOWN` pixels per side at most.

    The picture may have any mode. Transparent parts become a chequered background. The opened file's greys of more than
    8 bits are scaled from their minimum to their maximum.
    """
    picture = stage.picture
    if picture.mode.startswith(("I", "F")):
        values = _thin_out(np.asarray(picture, np.float32))
        low, high = (0, 1) if picture.mode == "F" and stage.name != "opened" else (values.min(), values.max())
        grey = (values - low) / max(high - low, 1e-6)
        return np.repeat((grey.clip(0, 1) * 255).round().astype(np.uint8)[..., None], 3, axis=2)
    shown = picture.convert("RGBA")
    shown.thumbnail((MOST_SHOWN, MOST_SHOWN))
    y, x = np.mgrid[0 : shown.height, 0 : shown.width]
    square = max(1, max(shown.size) // 24)
    background = np.where((x // square + y // square) % 2, 255, 214).astype(np.uint8)
    below = Image.fromarray(background).convert("RGBA")
    below.alpha_composite(shown)
    return np.asarray(below.convert("RGB"))


def _thin_out(values: np.ndarray) -> np.ndarray:
    """Skip rows and columns of a picture that has more of them than a panel can show; matplotlib would be slow."""
    step = max(1, max(values.shape[:2]) // MOST_SHOWN)
    return values[::step, ::step]


def _no_ticks(axes: Axes) -> None:
    axes.set(xticks=[], yticks=[], anchor="N")
    axes.spines[:].set_color("0.75")


def _frame(axes: Axes, color: str) -> None:
    axes.set(xticks=[], yticks=[], box_aspect=1, anchor="N")
    axes.spines[:].set(color=color, linewidth=3)


def _describe(picture: Image.Image) -> str:
    return f"{picture.width}×{picture.height} pixels, mode {picture.mode}"


def _range(picture: Image.Image) -> str:
    values = np.asarray(picture.convert("RGB") if picture.mode in ("P", "PA") else picture)
    return f"{values.min():.4g} to {values.max():.4g}"


def _shorten(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most * 2 // 3]}…{text[-most // 4 :]}"
