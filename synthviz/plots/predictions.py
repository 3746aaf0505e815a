"""Figures of predictions: the probability of each class as bars."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from synthviz.cnn.predictions import Prediction
from synthviz.plots.layout import add_caption, new_figure
from synthviz.plots.style import default_style

WINNER = "#2c728e"  # from viridis
OTHER = "#b8cdd6"
INVALID = "0.8"
ALARM = "#b71c1c"


@default_style()
def class_probabilities(prediction: Prediction) -> Figure:
    """Draw the probability of each class as a bar; the most probable class is dark, an invalid prediction all grey."""
    figure = new_figure(7.5, 4.4)
    _draw_bars(figure.subplots(), prediction, _describe(prediction))
    if prediction.valid:
        chance = 1 / len(prediction.probabilities)
        caption = (
            f"The probabilities sum to 1; a network that only guesses gives each class {chance:.0%} (dotted line)."
        )
    else:
        caption = f"Not valid: the network received the test pattern instead of the picture ({prediction.reason})."
    add_caption(figure, caption)
    return figure


@default_style()
def compare_class_probabilities(trained: Prediction, untrained: Prediction) -> Figure:
    """Draw the predictions of a trained and of an untrained network for the same picture side by side.

    Raises:
        ValueError: if the classes of the two networks differ.
    """
    if list(trained.probabilities) != list(untrained.probabilities):
        raise ValueError(f"the classes differ: {list(trained.probabilities)} and {list(untrained.probabilities)}")
    figure = new_figure(11, 4.4)
    left, right = figure.subplots(1, 2, sharey=True)
    _draw_bars(left, trained, f"trained: {_describe(trained)}")
    _draw_bars(right, untrained, f"untrained: {_describe(untrained)}")
    chance = 1 / len(trained.probabilities)
    if trained.valid and untrained.valid:
        caption = (
            f"Training makes the difference: the untrained network only guesses, with probabilities near {chance:.0%}."
        )
    else:
        reason = trained.reason or untrained.reason
        caption = f"Not valid: the networks received the test pattern instead of the picture ({reason})."
    add_caption(figure, caption)
    return figure


def _draw_bars(axes: Axes, prediction: Prediction, title: str) -> None:
    names, values = list(prediction.probabilities), list(prediction.probabilities.values())
    colors = [INVALID if not prediction.valid else WINNER if name == prediction.class_name else OTHER for name in names]
    axes.barh(names, values, color=colors, height=0.72)
    for row, value in enumerate(values):
        axes.text(value + 0.012, row, _percent(value), va="center", fontsize=8.5, color="0.3")
    axes.axvline(1 / len(names), color="0.5", linewidth=0.8, linestyle=":")
    axes.set(xlim=(0, 1.12), xticks=[0, 0.25, 0.5, 0.75, 1], xlabel="probability")
    axes.set_title(title, fontsize=12, color="black" if prediction.valid else ALARM)
    if not axes.yaxis_inverted():
        axes.invert_yaxis()
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)


def _describe(prediction: Prediction) -> str:
    if not prediction.valid:
        return "NOT VALID (test pattern)"
    return f"{prediction.class_name}, {_percent(prediction.probability)}"


def _percent(value: float) -> str:
    return "< 0.1%" if 0 < value < 0.001 else f"{value:.1%}"
