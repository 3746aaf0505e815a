"""plots/input_views.py."""

import matplotlib._pylab_helpers
import numpy as np
import pytest
import torch

from synthviz import plots


@pytest.fixture
def tensor():
    return torch.linspace(0, 1, 224 * 224).view(1, 1, 224, 224)


def test_three_views_show_the_same_numbers(tensor):
    figure = plots.input_visualizations(tensor)
    titles = [axes.get_title() for axes in figure.axes]
    assert [title.split(",")[0] for title in titles[:2]] == ["heatmap", "contour"]
    assert "surface" in titles
    np.testing.assert_array_equal(figure.axes[0].images[0].get_array(), tensor[0, 0].numpy())
    for axes in figure.axes:
        if axes.get_title():
            assert axes.get_xlabel() == "column (pixels)"
            assert axes.get_ylabel() == "row (pixels)"
            assert axes.yaxis_inverted()  # row 0 is at the top, as in the picture
    assert "224×224" in figure.get_supxlabel()


def test_the_surface_has_one_point_for_each_block(tensor):
    figure = plots.input_visualizations(tensor)
    surface = next(axes for axes in figure.axes if axes.get_title() == "surface").collections[0]
    assert len(surface.get_facecolor()) == 55 * 55


def test_odd_sizes_and_blank_pictures_are_drawn():
    for shape in ((1, 1, 50, 33), (1, 1, 2, 2)):
        assert plots.input_visualizations(torch.zeros(shape)).axes


def test_wrong_shapes_are_rejected():
    with pytest.raises(ValueError, match=r"\(1, 3, 8, 8\)"):
        plots.input_visualizations(torch.zeros(1, 3, 8, 8))


def test_the_same_tensor_gives_the_same_bytes_and_no_figure_stays_open(tensor, tmp_path):
    first = plots.save_figure(plots.input_visualizations(tensor), tmp_path / "first.png").read_bytes()
    assert plots.save_figure(plots.input_visualizations(tensor), tmp_path / "again.png").read_bytes() == first
    assert not matplotlib._pylab_helpers.Gcf.figs
