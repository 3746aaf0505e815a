"""All feature maps of a layer as tiles, one of which is chosen: what the browser shows, as traits."""

from __future__ import annotations

from collections.abc import Sequence

import anywidget
import matplotlib
import numpy as np
import traitlets
from torch import Tensor

from synthviz.cnn.feature_statistics import normalize_maps
from synthviz.explorers.browser_modules import STYLE, bundled
from synthviz.explorers.rendering import to_bytes

LARGEST_TILE = 56  # pixels
MOST_COLUMNS = 8


class MapGrid(anywidget.AnyWidget):
    """A view that holds no logic: Python sends maps, the browser sets `chosen`.

    Attributes:
        maps: (channels, h, w) uint8, indices into `colors`.
        map_size: (h, w).
        channels: the number of each map's channel, in the order of the maps.
        chosen: index of the chosen map.
        columns: tiles in a row.
        colors: (256, 3) uint8.
    """

    _esm = bundled("maps.js")
    _css = STYLE

    maps = traitlets.Bytes().tag(sync=True)
    map_size = traitlets.Tuple((1, 1)).tag(sync=True)
    channels = traitlets.List(traitlets.Int()).tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    columns = traitlets.Int(MOST_COLUMNS).tag(sync=True)
    colors = traitlets.Bytes().tag(sync=True)

    def __init__(self) -> None:
        super().__init__(colors=matplotlib.colormaps["viridis"](np.arange(256), bytes=True)[:, :3].tobytes())

    def show(self, maps: Tensor, channels: Sequence[int]) -> None:
        """Show maps, the first one chosen.

        Args:
            maps: (channels, h, w) float32; they are scaled as in the figures.
            channels: in which order to show them.
        """
        step = -(-maps.shape[1] // LARGEST_TILE)
        scaled = to_bytes(normalize_maps(maps).images.numpy()[list(channels), ::step, ::step])
        with self.hold_sync():
            self.chosen = 0
            self.columns = min(MOST_COLUMNS, len(channels) // 2)
            self.map_size, self.channels = scaled.shape[1:], list(channels)
            self.maps = scaled.tobytes()
