"""plots/style.py: all figures look the same under every matplotlibrc."""

from __future__ import annotations

import inspect
import io
import threading

import matplotlib
import numpy as np
import pytest
import torch
from PIL import Image

import synthviz
from synthviz import plots
from synthviz.plots import input_views
from synthviz.plots.style import default_style

HOSTILE = {
    "text.usetex": True,
    "image.origin": "lower",
    "image.cmap": "jet",
    "image.interpolation": "bicubic",
    "image.aspect": "auto",
    "axes.grid": True,
    "axes.facecolor": "red",
    "axes.titlesize": 30,
    "axes.xmargin": 0.4,
    "xtick.labelsize": 25,
    "xtick.labelbottom": False,
    "ytick.direction": "in",
    "font.size": 25,
    "font.family": "monospace",
    "lines.linewidth": 6,
    "patch.force_edgecolor": True,
    "hatch.color": "blue",
    "figure.dpi": 40,
    "figure.facecolor": "black",
    "figure.autolayout": True,
    "savefig.dpi": 30,
    "savefig.facecolor": "black",
    "savefig.bbox": "tight",
    "savefig.transparent": True,
}
RAMP = torch.linspace(0, 1, 24 * 24).reshape(1, 1, 24, 24)


def prediction():
    return synthviz.cnn.predict(synthviz.SceneCNN(seed=0), synthviz.preprocess_image("no-such-picture.png"))


DRAWN = {
    "side_by_side": lambda: plots.side_by_side({"a": RAMP[0, 0]}, "A caption."),
    "picture_grid": lambda: plots.picture_grid([Image.fromarray(np.tri(9, dtype=np.uint8) * 255)], ["one"]),
    "input_visualizations": lambda: plots.input_visualizations(RAMP),
    "contour_view": lambda: input_views.contour_view(RAMP),
    "surface_view": lambda: input_views.surface_view(RAMP, 20, 30),
    "feature_maps": lambda: plots.feature_maps(torch.cat([RAMP[0], 0 * RAMP[0]])),
    "filters": lambda: plots.filters(RAMP.reshape(64, 1, 3, 3) - 0.5),
    "class_probabilities": lambda: plots.class_probabilities(prediction()),
    "verification": lambda: plots.verification(synthviz.preprocess_image("no-such-picture.png")),
}


def png(figure, **options) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format="png", **options)
    return file.getvalue()


@pytest.mark.parametrize("draw", DRAWN.values(), ids=DRAWN)
def test_a_figure_looks_the_same_under_every_matplotlibrc(draw):
    expected = png(draw())
    with matplotlib.rc_context(HOSTILE):
        assert png(draw()) == expected
        figure = draw()
    assert png(figure) == expected


def test_a_figure_shown_in_a_notebook_looks_the_same_too(tmp_path):
    """IPython asks the canvas, not the figure, to write the picture."""

    def shown() -> bytes:
        file = io.BytesIO()
        figure.canvas.print_figure(file, format="png", dpi=100, facecolor="white", bbox_inches="tight", pad_inches=0.1)
        return file.getvalue()

    figure = DRAWN["side_by_side"]()
    expected = shown()
    figure = DRAWN["side_by_side"]()
    with matplotlib.rc_context(HOSTILE):
        assert shown() == expected
        assert plots.save_figure(figure, tmp_path / "a.png").stat().st_size > 0


def test_the_arguments_of_savefig_have_their_effect():
    figure = DRAWN["side_by_side"]()
    width = Image.open(io.BytesIO(png(figure, dpi=50))).width
    assert width == Image.open(io.BytesIO(png(figure))).width // 2


def test_the_settings_of_the_user_come_back():
    with matplotlib.rc_context(HOSTILE):
        before = dict(matplotlib.rcParams.copy())
        with pytest.raises(ValueError, match="shape"):
            plots.filters(torch.zeros(3))
        assert dict(matplotlib.rcParams.copy()) == before


def test_two_threads_leave_the_settings_of_the_user_as_they_were():
    inside = threading.Event()

    def wait_inside():
        with default_style():
            inside.set()
            release.wait(10)

    def pass_through():
        with default_style():
            pass

    release = threading.Event()
    with matplotlib.rc_context({"image.origin": "lower"}):
        threads = [threading.Thread(target=wait_inside), threading.Thread(target=pass_through)]
        threads[0].start()
        assert inside.wait(10)
        threads[1].start()
        release.set()
        for thread in threads:
            thread.join(10)
        assert matplotlib.rcParams["image.origin"] == "lower"


def test_every_public_function_uses_the_default_style():
    for name in plots.__all__:
        function = getattr(plots, name)
        if inspect.isfunction(function) and name != "save_figure":
            assert hasattr(function, "__wrapped__"), name
