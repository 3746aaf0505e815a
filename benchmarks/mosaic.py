"""64 feature maps as one mosaic, compared with 64 subplots: `python -m benchmarks.mosaic`.

Both are saved as PNG files of about the same size in pixels, with a number at every map: one with
`synthviz.plots.feature_maps`, the other with pyplot, as in matplotlib's documentation.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import torch
from torch import Tensor

from benchmarks.side_by_side import Row, command_line, in_turns, row
from synthviz.plots import feature_maps, save_figure
from synthviz.plots.feature_map_grids import grid_shape

DPI = 100


def save_subplots(maps: Tensor, path: Path) -> None:
    """Save every map of (1, C, H, W) in its own numbered subplot."""
    rows, columns = grid_shape(maps.shape[1])
    figure, panels = plt.subplots(rows, columns, figsize=(8, 8 * rows / columns))
    for channel, axes in enumerate(panels.flat):
        axes.imshow(maps[0, channel], cmap="viridis")
        axes.set_title(str(channel), fontsize=7)
        axes.axis("off")
    plt.savefig(path, dpi=DPI)
    plt.close(figure)


def measure(repeats: int) -> list[Row]:
    """Measure both ways."""
    mpl.use("agg")
    maps = torch.rand(1, 64, 52, 52, generator=torch.Generator().manual_seed(0))
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = Path(folder, "ours.png"), Path(folder, "theirs.png")
        seconds = in_turns(
            {
                "mosaic": lambda: save_figure(feature_maps(maps), ours, DPI),
                "subplots": lambda: save_subplots(maps, theirs),
            },
            repeats,
        )
    return [row("64 maps as a figure, saved", "64 subplots", 1 / 5, seconds["mosaic"], seconds["subplots"])]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
