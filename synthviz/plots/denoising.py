"""Figures of how a picture came to be: the denoising film, and which word looked where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL.Image import Image

from synthviz.diffusion.denoising_film import DenoisingFilm
from synthviz.diffusion.word_maps import WordMaps
from synthviz.plots.layout import add_caption, new_figure

SIDE = 1.75  # inches of a panel


def contact_sheet(film: DenoisingFilm, most: int = 8) -> Figure:
    """The film, step by step: what the picture is, and under it what the model takes it for.

    Args:
        film: from `synthviz.denoising_film.record_film`.
        most: steps to show; of a longer film so many are taken at even distances, the first and last among them.
    """
    shown = np.unique(np.linspace(0, len(film.frames) - 1, most).round().astype(int)).tolist()
    rows = 2 if film.estimates else 1
    figure = new_figure(len(shown) * SIDE + 0.5, rows * (SIDE - 0.12) + 0.75)
    panels = figure.subplots(rows, len(shown), squeeze=False)
    for column, index in enumerate(shown):
        panels[0, column].imshow(film.frames[index])
        panels[0, column].set_title(f"step {index + 1}, t = {film.timesteps[index]:.0f}", fontsize=8)
        if film.estimates:
            # Schedulers of second order estimate twice a step.
            last = round((index + 1) * len(film.estimates) / len(film.frames)) - 1
            panels[1, column].imshow(film.estimates[last])
    for axes in panels.flat:
        axes.set(xticks=[], yticks=[])
    panels[0, 0].set_ylabel("after the step", fontsize=9)
    if film.estimates:
        panels[1, 0].set_ylabel("the model's guess", fontsize=9)
    guess = "; below, where the model thinks it will end" if film.estimates else ""
    add_caption(figure, f"Noise becomes a picture, light and layout before edges{guess}.")
    return figure


def word_maps(picture: Image, maps: WordMaps, words: Sequence[str] = ()) -> Figure:
    """Where each word looked, over the picture, averaged over layers and steps.

    Args:
        picture: the picture that the maps belong to.
        maps: from `synthviz.word_maps`.
        words: which to show; none for every word, each once.

    Raises:
        ValueError: for a word that the prompt does not have.
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
        "Bright where pixels took what they need from the word, each word on its own scale; words such as “a” and "
        "“over” say little, and their maps mean little.",
    )
    return figure


def word_map_over_time(picture: Image, maps: WordMaps, word: str, most: int = 8) -> Figure:
    """Where one word looked at every step.

    Args:
        picture: the picture that the maps belong to.
        maps: from `synthviz.word_maps`.
        word: which.
        most: steps to show, at even distances.

    Raises:
        ValueError: for a word that the prompt does not have.
    """
    over_time = maps.over_time(word).numpy()
    shown = np.unique(np.linspace(0, len(over_time) - 1, most).round().astype(int)).tolist()
    figure = new_figure(len(shown) * SIDE, SIDE + 0.95)
    panels = figure.subplots(1, len(shown), squeeze=False)[0]
    for axes, index in zip(panels, shown, strict=True):
        _overlay(axes, picture, over_time[index])
        axes.set_axis_off()
        axes.set_title(f"t = {maps.timesteps[index]:.0f}", fontsize=8)
    figure.suptitle(f"“{word}”, step by step", fontsize=11, parse_math=False)
    add_caption(figure, "From pure noise on the left to the finished picture: the word finds its place early.")
    return figure


def _overlay(axes: Axes, picture: Image, heatmap: np.ndarray) -> None:
    """A heatmap, stretched from its least to its greatest value, over a pale picture."""
    low, high = heatmap.min(), heatmap.max()
    stretched = (heatmap - low) / max(high - low, 1e-12)
    extent = (-0.5, picture.width - 0.5, picture.height - 0.5, -0.5)
    axes.imshow(picture.convert("L"), cmap="gray", vmin=-120, vmax=330)
    axes.imshow(stretched, cmap="viridis", vmin=0, vmax=1, alpha=0.6, extent=extent, interpolation="bilinear")
