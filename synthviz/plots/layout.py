"""What every figure shares: how it is made, captioned and saved."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from synthviz.files import whole_file

CAPTION_SIZE = 9
LINE = 0.16  # inches; the height of a line of the caption


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, made without pyplot, so that nothing stays open."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_placed_figure(width: float, height: float) -> Figure:
    """The same for figures that place their axes themselves: without a layout to work out they are drawn once."""
    figure = Figure(figsize=(width, height))
    FigureCanvasAgg(figure)
    return figure


def place_axes(figure: Figure, left: float, bottom: float, width: float, height: float, **kinds: Any) -> Any:
    """Axes at this place, in inches from the figure's lower left corner; `kinds` as for `Figure.add_axes`."""
    across, up = figure.get_size_inches()
    return figure.add_axes((left / across, bottom / up, width / across, height / up), **kinds)


def caption_lines(text: str, width: float) -> list[str]:
    """A caption in lines that fit a figure of this width in inches."""
    return textwrap.wrap(text, int(width * 14))


def add_caption(figure: Figure, text: str) -> None:
    """Put one sentence under a figure that says what to see; a dollar sign in it is no formula."""
    lines = caption_lines(text, figure.get_figwidth())
    figure.supxlabel("\n".join(lines), fontsize=CAPTION_SIZE, color="0.25", parse_math=False)


def save_figure(figure: Figure, path: str | Path, dpi: int = 100) -> Path:
    """Save a figure as PNG, whole or not at all; the same figure gives the same bytes. Returns the path."""
    with whole_file(path) as unfinished:
        # Only runs of equal bytes are looked for: a quarter of the usual time, files about a tenth larger.
        figure.savefig(unfinished, dpi=dpi, metadata={"Software": None}, pil_kwargs={"compress_type": Image.RLE})
    return Path(path)
