"""plots/pictures.py and plots/layout.py: pictures in a grid, and what people wrote under and over them."""

from __future__ import annotations

import pytest
from matplotlib.text import Text
from PIL import Image

from synthviz import plots
from synthviz.plots.layout import add_caption, new_figure

PICTURE = Image.new("RGB", (8, 8), "teal")
NO_FORMULA = r"a $\foo$ boat"  # drawing it as a formula raises


def test_titles_and_captions_are_text_and_no_formulas():
    figure = plots.picture_grid([PICTURE, PICTURE], [NO_FORMULA, "5$ or 6$"], caption=NO_FORMULA)
    figure.canvas.draw()
    assert [axes.get_title() for axes in figure.axes] == [NO_FORMULA, "5$ or 6$"]
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if "$" in text.get_text())


def test_every_figures_caption_is_text():
    figure = new_figure(3, 3)
    add_caption(figure, NO_FORMULA)
    figure.canvas.draw()
    assert figure.get_supxlabel() == NO_FORMULA


def test_titles_that_are_too_few_are_said():
    with pytest.raises(ValueError, match="1 titles for 2 pictures"):
        plots.picture_grid([PICTURE, PICTURE], ["one"])
    with pytest.raises(ValueError, match="pictures is empty"):
        plots.picture_grid([])
