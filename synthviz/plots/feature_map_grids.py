"""Figures of feature maps, all channels of a layer as one mosaic, and of a convolution's filters."""

from __future__ import annotations

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Rectangle
from torch import Tensor

from synthviz.cnn.feature_statistics import NormalizedMaps, normalize_maps
from synthviz.plots.layout import LINE, add_caption, caption_lines, new_figure, new_placed_figure, place_axes
from synthviz.plots.style import default_style

COLORS = colormaps["viridis"]
DIGIT = 0.64  # width of a digit, as a share of the font size
GAP = 0.04  # gap between two tiles, as a share of a tile's side
TILE = 0.9  # inches; the smallest side of a tile, 90 pixels at 100 dpi
BODY = 7.8  # inches; the smallest width of a mosaic
MARGIN = 0.12  # inches
SCALE = 0.36  # inches; the width of the colour scale with its labels
READING = (
    "Each numbered tile shows one channel in its own range, with its strongest hundredth in yellow: it is bright where "
    "the filter responds strongly"
)


@default_style()
def feature_maps(maps: Tensor, title: str = "Feature maps", layout: str = "auto") -> Figure:
    """Draw all channels of a layer as one mosaic: 16 as 4×4, 32 as 4×8, 64 as 8×8.

    Each tile is scaled to its own range, so that the pattern of a weak channel is visible too. The tile of a channel
    without a pattern (silent, constant or not finite) is hatched and labelled, and the caption names the channel.

    Args:
        maps: (1, C, H, W) or (C, H, W), as `synthviz.capture` stores them; another layout must be named.
        title: the figure's heading.
        layout: "auto", "channels first", "channels last", "tokens" or "tokens first"; `cnn.layouts` explains them.

    Raises:
        ValueError: if the maps have another shape.
    """
    normalized = normalize_maps(maps, layout)
    _, columns = grid_shape(len(normalized.status))
    return _draw_mosaics({"": normalized}, f"{title}: {_size(normalized)}", max(TILE, BODY / columns))


@default_style()
def compare_feature_maps(
    trained: Tensor, untrained: Tensor, title: str = "Feature maps", layout: str = "auto"
) -> Figure:
    """Draw the same layer of a trained and of an untrained network side by side.

    Args:
        trained: (1, C, H, W) or (C, H, W).
        untrained: maps of the same shape.
        title: the figure's heading.
        layout: as for `feature_maps`.

    Raises:
        ValueError: if the maps have another shape, or their shapes differ.
    """
    networks = {"trained": normalize_maps(trained, layout), "untrained": normalize_maps(untrained, layout)}
    shapes = [tuple(normalized.images.shape) for normalized in networks.values()]
    if shapes[0] != shapes[1]:
        raise ValueError(f"trained has shape {shapes[0]} and untrained {shapes[1]}; give maps of the same layer")
    _, columns = grid_shape(shapes[0][0])
    return _draw_mosaics(networks, f"{title}: {_size(networks['trained'])}, of two networks", max(0.66, 4.6 / columns))


