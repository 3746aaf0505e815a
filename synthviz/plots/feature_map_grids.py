"""Figures of what a convolution puts out, channel by channel, and of its filters."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

from synthviz.cnn.feature_statistics import NormalizedMaps, normalize_maps
from synthviz.plots.layout import LINE, add_caption, caption_lines, new_figure, new_placed_figure, place_axes

COLORS = colormaps["viridis"]
DIGIT = 0.64  # the width of a digit, as a share of the letters' size
GAP = 0.04  # between two tiles, as a share of a tile's side
TILE = 0.9  # the least side of a tile, in inches; 90 pixels at 100 dpi
BODY = 7.0  # the least width of a mosaic, in inches
MARGIN = 0.12  # inches
SCALE = 0.36  # inches; the width of the colour scale with its labels
READING = "Each numbered tile is one channel, stretched to its own range: bright where its filter answers strongly"


def feature_maps(maps: Tensor, title: str = "Feature maps") -> Figure:
    """All channels of a layer as one mosaic: 16 as 4×4, 32 as 4×8, 64 as 8×8.

    Every tile is stretched to its own range, so that a weak channel shows its pattern too. A channel with nothing
    to show (dead, constant or not finite) is hatched, labelled, and named in the caption.

    Args:
        maps: (1, C, H, W) or (C, H, W), as `synthviz.capture` keeps them.
        title: the figure's heading.

    Raises:
        ValueError: for another shape.
    """
    normalized = normalize_maps(maps)
    _, columns = grid_shape(len(normalized.status))
    return _mosaics({"": normalized}, f"{title}: {_size(normalized)}", max(TILE, BODY / columns))


def compare_feature_maps(trained: Tensor, untrained: Tensor, title: str = "Feature maps") -> Figure:
    """The same layer of a trained and of an untrained network, side by side.

    Args:
        trained: (1, C, H, W) or (C, H, W).
        untrained: the same shape.
        title: the figure's heading.

    Raises:
        ValueError: for another shape, or two that differ.
    """
    networks = {"trained": normalize_maps(trained), "untrained": normalize_maps(untrained)}
    shapes = [tuple(normalized.images.shape) for normalized in networks.values()]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"the trained maps are {shapes[0]} and the untrained {shapes[1]}; compare maps of the same layer"
        )
    _, columns = grid_shape(shapes[0][0])
    return _mosaics(networks, f"{title}: {_size(networks['trained'])}, of two networks", max(0.66, 4.6 / columns))


def filters(weights: Tensor, title: str = "Filters") -> Figure:
    """The filters of a convolution that reads a picture.

    Those that read one channel are drawn in a diverging colour map centred on 0, those that read red, green and blue in
    the colours that they add, around a grey that stands for 0.

    Args:
        weights: (C, 1, h, w), (C, h, w) or (C, 3, h, w), any real numbers.
        title: the figure's heading.

    Raises:
        ValueError: for another shape.
    """
    values = weights.detach().cpu().float().numpy()
    if values.ndim == 4 and values.shape[1] == 1:
        values = values[:, 0]
    colored = values.ndim == 4 and values.shape[1] == 3
    if (values.ndim != 3 and not colored) or 0 in values.shape:
        raise ValueError(
            f"the weights have shape {tuple(weights.shape)}; they must be (C, 1, h, w), (C, h, w) or (C, 3, h, w)"
        )
    count, (height, width) = len(values), values.shape[-2:]
    rows, columns = (2, -(-count // 2)) if count <= 16 else grid_shape(count)
    figure = new_figure(columns * 1.12 + 1, rows * 1.3 + 1)
    panels = figure.subplots(rows, columns, squeeze=False)
    limit = max(float(np.abs(values).max()), 1e-12)
    for channel, axes in enumerate(panels.flat):
        axes.set(xticks=[], yticks=[])
        if channel >= count:
            axes.set_axis_off()
            continue
        if colored:
            image = axes.imshow(0.5 + values[channel].transpose(1, 2, 0) / (2 * limit))
        else:
            image = axes.imshow(values[channel], cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set_title(str(channel), fontsize=8, pad=3)
    figure.suptitle(f"{title}: {count} of {height}×{width}", fontsize=12)
    if colored:
        add_caption(figure, "Each filter in the colours that it answers to; grey ones ignore what lies under them.")
        return figure
    figure.colorbar(image, ax=panels, label="weight", fraction=0.03)
    add_caption(
        figure,
        "Red weights add what lies under them, blue ones subtract it, white ones ignore it; "
        "a filter with red on one side and blue on the other answers to an edge.",
    )
    return figure


def grid_shape(count: int) -> tuple[int, int]:
    """(rows, columns) for that many tiles: full rows where that stays no wider than 1:2.5, else nearly square."""
    rows = max(divisor for divisor in range(1, int(count**0.5) + 1) if count % divisor == 0)
    if count / rows > 2.5 * rows:
        rows = int(count**0.5)
    return rows, -(-count // rows)


def _mosaics(networks: dict[str, NormalizedMaps], heading: str, side: float) -> Figure:
    """A mosaic for each network, of the same shape, with tiles of this side in inches; "" is a network without name."""
    count, height, width = next(iter(networks.values())).images.shape
    rows, columns = grid_shape(count)
    wide, high = columns * side, rows * side * height / width
    caption = READING
    for name, normalized in networks.items():
        caption += _silent(normalized, f" of the {name} network" if name else "")
    whole_width = MARGIN + len(networks) * (wide + MARGIN) + SCALE
    bottom = LINE * len(caption_lines(caption, whole_width)) + MARGIN
    figure = new_placed_figure(whole_width, bottom + high + (0.35 if len(networks) == 1 else 0.6))
    for number, (name, normalized) in enumerate(networks.items()):
        axes = place_axes(figure, MARGIN + number * (wide + MARGIN), bottom, wide, high)
        _draw_mosaic(axes, normalized, side)
        axes.set_title(name, fontsize=11, y=1)  # a place that matplotlib need not look for
    figure.suptitle(heading, fontsize=12, y=1 - 0.07 / figure.get_figheight())
    _draw_scale(place_axes(figure, whole_width - SCALE, bottom, 0.11, high))
    add_caption(figure, caption + ".")
    return figure


def _draw_mosaic(axes: Axes, normalized: NormalizedMaps, side: float) -> None:
    """One image for all tiles; the gaps, and tiles with nothing to show, are transparent."""
    images = normalized.images.numpy()
    count, height, width = images.shape
    rows, columns = grid_shape(count)
    gap = max(1, round(GAP * width))
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap)
    mosaic = np.zeros((*shape, 4), np.uint8)  # in colours, which matplotlib would work out again at every drawing
    size = min(8.0, max(6.0, 7 * side + 0.5))
    em = size / 72 / side * (width + gap)  # in pixels of the maps
    boxes = []
    for channel, status in enumerate(normalized.status):
        top, left = channel // columns * (height + gap), channel % columns * (width + gap)
        if status == "ok":
            mosaic[top : top + height, left : left + width] = COLORS(images[channel], bytes=True)
        else:
            _mark(axes, left, top, width, height, status, size)
        right, bottom = left + (0.3 + DIGIT * len(str(channel))) * em, top + 1.1 * em
        boxes.append([(left, top), (right, top), (right, bottom), (left, bottom)])
        axes.text(left + 0.15 * em, top + 0.92 * em, str(channel), fontsize=size, color="white")
    axes.add_collection(PolyCollection(boxes, facecolor="black", alpha=0.65, linewidth=0), autolim=False)
    # Enlarged pixels stay sharp squares; maps larger than their tile are averaged down, matplotlib's default.
    interpolation = "nearest" if 100 * side > width else None
    axes.imshow(mosaic, interpolation=interpolation, aspect="auto")
    axes.set_axis_off()


def _mark(axes: Axes, left: float, top: float, width: float, height: float, status: str, size: float) -> None:
    corner = (left - 0.5, top - 0.5)
    axes.add_patch(Rectangle(corner, width, height, facecolor="0.93", edgecolor="0.7", hatch="///", linewidth=0.5))
    axes.text(
        left + width / 2,
        top + height / 2,
        status.replace(" ", "\n"),
        fontsize=size,
        color="#b71c1c",
        ha="center",
        va="center",
        bbox={"boxstyle": "square,pad=0.2", "facecolor": "0.93", "linewidth": 0},
    )


def _draw_scale(place: Axes) -> None:
    """The colours from a channel's lowest value to its highest; without the ticks of a colour bar drawn much faster."""
    place.imshow(np.linspace(1, 0, 256)[:, None], cmap=COLORS, aspect="auto")
    place.set_axis_off()
    for label, height, alignment in (("its lowest", 0, "bottom"), ("its highest", 1, "top")):
        place.text(1.4, height, label, rotation=90, fontsize=8, va=alignment, transform=place.transAxes)


def _size(normalized: NormalizedMaps) -> str:
    count, height, width = normalized.images.shape
    return f"{count} channels of {height}×{width}"


def _silent(normalized: NormalizedMaps, whose: str = "") -> str:
    """For the caption: which channels show nothing, and why."""
    parts = []
    for status in ("dead", "constant", "not finite"):
        channels = [str(channel) for channel, found in enumerate(normalized.status) if found == status]
        if channels:
            listed = ", ".join(channels) if len(channels) <= 12 else f"{len(channels)} channels"
            parts.append(f"{status}: {listed}")
    return f"; hatched channels{whose} have nothing to show ({'; '.join(parts)})" if parts else ""
