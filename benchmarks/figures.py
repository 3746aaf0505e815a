"""Draw and save the four figures of notebook 3: `python -m benchmarks.figures`.

The figures show the input as heatmap, contour and surface, and the feature maps of three layers. `synthviz.plots` is
compared with plain pyplot, as in matplotlib's examples. Both start from the same tensors and write four PNG files of
about the same size in pixels.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from benchmarks.mosaic import DPI, save_subplots
from benchmarks.side_by_side import Row, command_line, in_turns, row
from synthviz.cnn.features import capture
from synthviz.cnn.network import SceneCNN
from synthviz.plots import feature_maps, input_visualizations, save_figure
from synthviz.preprocessing.image import preprocess_image
from synthviz.shipped_pictures import shipped_pictures

LAYERS = ("conv1", "conv2", "conv3")


def save_here(x: Tensor, maps: dict[str, Tensor], folder: Path) -> None:
    """Save the four figures with synthviz."""
    save_figure(input_visualizations(x), folder / "input.png", DPI)
    for name in LAYERS:
        save_figure(feature_maps(maps[name], name), folder / f"{name}.png", DPI)


def save_plainly(x: Tensor, maps: dict[str, Tensor], folder: Path) -> None:
    """Save the four figures with pyplot."""
    save_input_plainly(x[0, 0].numpy(), folder / "input.png")
    for name in LAYERS:
        save_subplots(maps[name], folder / f"{name}.png")


def save_input_plainly(values: np.ndarray, path: Path) -> None:
    """Save the input (H, W) as heatmap, contour and surface, each with matplotlib's defaults."""
    figure = plt.figure(figsize=(13.5, 4.9))
    heatmap, contour = figure.add_subplot(1, 3, 1), figure.add_subplot(1, 3, 2)
    surface = figure.add_subplot(1, 3, 3, projection="3d")
    rows, columns = np.indices(values.shape)
    for axes, drawn, title in (
        (heatmap, heatmap.imshow(values, cmap="viridis"), "heatmap"),
        (contour, contour.contourf(values, 10, cmap="viridis"), "contour"),
        (surface, surface.plot_surface(columns, rows, values, cmap="viridis"), "surface"),
    ):
        axes.set_title(title)
        figure.colorbar(drawn, ax=axes)
    plt.savefig(path, dpi=DPI)
    plt.close(figure)


def measure(repeats: int) -> list[Row]:
    """Measure both ways."""
    mpl.use("agg")
    model, x = SceneCNN.pretrained(), preprocess_image(shipped_pictures()[0]).tensor
    with torch.no_grad(), capture(model, LAYERS) as maps:
        model(x)
    with tempfile.TemporaryDirectory() as ours, tempfile.TemporaryDirectory() as theirs:
        seconds = in_turns(
            {
                "here": lambda: save_here(x, maps, Path(ours)),
                "there": lambda: save_plainly(x, maps, Path(theirs)),
            },
            repeats,
        )
    return [row("four figures, the input and three layers, saved", "pyplot", 1 / 4, seconds["here"], seconds["there"])]


def main() -> None:
    """Measure from the command line."""
    command_line(measure, __doc__, repeats=20)


if __name__ == "__main__":
    main()