@default_style()
def filters(weights: Tensor, title: str = "Filters") -> Figure:
    """Draw the filters of a convolution that reads a picture.

    Filters for one channel have a diverging colour map centred on 0. Filters for red, green and blue are drawn in these
    colours, around a grey that means 0.

    Args:
        weights: (C, 1, h, w), (C, h, w) or (C, 3, h, w), any real numbers.
        title: the figure's heading.

    Raises:
        ValueError: if the weights have another shape.
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
    image = _draw_filters(panels.ravel(), values)
    figure.suptitle(f"{title}: {count} of {height}×{width}", fontsize=12)
    if colored:
        caption = "Each filter is drawn in the colours that it responds to; grey weights ignore the pixels under them."
    else:
        figure.colorbar(image, ax=panels, label="weight", fraction=0.03)
        caption = (
            "Red weights add the pixels under them, blue weights subtract them, and white weights ignore them; "
            "a filter with red on one side and blue on the other responds to an edge."
        )
    add_caption(figure, caption)
    return figure


def _draw_filters(panels: np.ndarray, values: np.ndarray) -> AxesImage:
    """Draw each filter, (h, w) or (3, h, w), on its panel, hide the remaining panels, and return the last image."""
    limit = max(float(np.abs(values).max()), 1e-12)
    for axes in panels[len(values) :]:
        axes.set_axis_off()
    for channel, (axes, weights) in enumerate(zip(panels, values, strict=False)):
        if weights.ndim == 3:
            image: AxesImage = axes.imshow(0.5 + weights.transpose(1, 2, 0) / (2 * limit))
        else:
            image = axes.imshow(weights, cmap="RdBu_r", vmin=-limit, vmax=limit)
        axes.set(xticks=[], yticks=[])
        axes.set_title(str(channel), fontsize=8, pad=3)
    return image


def grid_shape(count: int) -> tuple[int, int]:
    """Return (rows, columns) for this number of tiles.

    All rows are full if the grid is then at most 2.5 times as wide as high; otherwise the grid is nearly square.
    """
    rows = max(divisor for divisor in range(1, int(count**0.5) + 1) if count % divisor == 0)
    if count / rows > 2.5 * rows:
        rows = int(count**0.5)
    return rows, -(-count // rows)


def _draw_mosaics(networks: dict[str, NormalizedMaps], heading: str, side: float) -> Figure:
    """Draw one mosaic for each network.

    Args:
        networks: normalized maps of the same shape by the network's name; the name "" gives no title.
        heading: the figure's heading.
        side: side of a tile in inches.
    """
    count, height, width = next(iter(networks.values())).images.shape
    rows, columns = grid_shape(count)
    wide, high = columns * side, rows * side * height / width
    caption = READING
    for name, normalized in networks.items():
        caption += _explain_hatching(normalized, f" of the {name} network" if name else "")
    whole_width = MARGIN + len(networks) * (wide + MARGIN) + SCALE
    bottom = LINE * len(caption_lines(caption, whole_width)) + MARGIN
    figure = new_placed_figure(whole_width, bottom + high + (0.35 if len(networks) == 1 else 0.6))
    for number, (name, normalized) in enumerate(networks.items()):
        axes = place_axes(figure, MARGIN + number * (wide + MARGIN), bottom, wide, high)
        _draw_mosaic(axes, normalized, side)
        axes.set_title(name, fontsize=11, y=1)  # a fixed place is drawn faster
    figure.suptitle(heading, fontsize=12, y=1 - 0.07 / figure.get_figheight())
    _draw_scale(place_axes(figure, whole_width - SCALE, bottom, 0.11, high))
    add_caption(figure, caption + ".")
    return figure


def _draw_mosaic(axes: Axes, normalized: NormalizedMaps, side: float) -> None:
    """Draw one image for all tiles; the gaps and the tiles without a pattern are transparent."""
    images = normalized.images.numpy()
    count, height, width = images.shape
    rows, columns = grid_shape(count)
    gap = max(1, round(GAP * width))
    shape = (rows * (height + gap) - gap, columns * (width + gap) - gap)
    # RGBA bytes, so that matplotlib does not compute the colours again at each drawing.
    mosaic = np.zeros((*shape, 4), np.uint8)
    size = min(8.0, max(6.0, 7 * side + 0.5))
    em = size / 72 / side * (width + gap)  # the font size in pixels of the maps
    boxes = []
    for channel, status in enumerate(normalized.status):
        top, left = channel // columns * (height + gap), channel % columns * (width + gap)
        if status == "ok":
            mosaic[top : top + height, left : left + width] = COLORS(images[channel], bytes=True)
        else:
            _draw_hatched_tile(axes, left, top, width, height, status, size)
        right, bottom = left + (0.3 + DIGIT * len(str(channel))) * em, top + 1.1 * em
        boxes.append([(left, top), (right, top), (right, bottom), (left, bottom)])
        axes.text(left + 0.15 * em, top + 0.92 * em, str(channel), fontsize=size, color="white")
    axes.add_collection(PolyCollection(boxes, facecolor="black", alpha=0.65, linewidth=0), autolim=False)
    # Enlarged pixels stay sharp squares; matplotlib's default averages the pixels of maps larger than their tile.
    interpolation = "nearest" if 100 * side > width else None
    axes.imshow(mosaic, interpolation=interpolation, aspect="auto")
    axes.set_axis_off()


def _draw_hatched_tile(
    axes: Axes, left: float, top: float, width: float, height: float, status: str, size: float
) -> None:
    """Draw the tile of a channel without a pattern, labelled with the channel's status."""
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
    """Draw the colours from a channel's lowest to its highest value; a colour bar with ticks would be much slower."""
    place.imshow(np.linspace(1, 0, 256)[:, None], cmap=COLORS, aspect="auto")
    place.set_axis_off()
    for label, height, alignment in (("its lowest", 0, "bottom"), ("its highest", 1, "top")):
        place.text(1.4, height, label, rotation=90, fontsize=8, va=alignment, transform=place.transAxes)


def _size(normalized: NormalizedMaps) -> str:
    count, height, width = normalized.images.shape
    return f"{count} channels of {height}×{width}"


def _explain_hatching(normalized: NormalizedMaps, whose: str) -> str:
    """Return a clause for the caption that names the channels without a pattern, or "" if there are none."""
    parts = []
    for status in ("silent", "constant", "not finite"):
        channels = [str(channel) for channel, found in enumerate(normalized.status) if found == status]
        if channels:
            listed = ", ".join(channels) if len(channels) <= 12 else f"{len(channels)} channels"
            parts.append(f"{status}: {listed}")
    return f"; hatched channels{whose} have no pattern ({'; '.join(parts)})" if parts else ""
