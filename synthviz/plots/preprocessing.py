"""Figures of a picture on its way to the network."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from synthviz.plots.layout import add_caption, new_figure
from synthviz.preprocessing.image_files import Stage
from synthviz.preprocessing.loaded_image import LoadedImage

MOST_SHOWN = 800  # pixels a side; more than a panel can show
ALARM = "#c62828"
INK = "#37474f"


def verification(loaded: LoadedImage) -> Figure:
    """What was loaded, to check by eye: the picture, the tensor made of it, and a histogram of the tensor's values.

    A fallback is marked in red: "TEST PATTERN" and the reason.

    Args:
        loaded: what `preprocess_image` returned; `loaded.tensor` is (1, 1, size, size) in [0, 1].
    """
    figure = new_figure(11, 4.9)
    figure.set_layout_engine("constrained", h_pad=0.1)
    picture, received, histogram = figure.subplots(1, 3)
    values = loaded.tensor[0, 0].numpy()
    low, high = values.min(), values.max()

    if loaded.stages:
        _show_stage(picture, loaded.stages[0])
        picture.set_title(f"the file\n{_describe(loaded.stages[0].picture)}", fontsize=10)
    else:
        picture.set_title("the file\nnot readable", fontsize=10, color=ALARM)
        picture.text(0.5, 0.5, "no picture", ha="center", va="center", color=ALARM, transform=picture.transAxes)
        _frame(picture, ALARM)
    _show_grey(received, values)
    received.set_title(
        f"what the network receives\n{tuple(loaded.tensor.shape)} float32, {low:.2f} to {high:.2f}", fontsize=10
    )

    histogram.hist(values.ravel(), bins=32, range=(0, 1), color=INK)
    histogram.axvline(values.mean(), color="#ef6c00", linewidth=1.5)
    histogram.set_title(f"its values\nmean {values.mean():.3f}, standard deviation {values.std():.3f}", fontsize=10)
    histogram.set(xlabel="value (0 black, 1 white)", ylabel="pixels", xlim=(0, 1), box_aspect=1, anchor="N")
    histogram.spines[["top", "right"]].set_visible(False)

    if loaded.fallback_reason is None:
        figure.suptitle(_shortened(loaded.name, 80), fontsize=13, fontweight="bold", parse_math=False)
        caption = (
            "The picture as it lies in the file, the grey square made of it, and how that square's values are spread"
        )
        caption += " (orange: their mean). " + " ".join(loaded.warnings)
    else:
        _frame(received, ALARM)
        alarm = figure.suptitle(
            _shortened(f"TEST PATTERN: {loaded.fallback_reason}", 95),
            fontsize=13,
            fontweight="bold",
            color="white",
            parse_math=False,
        )
        alarm.set_bbox({"facecolor": ALARM, "edgecolor": "none", "boxstyle": "round,pad=0.4"})
        caption = f"{_shortened(loaded.name, 80)} could not be used, so the network receives a gradient instead; "
        caption += "what it says about it means nothing."
    add_caption(figure, caption.strip())
    return figure


def stages(loaded: LoadedImage) -> Figure:
    """Every stage of a picture side by side, each with its step, size, mode and range of values.

    Args:
        loaded: what `preprocess_image` returned; its `stages` hold the pictures.

    Raises:
        ValueError: if it fell back to the test pattern, which went through no stages.
    """
    if not loaded.stages:
        raise ValueError(f"{loaded.name} went through no stages: {loaded.fallback_reason}")
    figure = new_figure(12, 4.2)
    for axes, stage in zip(figure.subplots(1, len(loaded.stages)), loaded.stages, strict=True):
        _show_stage(axes, stage)
        axes.set_title(stage.name, fontsize=11, fontweight="bold")
        axes.set_xlabel(f"{_describe(stage.picture)}\n{_range(stage.picture)}", fontsize=9)
    steps = "; ".join(stage.step for stage in loaded.stages[1:])
    add_caption(figure, f"From the file to the square that the network reads: {steps}.")
    return figure


def side_by_side(pictures: Mapping[str, ArrayLike], caption: str) -> Figure:
    """Pictures in a row, each under its name, pixels drawn as sharp squares.

    Args:
        pictures: for each name a picture in [0, 1]: grey (H, W), also as (1, H, W) or (1, 1, H, W), or RGB (H, W, 3).
        caption: one sentence that says what to see.

    Raises:
        ValueError: for a picture of another shape.
    """
    figure = new_figure(3 * len(pictures), 3.7)
    row = figure.subplots(1, len(pictures), squeeze=False)[0]
    for axes, (name, picture) in zip(row, pictures.items(), strict=True):
        values = np.asarray(picture)
        while values.ndim > 2 and values.shape[0] == 1:
            values = values[0]
        if values.ndim == 2:
            _show_grey(axes, values)
        elif values.ndim == 3 and values.shape[-1] == 3:
            axes.imshow(_thinned(values), interpolation="nearest", vmin=0, vmax=1)
            _no_ticks(axes)
        else:
            raise ValueError(
                f"{name!r} has the shape {np.shape(picture)}; it must be (H, W), (1, 1, H, W) or (H, W, 3)"
            )
        axes.set_title(name, fontsize=10)
    add_caption(figure, caption)
    return figure


def _show_grey(axes: Axes, values: np.ndarray) -> None:
    axes.imshow(_thinned(values), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    _no_ticks(axes)


def _show_stage(axes: Axes, stage: Stage) -> None:
    axes.imshow(displayable(stage), interpolation="nearest")
    _no_ticks(axes)


def displayable(stage: Stage) -> np.ndarray:
    """A stage's picture of any mode as one sees it, (H, W, 3) uint8, at most `MOST_SHOWN` pixels a side.

    Transparent parts show a chequered ground, deep greys their whole range.
    """
    picture = stage.picture
    if picture.mode.startswith(("I", "F")):
        values = _thinned(np.asarray(picture, np.float32))
        low, high = (0, 1) if picture.mode == "F" and stage.name != "opened" else (values.min(), values.max())
        grey = (values - low) / max(high - low, 1e-6)
        return np.repeat((grey.clip(0, 1) * 255).round().astype(np.uint8)[..., None], 3, axis=2)
    shown = picture.convert("RGBA")
    shown.thumbnail((MOST_SHOWN, MOST_SHOWN))
    y, x = np.mgrid[0 : shown.height, 0 : shown.width]
    square = max(1, max(shown.size) // 24)
    ground = np.where((x // square + y // square) % 2, 255, 214).astype(np.uint8)
    below = Image.fromarray(ground).convert("RGBA")
    below.alpha_composite(shown)
    return np.asarray(below.convert("RGB"))


def _thinned(values: np.ndarray) -> np.ndarray:
    """Fewer rows and columns of a picture that has more than a panel can show; matplotlib is slow on millions."""
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


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most * 2 // 3]}…{text[-most // 4 :]}"
