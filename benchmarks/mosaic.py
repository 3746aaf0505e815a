"""64 feature maps as one mosaic against 64 subplots: `python benchmarks/mosaic.py`.

Both are drawn to PNG in turns, in one process: `synthviz.plots.feature_maps`, and what a user would write instead.
"""

from __future__ import annotations

import io
import statistics
import time

import torch
from matplotlib.figure import Figure

from synthviz.plots import feature_maps, new_figure

ROUNDS = 7


def subplots(maps: torch.Tensor) -> Figure:
    figure = new_figure(8, 8)
    for axes, image in zip(figure.subplots(8, 8).flat, maps[0].numpy(), strict=True):
        axes.imshow(image, cmap="viridis")
        axes.set_axis_off()
    return figure


def main() -> None:
    maps = torch.rand(1, 64, 52, 52, generator=torch.Generator().manual_seed(0))
    seconds: dict[str, list[float]] = {"mosaic": [], "subplots": []}
    for _ in range(ROUNDS + 1):
        for name, draw in (("mosaic", feature_maps), ("subplots", subplots)):
            started = time.perf_counter()
            draw(maps).savefig(io.BytesIO(), format="png", dpi=100)
            seconds[name].append(time.perf_counter() - started)
    for name, taken in seconds.items():
        print(f"{name}: median {statistics.median(taken[1:]):.2f} s")
    ratios = [short / long for short, long in zip(seconds["mosaic"][1:], seconds["subplots"][1:], strict=True)]
    print(f"the mosaic takes 1/{1 / statistics.median(ratios):.1f} of the subplots' time (median of {ROUNDS} rounds)")


if __name__ == "__main__":
    main()
