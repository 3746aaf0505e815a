"""What all figures share: create a figure, place axes, add a caption, save."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from synthviz.files import user_path, whole_file
from synthviz.plots.style import StyledFigure, default_style

CAPTION_SIZE = 9
LINE = 0.16  # inches; the height of a caption's line


@default_style()
def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches; it is created without pyplot, so that it need not be closed."""
    figure = StyledFigure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


@default_style()
def new_placed_figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches without a layout engine, for use with `place_axes`.

    matplotlib draws such a figure faster, because it does not compute a layout first.
    """
    figure = StyledFigure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def place_axes(figure: Figure, left: float, bottom: float, width: float, height: float, **options: Any) -> Any:
    """Add axes at this place, in inches from the figure's lower left corner, and return them.

    The result is typed as `Any`, because matplotlib's types do not cover 3D axes. `options` are those of
    `Figure.add_axes`.
    """
    figure_width, figure_height = figure.get_size_inches()
    place = (left / figure_width, bottom / figure_height, width / figure_width, height / figure_height)
    return figure.add_axes(place, **options)


def caption_lines(text: str, width: float) -> list[str]:
    """Wrap a caption into lines that fit a figure of this width in inches."""
    return textwrap.wrap(text, int(width * 14))


@default_style()
def add_caption(figure: Figure, text: str) -> None:
    """Write a sentence about what to see under a figure; a dollar sign in it does not start a formula."""
    lines = caption_lines(text, figure.get_figwidth())
    figure.supxlabel("\n".join(lines), fontsize=CAPTION_SIZE, color="0.25", parse_math=False)


def save_figure(figure: Figure, path: str | Path, dpi: int = 100) -> Path:
    """Save a figure as PNG, completely or not at all, and return the path; the same figure gives the same bytes."""
    with default_style(), whole_file(path) as unfinished:
        # Run-length encoding takes a quarter of the default's time and makes files about a tenth larger.
        figure.savefig(unfinished, dpi=dpi, metadata={"Software": None}, pil_kwargs={"compress_type": Image.RLE})
    return user_path(path)
