"""plots/denoising.py."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from synthviz import plots
from synthviz.diffusion.denoising_film import DenoisingFilm
from synthviz.diffusion.generation import GeneratedPicture
from synthviz.diffusion.word_maps import WordMaps

PICTURE = Image.new("RGB", (32, 32), "teal")


def film(steps: int, estimates: int) -> DenoisingFilm:
    frames = tuple(Image.new("RGB", (32, 32), (number, 0, 0)) for number in range(steps))
    estimated = tuple(Image.new("RGB", (32, 32), (0, number, 0)) for number in range(estimates))
    return DenoisingFilm(
        GeneratedPicture(frames[-1], {}), frames, estimated, tuple(float(steps - i) for i in range(steps))
    )


@pytest.fixture
def maps():
    layer = torch.zeros(4, 3, 2, 2)
    layer[:, 0, 0, 0] = layer[:, 1, 1, 1] = 0.5
    return WordMaps(("red", "boat", "red"), (900.0, 600.0, 300.0, 1.0), {"layer": layer}, (4, 4))


def reds(figure, row, columns) -> list[int]:
    return [
        int(np.asarray(figure.axes[row * columns + column].images[0].get_array())[0, 0, row])
        for column in range(columns)
    ]


def test_the_steps_of_a_long_film_are_evenly_spaced():
    figure = plots.contact_sheet(film(25, 25), most=7)
    assert len(figure.axes) == 14
    assert reds(figure, 0, 7) == reds(figure, 1, 7) == [0, 4, 8, 12, 16, 20, 24]
    assert figure.axes[0].get_title() == "step 1, t = 25"


def test_short_films_and_films_without_estimates_are_drawn():
    assert len(plots.contact_sheet(film(3, 0)).axes) == 3
    assert len(plots.contact_sheet(film(1, 1)).axes) == 2


def test_the_last_of_two_estimates_in_a_step_is_drawn():
    figure = plots.contact_sheet(film(4, 7))  # a second-order scheduler
    assert reds(figure, 1, 4) == [1, 3, 4, 6]


def test_each_word_or_only_the_chosen_words_are_drawn(maps):
    titles = [axes.get_title() for axes in plots.word_maps(PICTURE, maps).axes if axes.get_title()]
    assert titles == ["the picture", "“red”", "“boat”"]
    figure = plots.word_maps(PICTURE, maps, ["boat"])
    heat = np.asarray(figure.axes[1].images[1].get_array())
    assert heat[-1, -1] == heat.max() == 1
    assert heat[0, 0] == heat.min() == 0
    with pytest.raises(ValueError, match="bird"):
        plots.word_maps(PICTURE, maps, ["bird"])


def test_one_word_is_drawn_at_each_step(maps):
    figure = plots.word_map_over_time(PICTURE, maps, "boat")
    assert [axes.get_title() for axes in figure.axes] == ["t = 900", "t = 600", "t = 300", "t = 1"]


def test_an_even_attention_map_is_drawn():
    flat = WordMaps(("a",), (1.0,), {"layer": torch.full((1, 1, 2, 2), 0.1)}, (4, 4))
    plots.word_maps(PICTURE, flat).canvas.draw()


def test_words_are_not_drawn_as_formulas():
    word = r"$\foo$"  # drawing it as a formula raises
    maps = WordMaps((word,), (1.0,), {"layer": torch.rand(1, 1, 2, 2)}, (4, 4))
    for figure in (plots.word_maps(PICTURE, maps), plots.word_map_over_time(PICTURE, maps, word)):
        figure.canvas.draw()
