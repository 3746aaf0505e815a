"""Figures of a generation: the denoising film, and the attention maps of the prompt's words."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL.Image import Image

from synthviz.diffusion.denoising_film import DenoisingFilm
from synthviz.diffusion.word_maps import WordMaps
from synthviz.plots.layout import add_caption, new_figure
from synthviz.plots.style import default_style

SIDE = 2.1  # inches; the side of a panel
COLUMNS = 4  # of steps; a wider figure would be shrunk on a page, and its type with it


@default_style()
def contact_sheet(film: DenoisingFilm, most: int = 8) -> Figure:
    """Draw the steps of a film, four in a row, and under each step the model's estimate of the finished picture.

    Args:
        film: the result of `synthviz.denoising_film.record_film`.
        most: the largest number of steps to draw. From a longer film the function draws this many, evenly spaced, with
            the first and the last step.
    """
    shown = _evenly_spaced(len(film.frames), most)
    columns = min(COLUMNS, len(shown))
    lines, each = -(-len(shown) // columns), 2 if film.estimates else 1
    figure = new_figure(columns * SIDE + 0.4, lines * (each * (SIDE - 0.1) + 0.25) + 0.5)
    grid = figure.add_gridspec(lines * each, columns)
    places = [(each * (number // columns), number % columns) for number in range(len(shown))]
    for index, (row, column) in zip(shown, places, strict=True):
        axes = figure.add_subplot(grid[row, column])
        axes.imshow(film.frames[index])
        axes.set_title(f"step {index + 1}, t = {film.timesteps[index]:.0f}", fontsize=9)
        axes.set(xticks=[], yticks=[], ylabel="" if column else "after the step")
    for index, (row, column) in zip(shown if film.estimates else [], places, strict=False):
        # Second-order schedulers make two estimates in a step; the last one is drawn.
        last = round((index + 1) * len(film.estimates) / len(film.frames)) - 1
        axes = figure.add_subplot(grid[row + 1, column])
        axes.imshow(film.estimates[last])
        axes.set(xticks=[], yticks=[], ylabel="" if column else "the model's guess")
    guess = "; under each step stands what the model then expects as the finished picture" if film.estimates else ""
    add_caption(figure, f"Noise becomes a picture: light and layout appear first, edges later{guess}.")
    return figure


@default_style()
def word_maps(picture: Image, maps: WordMaps, words: Sequence[str] = ()) -> Figure:
    """Draw the attention map of each word over the picture, averaged over layers and steps.

    Args:
        picture: the picture that the maps belong to.
        maps: recorded by `synthviz.word_maps`.
        words: the words to draw; without them the function draws every word of the prompt once.

    Raises:
        ValueError: if the prompt does not contain a word.
    """
    words = list(words) or list(dict.fromkeys(maps.words))
    columns = min(5, len(words) + 1)
    rows = -(-(len(words) + 1) // columns)
    figure = new_figure(columns * 2.2, rows * 2.45 + 0.6)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_axis_off()
    panels[0].imshow(picture)
    panels[0].set_title("the picture", fontsize=10)
    for axes, word in zip(panels[1:], words, strict=False):
        _overlay(axes, picture, maps.heatmap(word).numpy())
        axes.set_title(f"“{word}”", fontsize=10, parse_math=False)
    add_caption(
        figure,
        "A map is bright where the pixels attend to the word, and each map has its own scale; words such as “a” and "
        "“over” mean little, and so do their maps.",
    )
    return figure


@default_style()
def word_map_over_time(picture: Image, maps: WordMaps, word: str, most: int = 8) -> Figure:
    """Draw the attention map of one word at each step.

    Args:
        picture: the picture that the maps belong to.
        maps: recorded by `synthviz.word_maps`.
        word: a word of the prompt.
        most: the largest number of steps to draw, evenly spaced.

    Raises:
        ValueError: if the prompt does not contain the word.
    """
    over_time = maps.over_time(word).numpy()
    shown = _evenly_spaced(len(over_time), most)
    columns = min(COLUMNS, len(shown))
    rows = -(-len(shown) // columns)
    figure = new_figure(columns * SIDE, rows * (SIDE + 0.2) + 0.75)
    for number, index in enumerate(shown, start=1):
        axes = figure.add_subplot(rows, columns, number)
        _overlay(axes, picture, over_time[index])
        axes.set_axis_off()
        axes.set_title(f"t = {maps.timesteps[index]:.0f}", fontsize=9)
    figure.suptitle(f"“{word}”, step by step", fontsize=11, parse_math=False)
    add_caption(figure, "The steps lead from pure noise to the finished picture: the word finds its place early.")
    return figure


def _evenly_spaced(count: int, most: int) -> list[int]:
    """Return at most `most` of the indices below `count`, evenly spaced, with the first and the last."""
    indices: list[int] = np.unique(np.linspace(0, count - 1, most).round().astype(int)).tolist()
    return indices


def _overlay(axes: Axes, picture: Image, heatmap: np.ndarray) -> None:
    """Draw a heatmap, scaled from its minimum to its maximum, over a pale grey picture."""
    low, high = heatmap.min(), heatmap.max()
    scaled = (heatmap - low) / max(high - low, 1e-12)
    extent = (-0.5, picture.width - 0.5, picture.height - 0.5, -0.5)
    axes.imshow(picture.convert("L"), cmap="gray", vmin=-120, vmax=330)
    axes.imshow(scaled, cmap="viridis", vmin=0, vmax=1, alpha=0.6, extent=extent, interpolation="bilinear")
