"""PNG bytes have the right pixels and colours."""

from __future__ import annotations

import io

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from synthviz.explorers.rendering import colored, enlarged, figure_png, laid_over, to_bytes, to_png


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_png_keeps_the_pixels():
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    assert np.array_equal(opened(to_png(picture)), picture)


def test_enlarged_pixels_are_sharp_squares():
    picture = np.array([[0, 255]], np.uint8)
    assert np.array_equal(opened(to_png(picture, side=4)), [[0, 0, 255, 255]] * 2)


def test_colours_equal_those_of_matplotlibs_colour_map():
    values = np.array([[-1.0, 0.0, 0.5, 1.0, 2.0]])
    expected = matplotlib.colormaps["viridis"]([0.0, 0.0, 0.5, 1.0, 1.0], bytes=True)[:, :3]
    assert np.array_equal(colored(values, 0, 1)[0], expected)


def test_a_constant_map_does_not_divide_by_zero():
    assert colored(np.zeros((2, 2)), 0, 0).shape == (2, 2, 3)


@pytest.mark.parametrize(("opacity", "expected"), [(0.0, 100), (1.0, 200), (0.25, 125), (np.full((2, 2), 0.5), 150)])
def test_laid_over_mixes_by_opacity(opacity, expected):
    below, above = np.full((2, 2, 3), 100, np.uint8), np.full((2, 2, 3), 200, np.uint8)
    assert (laid_over(below, above, opacity) == expected).all()


def test_to_bytes_clips_and_shows_nan_as_black():
    assert to_bytes(np.array([-1.0, 0.0, 0.5, 1.0, 3.0, np.nan])).tolist() == [0, 0, 128, 255, 255, 0]


def test_enlarged_keeps_the_mean():
    values = np.random.default_rng(0).random((8, 8))
    large = enlarged(values, 64, 96)
    assert large.shape == (64, 96)
    assert large.mean() == pytest.approx(values.mean(), abs=0.02)


def test_a_figure_keeps_its_size():
    figure = Figure(figsize=(2, 1))
    assert opened(figure_png(figure)).shape[:2] == (100, 200)
