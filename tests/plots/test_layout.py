"""plots/layout.py."""

from __future__ import annotations

from synthviz.plots.layout import add_caption, new_figure

NO_FORMULA = r"a $\foo$ boat"  # drawing it as a formula raises


def test_captions_are_not_drawn_as_formulas():
    figure = new_figure(3, 3)
    add_caption(figure, NO_FORMULA)
    figure.canvas.draw()
    assert figure.get_supxlabel() == NO_FORMULA
