"""plots/pictures.py."""

from __future__ import annotations

import pytest
from matplotlib.text import Text
from PIL import Image

from synthviz import plots

PICTURE = Image.new("RGB", (8, 8), "teal")
NO_FORMULA = r"a $\foo$ boat"  # drawing it as a formula raises


def test_titles_and_captions_are_not_drawn_as_formulas():
    figure = plots.picture_grid([PICTURE, PICTURE], [NO_FORMULA, "5$ or 6$"], caption=NO_FORMULA)
    figure.canvas.draw()
    assert [axes.get_title() for axes in figure.axes] == [NO_FORMULA, "5$ or 6$"]
    assert not any(text.get_parse_math() for text in figure.findobj(Text) if "$" in text.get_text())


def test_missing_titles_and_pictures_are_rejected():
    with pytest.raises(ValueError, match="1 titles for 2 pictures"):
        plots.picture_grid([PICTURE, PICTURE], ["one"])
    with pytest.raises(ValueError, match="pictures is empty"):
        plots.picture_grid([])
