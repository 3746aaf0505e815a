"""What every figure shares: how it is made, captioned and saved."""

from __future__ import annotations

import textwrap
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from synthviz.records import whole_file

CAPTION_SIZE = 9


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, made without pyplot, so that nothing stays open."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def add_caption(figure: Figure, text: str) -> None:
    """Put one sentence under a figure that says what to see."""
    width = int(figure.get_figwidth() * 14)
    figure.supxlabel(textwrap.fill(text, width), fontsize=CAPTION_SIZE, color="0.25")


def save_figure(figure: Figure, path: str | Path, dpi: int = 100) -> Path:
    """Save a figure as PNG, whole or not at all; the same figure gives the same bytes. Returns the path."""
    with whole_file(path) as unfinished:
        figure.savefig(unfinished, dpi=dpi, metadata={"Software": None})
    return Path(path)
