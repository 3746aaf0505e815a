"""plots/predictions.py."""

from dataclasses import replace

import matplotlib._pylab_helpers
import pytest

from synthviz import plots
from synthviz.cnn.predictions import Prediction
from synthviz.plots.predictions import INVALID, OTHER, WINNER
from synthviz.scenes import PLACES


@pytest.fixture
def prediction():
    probabilities = dict.fromkeys(PLACES, 0.02) | {"desert": 0.82}
    return Prediction("desert", 0.82, probabilities, valid=True, reason=None)


def colors(axes):
    from matplotlib.colors import to_rgba

    known = {to_rgba(color): color for color in (WINNER, OTHER, INVALID)}
    return [known[bar.get_facecolor()] for bar in axes.patches]


def test_the_bars_show_the_probabilities(prediction):
    axes = plots.class_probabilities(prediction).axes[0]
    assert [bar.get_width() for bar in axes.patches] == list(prediction.probabilities.values())
    assert [label.get_text() for label in axes.get_yticklabels()] == list(PLACES)
    assert colors(axes) == [WINNER if place == "desert" else OTHER for place in PLACES]
    assert axes.get_title() == "desert, 82.0%"
    assert axes.yaxis_inverted()  # the first class is on top


def test_the_class_of_a_test_pattern_is_not_named(prediction):
    figure = plots.class_probabilities(replace(prediction, valid=False, reason="the file is empty"))
    assert set(colors(figure.axes[0])) == {INVALID}
    assert "NOT VALID" in figure.axes[0].get_title()
    assert "desert" not in figure.axes[0].get_title()
    assert "the file is empty" in figure.get_supxlabel()


def test_trained_and_untrained_are_drawn_side_by_side(prediction):
    even = Prediction("city", 0.1, dict.fromkeys(PLACES, 0.1), valid=True, reason=None)
    left, right = plots.compare_class_probabilities(prediction, even).axes
    assert left.get_title() == "trained: desert, 82.0%"
    assert right.get_title() == "untrained: city, 10.0%"
    assert [bar.get_width() for bar in right.patches] == [0.1] * 10
    assert left.yaxis_inverted()
    with pytest.raises(ValueError, match="cat"):
        plots.compare_class_probabilities(prediction, replace(even, probabilities={"cat": 1.0}))


def test_the_same_prediction_gives_the_same_bytes_and_no_figure_stays_open(prediction, tmp_path):
    first = plots.save_figure(plots.class_probabilities(prediction), tmp_path / "first.png").read_bytes()
    assert plots.save_figure(plots.class_probabilities(prediction), tmp_path / "again.png").read_bytes() == first
    assert not matplotlib._pylab_helpers.Gcf.figs
