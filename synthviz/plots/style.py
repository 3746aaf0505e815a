"""The style of all figures: matplotlib's defaults, whatever the user's matplotlibrc or rcParams say.

A matplotlibrc is made for the user's own figures. In ours `image.origin: lower` would turn pictures upside down, and
`text.usetex: True` would need LaTeX.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.figure import Figure

# What is no matter of style: windows, and how a process draws.
NO_STYLE = ("backend", "interactive", "toolbar", "webagg.", "tk.", "keymap.", "savefig.directory", "date.epoch")
_one_at_a_time = threading.RLock()  # explorers draw in threads, and matplotlib has one set of rcParams for all of them


@contextmanager
def default_style() -> Iterator[None]:
    """Use matplotlib's default settings inside the block or function, and restore the user's settings afterwards."""
    defaults = {
        name: value for name, value in matplotlib.rcParamsDefault.copy().items() if not name.startswith(NO_STYLE)
    }
    with _one_at_a_time:
        present = dict(matplotlib.rcParams.copy())
        changed = {name: value for name, value in defaults.items() if present[name] != value}
        with matplotlib.rc_context(changed):
            yield


class StyledFigure(Figure):
    """A figure that is drawn and saved in the default style, whoever draws or saves it.

    matplotlib reads some settings only then: the ticks' labels, the fonts, and how a file is written. An argument of
    `savefig` still has its effect.
    """

    @default_style()
    def draw(self, renderer: Any) -> None:
        """Draw the figure with a renderer of matplotlib."""
        super().draw(renderer)

    @default_style()
    def get_tightbbox(self, *args: Any, **options: Any) -> Any:
        """Return the box around everything that is drawn, in inches."""
        return super().get_tightbbox(*args, **options)

    @default_style()
    def savefig(self, fname: Any, **options: Any) -> None:
        """Save the figure, as `matplotlib.figure.Figure.savefig` does."""
        super().savefig(fname, **options)
